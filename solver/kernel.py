"""The kernels that touch the data: score a block of users, choose for each, tally what was chosen.

A block is a few thousand users, so that its scores stay in cache between the three steps. The kernels know
classes, coupons and measures, nothing of rules or of their number. All sums are in float64.
"""

from __future__ import annotations

import numpy as np
from numba import njit

__all__ = ["add_measure", "choose_free", "choose_greedy", "choose_one", "start_scores", "tally"]


@njit(nogil=True, cache=True)
def start_scores(score, value, classes, coupon, dense, table):  # type: ignore[no-untyped-def]
    """Fill ``score`` with the count table; −inf where the pair is not eligible."""
    for i in range(score.shape[0]):
        row = table[classes[i]]
        for s in range(score.shape[1]):
            j = s if dense else coupon[i, s]
            if j < 0 or np.isnan(value[i, s]):
                score[i, s] = -np.inf
            else:
                score[i, s] = row[j]


@njit(nogil=True, cache=True)
def add_measure(score, measure, classes, coupon, dense, table, absolute):  # type: ignore[no-untyped-def]
    """Add ``table[class, j] · measure`` (or of its absolute value) where the pair is eligible."""
    for i in range(score.shape[0]):
        row = table[classes[i]]
        for s in range(score.shape[1]):
            if score[i, s] != -np.inf:
                j = s if dense else coupon[i, s]
                number = np.float64(measure[i, s])
                score[i, s] += row[j] * (abs(number) if absolute else number)


@njit(nogil=True, cache=True)
def choose_one(score, max_coupons, chosen):  # type: ignore[no-untyped-def]
    """Mark the best place of each user where its score is above zero; the first of equals."""
    for i in range(score.shape[0]):
        best = -1
        most = 0.0
        for s in range(score.shape[1]):
            chosen[i, s] = False
            if score[i, s] > most:
                most = score[i, s]
                best = s
        if best >= 0 and max_coupons[i] > 0:
            chosen[i, best] = True


@njit(nogil=True, cache=True)
def choose_greedy(score, max_coupons, coupon, dense, conflicts, chosen):  # type: ignore[no-untyped-def]
    """Mark the best set of each user where conflicts fall into disjoint families.

    Such sets are the independent sets of a truncated partition matroid, where greedy is exact.
    """
    places = score.shape[1]
    for i in range(score.shape[0]):
        for s in range(places):
            chosen[i, s] = False
        for _ in range(min(max_coupons[i], places)):
            best = -1
            most = 0.0
            for s in range(places):
                if chosen[i, s] or score[i, s] <= most:
                    continue
                j = s if dense else coupon[i, s]
                free = True
                for t in range(places):
                    if chosen[i, t] and conflicts[j, t if dense else coupon[i, t]]:
                        free = False
                        break
                if free:
                    most = score[i, s]
                    best = s
            if best < 0:
                break
            chosen[i, best] = True


@njit(nogil=True, cache=True)
def _rounded_sum(cost, order, taken, depth):  # type: ignore[no-untyped-def]
    """Sum the costs of the taken places with one rounding, as ``math.fsum`` does."""
    high = 0.0
    low = 0.0
    for d in range(depth):
        number = cost[order[taken[d]]]
        total = high + number
        back = total - high
        low += (high - (total - back)) + (number - back)
        high = total
    return high + low


@njit(nogil=True, cache=True)
def choose_free(score, max_coupons, coupon, dense, conflicts, cost, money, chosen):  # type: ignore[no-untyped-def]
    """Mark the best set of each user by depth-first search: any conflicts, and a cap on money.

    A place of negative score can be worth taking only for its negative cost.
    """
    places = score.shape[1]
    order = np.empty(places, np.int64)
    taken = np.empty(places + 1, np.int64)
    best = np.empty(places, np.int64)
    sums = np.empty(places + 2, np.float64)
    ahead = np.empty(places + 1, np.float64)
    own_cost = np.zeros(places, np.float64)
    capped = money < np.inf
    for i in range(score.shape[0]):
        n = 0
        cheap = False
        for s in range(places):
            chosen[i, s] = False
            if capped:
                own_cost[s] = np.float64(cost[i, s])
            if score[i, s] == -np.inf:
                continue
            if score[i, s] > 0.0 or (capped and own_cost[s] < 0.0):
                order[n] = s
                n += 1
                cheap = cheap or (capped and own_cost[s] < 0.0)
        for a in range(1, n):  # insertion sort, best first, the earlier place of equals first
            s = order[a]
            b = a - 1
            while b >= 0 and score[i, order[b]] < score[i, s]:
                order[b + 1] = order[b]
                b -= 1
            order[b + 1] = s
        ahead[0] = 0.0
        for a in range(n):
            ahead[a + 1] = ahead[a] + max(score[i, order[a]], 0.0)
        most = 0.0
        n_best = 0
        depth = 0
        sums[0] = 0.0
        a = 0
        limit = min(max_coupons[i], n)
        while True:
            hopeful = False
            if depth < limit and a < n:
                reach = min(n, a + limit - depth)
                hopeful = sums[depth] + (ahead[reach] - ahead[a]) > most
            if not hopeful:
                if depth == 0:
                    break
                depth -= 1
                a = taken[depth] + 1
                continue
            j = order[a] if dense else coupon[i, order[a]]
            free = True
            for d in range(depth):
                t = order[taken[d]]
                if conflicts[j, t if dense else coupon[i, t]]:
                    free = False
                    break
            if free:
                taken[depth] = a
                sums[depth + 1] = sums[depth] + score[i, order[a]]
                depth += 1
                fits = not capped or _rounded_sum(own_cost, order, taken, depth) <= money
                if fits and sums[depth] > most:
                    most = sums[depth]
                    n_best = depth
                    for d in range(depth):
                        best[d] = order[taken[d]]
                if not fits and not cheap:
                    depth -= 1
            a += 1
        for d in range(n_best):
            chosen[i, best[d]] = True


@njit(nogil=True, cache=True)
def tally(chosen, skip, measure, classes, coupon, dense, table):  # type: ignore[no-untyped-def]
    """Add the measure of every chosen pair to its class and coupon, but for skipped users."""
    for i in range(chosen.shape[0]):
        if skip[i]:
            continue
        for s in range(chosen.shape[1]):
            if chosen[i, s]:
                table[classes[i], s if dense else coupon[i, s]] += measure[i, s]


@njit(nogil=True, cache=True)
def tally_count(chosen, skip, classes, coupon, dense, table):  # type: ignore[no-untyped-def]
    """Count every chosen pair at its class and coupon, but for skipped users."""
    for i in range(chosen.shape[0]):
        if skip[i]:
            continue
        for s in range(chosen.shape[1]):
            if chosen[i, s]:
                table[classes[i], s if dense else coupon[i, s]] += 1.0


@njit(nogil=True, cache=True)
def best_total(score, chosen):  # type: ignore[no-untyped-def]
    """Return Σ of the chosen scores and its compensation (Neumaier 1974)."""
    high = 0.0
    low = 0.0
    for i in range(score.shape[0]):
        for s in range(score.shape[1]):
            if chosen[i, s]:
                number = score[i, s]
                total = high + number
                if abs(high) >= abs(number):
                    low += (high - total) + number
                else:
                    low += (number - total) + high
                high = total
    return high, low


@njit(nogil=True, cache=True)
def challenge(score, radius, chosen):  # type: ignore[no-untyped-def]
    """Turn scores into the worst case for the chosen set: its own lowered, all others raised."""
    for i in range(score.shape[0]):
        for s in range(score.shape[1]):
            if score[i, s] != -np.inf:
                score[i, s] += -radius[i, s] if chosen[i, s] else radius[i, s]


@njit(nogil=True, cache=True)
def differ(chosen, challenged, undecided):  # type: ignore[no-untyped-def]
    """Mark the users whose two sets differ."""
    for i in range(chosen.shape[0]):
        undecided[i] = False
        for s in range(chosen.shape[1]):
            if chosen[i, s] != challenged[i, s]:
                undecided[i] = True
                break
