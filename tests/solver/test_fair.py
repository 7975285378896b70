"""Fair plans: by hand, against brute force over all plans, and one way of finding them against the other."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from tests.brute_force import Reading
from tests.instances.small import four_users

from couponry.instances import Budget, Coupons, Coverage, InputError, Instance, Response, Rule, UserCap, Users
from couponry.instances.generators import draw_instance
from couponry.solver.fair import fair_plan
from couponry.solver.fair_answer import FairPlan
from couponry.solver.power_mean import Fairness
from couponry.solver.solution import Status, StoppedBy
from couponry.solver.verify import verify

METHODS = ["priced", "cvxpy"]


def two_regions(*rules: Rule, shortlist: bool = False) -> Instance:
    """Return four users and one coupon: in the north it is worth 4 and 3, in the south 2 and 1."""
    value = np.array([[4.0], [3.0], [2.0], [1.0]])
    return Instance(
        Coupons(pd.DataFrame({"coupon_id": ["A"]})),
        Users(pa.table({"user_id": [1, 2, 3, 4], "region": ["north", "north", "south", "south"]})),
        Response(
            {"value": value, "cost": np.ones((4, 1))}, np.zeros((4, 1), np.int32) if shortlist else None
        ),
        rules or (Budget(amount=2),),
    )


def check(instance: Instance, fair: FairPlan) -> None:
    """Assert that the plan keeps the rules, and that its figures and its proof are what they say."""
    assert verify(instance, fair.plan).ok
    assert fair.weighted is not None
    found = verify(fair.weighted, fair.plan, fair.certificate)
    assert found.ok, found.words()
    assert fair.value <= fair.bound
    assert fair.gap == abs(fair.bound - fair.value) / max(1, abs(fair.bound))
    assert fair.utility <= fair.utility_bound
    sizes = fair.segments["users"].to_numpy(float)
    fairness = Fairness(fair.alpha, sizes)
    totals = fair.segments["total"].to_numpy(float)
    assert fair.value == pytest.approx(fairness.value(totals))
    weights = fair.segments["weight"].to_numpy(float)
    assert fairness.normalised(weights) == pytest.approx(weights)
    # What the certificate proves of the weighted sum holds of fairness.
    assert fair.certificate is not None
    assert fair.bound <= fair.certificate.bound * (1 + 1e-11)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shortlist", [False, True])
@pytest.mark.parametrize(
    ("alpha", "users", "value"),
    [(0.0, [1, 2], 7.0), (1.0, [1, 3], 4 * math.sqrt(2)), (math.inf, [1, 3], 4.0)],
)
def test_two_of_four(method: str, shortlist: bool, alpha: float, users: list[int], value: float) -> None:
    """With two coupons the most is 4 + 3, all in the north; fairness gives each region its best user."""
    instance = two_regions(shortlist=shortlist)
    fair = fair_plan(instance, segment="region", alpha=alpha, method=method)
    assert fair.plan["user_id"].to_pylist() == users
    assert fair.value == pytest.approx(value)
    check(instance, fair)


def all_plans(instance: Instance) -> Iterator[set[tuple[int, int]]]:
    """Give every plan that keeps every rule."""
    reading = Reading(instance)

    def grow(i: int, taken: set[tuple[int, int]]) -> Iterator[set[tuple[int, int]]]:
        if i == len(reading.users):
            if reading.keeps(taken):
                yield taken
            return
        for coupons in reading.choices(i):
            yield from grow(i + 1, taken | {(i, j) for j in coupons})

    yield from grow(0, set())


def fairest(instance: Instance, segment: str, alpha: float) -> float:
    """Return the equal-share equivalent of the fairest of all plans."""
    reading = Reading(instance)
    column = instance.users.segment(segment)
    fairness = Fairness(alpha, np.bincount(column.codes).astype(float))
    best = -math.inf
    for plan in all_plans(instance):
        totals = np.zeros(len(column.labels))
        for pair in plan:
            totals[column.codes[pair[0]]] += reading.number("value", pair)
        best = max(best, fairness.value(totals))
    return best


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("alpha", [0.5, 1.0, 2.0, math.inf])
@pytest.mark.parametrize("seed", range(2))
def test_bound_is_above_every_plan(method: str, alpha: float, seed: int) -> None:
    """No plan of a small instance is fairer than the bound, nor is the plan found fairer than the fairest."""
    random = np.random.default_rng(seed)
    value = random.uniform(0.1, 1, (7, 2))
    instance = Instance(
        Coupons(pd.DataFrame({"coupon_id": ["A", "B"], "stock": [3.0, math.nan]})),
        Users(pa.table({"user_id": np.arange(7), "tier": [1, 1, 1, 2, 2, 3, 3]})),
        Response({"value": value, "cost": random.uniform(0.5, 2, (7, 2))}),
        (Budget(amount=5.0), UserCap(coupons=2, money=2.5), Coverage(segment="tier", at_most=1.0)),
    )
    fair = fair_plan(instance, segment="tier", alpha=alpha, method=method, gap=1e-3)
    best = fairest(instance, "tier", alpha)
    assert fair.value <= best * (1 + 1e-12)
    assert best <= fair.bound * (1 + 1e-12)
    # Seven users cannot be divided finely, but the plan is no random one.
    assert fair.value >= 0.75 * best
    check(instance, fair)


def test_the_highest_floor_is_found_by_proofs() -> None:
    """A proof that 12 segments cannot have a floor gives the next one: a handful of solves, within 1e-3."""
    drawn = draw_instance(12_000, 4, seed=6, rules=("budget", "stock"))
    region = np.random.default_rng(0).integers(0, 12, 12_000)
    users = Users(pa.table({"user_id": drawn.users.ids, "city": region}))
    instance = Instance(drawn.coupons, users, drawn.response, (Budget(amount=drawn.rules[0].amount),))
    fair = fair_plan(instance, segment="city", alpha=math.inf, gap=1e-3)
    assert fair.status is Status.OPTIMAL
    assert fair.stats["solves"] <= 8
    check(instance, fair)


@pytest.mark.slow
@pytest.mark.parametrize("alpha", [1.0, 3.0])
def test_two_ways_agree_and_round_well(alpha: float) -> None:
    """Over thousands of users prices and CVXPY find the same weights, and the plan is within 1e-3."""
    instance = draw_instance(2000, 4, seed=6)
    priced, convex = (fair_plan(instance, segment="region", alpha=alpha, method=m, gap=1e-3) for m in METHODS)
    for fair in (priced, convex):
        assert fair.status is Status.OPTIMAL
        check(instance, fair)
    assert priced.bound == pytest.approx(convex.bound, rel=1e-3)
    assert convex.fractional <= convex.bound * (1 + 1e-6)
    assert priced.value <= convex.bound
    assert convex.value <= priced.bound


def test_everybody_must_be_above_nothing() -> None:
    """Where no plan brings a region above 0, proportional fairness says where; max-min has an answer."""
    instance = two_regions()
    instance.response.measures["value"][2:] = -1.0
    with pytest.raises(InputError) as caught:
        fair_plan(instance, segment="region")
    assert str(caught.value) == (
        "parameter 'alpha': no plan gives every group of 'region' a value above 0, which alpha = 1 needs; "
        "it fails at: south (got 1.0). Use alpha = math.inf, or loosen the rules that keep coupons from them"
    )
    assert fair_plan(instance, segment="region", alpha=math.inf).value == pytest.approx(0)


def test_rules_that_clash() -> None:
    """Where no plan exists the answer says why, as that of a solve does."""
    fair = fair_plan(four_users(Budget(amount=1.5)), segment="region")
    assert (fair.status, fair.stopped_by) == (Status.INFEASIBLE, StoppedBy.INFEASIBLE)
    assert fair.infeasibility is not None
    assert [clash.name for clash in fair.infeasibility.clashes] == ["stock B", "budget"]
    assert fair.plan.num_rows == 0
    assert math.isnan(fair.value)


def test_cancelled_keeps_a_plan() -> None:
    """Cancelled once weights are sought, the search hands back the fairest plan so far with a true gap."""
    flag = threading.Event()
    instance = draw_instance(400, 3, seed=6)
    fair = fair_plan(instance, segment="region", gap=2e-3, progress=lambda step: flag.set(), cancel=flag)
    assert fair.stopped_by is StoppedBy.CANCELLED
    assert fair.status is Status.FEASIBLE
    check(instance, fair)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"segment": "regoin"},
            "column 'regoin': the users have no such segment. Did you mean 'region'? Known: region, tier",
        ),
        ({"segment": "region", "measure": "profit"}, "column 'profit': the response has no such measure"),
        ({"segment": "region", "alpha": -1.0}, "parameter 'alpha': alpha must be at least 0 (got -1.0)"),
        ({"segment": "region", "alpha": math.nan}, "parameter 'alpha': alpha must be at least 0 (got nan)"),
        ({"segment": "region", "method": "pdlp"}, "unknown method (got 'pdlp'). Known: auto, priced, cvxpy"),
        (
            {"segment": "region", "method": "cvxpy", "cancel": threading.Event()},
            "parameter 'cancel': method 'cvxpy' cannot be cancelled. Leave it out, or use 'priced'",
        ),
    ],
)
def test_bad_arguments(options: dict[str, Any], message: str) -> None:
    """What cannot be is refused with its value and the mend."""
    with pytest.raises(InputError) as caught:
        fair_plan(four_users(Budget(amount=4)), **options)
    assert str(caught.value).startswith(message)
