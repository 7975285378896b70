"""Limits as they were written, in exact arithmetic: 0.1 is one tenth, and rounding is to the strict side."""

from __future__ import annotations

import math
from fractions import Fraction

__all__ = ["exact", "round_down", "round_up", "row_limit"]


def exact(number: float) -> Fraction:
    """Return a number as it was written: 0.1 is one tenth."""
    return Fraction(repr(float(number)))


def round_up(number: Fraction) -> float:
    """Return the least double that is at least ``number``."""
    near = float(number)
    return near if exact(near) >= number else math.nextafter(near, math.inf)


def round_down(number: Fraction) -> float:
    """Return the greatest double that is at most ``number``."""
    return -round_up(-number)


def row_limit(written: float, unit: int, side: int) -> float:
    """Return a limit a head as a limit on the whole, on the strict side.

    A whole number whose share, rounded once, is what was written meets it: 2 of 3 is 0.6666666666666666.

    Parameters
    ----------
    written : float
    unit : int
        What the rule divides by, such as the users of a group.
    side : {-1, 1}
        Whether it is a floor or a ceiling.
    """
    limit = exact(written) * unit
    whole = round(limit)
    if (
        unit
        and abs(limit - whole) < Fraction(1, 10**6)
        and side * float(Fraction(whole, unit)) <= side * written
    ):
        return float(whole)
    return round_up(limit) if side < 0 else round_down(limit)
