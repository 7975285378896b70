"""The best plan of a tiny instance, by trying all of them.

Reads the rules a third time, in plain Python over dictionaries, so that neither the solver nor the judge is
measured against itself.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from couponry.instances import (
    Budget,
    Coverage,
    Exclusion,
    Freeze,
    Instance,
    Keep,
    Parity,
    ReturnFloor,
    Stock,
    Target,
    UserCap,
)

__all__ = ["Best", "Pair", "Reading", "best_plan", "number_of_plans", "plan_table"]

Pair = tuple[int, int]
# A term of a limit: coefficient, measure, and the pairs that it sums over.
Term = tuple[Fraction, str, frozenset[Pair]]
Limit = tuple[list[Term], float | None, float | None]


@dataclass(frozen=True)
class Best:
    """The best plan, and how many plans were tried and keep the rules as far as rounded sums can tell."""

    value: float
    plan: pa.Table
    tried: int


def decimal(value: float) -> Fraction:
    """Return the decimal that a float prints as."""
    return Fraction(repr(float(value)))


class Reading:
    """An instance as dictionaries, and its rules as sums over sets of (user, coupon) pairs."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.users: list[dict[str, Any]] = instance.users.table.to_pylist()
        self.menu: list[dict[str, Any]] = instance.coupons.table.to_dict("records")
        self.place: dict[Pair, int] = {}
        shortlist, value = instance.response.coupon, instance.response.measures["value"]
        for i, s in np.ndindex(*instance.response.shape):
            j = s if shortlist is None else int(shortlist[i, s])
            if j >= 0 and not math.isnan(value[i, s]):
                self.place[i, j] = s

    def number(self, measure: str, pair: Pair) -> float:
        """Return a measure of an eligible pair."""
        if measure == "count":
            return 1.0
        if measure == "face":
            coupon = self.menu[pair[1]]
            return float(coupon["max_discount" if coupon["kind"] == "percent_off" else "face_value"])
        return float(self.instance.response.measures[measure][pair[0], self.place[pair]])

    def variance(self, pair: Pair) -> float:
        """Return the variance of what an eligible pair costs."""
        measures = self.instance.response.measures
        if "cost_variance" in measures:
            return self.number("cost_variance", pair)
        if "cost_sd" in measures:
            return self.number("cost_sd", pair) ** 2
        coupon, cost = self.menu[pair[1]], self.number("cost", pair)
        most = coupon["max_discount" if coupon["kind"] == "percent_off" else "face_value"]
        return cost * (most - cost)

    # ------------------------------------------------------------- one user at a time

    def most(self, i: int) -> int:
        """Return how many coupons a user may get."""
        own = self.users[i].get("max_coupons")
        caps = [rule.coupons for rule in self.instance.rules if isinstance(rule, UserCap)]
        return int(own) if own is not None else min(caps, default=1)

    @cached_property
    def families(self) -> list[set[int]]:
        """Coupons of which a user gets at most one."""
        found = []
        for rule in self.instance.rules:
            if isinstance(rule, Exclusion) and rule.coupons is not None:
                found.append({j for j, row in enumerate(self.menu) if row["coupon_id"] in rule.coupons})
            elif isinstance(rule, Exclusion):
                values = {row[rule.by] for row in self.menu if not pd.isna(row[rule.by])}
                found += [{j for j, row in enumerate(self.menu) if row[rule.by] == value} for value in values]
        return found

    @cached_property
    def frozen(self) -> dict[int, tuple[int, ...]]:
        """Coupons of the users who stay as they are."""
        held: dict[int, set[int]] = {}
        freezes = [rule.plan for rule in self.instance.rules if isinstance(rule, Freeze)]
        rows = [row for plan in freezes if isinstance(plan, pa.Table) for row in plan.to_pylist()]
        for row in rows:
            (i,) = (i for i, user in enumerate(self.users) if str(user["user_id"]) == str(row["user_id"]))
            (j,) = (j for j, coupon in enumerate(self.menu) if coupon["coupon_id"] == str(row["coupon_id"]))
            held.setdefault(i, set()).add(j)
        return {i: tuple(sorted(coupons)) for i, coupons in held.items()}

    def may_have(self, i: int, coupons: tuple[int, ...]) -> bool:
        """Return whether one user may be given these coupons together."""
        money = [
            rule.money for rule in self.instance.rules if isinstance(rule, UserCap) and rule.money is not None
        ]
        spent = decimal(math.fsum(self.number("cost", (i, j)) for j in coupons))
        return (
            len(coupons) <= self.most(i)
            and all(len(family.intersection(coupons)) <= 1 for family in self.families)
            and all(spent <= decimal(most) for most in money)
        )

    def choices(self, i: int) -> list[tuple[int, ...]]:
        """Return every set of coupons that a user may be given; a frozen user has one."""
        if i in self.frozen:
            return [self.frozen[i]] if self.may_have(i, self.frozen[i]) else []
        eligible = [j for j in range(len(self.menu)) if (i, j) in self.place]
        sets = itertools.chain.from_iterable(
            itertools.combinations(eligible, size) for size in range(len(eligible) + 1)
        )
        return [coupons for coupons in sets if self.may_have(i, coupons)]

    # ------------------------------------------------------------- all users together

    @cached_property
    def limits(self) -> list[Limit]:
        """Every limit on sums over the plan, in the order of the menu and then of the rules."""
        return list(self._limits())

    def _limits(self) -> Iterator[Limit]:
        for j, row in enumerate(self.menu):
            stock, minimum = row.get("stock", math.nan), row.get("minimum", math.nan)
            pairs = self.pairs_of(range(len(self.users)), {j})
            yield (
                [(Fraction(1), "count", pairs)],
                minimum if minimum is not None and minimum > 0 else None,
                None if stock is None or math.isnan(stock) else stock,
            )
        for rule in self.instance.rules:
            yield from self._limits_of(rule)

    def _limits_of(self, rule: Any) -> Iterator[Limit]:
        coupons = (
            self.coupons_with(getattr(rule, "coupons", None)) if not isinstance(rule, UserCap) else set()
        )
        users = self.users_with(getattr(rule, "users", None) or {})
        pairs = self.pairs_of(users, coupons)
        if isinstance(rule, Budget):
            measure = rule.measure if rule.measure != "liability" else "face"
            yield [(Fraction(1), measure, pairs)], None, rule.amount
        elif isinstance(rule, Target):
            yield [(Fraction(1), rule.measure, pairs)], rule.at_least, None
        elif isinstance(rule, Stock):
            yield [(Fraction(1), "count", pairs)], rule.at_least, rule.at_most
        elif isinstance(rule, ReturnFloor):
            revenue, cost = (Fraction(1), "revenue", pairs), (-decimal(rule.ratio), "cost", pairs)
            yield [revenue, cost], 0.0, None
        elif isinstance(rule, Keep):
            earlier = rule.plan.to_pylist()
            names = {(str(row["user_id"]), str(row["coupon_id"])) for row in earlier}
            pairs = self.pairs_of(users, coupons)
            kept = {p for p in pairs if self._names(p) in names}
            if rule.share is not None:
                share = rule.share if earlier else 0.0
                yield [(Fraction(1, len(earlier) or 1), "count", frozenset(kept))], share, None
            if rule.changed_at_most is not None:
                yield self._changed_users(names, pairs, kept, rule.changed_at_most)
        elif isinstance(rule, Coverage | Parity):
            for value in sorted({self.users[i][rule.segment] for i in users}):
                group = [i for i in users if self.users[i][rule.segment] == value]
                inside = self.pairs_of(group, coupons)
                if isinstance(rule, Coverage):
                    yield [(Fraction(1, len(group)), "count", inside)], rule.at_least, rule.at_most
                else:
                    there = (Fraction(1, len(group)), rule.measure, inside)
                    overall = (Fraction(-1, len(users)), rule.measure, pairs)
                    yield [there, overall], -rule.tolerance, rule.tolerance

    def _changed_users(
        self, names: set[tuple[str, str]], pairs: frozenset[Pair], kept: set[Pair], share: float
    ) -> Limit:
        """Return the limit on users who get anything else than before, at most one coupon each."""
        had = Counter(user for user, _ in names)
        count = [had[str(row["user_id"])] for row in self.users]
        stays = frozenset(p for p in kept if count[p[0]] == 1)
        new = frozenset(p for p in pairs if count[p[0]] == 0)
        # The greatest number of changed users whose share, rounded once, is within what was written.
        n = len(count)
        most = max(m for m in range(n + 1) if m / n <= share)
        changed_by_nothing = sum(c > 0 for c in count)
        return (
            [(Fraction(-1), "count", stays), (Fraction(1), "count", new)],
            None,
            float(most - changed_by_nothing),
        )

    def _names(self, pair: Pair) -> tuple[str, str]:
        return str(self.users[pair[0]]["user_id"]), self.menu[pair[1]]["coupon_id"]

    def pairs_of(self, users: Iterable[int], coupons: Iterable[int]) -> frozenset[Pair]:
        """Return the eligible pairs of some users and coupons."""
        return frozenset(pair for pair in itertools.product(users, coupons) if pair in self.place)

    def users_with(self, wanted: dict[str, list[Any]]) -> list[int]:
        """Return the users that have one of the values in each column."""
        return [i for i, row in enumerate(self.users) if all(row[c] in v for c, v in wanted.items())]

    def coupons_with(self, wanted: Any) -> set[int]:
        """Return the coupons that a rule's selector names."""
        if wanted is None:
            return set(range(len(self.menu)))
        conditions = wanted if isinstance(wanted, dict) else {"coupon_id": wanted}
        return {j for j, row in enumerate(self.menu) if all(row[c] in v for c, v in conditions.items())}

    def keeps(self, pairs: set[Pair]) -> bool:
        """Return whether a plan of eligible pairs keeps every rule."""
        for i in range(len(self.users)):
            held = tuple(sorted(j for user, j in pairs if user == i))
            if not self.may_have(i, held) or self.frozen.get(i, held) != held:
                return False
        return all(self.within(limit, pairs) for limit in self.limits) and self.within_risk(pairs)

    def within_risk(self, pairs: Iterable[Pair]) -> bool:
        """Return whether a plan keeps the budgets whose spend is random."""
        for rule in self.instance.rules:
            if isinstance(rule, Budget) and rule.overspend_probability is not None:
                over = self.pairs_of(self.users_with(rule.users or {}), self.coupons_with(rule.coupons))
                inside = [pair for pair in pairs if pair in over]
                deviation = math.sqrt(math.fsum(self.variance(pair) for pair in inside))
                expected = math.fsum(self.number("cost", pair) for pair in inside)
                if expected - NormalDist().inv_cdf(rule.overspend_probability) * deviation > rule.amount:
                    return False
        return True

    def within(self, limit: Limit, pairs: set[Pair]) -> bool:
        """Return whether a plan is within one limit, exactly."""
        terms, lower, upper = limit
        numbers = [[self.number(measure, pair) for pair in pairs & over] for _, measure, over in terms]
        printed = [decimal(math.fsum(some)) for some in numbers]
        stored = [sum(map(Fraction, some), Fraction(0)) for some in numbers]
        for sums in (printed, stored):
            activity = float(sum(term[0] * total for term, total in zip(terms, sums, strict=True)))
            if (lower is None or activity >= lower) and (upper is None or activity <= upper):
                return True
        return False


def number_of_plans(instance: Instance) -> int:
    """Return how many plans keep what binds one user at a time."""
    reading = Reading(instance)
    return math.prod(len(reading.choices(i)) for i in range(len(reading.users)))


def best_plan(instance: Instance) -> Best | None:
    """Return the best of all plans that keep every rule, or None where there is none.

    Sums over all plans at once leave out those that clearly break a limit; the others are looked at
    exactly, best first.
    """
    reading = Reading(instance)
    cells = sorted(reading.place)
    plans = _all_plans(reading, cells)
    hopeful = np.ones(len(plans), dtype=bool)
    for terms, lower, upper in reading.limits:
        weights = np.zeros(len(cells))
        for coefficient, measure, over in terms:
            weights += [float(coefficient) * reading.number(measure, c) if c in over else 0.0 for c in cells]
        activity, slack = plans @ weights, 1e-9 * (1 + np.abs(weights).sum())
        if lower is not None:
            hopeful &= activity >= lower - slack
        if upper is not None:
            hopeful &= activity <= upper + slack
    candidates = plans[hopeful]
    objective = instance.campaign.objective
    sense = 1.0 if instance.campaign.sense == "maximise" else -1.0
    value = candidates @ np.array([sense * reading.number(objective, c) for c in cells], dtype=np.float64)
    for at in np.argsort(-value, kind="stable"):
        pairs = [cells[c] for c in np.flatnonzero(candidates[at])]
        if all(reading.within(limit, set(pairs)) for limit in reading.limits) and reading.within_risk(pairs):
            exact = math.fsum(reading.number(objective, pair) for pair in pairs)
            return Best(exact, plan_table(instance, pairs), len(plans))
    return None


def _all_plans(reading: Reading, cells: list[Pair]) -> np.ndarray:
    """Return every plan that keeps what binds one user at a time, 0/1 of shape ``(plans, cells)``."""
    column = {cell: c for c, cell in enumerate(cells)}
    plans = np.zeros((1, len(cells)))
    for i in range(len(reading.users)):
        choices = np.zeros((len(reading.choices(i)), len(cells)))
        for row, coupons in enumerate(reading.choices(i)):
            choices[row, [column[i, j] for j in coupons]] = 1
        plans = (plans[:, None, :] + choices[None, :, :]).reshape(len(plans) * len(choices), len(cells))
    return plans


def plan_table(instance: Instance, pairs: Iterable[Pair]) -> pa.Table:
    """Return a plan of eligible pairs as a table with the instance's own numbers."""
    reading, pairs = Reading(instance), list(pairs)
    ids = instance.users.ids
    return pa.table(
        {
            "user_id": pa.array([ids[i].as_py() for i, _ in pairs], ids.type),
            "coupon_id": pa.array([instance.coupons.ids[j] for _, j in pairs], pa.string()),
            "value": pa.array([reading.number("value", pair) for pair in pairs], pa.float64()),
            "cost": pa.array([reading.number("cost", pair) for pair in pairs], pa.float64()),
        }
    )
