"""What each user takes at given scores, and whether the worst case of a box would change it."""

from __future__ import annotations

import numpy as np
from numba import njit

__all__ = ["challenge", "choose_free", "choose_greedy", "choose_one", "differ"]


@njit(nogil=True, cache=True)
def choose_one(score, max_coupons, taken):  # type: ignore[no-untyped-def]
    """Take the best place of each user where its score is above zero; the first of equals."""
    for i in range(score.shape[0]):
        own = score[i]
        best = -1
        most = 0.0
        for s in range(own.shape[0]):
            if own[s] > most:
                most = own[s]
                best = s
        taken[i, 0] = best if max_coupons[i] > 0 else -1


@njit(nogil=True, cache=True, inline="always")
def _greedy(i, score, most_taken, coupon, dense, conflicts, wanted, taken):  # type: ignore[no-untyped-def]
    """Take the best set of user ``i`` where conflicts fall into disjoint families; return its size.

    Places worth taking are listed in ``wanted`` first: most are not. Arrays are indexed, not sliced: a slice
    handed on costs an atomic count of references.
    """
    left = 0
    for s in range(score.shape[1]):
        wanted[left] = s
        left += score[i, s] > 0.0
    n = 0
    while n < most_taken and left > 0:
        best = 0
        most = score[i, wanted[0]]
        for a in range(1, left):
            if score[i, wanted[a]] > most:
                most = score[i, wanted[a]]
                best = a
        t = wanted[best]
        taken[i, n] = t
        n += 1
        if n == most_taken:
            break
        kept = 0
        for a in range(left):
            s = wanted[a]
            if s != t and not conflicts[s if dense else coupon[i, s], t if dense else coupon[i, t]]:
                wanted[kept] = s
                kept += 1
        left = kept
    for d in range(n, taken.shape[1]):
        taken[i, d] = -1
    return n


@njit(nogil=True, cache=True)
def choose_greedy(score, max_coupons, coupon, dense, conflicts, taken):  # type: ignore[no-untyped-def]
    """Take the best set of each user where conflicts fall into disjoint families.

    Such sets are the independent sets of a truncated partition matroid, where greedy is exact.
    """
    wanted = np.empty(score.shape[1] + 1, np.int64)
    for i in range(score.shape[0]):
        _greedy(i, score, max_coupons[i], coupon, dense, conflicts, wanted, taken)


@njit(nogil=True, cache=True)
def _rounded_sum(cost, order, taken, depth):  # type: ignore[no-untyped-def]
    """Sum the costs of the taken places with one rounding, as ``math.fsum`` does."""
    high = 0.0
    low = 0.0
    for d in range(depth):
        number = np.float64(cost[order[taken[d]]])
        total = high + number
        back = total - high
        low += (high - (total - back)) + (number - back)
        high = total
    return high + low


@njit(nogil=True, cache=True)
def choose_free(  # type: ignore[no-untyped-def]
    score, max_coupons, coupon, dense, conflicts, families, cost, money, taken_places
):
    """Take the best set of each user by depth-first search: any conflicts, and a cap on money.

    Where conflicts fall into disjoint families (``families``) the greedy set is the best one that money could
    buy, so it is taken outright where it keeps the cap. A place of negative score can be worth taking only
    for its negative cost.
    """
    places = score.shape[1]
    order = np.empty(places, np.int64)
    taken = np.empty(places + 1, np.int64)
    best = np.empty(places, np.int64)
    sums = np.empty(places + 2, np.float64)
    ahead = np.empty(places + 1, np.float64)
    own_cost = np.zeros(places, np.float64)
    capped = money < np.inf
    every = np.arange(places)
    greedy = np.empty(places, np.int64)
    wanted = np.empty(places + 1, np.int64)
    # Sums of costs this much below the cap keep it however they are rounded.
    sure = money * (1.0 - 1e-9)
    for i in range(score.shape[0]):
        if families:
            size = _greedy(i, score, max_coupons[i], coupon, dense, conflicts, wanted, taken_places)
            if not capped or size == 0:
                continue
            spent = 0.0
            for d in range(size):
                spent += abs(cost[i, taken_places[i, d]])
            if spent <= sure:
                continue
            for d in range(size):
                greedy[d] = taken_places[i, d]
            if _rounded_sum(cost[i], every, greedy, size) <= money:
                continue
        list_of = coupon[0 if dense else i]
        n = 0
        cheap = False
        for s in range(places):
            if np.isnan(score[i, s]):
                continue
            if capped:
                own_cost[s] = np.float64(cost[i, s])
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
            j = order[a] if dense else list_of[order[a]]
            free = True
            for d in range(depth):
                t = order[taken[d]]
                if conflicts[j, t if dense else list_of[t]]:
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
        for d in range(taken_places.shape[1]):
            taken_places[i, d] = best[d] if d < n_best else -1


@njit(nogil=True, cache=True)
def challenge(score, radius, slack, taken):  # type: ignore[no-untyped-def]
    """Turn scores into the worst case for the set taken: its own lowered, all others raised.

    Where a score can move at all it moves by the user's ``slack`` more, so that no rounding of scores within
    the box can turn a choice.
    """
    for i in range(score.shape[0]):
        for s in range(score.shape[1]):
            if radius[i, s] > 0.0:
                radius[i, s] += slack[i]
            score[i, s] += radius[i, s]
        for d in range(taken.shape[1]):
            s = taken[i, d]
            if s < 0:
                break
            score[i, s] -= 2.0 * radius[i, s]


@njit(nogil=True, cache=True)
def differ(taken, challenged, undecided):  # type: ignore[no-untyped-def]
    """Mark the users whose two sets differ."""
    for i in range(taken.shape[0]):
        undecided[i] = False
        for d in range(taken.shape[1]):
            if challenged[i, d] < 0 and taken[i, d] < 0:
                break
            found = False
            for t in range(taken.shape[1]):
                if taken[i, t] == challenged[i, d]:
                    found = True
                    break
            if not found or taken[i, d] < 0 or challenged[i, d] < 0:
                undecided[i] = True
                break
