"""Sums of floats as sums of whole numbers, for solvers that know no others.

Coefficients that are decimals of few places, as money is, become exactly their count of the last place.
Others are multiplied by a power of two, which is exact, and rounded outwards: a row in whole numbers then
admits every plan that the row admits, and beyond them only such as break it by less than
(number of coefficients + 1) / scale. Plans are held against the true row afterwards.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

__all__ = ["WholeRow", "whole_objective", "whole_row"]

PLACES = 6
"""Decimal places up to which numbers are taken for decimals."""
ROW_BITS = 45
OBJECTIVE_BITS = 45
"""The sum of all coefficients' sizes stays below two to this: far from where 64 bits overflow, and a plan of
all pairs is still known to thirteen digits."""
NEARLY = 1e-9


@dataclass(frozen=True)
class WholeRow:
    """``lower ≤ Σ at_least · x`` and ``Σ at_most · x ≤ upper`` in whole numbers.

    Attributes
    ----------
    at_most, at_least : ndarray of int64, shape (P,)
        The coefficients rounded down, for the upper side, and up, for the lower. Equal where they are exact.
    lower, upper : int or None
        None where there is no side.
    """

    at_most: np.ndarray
    at_least: np.ndarray
    lower: int | None
    upper: int | None


def whole_row(coefficients: np.ndarray, lower: float, upper: float) -> WholeRow:
    """Return a row in whole numbers that admits whatever the row admits.

    Parameters
    ----------
    coefficients : ndarray of float64, shape (P,)
    lower, upper : float
        Infinite where there is no side.
    """
    exact = _decimals(coefficients, ROW_BITS)
    if exact is not None:
        whole, scale = exact
        return WholeRow(whole, whole, _floor_side(lower, scale, 0), _ceiling_side(upper, scale, 0))
    scale = _power_of_two(coefficients, ROW_BITS)
    down = np.floor(coefficients * scale).astype(np.int64)
    up = np.ceil(coefficients * scale).astype(np.int64)
    return WholeRow(down, up, _floor_side(lower, scale, 1), _ceiling_side(upper, scale, 1))


def whole_objective(coefficients: np.ndarray) -> tuple[np.ndarray, float]:
    """Return an objective to maximise in whole numbers, and by what it was multiplied.

    Rounded up where it cannot be exact, so that a bound divided by the scale bounds the true objective.
    """
    exact = _decimals(coefficients, OBJECTIVE_BITS)
    if exact is not None:
        return exact
    scale = _power_of_two(coefficients, OBJECTIVE_BITS)
    return np.ceil(coefficients * scale).astype(np.int64), scale


def _decimals(numbers: np.ndarray, bits: int) -> tuple[np.ndarray, float] | None:
    """Return numbers as counts of their last decimal place, or None where they have too many."""
    size = float(np.abs(numbers).sum())
    for places in range(PLACES + 1):
        scale = 10.0**places
        if size * scale >= 2.0**bits:
            return None
        whole = np.round(numbers * scale)
        # The decimal that prints like the number is whole / scale, correctly rounded.
        if (whole / scale == numbers).all():
            return whole.astype(np.int64), scale
    return None


def _power_of_two(numbers: np.ndarray, bits: int) -> float:
    size = float(np.abs(numbers).sum())
    # No further than floats reach: numbers below that are as good as none.
    return 2.0 ** min(bits - math.ceil(math.log2(size)), 1000) if size > 0 else 1.0


def _ceiling_side(upper: float, scale: float, more: int) -> int | None:
    if math.isinf(upper):
        return None
    units = upper * scale
    return math.floor(units + NEARLY * (1 if more else max(1.0, abs(units)))) + more


def _floor_side(lower: float, scale: float, more: int) -> int | None:
    below = _ceiling_side(-lower, scale, more)
    return None if below is None else -below
