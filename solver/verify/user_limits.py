"""The rules that bind one user at a time: so many coupons, so much money, one of each family."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from couponry.instances.errors import InputError
from couponry.instances.instance import Instance
from couponry.instances.rules import Exclusion, UserCap
from couponry.solver.verify.findings import Violation, listed, number
from couponry.solver.verify.plan import Pairs
from couponry.solver.verify.population import Judged, segment_tables
from couponry.solver.verify.selectors import selected_coupons

__all__ = ["UserLimits", "broken_user_limits", "most_of_all", "read_user_limits"]


@dataclass(frozen=True)
class UserLimits:
    """What one user may be given.

    Attributes
    ----------
    most : ndarray of int64, shape (n,)
        Most coupons.
    money : float
        Most expected cost; infinite where there is no cap.
    cap : str
        Name of the cap.
    families : tuple of (str, ndarray of bool, shape (J,))
        Name and coupons of every family of which a user gets at most one.
    """

    most: np.ndarray
    money: float
    cap: str
    families: tuple[tuple[str, np.ndarray], ...]


def read_user_limits(instance: Instance) -> UserLimits:
    """Read the user caps and exclusions. Without any cap a user gets at most one coupon.

    Raises
    ------
    InputError
        If an exclusion names a coupon or a column that the menu does not have.
    """
    caps = [rule for rule in instance.rules if isinstance(rule, UserCap)]
    most = np.full(len(instance.users), min((cap.coupons for cap in caps), default=1), dtype=np.int64)
    if "max_coupons" in instance.users.table.column_names:
        own = instance.users.table["max_coupons"]
        given = np.asarray(pc.is_valid(own))
        most[given] = np.asarray(pc.fill_null(own.cast(pa.int64()), 0))[given]
    money = min((cap.money for cap in caps if cap.money is not None), default=math.inf)
    name = next((cap.name for cap in caps if cap.name), "user cap")
    exclusions = [rule for rule in instance.rules if isinstance(rule, Exclusion)]
    families = [family for rule in exclusions for family in _families(instance, rule)]
    return UserLimits(most, money, name, tuple(families))


def most_of_all(instance: Judged) -> int:
    """Return the most coupons that any user may get."""
    if isinstance(instance, Instance):
        return int(read_user_limits(instance).most.max(initial=0))
    by_rule = min((rule.coupons for rule in instance.rules if isinstance(rule, UserCap)), default=1)
    if "max_coupons" not in instance.source.schema.names:
        return by_rule
    most = 0
    for table in segment_tables(instance, ["max_coupons"]):
        own = pc.fill_null(table["max_coupons"].cast(pa.int64()), by_rule)
        most = max(most, pc.max(own).as_py() or 0)
    return most


def _families(instance: Instance, rule: Exclusion) -> list[tuple[str, np.ndarray]]:
    name = rule.name or "exclusion"
    if rule.coupons is not None:
        return [(f"{name} {', '.join(rule.coupons)}", selected_coupons(instance, rule.coupons))]
    by = str(rule.by)
    if by not in instance.coupons.table:
        raise InputError("an exclusion mentions a column that the menu does not have", column=by)
    column = instance.coupons.table[by]
    held = [value for value in column.unique() if value == value and value is not None]
    return [(f"{name} {by}={value}", selected_coupons(instance, {by: [value]})) for value in held]


def broken_user_limits(
    instance: Instance, limits: UserLimits, pairs: Pairs, cost: np.ndarray
) -> list[Violation]:
    """Return every user's broken limit.

    Parameters
    ----------
    instance : Instance
    limits : UserLimits
    pairs : Pairs
    cost : ndarray of float64, shape (p,)
        Of each pair.
    """
    counts = np.bincount(pairs.user, minlength=len(instance.users))
    violations = _too_many(instance, limits, counts)
    several = np.flatnonzero(counts[pairs.user] > 1)
    for name, family in limits.families:
        inside = several[family[pairs.coupon[several]]]
        violations += _exclusion(instance, name, pairs.user[inside])
    if math.isfinite(limits.money):
        violations += _too_dear(instance, limits, pairs.user, cost)
    return violations


def _too_many(instance: Instance, limits: UserLimits, counts: np.ndarray) -> list[Violation]:
    over = np.flatnonzero(counts > limits.most)

    def one(i: int) -> Violation:
        user, count, most = _user(instance, over[i]), int(counts[over[i]]), int(limits.most[over[i]])
        words = f"{limits.cap}: {user} gets {count} coupons, at most {most} allowed: {count - most} too many."
        return Violation(limits.cap, user, float(count), float(most), float(count - most), words)

    return listed(limits.cap, len(over), one)


def _exclusion(instance: Instance, name: str, users: np.ndarray) -> list[Violation]:
    who, counts = np.unique(users, return_counts=True)
    over = np.flatnonzero(counts > 1)

    def one(i: int) -> Violation:
        user, count = _user(instance, who[over[i]]), int(counts[over[i]])
        words = f"{name}: {user} gets {count} coupons of this family, at most one allowed."
        return Violation(name, user, float(count), 1.0, float(count - 1), words)

    return listed(name, len(over), one)


def _too_dear(instance: Instance, limits: UserLimits, users: np.ndarray, cost: np.ndarray) -> list[Violation]:
    order = np.argsort(users, kind="stable")
    who, first = np.unique(users[order], return_index=True)
    if not len(who):
        return []
    ordered = cost[order]
    rough = np.add.reduceat(ordered, first)
    # Only sums that rounding could carry across the cap are worth an exact one.
    doubt = np.add.reduceat(np.abs(ordered), first) * 1e-9 + 1e-300
    last = np.append(first[1:], len(users))
    over, spent = [], []
    for i in np.flatnonzero(rough > limits.money - doubt):
        total = math.fsum(ordered[first[i] : last[i]].tolist())
        if total > limits.money:
            over.append(who[i])
            spent.append(total)

    def one(i: int) -> Violation:
        user, excess = _user(instance, over[i]), spent[i] - limits.money
        words = (
            f"{limits.cap}: {user} gets coupons of cost {number(spent[i])}, "
            f"at most {number(limits.money)} allowed: {number(excess)} too much."
        )
        return Violation(limits.cap, user, spent[i], limits.money, excess, words)

    return listed(limits.cap, len(over), one)


def _user(instance: Instance, row: int | np.integer) -> str:
    return f"user {instance.users.ids[int(row)].as_py()}"
