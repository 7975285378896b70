"""Sums over a reference plan: the same by blocks as over all, and never on the wrong side."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from couponry.instances import Response
from couponry.instances.drawn.attained import Attained
from couponry.instances.reference import Reference

NO = -1


def plan(place: list[int], best: list[int], value: list[list[float]]) -> Reference:
    """Return a plan over a dense response whose cost is twice its value."""
    array = np.array(value, dtype=np.float32)
    chosen = np.array(place, dtype=np.int32)
    return Reference(
        chosen, chosen, Response({"value": array, "cost": 2 * array}), np.array(best, dtype=np.int32)
    )


def two_blocks() -> Attained:
    """Return the sums over five users in two blocks, two coupons, two groups."""
    sums = Attained({"region": 2}, 2)
    sums.add(
        plan([0, 1, NO], [0, 0, 1], [[1, 9], [5, 2], [9, 4]]), {"region": np.array([0, 0, 1], dtype=np.int32)}
    )
    sums.add(plan([NO, 1], [NO, 1], [[9, 9], [9, 8]]), {"region": np.array([1, 1], dtype=np.int32)})
    return sums


def test_sums_over_blocks() -> None:
    """Given: 1 of coupon 0, 2 and 8 of coupon 1; at best 1 and 5 of coupon 0, 4 and 8 of coupon 1."""
    sums = two_blocks()
    assert (sums.users, sums.given) == (5, 3)
    assert sums.counts.tolist() == [1, 2]
    assert sums.total("value") == 11
    assert sums.total("cost", np.array([False, True])) == 20
    assert sums.total_at_best("value") == 18
    assert sums.total_at_best("value", np.array([True, False])) == 6
    assert sums.dearest == 16
    assert sums.costs is not None
    assert sums.costs.tolist() == [2, 4]


def test_rates_of_groups() -> None:
    """Region 0: two of two; region 1: one of three; three of five in all."""
    sums = two_blocks()
    assert sums.rates("region").tolist() == [1, pytest.approx(1 / 3)]
    assert sums.widest_gap("region") == pytest.approx(0.4)


def test_limits_are_on_the_safe_side() -> None:
    """The exact sum of a thousand float32 numbers of both signs lies between the two, which are near."""
    numbers = np.random.default_rng(0).normal(size=(1000, 1)).astype(np.float32)
    sums = Attained({}, 1)
    for half in (numbers[:400], numbers[400:]):
        sums.add(plan([0] * len(half), [0] * len(half), half.tolist()), {})
    exact = sum(map(Fraction, numbers[:, 0].tolist()), Fraction(0))
    assert Fraction(sums.at_least("value")) <= exact <= Fraction(sums.at_most("value"))
    assert sums.at_most("value") - sums.at_least("value") < 1e-8
