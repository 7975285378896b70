"""Tiny instances with every rule, drawn by Hypothesis; some have a plan and some have none.

Half of the limits are set to what a drawn plan just reaches, so that ties at a limit are common; the others
are anything. Numbers are quarters, tenths or long, so that sums are exact, nearly exact, or not.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from hypothesis import assume
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from tests.brute_force import Pair, Reading, number_of_plans, plan_table

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

__all__ = ["instances", "plans"]

SEGMENTS = {"region": ["north", "south", "east"], "tier": [1, 2], "member": [True, False]}
MOST_PLANS = 20_000


@st.composite
def instances(draw: st.DrawFn, max_users: int = 5, max_coupons: int = 4, max_rules: int = 4) -> Instance:
    """Return a tiny instance that brute force can still exhaust."""
    users = draw(_users(max_users))
    coupons = draw(_menus(max_coupons))
    response = draw(_responses(len(users), len(coupons)))
    limits = draw(_user_rules(coupons))
    bare = Instance(coupons, users, response, tuple(limits))
    assume(number_of_plans(bare) <= MOST_PLANS)
    anchor = draw(plans(bare))
    kinds = draw(st.lists(st.sampled_from(sorted(_RULES)), max_size=max_rules))
    rules = [draw(_RULES[kind](bare, anchor)) for kind in kinds if kind != "keep"]
    if "keep" in kinds:
        rules.append(draw(_keeps(bare, anchor)))
    campaign = Campaign(
        objective=draw(st.sampled_from(["value", "value", "value", "cost", "revenue", "count"])),
        sense=draw(st.sampled_from(["maximise", "maximise", "minimise"])),
    )
    return Instance(coupons, users, response, (*limits, *rules), campaign)


@st.composite
def plans(draw: st.DrawFn, instance: Instance) -> set[Pair]:
    """Return a plan that keeps what binds one user at a time."""
    reading = Reading(instance)
    return {(i, j) for i in range(len(reading.users)) for j in draw(st.sampled_from(reading.choices(i)))}


# ------------------------------------------------------------------------- the parts


@st.composite
def _users(draw: st.DrawFn, most: int) -> Users:
    n = draw(st.integers(1, most))
    ids: Any = draw(st.permutations([10 * i + 7 for i in range(n)]))
    if draw(st.booleans()):
        ids = [f"u{i}" for i in ids]
    columns: dict[str, Any] = {"user_id": ids}
    for name, values in SEGMENTS.items():
        columns[name] = draw(st.lists(st.sampled_from(values), min_size=n, max_size=n))
    if draw(st.integers(0, 4)) == 0:
        own = draw(st.lists(st.sampled_from([None, 0, 1, 2]), min_size=n, max_size=n))
        columns["max_coupons"] = pa.array(own, pa.int32())
    return Users(pa.table(columns))


@st.composite
def _menus(draw: st.DrawFn, most: int) -> Coupons:
    size = draw(st.integers(1, most))

    def column(values: list[Any]) -> list[Any]:
        return draw(st.lists(st.sampled_from(values), min_size=size, max_size=size))

    table = pd.DataFrame({"coupon_id": [f"c{j}" for j in range(size)]})
    table["kind"] = column(["gift", "fixed_off", "percent_off"])
    table["channel"] = pd.Series(column(["sms", "app", None]), dtype=object)
    if draw(st.booleans()):
        table["stock"] = column([math.nan, math.nan, 1.0, 2.0, 3.0])
    if draw(st.integers(0, 4)) == 0:
        table["minimum"] = column([math.nan, 0.0, 1.0])
    if {"stock", "minimum"} <= set(table):
        table["minimum"] = table[["stock", "minimum"]].min(axis=1, skipna=False).fillna(table["minimum"])
    return Coupons(table)


@st.composite
def _responses(draw: st.DrawFn, n: int, coupons: int) -> Response:
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    coupon = None
    places = coupons
    if draw(st.integers(0, 2)) == 0:
        places = draw(st.integers(1, coupons))
        rows = [draw(st.permutations([*range(coupons), -1]))[:places] for _ in range(n)]
        coupon = np.array(rows, dtype=np.int32)
    spread = draw(st.sampled_from(["quarters", "tenths", "long"]))
    lowest_cost = draw(st.sampled_from([0, 0, 0, -2]))
    measures = {
        "value": draw(_numbers(n, places, spread, -2)).astype(dtype),
        "cost": draw(_numbers(n, places, spread, lowest_cost)).astype(dtype),
        "revenue": draw(_numbers(n, places, spread, -2)).astype(dtype),
    }
    absent = draw(hnp.arrays(bool, (n, places), elements=st.sampled_from([False, False, False, True])))
    measures["value"][absent] = np.nan
    return Response(measures, coupon)


@st.composite
def _numbers(draw: st.DrawFn, n: int, places: int, spread: str, lowest: int) -> np.ndarray:
    whole = draw(hnp.arrays(np.int64, (n, places), elements=st.integers(lowest, 8)))
    if spread == "quarters":
        return whole / 4
    if spread == "tenths":
        return whole / 10
    # A fixed stretch of each whole number: long, without ties between different ones.
    return whole * math.pi / 7 + np.sin(np.arange(n * places)).reshape(n, places) * 0.01 * (whole != 0)


# ------------------------------------------------------------------------- the rules


@st.composite
def _user_rules(draw: st.DrawFn, coupons: Coupons) -> list[Rule]:
    rules: list[Rule] = []
    if draw(st.booleans()):
        money = draw(st.sampled_from([None, None, 0.0, 0.5, 0.8, 1.25, 3.0]))
        rules.append(UserCap(coupons=draw(st.integers(0, 3)), money=money))
    if draw(st.booleans()):
        rules.append(Exclusion(by=draw(st.sampled_from(["kind", "channel"]))))
    if len(coupons) >= 2 and draw(st.booleans()):
        rules.append(
            Exclusion(coupons=draw(st.permutations(coupons.ids))[: draw(st.integers(2, len(coupons)))])
        )
    return rules


def _total(instance: Instance, anchor: set[Pair], measure: str, coupons: Any, users: Any) -> float:
    """Return a measure of the anchor over what a rule speaks of."""
    reading = Reading(instance)
    over = reading._pairs(reading._users(users or {}), reading._coupons(coupons))
    return math.fsum(reading.number(measure, pair) for pair in anchor & over)


@st.composite
def _scopes(draw: st.DrawFn, instance: Instance) -> dict[str, Any]:
    scope: dict[str, Any] = {}
    menu = instance.coupons.table
    which = draw(st.integers(0, 5))
    if which == 0:
        scope["coupons"] = draw(st.permutations(instance.coupons.ids))[: draw(st.integers(1, len(menu)))]
    elif which == 1:
        held = [value for value in menu["channel"] if isinstance(value, str)]
        if held:
            scope["coupons"] = {"channel": [draw(st.sampled_from(held))]}
    if draw(st.integers(0, 3)) == 0:
        columns = draw(st.lists(st.sampled_from(sorted(SEGMENTS)), unique=True, min_size=1, max_size=2))
        users = instance.users.table
        scope["users"] = {c: [draw(st.sampled_from(users[c].to_pylist()))] for c in columns}
    return scope


@st.composite
def _budgets(draw: st.DrawFn, instance: Instance, anchor: set[Pair]) -> Budget:
    scope = draw(_scopes(instance))
    measure = draw(st.sampled_from(["cost", "cost", "cost", "count", "revenue"]))
    reached = _total(instance, anchor, measure, scope.get("coupons"), scope.get("users"))
    amount = draw(st.sampled_from([reached, reached, reached + 0.25, 0.6, 1.5]))
    return Budget(
        amount=max(0.0, amount), measure=measure, name=draw(st.sampled_from([None, "spend"])), **scope
    )


@st.composite
def _targets(draw: st.DrawFn, instance: Instance, anchor: set[Pair]) -> Target:
    scope = draw(_scopes(instance))
    measure = draw(st.sampled_from(["value", "value", "count", "revenue", "cost"]))
    reached = _total(instance, anchor, measure, scope.get("coupons"), scope.get("users"))
    return Target(
        at_least=draw(st.sampled_from([reached, reached, reached - 0.25, 0.7])), measure=measure, **scope
    )


@st.composite
def _stocks(draw: st.DrawFn, instance: Instance, anchor: set[Pair]) -> Stock:
    ids = draw(st.permutations(instance.coupons.ids))[: draw(st.integers(1, len(instance.coupons)))]
    reached = _total(instance, anchor, "count", ids, None)
    sides = draw(
        st.sampled_from([{"at_most": reached}, {"at_least": reached}, {"at_most": 2}, {"at_least": 1}])
    )
    return Stock(coupons=ids, **sides)


@st.composite
def _coverages(draw: st.DrawFn, instance: Instance, anchor: set[Pair]) -> Coverage:
    segment = draw(st.sampled_from(sorted(SEGMENTS)))
    scope = draw(_scopes(instance))
    groups = instance.users.table[segment].to_pylist()
    rates = [
        _total(instance, anchor, "count", scope.get("coupons"), {segment: [value]}) / groups.count(value)
        for value in dict.fromkeys(groups)
    ]
    low = draw(st.sampled_from([None, min(rates), min(rates), 0.1, 0.5]))
    high = draw(st.sampled_from([None, max(rates), max(rates), 0.5]))
    if (low is None and high is None) or (low is not None and high is not None and low > high):
        low, high = 0.2, None
    return Coverage(segment=segment, at_least=low, at_most=high, **scope)


@st.composite
def _parities(draw: st.DrawFn, instance: Instance, anchor: set[Pair]) -> Parity:
    del anchor
    return Parity(
        segment=draw(st.sampled_from(sorted(SEGMENTS))),
        measure=draw(st.sampled_from(["count", "count", "value", "cost"])),
        tolerance=draw(st.sampled_from([0.0, 0.1, 0.25, 0.3, 0.5])),
        **draw(_scopes(instance)),
    )


@st.composite
def _return_floors(draw: st.DrawFn, instance: Instance, anchor: set[Pair]) -> ReturnFloor:
    del anchor
    return ReturnFloor(ratio=draw(st.sampled_from([0.0, 0.5, 1.0, 1.1, 2.0])), **draw(_scopes(instance)))


@st.composite
def _keeps(draw: st.DrawFn, instance: Instance, anchor: set[Pair]) -> Keep:
    earlier = plan_table(instance, draw(st.permutations(sorted(anchor)))).select(["user_id", "coupon_id"])
    if draw(st.booleans()):
        gone = {"user_id": earlier["user_id"].slice(0, 1).to_pylist() or ["9"], "coupon_id": ["gone"]}
        gone_table = pa.table(
            {"user_id": pa.array([str(gone["user_id"][0])]), "coupon_id": gone["coupon_id"]}
        )
        texts = earlier.set_column(0, "user_id", earlier["user_id"].cast(pa.string()))
        earlier = pa.concat_tables([texts, gone_table])
    return Keep(plan=earlier, share=draw(st.sampled_from([0.0, 0.3, 0.5, 0.9, 1.0])))


_RULES: dict[str, Any] = {
    "budget": _budgets,
    "target": _targets,
    "stock": _stocks,
    "coverage": _coverages,
    "parity": _parities,
    "return_floor": _return_floors,
    "keep": _keeps,
}
