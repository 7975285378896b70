"""Tiny instances drawn from a whole number, with every rule: quick to draw, and one number says which.

Limits are what a drawn plan just reaches, or near it, or anything; numbers are whole, tenths or long; half of
the instances have users who are exactly alike. Some have a plan and some have none.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from tests.brute_force import Pair, Reading, plan_table
from tests.drawn import random_plan

from couponry.instances import (
    Budget,
    Campaign,
    Coupons,
    Coverage,
    Exclusion,
    Instance,
    Keep,
    Parity,
    Response,
    ReturnFloor,
    Rule,
    Stock,
    Target,
    UserCap,
    Users,
)

__all__ = ["seeded_instance"]

MOST_CELLS = 12


def seeded_instance(seed: int) -> Instance:
    """Return the instance of a seed: one to six users, one to four coupons, up to five rules of plans."""
    random = np.random.default_rng(seed)
    users = int(random.integers(1, 7))
    coupons = int(random.integers(1, max(2, min(5, MOST_CELLS // users + 1))))
    bare = Instance(
        _menu(random, coupons),
        _users(random, users),
        _response(random, users, coupons),
        tuple(_user_rules(random, coupons)),
        Campaign(
            objective=_one(random, ["value"] * 5 + ["cost", "revenue", "count"]),
            sense=_one(random, ["maximise"] * 3 + ["minimise"]),
        ),
    )
    anchor = random_plan(bare, random)
    made = [_one(random, _RULES)(random, bare, anchor) for _ in range(random.integers(0, 6))]
    first_keep = next((rule for rule in made if isinstance(rule, Keep)), None)
    rules = [rule for rule in made if not isinstance(rule, Keep) or rule is first_keep]
    return replace(bare, rules=(*bare.rules, *rules))


def _one(random: np.random.Generator, values: list[Any]) -> Any:
    return values[random.integers(len(values))]


def _menu(random: np.random.Generator, coupons: int) -> Coupons:
    table = pd.DataFrame({"coupon_id": [f"c{j}" for j in range(coupons)]})
    table["kind"] = [_one(random, ["gift", "fixed_off"]) for _ in range(coupons)]
    if random.random() < 0.4:
        table["stock"] = random.choice([math.nan, 1.0, 2.0, 3.0], coupons)
    if random.random() < 0.2:
        table["minimum"] = random.choice([math.nan, 0.0, 1.0], coupons)
    return Coupons(table)


def _users(random: np.random.Generator, users: int) -> Users:
    columns: dict[str, Any] = {
        "user_id": [f"u{i}" for i in range(users)],
        "region": random.choice(["north", "south"], users).tolist(),
        "tier": random.integers(1, 3, users).tolist(),
    }
    if random.random() < 0.15:
        columns["max_coupons"] = pa.array(random.integers(0, 3, users).tolist(), pa.int32())
    return Users(pa.table(columns))


def _response(random: np.random.Generator, users: int, coupons: int) -> Response:
    places = int(random.integers(1, coupons + 1)) if random.random() < 0.3 else coupons
    unit = _one(random, [1.0, 4.0, 10.0, 0.0])
    lowest = _one(random, [-2, -2, -8, 0])
    measures = {
        name: _numbers(random, (users, places), unit, low, high)
        for name, low, high in (
            ("value", lowest, 8 if lowest > -8 else -1),
            ("cost", _one(random, [0, 0, 0, -3]), 8),
            ("revenue", -2, 16),
        )
    }
    if random.random() < 0.25:
        measures["cost"][:] = measures["cost"][0, 0]
    measures["value"][random.random((users, places)) < _one(random, [0.0, 0.1, 0.4])] = np.nan
    coupon = None
    if places < coupons:
        coupon = np.array([random.permutation(coupons)[:places] for _ in range(users)], np.int32)
    if random.random() < 0.5:  # users who are exactly alike
        kind = random.integers(0, max(1, users // 2), users)
        measures = {name: array[kind] for name, array in measures.items()}
        coupon = None if coupon is None else coupon[kind]
    dtype = _one(random, [np.float32, np.float64])
    return Response({name: array.astype(dtype) for name, array in measures.items()}, coupon)


def _numbers(
    random: np.random.Generator, shape: tuple[int, int], unit: float, low: int, high: int
) -> np.ndarray:
    if unit == 0:
        return random.uniform(low / 4, high / 4, shape)
    return random.integers(low, high + 1, shape) / unit


def _user_rules(random: np.random.Generator, coupons: int) -> list[Rule]:
    rules: list[Rule] = []
    if random.random() < 0.5:
        money = _one(random, [None, None, 0.8, 2.0, 5.0])
        rules.append(UserCap(coupons=_one(random, [0, 1, 2, 2, 3]), money=money))
    if random.random() < 0.3:
        rules.append(Exclusion(by="kind"))
    if coupons >= 3 and random.random() < 0.2:
        rules.append(Exclusion(coupons=["c0", "c1"]))
        rules.append(Exclusion(coupons=["c1", "c2"]))
    return rules


# ------------------------------------------------------------- rules about the whole plan


def _scope(random: np.random.Generator, instance: Instance) -> dict[str, Any]:
    scope: dict[str, Any] = {}
    if random.random() < 0.3:
        count = int(random.integers(1, len(instance.coupons) + 1))
        scope["coupons"] = random.permutation(instance.coupons.ids)[:count].tolist()
    if random.random() < 0.25:
        scope["users"] = {"region": [_one(random, instance.users.table["region"].to_pylist())]}
    return scope


def _reached(instance: Instance, anchor: set[Pair], measure: str, scope: dict[str, Any]) -> float:
    reading = Reading(instance)
    over = reading.pairs_of(
        reading.users_with(scope.get("users") or {}), reading.coupons_with(scope.get("coupons"))
    )
    return math.fsum(reading.number(measure, pair) for pair in anchor & over)


def _budget(random: np.random.Generator, instance: Instance, anchor: set[Pair]) -> Rule:
    scope, measure = _scope(random, instance), _one(random, ["cost", "cost", "cost", "count"])
    reached = _reached(instance, anchor, measure, scope)
    amount = _one(random, [reached, reached, reached + 0.25, reached / 2, 0.0, 1.3])
    return Budget(amount=max(0.0, amount), measure=measure, **scope)


def _target(random: np.random.Generator, instance: Instance, anchor: set[Pair]) -> Rule:
    scope, measure = _scope(random, instance), _one(random, ["value", "count", "revenue"])
    reached = _reached(instance, anchor, measure, scope)
    return Target(at_least=_one(random, [reached, reached, reached - 0.25, 0.7]), measure=measure, **scope)


def _stock(random: np.random.Generator, instance: Instance, anchor: set[Pair]) -> Rule:
    coupons = _scope(random, instance).get("coupons") or list(instance.coupons.ids)
    reached = _reached(instance, anchor, "count", {"coupons": coupons})
    sides = [{"at_most": reached}, {"at_least": reached}, {"at_least": reached, "at_most": reached}]
    return Stock(coupons=coupons, **_one(random, [*sides, {"at_most": 2.0}]))


def _coverage(random: np.random.Generator, instance: Instance, anchor: set[Pair]) -> Rule:
    segment = _one(random, ["region", "tier"])
    groups = instance.users.table[segment].to_pylist()
    rates = [
        _reached(instance, anchor, "count", {"users": {segment: [group]}}) / groups.count(group)
        for group in sorted(set(groups))
    ]
    sides = [
        {"at_least": min(rates)},
        {"at_most": max(rates)},
        {"at_least": min(rates), "at_most": max(rates)},
    ]
    return Coverage(segment=segment, **_one(random, [*sides, {"at_least": 0.4}]))


def _parity(random: np.random.Generator, instance: Instance, anchor: set[Pair]) -> Rule:
    segment, measure = _one(random, ["region", "tier"]), _one(random, ["count", "count", "value"])
    groups = instance.users.table[segment].to_pylist()
    overall = _reached(instance, anchor, measure, {}) / len(groups)
    widest = max(
        abs(_reached(instance, anchor, measure, {"users": {segment: [g]}}) / groups.count(g) - overall)
        for g in set(groups)
    )
    return Parity(segment=segment, measure=measure, tolerance=_one(random, [widest, widest, 0.0, 0.3]))


def _return_floor(random: np.random.Generator, instance: Instance, anchor: set[Pair]) -> Rule:
    cost = _reached(instance, anchor, "cost", {})
    ratio = _reached(instance, anchor, "revenue", {}) / cost if cost > 0 else 1.5
    return ReturnFloor(ratio=max(0.0, _one(random, [ratio, ratio / 2, 1.5])))


def _keep(random: np.random.Generator, instance: Instance, anchor: set[Pair]) -> Rule:
    earlier = anchor or random_plan(instance, random)
    return Keep(plan=plan_table(instance, sorted(earlier)), share=_one(random, [1.0, 0.5, 0.3]))


_RULES: list[Callable[[np.random.Generator, Instance, set[Pair]], Rule]] = [
    _budget,
    _budget,
    _target,
    _stock,
    _coverage,
    _parity,
    _return_floor,
    _keep,
]
