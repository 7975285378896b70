"""Growing one tree whose leaves hold a number for every arm.

A leaf is given sums of weighted residuals G and of weights H by arm. It adds b under every arm, s more under
every coupon and u_j more under coupon j, each with a normal prior about nought: their posterior means [1]_.
Its evidence is half of what they explain, G'VG with V their posterior's variance; a split is worth the
evidence that it adds.

References
----------
.. [1] Chen, T., & Guestrin, C. (2016). XGBoost: a scalable tree boosting system. KDD, 785-794.
   https://doi.org/10.1145/2939672.2939785 (one number a leaf, penalised; here a hierarchy of them)
"""

from __future__ import annotations

import numpy as np
from numba import njit

__all__ = ["MOST_BINS", "add_values", "grow", "walk"]

MOST_BINS = 64
_NEVER = -1e30


@njit(cache=True, nogil=True)
def _evidence(g, h, base, shared, own):  # type: ignore[no-untyped-def]
    """Return what a leaf explains under prior variances of b, s and u."""
    told = above = weight = 0.0
    for a in range(1, len(g)):
        k = 1 + own * h[a]
        told += own * g[a] * g[a] / k
        above += g[a] / k
        weight += h[a] / k
    k = 1 + shared * weight
    told += shared * above * above / k
    above = g[0] + above / k
    weight = h[0] + weight / k
    return 0.5 * (told + base * above * above / (1 + base * weight))


@njit(cache=True, nogil=True)
def _fill(g, h, base, shared, own, value):  # type: ignore[no-untyped-def]
    """Write a leaf's posterior means, none first."""
    above = weight = 0.0
    for a in range(1, len(g)):
        k = 1 + own * h[a]
        above += g[a] / k
        weight += h[a] / k
    k = 1 + shared * weight
    b = base * (g[0] + above / k) / (1 + base * (h[0] + weight / k))
    s = shared * (above - weight * b) / k
    value[0] = b
    for a in range(1, len(g)):
        value[a] = b + s + own * (g[a] - h[a] * (b + s)) / (1 + own * h[a])


@njit(cache=True, nogil=True)
def _count(binned, arm, g, h, rows, sums, counts):  # type: ignore[no-untyped-def]
    sums[:] = 0
    counts[:] = 0
    for r in rows:
        a = arm[r]
        for f in range(binned.shape[1]):
            b = binned[r, f]
            sums[f, b, a, 0] += g[r]
            sums[f, b, a, 1] += h[r]
            counts[f, b] += 1


@njit(cache=True, nogil=True)
def _best(sums, counts, bins, prior, least_rows, value):  # type: ignore[no-untyped-def]
    """Return gain, feature and bin of a leaf's best split; write what it adds unsplit."""
    base, shared, own = prior
    arms = sums.shape[2]
    total, left, right = np.zeros((2, arms)), np.zeros((2, arms)), np.zeros((2, arms))
    rows = 0
    for b in range(bins[0]):
        rows += counts[0, b]
        for a in range(arms):
            total[0, a] += sums[0, b, a, 0]
            total[1, a] += sums[0, b, a, 1]
    _fill(total[0], total[1], base, shared, own, value)
    before = _evidence(total[0], total[1], base, shared, own)
    gain, feature, bound = _NEVER, -1, 0
    for f in range(len(bins)):
        left[:] = 0
        below = 0
        for b in range(bins[f] - 1):
            below += counts[f, b]
            for a in range(arms):
                left[0, a] += sums[f, b, a, 0]
                left[1, a] += sums[f, b, a, 1]
            if counts[f, b] == 0 or below < least_rows or rows - below < least_rows:
                continue
            for a in range(arms):
                right[0, a] = total[0, a] - left[0, a]
                right[1, a] = max(total[1, a] - left[1, a], 0.0)
            found = _evidence(left[0], left[1], base, shared, own) - before
            found += _evidence(right[0], right[1], base, shared, own)
            if found > gain:
                gain, feature, bound = found, f, b
    return gain, feature, bound


@njit(cache=True, nogil=True)
def grow(binned, bins, arm, g, h, rows, arms, prior, leaves, least_gain, least_rows):  # type: ignore[no-untyped-def]
    """Grow a tree leaf by leaf, the best split first.

    Parameters
    ----------
    binned : ndarray of uint8, shape (n, d)
    bins : ndarray of int64, shape (d,)
        How many bins each feature has, at most ``MOST_BINS``.
    arm : ndarray of int64, shape (n,)
        Below ``arms``.
    g, h : ndarray of float64, shape (n,)
        Weighted residuals, and weights.
    rows : ndarray of int64, shape (m,)
        Which rows to learn from.
    arms : int
    prior : tuple of float
        Variances of b, s and u.
    leaves : int
    least_gain : float
        Evidence that a split must add.
    least_rows : int
        Rows that a leaf must have.

    Returns
    -------
    feature : ndarray of int64, shape (nodes,)
        −1 for leaves.
    bound : ndarray of int64, shape (nodes,)
        Rows whose bin is at most this go left.
    left, right : ndarray of int64, shape (nodes,)
    value : ndarray of float64, shape (nodes, arms)
    gain : float
        Evidence added by all splits.
    """
    rows = rows.copy()
    most, d = 2 * leaves - 1, binned.shape[1]
    feature, bound = np.full(most, -1, np.int64), np.zeros(most, np.int64)
    left, right = np.zeros(most, np.int64), np.zeros(most, np.int64)
    first, last = np.zeros(most, np.int64), np.zeros(most, np.int64)
    gain, by, at = np.full(most, _NEVER), np.zeros(most, np.int64), np.zeros(most, np.int64)
    value = np.zeros((most, arms))
    # Sums of a leaf are kept, as a split's larger part is the leaf less the smaller part.
    place = np.zeros(most, np.int64)
    sums, counts = np.zeros((leaves, d, MOST_BINS, arms, 2)), np.zeros((leaves, d, MOST_BINS), np.int64)
    last[0] = len(rows)
    _count(binned, arm, g, h, rows, sums[0], counts[0])
    gain[0], by[0], at[0] = _best(sums[0], counts[0], bins, prior, least_rows, value[0])
    nodes, added = 1, 0.0
    for leaf in range(1, leaves):
        node, most_gain = -1, least_gain
        for k in range(nodes):
            if feature[k] < 0 and gain[k] > most_gain:
                node, most_gain = k, gain[k]
        if node < 0:
            break
        added += most_gain
        low, high = first[node], last[node] - 1
        while low <= high:
            if binned[rows[low], by[node]] <= at[node]:
                low += 1
            else:
                rows[low], rows[high] = rows[high], rows[low]
                high -= 1
        feature[node], bound[node], left[node], right[node] = by[node], at[node], nodes, nodes + 1
        first[nodes], last[nodes] = first[node], low
        first[nodes + 1], last[nodes + 1] = low, last[node]
        small = nodes if low - first[node] <= last[node] - low else nodes + 1
        large = 2 * nodes + 1 - small
        place[small], place[large] = leaf, place[node]
        _count(binned, arm, g, h, rows[first[small] : last[small]], sums[leaf], counts[leaf])
        sums[place[large]] -= sums[leaf]
        counts[place[large]] -= counts[leaf]
        for k in (nodes, nodes + 1):
            p = place[k]
            gain[k], by[k], at[k] = _best(sums[p], counts[p], bins, prior, least_rows, value[k])
        nodes += 2
    return feature[:nodes], bound[:nodes], left[:nodes], right[:nodes], value[:nodes], added


@njit(cache=True, nogil=True)
def add_values(binned, arm, rows, feature, bound, left, right, value, told):  # type: ignore[no-untyped-def]
    """Add to every row what a tree holds for its arm."""
    for r in rows:
        node = 0
        while feature[node] >= 0:
            node = left[node] if binned[r, feature[node]] <= bound[node] else right[node]
        told[r] += value[node, arm[r]]


@njit(cache=True, nogil=True)
def walk(x, feature, threshold, left, right, value, root, first, last, out):  # type: ignore[no-untyped-def]
    """Add trees' numbers to ``out``, ``(n, J + 1)``; a tree speaks of arms ``first`` to ``last`` − 1."""
    for i in range(len(x)):
        for t in range(len(root)):
            node = root[t]
            while feature[node] >= 0:
                node = left[node] if x[i, feature[node]] <= threshold[node] else right[node]
            for a in range(first[t], last[t]):
                out[i, a] += value[node, a]
