"""Limits are what was written, rounded once and to the strict side."""

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from couponry.instances.exact_limits import exact, round_down, round_up, row_limit


@given(st.floats(0, 1e12), st.integers(0, 10**6))
def test_exact_reads_what_was_written(number: float, factor: int) -> None:
    """A number times a whole number is rounded once only, from the decimal that was written."""
    assert exact(number) == Fraction(str(number))
    assert float(exact(0.1) * 30) == 3.0
    assert float(exact(number) * factor) == float(Fraction(str(number)) * factor)


@given(st.fractions(-1000, 1000))
def test_rounding_keeps_its_side(number: Fraction) -> None:
    """Up and down enclose the number as it would be written, and are at most neighbours."""
    below, above = round_down(number), round_up(number)
    assert exact(below) <= number <= exact(above)
    assert above == below or above - below <= 2.0**-42


@pytest.mark.parametrize(
    ("written", "unit", "side", "limit"),
    [
        (0.5, 4, -1, 2.0),
        (0.1, 25, -1, 2.5),
        (0.6666666666666666, 3, -1, 2.0),
        (0.6666666666666667, 3, 1, 2.0),
        (0.5, 0, 1, 0.0),
    ],
)
def test_limits_of_a_head(written: float, unit: int, side: int, limit: float) -> None:
    """Half of four users are two; two thirds of three, rounded once when written, are two and no more."""
    assert row_limit(written, unit, side) == limit


def test_a_hair_more_is_more() -> None:
    """The share of 39 in 149, rounded once, is met by 39 users; the next double above it is not."""
    share = 39 / 149
    assert row_limit(share, 149, -1) == 39
    assert row_limit(math.nextafter(share, 1), 149, -1) > 39
