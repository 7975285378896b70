"""Sums of what is taken, by class and coupon or by user, and the pairs themselves."""

from __future__ import annotations

import numpy as np
from numba import njit

__all__ = ["add_exactly", "best_total", "list_pairs", "tally", "tally_count", "tally_exactly", "worths"]


@njit(nogil=True, cache=True)
def tally(taken, measure, classes, coupon, dense, table):  # type: ignore[no-untyped-def]
    """Add the measure of every pair taken to its class and coupon."""
    for i in range(taken.shape[0]):
        for d in range(taken.shape[1]):
            s = taken[i, d]
            if s < 0:
                break
            table[classes[i], s if dense else coupon[i, s]] += measure[i, s]


@njit(nogil=True, cache=True)
def tally_count(taken, classes, coupon, dense, table):  # type: ignore[no-untyped-def]
    """Count every pair taken at its class and coupon."""
    for i in range(taken.shape[0]):
        for d in range(taken.shape[1]):
            s = taken[i, d]
            if s < 0:
                break
            table[classes[i], s if dense else coupon[i, s]] += 1.0


@njit(nogil=True, cache=True)
def tally_exactly(taken, measure, classes, coupon, dense, high, low):  # type: ignore[no-untyped-def]
    """Add the measure of every pair taken to its class and coupon, with what rounding loses kept beside it.

    ``high + low`` is the sum as if made in twice the precision (Dekker 1971, 10.1007/BF01397083).
    """
    for i in range(taken.shape[0]):
        for d in range(taken.shape[1]):
            s = taken[i, d]
            if s < 0:
                break
            c, j = classes[i], s if dense else coupon[i, s]
            number = np.float64(measure[i, s])
            total = high[c, j] + number
            back = total - high[c, j]
            lost = (high[c, j] - (total - back)) + (number - back)
            rest = low[c, j] + lost
            high[c, j] = total + rest
            low[c, j] = rest - (high[c, j] - total)


@njit(nogil=True, cache=True)
def add_exactly(high, low, other_high, other_low):  # type: ignore[no-untyped-def]
    """Add sums of twice the precision to others, in place."""
    for c in range(high.shape[0]):
        for j in range(high.shape[1]):
            number = other_high[c, j]
            total = high[c, j] + number
            back = total - high[c, j]
            rest = low[c, j] + other_low[c, j] + ((high[c, j] - (total - back)) + (number - back))
            high[c, j] = total + rest
            low[c, j] = rest - (high[c, j] - total)


@njit(nogil=True, cache=True)
def best_total(score, taken):  # type: ignore[no-untyped-def]
    """Return Σ of the scores taken and its compensation (Neumaier 1974)."""
    high = 0.0
    low = 0.0
    for i in range(score.shape[0]):
        for d in range(taken.shape[1]):
            if taken[i, d] < 0:
                break
            number = score[i, taken[i, d]]
            total = high + number
            if abs(high) >= abs(number):
                low += (high - total) + number
            else:
                low += (number - total) + high
            high = total
    return high, low


@njit(nogil=True, cache=True)
def worths(score, taken, worth):  # type: ignore[no-untyped-def]
    """Sum each user's scores taken."""
    for i in range(score.shape[0]):
        worth[i] = 0.0
        for d in range(taken.shape[1]):
            if taken[i, d] < 0:
                break
            worth[i] += score[i, taken[i, d]]


@njit(nogil=True, cache=True)
def list_pairs(taken, first, user, place):  # type: ignore[no-untyped-def]
    """Write out what is taken, by user and then by place; return the number of pairs."""
    n = 0
    for i in range(taken.shape[0]):
        start = n
        for d in range(taken.shape[1]):
            s = taken[i, d]
            if s < 0:
                break
            at = n
            while at > start and place[at - 1] > s:
                place[at] = place[at - 1]
                at -= 1
            place[at] = s
            user[n] = first + i
            n += 1
    return n
