"""The changes by one place that lose a user little."""

from __future__ import annotations

import numpy as np
from numba import njit

__all__ = ["affordable", "exchanges"]


@njit(nogil=True, cache=True)
def exchanges(  # type: ignore[no-untyped-def]
    score, taken, max_coupons, coupon, dense, conflicts, width, user, leaving, entering, loss
):
    """List the changes of users' choices by one place that lose less than ``width``, and return how many.

    A change drops a place, adds one, or puts one in the place of another. It is what a small move of prices
    may bring about; a cap on money is not looked at.

    Parameters
    ----------
    user, leaving, entering, loss : ndarrays to fill
        Of b · (S + k) entries; a place is −1 where nothing leaves or enters.
    """
    n = 0
    for i in range(score.shape[0]):
        own, list_of = score[i], coupon[0 if dense else i]
        size = 0
        weakest = -1
        while size < taken.shape[1] and taken[i, size] >= 0:
            s = taken[i, size]
            if weakest < 0 or own[s] < own[weakest]:
                weakest = s
            if own[s] < width:
                user[n], leaving[n], entering[n], loss[n] = i, s, -1, max(own[s], 0.0)
                n += 1
            size += 1
        full = size >= max_coupons[i]
        if max_coupons[i] <= 0:
            continue
        for s in range(own.shape[0]):
            if not own[s] > -width:
                continue
            j = s if dense else list_of[s]
            out = -1
            clashes = 0
            for d in range(size):
                t = taken[i, d]
                if t == s:
                    clashes = 9
                    break
                if conflicts[j, t if dense else list_of[t]]:
                    clashes += 1
                    out = t
            if clashes > 1:
                continue
            if clashes == 0 and full:
                out = weakest
            lost = -own[s] if out < 0 else own[out] - own[s]
            if lost < width and (out < 0 or own[s] > 0.0):
                user[n], leaving[n], entering[n], loss[n] = i, out, s, max(lost, 0.0)
                n += 1
    return n


@njit(nogil=True, cache=True)
def affordable(  # type: ignore[no-untyped-def]
    cost, taken, money, user, leaving, entering, kept
):
    """Mark the changes after which a user's costs keep a cap, but for the rounding of sums.

    Parameters
    ----------
    cost : ndarray, shape (b, S)
    taken : ndarray of int32, shape (b, k)
    user, leaving, entering : ndarrays of int32, shape (E,)
        As :func:`exchanges` lists them.
    kept : ndarray of bool, shape (E,)
        To be filled.
    """
    for e in range(user.shape[0]):
        i = user[e]
        spent = 0.0
        for d in range(taken.shape[1]):
            if taken[i, d] < 0:
                break
            spent += np.float64(cost[i, taken[i, d]])
        size = abs(spent)
        if leaving[e] >= 0:
            spent -= np.float64(cost[i, leaving[e]])
            size += abs(np.float64(cost[i, leaving[e]]))
        if entering[e] >= 0:
            spent += np.float64(cost[i, entering[e]])
            size += abs(np.float64(cost[i, entering[e]]))
        kept[e] = spent <= money + 1e-12 * size
