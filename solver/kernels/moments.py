"""Second moments of what exchanges and users add to the rows: curvature and chance of the prices."""

from __future__ import annotations

import numpy as np
from numba import njit

__all__ = ["class_scatter", "second_moments"]


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
