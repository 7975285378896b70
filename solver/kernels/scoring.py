"""What pairs score at given tables, and how large the terms of a score can be."""

from __future__ import annotations

import numpy as np
from numba import njit

__all__ = ["add_measure", "add_size", "largest_bits", "start_scores"]


@njit(nogil=True, cache=True, fastmath={"contract"})
def start_scores(score, value, classes, coupon, dense, count, slope):  # type: ignore[no-untyped-def]
    """Fill ``score`` with ``count[class, j] + slope[class, j] · value``, NaN where not eligible."""
    for i in range(score.shape[0]):
        own, base, step, number = score[i], count[classes[i]], slope[classes[i]], value[i]
        if dense:
            for s in range(own.shape[0]):
                own[s] = base[s] + step[s] * number[s]
        else:
            for s in range(own.shape[0]):
                j = coupon[i, s]
                own[s] = np.nan if j < 0 else base[j] + step[j] * number[s]


@njit(nogil=True, cache=True, fastmath={"contract"})
def add_measure(score, measure, classes, coupon, dense, table):  # type: ignore[no-untyped-def]
    """Add ``table[class, j] · measure``."""
    for i in range(score.shape[0]):
        own, step, number = score[i], table[classes[i]], measure[i]
        if dense:
            for s in range(own.shape[0]):
                own[s] += step[s] * number[s]
        else:
            for s in range(own.shape[0]):
                own[s] += step[max(coupon[i, s], 0)] * number[s]


@njit(nogil=True, cache=True, fastmath={"contract"})
def add_size(score, measure, classes, coupon, dense, table):  # type: ignore[no-untyped-def]
    """Add ``|table[class, j] · measure|``."""
    for i in range(score.shape[0]):
        own, step, number = score[i], table[classes[i]], measure[i]
        if dense:
            for s in range(own.shape[0]):
                own[s] += abs(step[s] * number[s])
        else:
            for s in range(own.shape[0]):
                own[s] += abs(step[max(coupon[i, s], 0)] * number[s])


@njit(nogil=True, cache=True)
def largest_bits(measure, value, size, infinite, largest):  # type: ignore[no-untyped-def]
    """Write out the largest |measure| of each user's eligible pairs, 0 where there is none, as bits.

    Sizes of floats are in the order of their bits, read as whole numbers, and processors find the largest of
    these several at a time: a third of the time.

    Parameters
    ----------
    measure, value : ndarray of int32 or int64, shape (b, S)
        The bits of floats.
    size, infinite
        All bits but that of the sign; the bits of infinity, above which is NaN. Of the arrays' dtypes, the
        latter of that of ``value``.
    largest : ndarray of the dtype of ``measure``, shape (b,)
        To be filled.
    """
    nothing = size * 0
    for i in range(measure.shape[0]):
        own, there = measure[i], value[i]
        most = nothing
        for s in range(own.shape[0]):
            most = max(most, own[s] & size if (there[s] & infinite) < infinite else nothing)
        largest[i] = most
