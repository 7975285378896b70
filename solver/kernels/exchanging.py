"""What users may exchange for little, and what rows vary by: the curvature that prices are found with."""

from __future__ import annotations

import numpy as np
from numba import njit

__all__ = ["class_scatter", "exchanges", "second_moments"]


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
def second_moments(  # type: ignore[no-untyped-def]
    classes,
    entering,
    leaving,
    measures_in,
    measures_out,
    weight,
    measure,
    users,
    coupons,
    start,
    member,
    sums,
):
    """Add ``weight · d dᵀ`` to ``sums`` for every change ``d = a(entering) − a(leaving)``, in demands.

    Parameters
    ----------
    classes, entering, leaving : ndarray of int, shape (E,)
        Class of the user, and coupons; −1 for none.
    measures_in, measures_out : ndarray of float64, shape (M, E)
    weight : ndarray of float64, shape (E,)
    measure, users, coupons, start, member
        Of :class:`couponry.solver.basis.Basis`.
    sums : ndarray of float64, shape (B, B)
        Its lower half, and the diagonal, are added to.
    """
    at = np.empty(users.shape[0], np.int64)
    number = np.empty(users.shape[0], np.float64)
    for e in range(len(classes)):
        c, j, t = classes[e], entering[e], leaving[e]
        n = 0
        for q in range(start[c], start[c + 1]):
            b = member[q]
            amount = 0.0
            if j >= 0:
                amount += coupons[b, j] * measures_in[measure[b], e]
            if t >= 0:
                amount -= coupons[b, t] * measures_out[measure[b], e]
            if amount != 0.0:
                at[n] = b
                number[n] = amount * users[b, c]
                n += 1
        for p in range(n):
            row = sums[at[p]]
            scaled = weight[e] * number[p]
            for q in range(p + 1):
                row[at[q]] += scaled * number[q]


@njit(nogil=True, cache=True)
def class_scatter(  # type: ignore[no-untyped-def]
    user,
    classes,
    coupon,
    numbers,
    sizes,
    measure,
    users,
    coupons,
    start,
    member,
    sums,
):
    """Add to ``sums`` how users' demands scatter about their class's mean, once for every user.

    Parameters
    ----------
    user, classes, coupon : ndarray of int, shape (P,)
        Pairs taken, by class and within it by user.
    numbers : ndarray of float64, shape (M, P)
        Their measures.
    sizes : ndarray of int64, shape (C,)
        Users of every class, also those who take nothing.
    measure, users, coupons, start, member
        Of :class:`couponry.solver.basis.Basis`.
    sums : ndarray of float64, shape (B, B)
        Its lower half, and the diagonal, are added to.
    """
    most = (start[1:] - start[:-1]).max()
    own, total, squares = np.empty(most), np.empty(most), np.empty((most, most))
    e = 0
    while e < len(user):
        c = classes[e]
        members = member[start[c] : start[c + 1]]
        m = len(members)
        total[:m] = 0.0
        squares[:m, :m] = 0.0
        while e < len(user) and classes[e] == c:
            i = user[e]
            own[:m] = 0.0
            while e < len(user) and user[e] == i:
                for q in range(m):
                    b = members[q]
                    own[q] += coupons[b, coupon[e]] * numbers[measure[b], e] * users[b, c]
                e += 1
            for p in range(m):
                total[p] += own[p]
                for q in range(p + 1):
                    squares[p, q] += own[p] * own[q]
        n = sizes[c]
        for p in range(m):
            for q in range(p + 1):
                # Of a class with one user the mean is not known: its square errs on the wide side.
                spread = squares[p, q]
                if n > 1:
                    spread = (spread - total[p] * total[q] / n) * n / (n - 1)
                sums[members[p], members[q]] += spread
