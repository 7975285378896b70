"""The kernels that touch the data: score a block of users, choose for each, tally what was chosen.

A block is a few thousand users, so that its scores stay in cache between the steps. The kernels know
classes, coupons and measures, nothing of rules or of their number. All sums are in float64. A pair that is
not eligible scores NaN, which no comparison prefers; a choice is a list of places, −1 where it ends.
"""

from __future__ import annotations

import numpy as np
from numba import njit

__all__ = [
    "add_exactly",
    "add_measure",
    "add_size",
    "best_total",
    "challenge",
    "choose_free",
    "choose_greedy",
    "choose_one",
    "class_scatter",
    "differ",
    "exchanges",
    "largest_bits",
    "list_pairs",
    "second_moments",
    "start_scores",
    "tally",
    "tally_count",
    "tally_exactly",
    "worths",
]


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
def _greedy(i, score, max_coupons, coupon, dense, conflicts, taken):  # type: ignore[no-untyped-def]
    """Take the best set of user ``i`` where conflicts fall into disjoint families; return its size.

    Arrays are indexed, not sliced: a slice handed on costs an atomic count of references.
    """
    places = score.shape[1]
    n = 0
    worth_taking = 0
    for s in range(places):
        worth_taking += score[i, s] > 0.0
    for _ in range(min(max_coupons[i], worth_taking)):
        best = -1
        most = 0.0
        for s in range(places):
            if not score[i, s] > most:
                continue
            free = True
            for d in range(n):
                t = taken[i, d]
                if t == s or conflicts[s if dense else coupon[i, s], t if dense else coupon[i, t]]:
                    free = False
                    break
            if free:
                most = score[i, s]
                best = s
        if best < 0:
            break
        taken[i, n] = best
        n += 1
    for d in range(n, taken.shape[1]):
        taken[i, d] = -1
    return n


@njit(nogil=True, cache=True)
def choose_greedy(score, max_coupons, coupon, dense, conflicts, taken):  # type: ignore[no-untyped-def]
    """Take the best set of each user where conflicts fall into disjoint families.

    Such sets are the independent sets of a truncated partition matroid, where greedy is exact.
    """
    for i in range(score.shape[0]):
        _greedy(i, score, max_coupons, coupon, dense, conflicts, taken)


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
    for i in range(score.shape[0]):
        if families:
            size = _greedy(i, score, max_coupons, coupon, dense, conflicts, taken_places)
            if not capped or size == 0:
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
