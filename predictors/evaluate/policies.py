"""Policies to judge and to compare with: for every row which arm is given.

All take arrays of shape ``(n, J)`` over users and coupons and return an int32 array ``(n,)`` of menu
positions, −1 for none; :func:`random_share` returns probabilities ``(n, J + 1)``, none first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt

from couponry.instances.coupons import Coupons
from couponry.instances.errors import InputError, did_you_mean

__all__ = ["budgeted", "everyone", "plan_arms", "random_share", "single_coupon_first", "top_share"]

Floats = npt.NDArray[np.float64]
Arms = npt.NDArray[np.int32]

_ROUNDING = 1e-6


def everyone(rows: int, arm: int) -> Arms:
    """Give every row the same arm (−1: nobody gets anything)."""
    return np.full(rows, arm, dtype=np.int32)


def single_coupon_first(rows: int, coupon: int, share: float) -> Arms:
    """Give one coupon to the first ``share`` of rows, in the order they stand in."""
    _check_share(share)
    arms = everyone(rows, -1)
    arms[: _count(rows, share)] = coupon
    return arms


def random_share(rows: int, coupons: int, share: float) -> Floats:
    """Give a random ``share`` of rows a coupon drawn at random."""
    _check_share(share)
    chances = np.full((rows, coupons + 1), share / coupons)
    chances[:, 0] = 1 - share
    return chances


def top_share(score: npt.ArrayLike, share: float, *, only_positive: bool = True) -> Arms:
    """Give the ``share`` of rows with the largest best score their best coupon.

    Parameters
    ----------
    score : array of float, shape (n, J)
        Such as the predicted value, or the predicted probability of a conversion. NaN is not eligible.
    share : float
        In [0, 1].
    only_positive : bool
        Leave out rows whose best score is not above 0.
    """
    _check_share(share)
    gain = np.where(np.isnan(score), -np.inf, np.asarray(score, np.float64))
    best = gain.argmax(axis=1)
    reached = gain[np.arange(len(gain)), best]
    first = np.argsort(-reached, kind="stable")[: _count(len(gain), share)]
    arms = everyone(len(gain), -1)
    arms[first] = best[first]
    arms[reached == -np.inf] = -1
    if only_positive:
        arms[reached <= 0] = -1
    return arms


def budgeted(value: npt.ArrayLike, cost: npt.ArrayLike, budget: float) -> Arms:
    """Give at most one coupon a row so that Σ cost ≤ budget, most value first at one price of money.

    At a price λ every row takes its best ``value − λ cost``. The least λ that keeps the budget is found by
    bisection, and what is then left over goes to the rows that gain most by a slightly lower price.

    Parameters
    ----------
    value, cost : array of float, shape (n, J)
        NaN value is not eligible; costs must not be negative.
    budget : float
    """
    v, c = np.asarray(value, np.float64), np.asarray(cost, np.float64)
    v = np.where(np.isnan(v), -np.inf, v)
    c = np.where(np.isfinite(v), c, 0.0)
    kept, spent = _best_at_price(v, c, 0.0)
    if spent <= budget:
        return kept
    low, high = 0.0, 1.0
    while _best_at_price(v, c, high)[1] > budget:
        low, high = high, 4 * high
        if high > 1e18:
            return everyone(len(v), -1)
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _best_at_price(v, c, middle)[1] > budget else (low, middle)
    kept, spent = _best_at_price(v, c, high)
    return _fill(kept, _best_at_price(v, c, low)[0], v, c, budget - spent)


def plan_arms(plan: Iterable[tuple[str, str]], users: npt.ArrayLike, coupons: Coupons) -> Arms:
    """Return a plan's pairs ``(user_id, coupon_id)`` as one arm a row of ``users``.

    Raises
    ------
    InputError
        If a coupon is not on the menu, or a user has two: a log with one arm a row cannot judge such a plan.
    """
    pairs = list(plan)
    _check_known([str(coupon) for _, coupon in pairs], coupons)
    given: dict[str, int] = {}
    for user, coupon in pairs:
        if str(user) in given:
            raise InputError(
                "the plan gives this user two coupons; a log of one coupon a row cannot judge it",
                column="user_id",
                value=user,
                mend="Judge a plan with one coupon a user",
            )
        given[str(user)] = coupons.position(str(coupon))
    return _looked_up(given, users)


def _check_known(given: list[str], coupons: Coupons) -> None:
    unknown = [coupon for coupon in given if coupon not in coupons.positions]
    if unknown:
        raise InputError(
            "the plan gives a coupon that is not in the log's menu, so the log says nothing about it; "
            f"{unknown.count(unknown[0]):,} of {len(given):,} users get it",
            column="coupon_id",
            value=unknown[0],
            mend=f"Judge it by a log that gave this coupon. {did_you_mean(unknown[0], coupons.ids)}",
        )


def _looked_up(given: Mapping[str, int], users: npt.ArrayLike) -> Arms:
    return np.array([given.get(str(user), -1) for user in np.asarray(users)], dtype=np.int32)


def _best_at_price(value: Floats, cost: Floats, price: float) -> tuple[Arms, float]:
    net = value - price * cost
    best = net.argmax(axis=1)
    rows = np.arange(len(net))
    taken = net[rows, best] > 0
    return np.where(taken, best, -1).astype(np.int32), float(cost[rows, best][taken].sum())


def _fill(kept: Arms, wished: Arms, value: Floats, cost: Floats, left: float) -> Arms:
    """Spend what is left on the rows that a slightly lower price would have changed."""
    rows = np.arange(len(kept))
    changed = np.flatnonzero(kept != wished)
    extra = _of_arm(cost, rows, wished) - _of_arm(cost, rows, kept)
    gain = _of_arm(value, rows, wished) - _of_arm(value, rows, kept)
    for row in changed[np.argsort(-gain[changed], kind="stable")]:
        if extra[row] <= left and gain[row] > 0:
            kept[row] = wished[row]
            left -= extra[row]
    return kept


def _of_arm(measure: Floats, rows: npt.NDArray[np.int64], arm: Arms) -> Floats:
    return np.where(arm >= 0, measure[rows, arm], 0.0)


def _count(rows: int, share: float) -> int:
    """Return how many rows a share is: 29 of 100 are .29, though their product falls short of it."""
    return int(rows * share + _ROUNDING)


def _check_share(share: float) -> None:
    if not 0 <= share <= 1:
        raise InputError("this must lie in [0, 1]", parameter="share", value=share)
