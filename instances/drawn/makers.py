"""Rules as tight as is wanted, and never tighter than what the reference plan attains."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import pyarrow as pa

from couponry.instances.drawn.attained import Attained
from couponry.instances.reference import Reference, at_least, at_most
from couponry.instances.rules import (
    Budget,
    Coverage,
    Exclusion,
    Parity,
    ReturnFloor,
    Rule,
    Target,
    UserCap,
)

__all__ = [
    "Maker",
    "budget",
    "coverage",
    "earlier_plan",
    "exclusion",
    "parity",
    "return_floor",
    "stock",
    "target",
    "user_cap",
]

Maker = Callable[[Attained, pd.DataFrame], Rule | None]
"""Makes a rule of the reference plan's sums and the menu, or none where none makes sense."""

_MONEY_CAP_QUANTILE = 0.995
_KEPT_OF_TEN = 9


def budget(share: float, *, channel: str | None = None) -> Maker:
    """Give money for a share of what each user's coupon of most value costs; of one channel if named."""

    def make(plan: Attained, menu: pd.DataFrame) -> Rule:
        coupons = None if channel is None else (menu["channel"] == channel).to_numpy()
        wanted = round(share * plan.total_at_best("cost", coupons), 2)
        amount = max(0.0, at_most(wanted, plan.at_most("cost", coupons), 2))
        if coupons is None:
            return Budget(amount=amount)
        return Budget(name=f"{channel} budget", amount=amount, coupons=list(menu.loc[coupons, "coupon_id"]))

    return make


def coverage(segment: str, wanted: float, *, ceiling: float | None = None) -> Maker:
    """Ask for a share of users with a coupon in every group; of at most ``ceiling`` too if given."""

    def make(plan: Attained, menu: pd.DataFrame) -> Rule:
        rates = plan.rates(segment)
        most = None if ceiling is None else at_most(ceiling, float(rates.max()), 4)
        return Coverage(segment=segment, at_least=at_least(wanted, float(rates.min()), 4), at_most=most)

    return make


def parity(segment: str, tolerance: float, *, digits: int = 4) -> Maker:
    """Ask for groups' shares of users with a coupon to lie near the overall one."""

    def make(plan: Attained, menu: pd.DataFrame) -> Rule:
        return Parity(segment=segment, tolerance=at_most(tolerance, plan.widest_gap(segment), digits))

    return make


def return_floor(plan: Attained, menu: pd.DataFrame) -> Rule | None:
    """Ask for four fifths of the way from the return without scarcity to the plan's own."""
    cost, cost_at_best = plan.total("cost"), plan.total_at_best("cost")
    if min(cost, cost_at_best) <= 0 or plan.total("revenue") < 0:
        return None  # a handful of users, of whom none responds
    loose = plan.total_at_best("revenue") / cost_at_best
    tight = plan.at_least("revenue") / plan.at_most("cost")
    return ReturnFloor(ratio=max(0.0, at_least(round(0.2 * loose + 0.8 * tight, 2), tight, 2)))


def target(plan: Attained, menu: pd.DataFrame) -> Rule:
    """Ask for 95 % of the plan's value."""
    return Target(at_least=at_least(round(0.95 * plan.total("value"), 2), plan.at_least("value"), 2))


def user_cap(coupons: int, *, money: bool = True) -> Maker:
    """Allow some coupons a user, and cap the money where few pairs of the plan cost as much."""

    def make(plan: Attained, menu: pd.DataFrame) -> Rule:
        if not money:
            return UserCap(coupons=coupons)
        costs = plan.costs
        usual = float(np.quantile(costs, _MONEY_CAP_QUANTILE)) if costs is not None and len(costs) else 0.0
        return UserCap(coupons=coupons, money=at_most(max(0.0, round(usual, 2)), plan.dearest, 2))

    return make


def exclusion(plan: Attained, menu: pd.DataFrame) -> Rule:
    """Give at most one coupon of each kind."""
    return Exclusion(by="kind")


def stock(plan: Attained, menu: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Return the menu with a stock on every third coupon and a minimum on every fourth."""
    j = np.arange(len(menu))
    # A sixth of an even share is scarce for most coupons.
    wanted = np.ceil(plan.users / len(j) / 6 * rng.uniform(0.5, 1.5, len(j)))
    limit = np.where(j % 3 == 0, np.maximum(wanted, plan.counts), np.nan)
    return menu.assign(stock=limit, minimum=np.where(j % 4 == 1, plan.counts // 2, np.nan))


def earlier_plan(plan: Reference, ids: pa.Array, coupons: Sequence[str]) -> pa.Table:
    """Return an earlier plan of which the reference plan keeps nine pairs in ten."""
    rows = np.flatnonzero(plan.place >= 0)
    names = np.array(coupons, dtype=object)
    given = plan.coupon[rows]
    coupon = np.where(np.arange(len(rows)) % 10 >= _KEPT_OF_TEN, (given + 1) % len(names), given)
    return pa.table(
        {"user_id": ids.take(pa.array(rows)), "coupon_id": pa.array(names[coupon].astype(str), pa.string())}
    )
