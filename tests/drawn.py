"""Instances with every rule, drawn by Hypothesis; some have a plan and some have none.

Half of the limits are set to what a drawn plan just reaches, so that ties at a limit are common; the others
are anything. Numbers are quarters, tenths or long, so that sums are exact, rounded with ties, or rounded.
"""

from __future__ import annotations

import math
from dataclasses import replace
from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from hypothesis import assume
from hypothesis import strategies as st
from tests.brute_force import Pair, Reading, number_of_plans, plan_table

from couponry.instances import (
    Budget,
    Campaign,
    Coupons,
    Coverage,
    Exclusion,
    Freeze,
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

__all__ = ["campaigns", "crowds", "instances", "plans", "repeated"]

SEGMENTS = {"region": ["north", "south", "east"], "tier": [1, 2], "member": [True, False]}
MOST_PLANS = 20_000


@st.composite
def instances(
    draw: st.DrawFn,
    max_users: int = 5,
    max_coupons: int = 4,
    max_rules: int = 4,
    *,
    frozen: bool = False,
    at_risk: bool = False,
) -> Instance:
    """Return a tiny instance that brute force can still exhaust.

    With ``frozen`` some users may not change; with ``at_risk`` a budget or two is of random costs.
    """
    n = draw(st.sampled_from(range(max_users, 0, -1)))
    bare = draw(_bare_instances(n, draw(st.sampled_from(range(max_coupons, 0, -1)))))
    assume(number_of_plans(bare) <= MOST_PLANS)
    if at_risk:
        bare = draw(_with_variance(bare))
    return draw(_with_rules(bare, max_rules, frozen=frozen, at_risk=at_risk))


@st.composite
def campaigns(
    draw: st.DrawFn, users: tuple[int, ...] = (120, 300, 40), coupons: tuple[int, ...] = (4, 6, 2)
) -> Instance:
    """Return an instance that is too large for brute force and easy for HiGHS."""
    bare = draw(_bare_instances(draw(st.sampled_from(users)), draw(st.sampled_from(coupons))))
    return draw(_with_rules(bare, 4))


@st.composite
def crowds(
    draw: st.DrawFn, kinds: int = 2, max_coupons: int = 3, copies: int = 3, max_rules: int = 4
) -> Instance:
    """Return an instance of a few kinds of users, with several users of each who are exactly alike."""
    n = draw(st.sampled_from(range(kinds, 0, -1)))
    bare = draw(_bare_instances(n, draw(st.sampled_from(range(max_coupons, 0, -1)))))
    bare = repeated(bare, draw(st.sampled_from(range(copies, 1, -1))))
    assume(number_of_plans(bare) <= MOST_PLANS)
    return draw(_with_rules(bare, max_rules))


def repeated(instance: Instance, times: int) -> Instance:
    """Return an instance with every user several times, under other ids, in turn."""
    rows = np.tile(np.arange(len(instance.users)), times)
    table = instance.users.table.take(pa.array(rows))
    ids = pa.array(np.arange(len(rows)) + 1)
    position = table.column_names.index("user_id")
    users = Users(table.set_column(position, "user_id", ids))
    return replace(instance, users=users, response=instance.response.take(rows))


@st.composite
def plans(draw: st.DrawFn, instance: Instance) -> set[Pair]:
    """Return a plan that keeps what binds one user at a time."""
    return random_plan(instance, np.random.default_rng(draw(st.integers(0, 2**32 - 1))))


def random_plan(instance: Instance, random: np.random.Generator) -> set[Pair]:
    """Return any choice that a user may have, for each user."""
    reading = Reading(instance)
    choices = [reading.choices(i) for i in range(len(reading.users))]
    return {(i, j) for i, allowed in enumerate(choices) for j in allowed[random.integers(len(allowed))]}


@st.composite
def _bare_instances(draw: st.DrawFn, n: int, coupons: int) -> Instance:
    """Return an instance with the rules that bind one user at a time."""
    # Numbers are drawn by a seed: cell by cell Hypothesis would leave nearly all of them equal.
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    menu = draw(_menus(coupons, 1 if n <= 6 else n // 4))
    return Instance(
        menu,
        draw(_users(n, random)),
        draw(_responses(n, coupons, random)),
        tuple(draw(_user_rules(menu))),
        Campaign(
            objective=draw(st.sampled_from(["value", "value", "value", "cost", "revenue", "count"])),
            sense=draw(st.sampled_from(["maximise", "maximise", "minimise"])),
        ),
    )


@st.composite
def _with_rules(
    draw: st.DrawFn, bare: Instance, most: int, *, frozen: bool = False, at_risk: bool = False
) -> Instance:
    anchor = draw(plans(bare))
    count = draw(st.sampled_from(range(most, -1, -1)))
    kinds = draw(st.lists(st.sampled_from(sorted(_RULES)), min_size=count, max_size=count))
    rules = [draw(_RULES[kind](bare, anchor)) for kind in kinds if kind != "keep"]
    if "keep" in kinds:
        rules.append(draw(_keeps(bare, anchor)))
    if at_risk:
        rules += [draw(_budgets_at_risk(bare, anchor)) for _ in range(draw(st.sampled_from([1, 1, 2])))]
    if frozen:
        rules.append(draw(_freezes(bare, anchor)))
    return replace(bare, rules=(*bare.rules, *rules))


# ------------------------------------------------------------------------- the parts


@st.composite
def _users(draw: st.DrawFn, n: int, random: np.random.Generator) -> Users:
    ids: Any = (10 * random.permutation(n) + 7).tolist()
    if draw(st.booleans()):
        ids = [f"u{i}" for i in ids]
    columns: dict[str, Any] = {"user_id": ids}
    for name, values in SEGMENTS.items():
        columns[name] = [values[i] for i in random.integers(len(values), size=n)]
    if draw(st.integers(0, 4)) == 0:
        own = [[None, 0, 1, 2][i] for i in random.integers(4, size=n)]
        columns["max_coupons"] = pa.array(own, pa.int32())
    return Users(pa.table(columns))


@st.composite
def _menus(draw: st.DrawFn, size: int, unit: int) -> Coupons:
    def column(values: list[Any]) -> list[Any]:
        return draw(st.lists(st.sampled_from(values), min_size=size, max_size=size))

    table = pd.DataFrame({"coupon_id": [f"c{j}" for j in range(size)]})
    table["kind"] = column(["gift", "fixed_off", "percent_off"])
    table["channel"] = pd.Series(column(["sms", "app", None]), dtype=object)
    if draw(st.booleans()):
        table["stock"] = column([math.nan, math.nan, 1.0 * unit, 2.0 * unit, 3.0 * unit])
    if draw(st.integers(0, 4)) == 0:
        table["minimum"] = column([math.nan, 0.0, 1.0])
    return Coupons(table)


@st.composite
def _responses(draw: st.DrawFn, n: int, coupons: int, random: np.random.Generator) -> Response:
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    coupon = None
    places = coupons
    if draw(st.booleans()):
        places = draw(st.sampled_from(range(coupons, 0, -1)))
    if places < coupons or draw(st.booleans()):
        # Each user's own shortlist, in any order, here and there with an empty place.
        coupon = np.array([random.permutation(range(-1, coupons))[:places] for _ in range(n)], dtype=np.int32)
    spread = draw(st.sampled_from(["quarters", "tenths", "long"]))
    highest = draw(st.sampled_from([8, 8, 2]))
    lowest_cost = draw(st.sampled_from([0, 0, 0, -2]))
    measures = {
        "value": _numbers(random, (n, places), spread, -2, highest).astype(dtype),
        "cost": _numbers(random, (n, places), spread, lowest_cost, highest).astype(dtype),
        "revenue": _numbers(random, (n, places), spread, -2, 2 * highest).astype(dtype),
    }
    if draw(st.integers(0, 3)) == 0:
        # Messages that all cost the same.
        measures["cost"][:] = measures["cost"][0, 0]
    measures["value"][random.random((n, places)) < draw(st.sampled_from([0.1, 0.0, 0.4]))] = np.nan
    return Response(measures, coupon)


def _numbers(
    random: np.random.Generator, shape: tuple[int, int], spread: str, lowest: int, highest: int
) -> np.ndarray:
    if spread == "long":
        return random.uniform(lowest / 4, highest / 4, shape)
    return random.integers(lowest, highest + 1, shape) / (4 if spread == "quarters" else 10)


# ------------------------------------------------------------------------- the rules


@st.composite
def _user_rules(draw: st.DrawFn, coupons: Coupons) -> list[Rule]:
    rules: list[Rule] = []
    if draw(st.booleans()):
        money = draw(st.sampled_from([None, 2.0, 0.8, 1.25, 0.0]))
        rules.append(UserCap(coupons=draw(st.sampled_from([2, 1, 3, 0])), money=money))
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
    over = reading.pairs_of(reading.users_with(users or {}), reading.coupons_with(coupons))
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
    amount = draw(st.sampled_from([reached, reached, reached + 0.25, reached / 2, 0.6]))
    return Budget(
        amount=max(0.0, amount), measure=measure, name=draw(st.sampled_from([None, "spend"])), **scope
    )


@st.composite
def _targets(draw: st.DrawFn, instance: Instance, anchor: set[Pair]) -> Target:
    scope = draw(_scopes(instance))
    measure = draw(st.sampled_from(["value", "value", "count", "revenue", "cost"]))
    reached = _total(instance, anchor, measure, scope.get("coupons"), scope.get("users"))
    return Target(
        at_least=draw(st.sampled_from([reached, reached, reached - 0.25, reached / 2, 0.7])),
        measure=measure,
        **scope,
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
    measure = draw(st.sampled_from(["count", "count", "value", "cost"]))
    # Equal sums of many long numbers are a subset-sum puzzle, which no solver should be asked.
    least = 0.0 if measure == "count" or len(instance.users) <= 6 else 0.02
    return Parity(
        segment=draw(st.sampled_from(sorted(SEGMENTS))),
        measure=measure,
        tolerance=draw(st.sampled_from([least, 0.1, 0.25, 0.3, 0.5])),
        **draw(_scopes(instance)),
    )


@st.composite
def _return_floors(draw: st.DrawFn, instance: Instance, anchor: set[Pair]) -> ReturnFloor:
    del anchor
    return ReturnFloor(ratio=draw(st.sampled_from([0.0, 0.5, 1.0, 1.1, 2.0])), **draw(_scopes(instance)))


@st.composite
def _keeps(draw: st.DrawFn, instance: Instance, anchor: set[Pair]) -> Keep:
    earlier = plan_table(instance, sorted(anchor)).select(["user_id", "coupon_id"])
    if draw(st.booleans()):
        # Pairs that are gone count as given up; ids as text, as a CSV file has them.
        texts = earlier["user_id"].cast(pa.string()).to_pylist()
        coupons = earlier["coupon_id"].to_pylist()
        user = texts[0] if texts else "9"
        earlier = pa.table({"user_id": [*texts, user, "5"], "coupon_id": [*coupons, "gone", "c0"]})
    share = draw(st.sampled_from([0.0, 0.3, 0.5, 0.9, 1.0]))
    if instance.program.choices.max_coupons.max() > 1 or draw(st.booleans()):
        return Keep(plan=earlier, share=share)
    changed = draw(st.sampled_from([0.0, 0.2, 1 / 3, 0.5, 0.75]))
    return Keep(plan=earlier, share=share if draw(st.booleans()) else None, changed_at_most=changed)


@st.composite
def _freezes(draw: st.DrawFn, instance: Instance, anchor: set[Pair]) -> Freeze:
    pairs = draw(st.sampled_from([anchor, anchor, draw(plans(instance))]))
    users = sorted({i for i, _ in pairs})
    share = draw(st.sampled_from([0.5, 0.2, 1.0]))
    notified = set(users[: math.ceil(share * len(users))])
    table = plan_table(instance, sorted(pair for pair in pairs if pair[0] in notified))
    if draw(st.booleans()):
        table = pa.table({"user_id": table["user_id"].cast(pa.string()), "coupon_id": table["coupon_id"]})
    return Freeze(plan=table)


@st.composite
def _with_variance(draw: st.DrawFn, bare: Instance) -> Instance:
    """Return the instance with the spread of its costs: by measure, or by face value."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    cost = bare.response.measures["cost"]
    known = draw(st.sampled_from(["cost_sd", "cost_variance", "face_value"]))
    if known != "face_value":
        spread = (random.integers(0, 6, cost.shape) / 4).astype(cost.dtype)
        return replace(
            bare, response=replace(bare.response, measures={**bare.response.measures, known: spread})
        )
    measures = {**bare.response.measures, "cost": np.abs(cost)}
    table = bare.coupons.table.copy()
    table["face_value"] = table["max_discount"] = (
        float(np.abs(cost).max()) + random.integers(1, 9, len(table)) / 2
    )
    return replace(bare, response=replace(bare.response, measures=measures), coupons=Coupons(table))


@st.composite
def _budgets_at_risk(draw: st.DrawFn, instance: Instance, anchor: set[Pair]) -> Budget:
    scope = draw(_scopes(instance))
    probability = draw(st.sampled_from([0.05, 0.2, 0.4, 0.5]))
    reading = Reading(instance)
    over = anchor & reading.pairs_of(
        reading.users_with(scope.get("users") or {}), reading.coupons_with(scope.get("coupons"))
    )
    expected = math.fsum(reading.number("cost", pair) for pair in over)
    deviation = math.sqrt(math.fsum(reading.variance(pair) for pair in over))
    reached = expected - NormalDist().inv_cdf(probability) * deviation
    amount = draw(st.sampled_from([reached * (1 + 1e-9), reached + 0.25, reached / 2, 2.0]))
    return Budget(amount=max(0.0, amount), overspend_probability=probability, name="at risk", **scope)


_RULES: dict[str, Any] = {
    "budget": _budgets,
    "target": _targets,
    "stock": _stocks,
    "coverage": _coverages,
    "parity": _parities,
    "return_floor": _return_floors,
    "keep": _keeps,
}
