"""Compiled parts of the causal forest: growing a tree, finding leaves, summing over them."""

from __future__ import annotations

import numba
import numpy as np

__all__ = ["add_values", "apply_tree", "grow_tree", "leaf_sums", "mean_of_trees"]


@numba.njit(cache=True, nogil=True)
def _spread(w, r):  # type: ignore[no-untyped-def]
    """Return how far the arms' mean residuals lie apart: coupons against none, and among one another."""
    arms = len(w)
    w1, r1 = 0.0, 0.0
    own = 0.0
    for a in range(1, arms):
        w1 += w[a]
        r1 += r[a]
        if w[a] > 0:
            own += r[a] * r[a] / w[a]
    if w[0] <= 0 or w1 <= 0:
        return 0.0
    difference = r1 / w1 - r[0] / w[0]
    between = difference * difference * w1 * w[0] / (w1 + w[0])
    if arms > 2:
        between += max(0.0, own - r1 * r1 / w1) / (arms - 2)
    return between


@numba.njit(cache=True, nogil=True)
def grow_tree(codes, arm, residual, weight, rows, count, features, least, depth, arms, seed):  # type: ignore[no-untyped-def]
    """Return the nodes of a tree, int32 ``(m, 4)``: feature (−1: leaf), last bin to the left, left, right."""
    np.random.seed(seed)
    d = codes.shape[1]
    rows = rows.copy()
    most = 2 ** (depth + 1)
    nodes = np.full((most, 4), -1, np.int32)
    start, stop, level = np.zeros(most, np.int64), np.zeros(most, np.int64), np.zeros(most, np.int64)
    stop[0] = len(rows)
    made = 1
    order = np.arange(d)
    hist_w, hist_r = np.zeros((32, arms)), np.zeros((32, arms))
    hist_n = np.zeros((32, 2))
    node = 0
    while node < made:
        first, last = start[node], stop[node]
        if level[node] < depth and last - first >= 4 * least:
            total_w, total_r, total_n = np.zeros(arms), np.zeros(arms), np.zeros(2)
            for k in range(first, last):
                i = rows[k]
                total_w[arm[i]] += weight[i]
                total_r[arm[i]] += weight[i] * residual[i]
                total_n[min(arm[i], 1)] += 1
            here = _spread(total_w, total_r)
            best, best_feature, best_bin = 1e-12, -1, 0
            for f in range(features):
                swap = f + np.random.randint(d - f)
                order[f], order[swap] = order[swap], order[f]
                j = order[f]
                size = count[j]
                if size < 2:
                    continue
                hist_w[:size], hist_r[:size], hist_n[:size] = 0.0, 0.0, 0.0
                for k in range(first, last):
                    i = rows[k]
                    b = codes[i, j]
                    hist_w[b, arm[i]] += weight[i]
                    hist_r[b, arm[i]] += weight[i] * residual[i]
                    hist_n[b, min(arm[i], 1)] += 1
                left_w, left_r, left_n = np.zeros(arms), np.zeros(arms), np.zeros(2)
                for b in range(size - 1):
                    left_w += hist_w[b]
                    left_r += hist_r[b]
                    left_n += hist_n[b]
                    if min(left_n[0], left_n[1]) < least:
                        continue
                    if min(total_n[0] - left_n[0], total_n[1] - left_n[1]) < least:
                        break
                    gain = _spread(left_w, left_r) + _spread(total_w - left_w, total_r - left_r) - here
                    if gain > best:
                        best, best_feature, best_bin = gain, j, b
            if best_feature >= 0:
                middle = first
                for k in range(first, last):
                    if codes[rows[k], best_feature] <= best_bin:
                        rows[k], rows[middle] = rows[middle], rows[k]
                        middle += 1
                nodes[node, 0], nodes[node, 1], nodes[node, 2], nodes[node, 3] = (
                    best_feature,
                    best_bin,
                    made,
                    made + 1,
                )
                start[made], stop[made], level[made] = first, middle, level[node] + 1
                start[made + 1], stop[made + 1], level[made + 1] = middle, last, level[node] + 1
                made += 2
        node += 1
    return nodes[:made].copy()


@numba.njit(cache=True, nogil=True)
def apply_tree(codes, nodes):  # type: ignore[no-untyped-def]
    """Return every row's leaf, int64 ``(n,)``."""
    leaf = np.empty(len(codes), np.int64)
    for i in range(len(codes)):
        at = 0
        while nodes[at, 0] >= 0:
            at = nodes[at, 2] if codes[i, nodes[at, 0]] <= nodes[at, 1] else nodes[at, 3]
        leaf[i] = at
    return leaf


@numba.njit(cache=True, nogil=True)
def leaf_sums(leaf, arm, residual, weight, leaves, arms):  # type: ignore[no-untyped-def]
    """Return sums of w, w·r, w·r² and w², ``(4, leaves, arms)``, r the residuals and w the weights."""
    sums = np.zeros((4, leaves, arms))
    for k in range(len(leaf)):
        w, r = weight[k], residual[k]
        sums[0, leaf[k], arm[k]] += w
        sums[1, leaf[k], arm[k]] += w * r
        sums[2, leaf[k], arm[k]] += w * r * r
        sums[3, leaf[k], arm[k]] += w * w
    return sums


@numba.njit(cache=True, nogil=True)
def add_values(total, seen, leaf, values):  # type: ignore[no-untyped-def]
    """Add every row's leaf (−1: none) to ``total`` ``(n, J)`` and count it in ``seen``."""
    for i in range(len(leaf)):
        if leaf[i] >= 0:
            seen[i] += 1
            for j in range(values.shape[1]):
                total[i, j] += values[leaf[i], j]


@numba.njit(cache=True, nogil=True)
def mean_of_trees(codes, nodes, values, starts):  # type: ignore[no-untyped-def]
    """Return the mean of every row's leaves, float64 ``(n, J)``; children count from a tree's start."""
    n, arms = len(codes), values.shape[1]
    out = np.zeros((n, arms))
    for i in range(n):
        for start in starts:
            at = start
            while nodes[at, 0] >= 0:
                at = start + (nodes[at, 2] if codes[i, nodes[at, 0]] <= nodes[at, 1] else nodes[at, 3])
            for j in range(arms):
                out[i, j] += values[at, j]
        for j in range(arms):
            out[i, j] /= len(starts)
    return out
