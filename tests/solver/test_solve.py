"""The whole solve: by hand, against HiGHS and the judge, stopped early, started late, and at size."""

from __future__ import annotations

import json
import math
import threading
import time
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from tests.instances.small import four_users
from tests.solver.linear import linear_optimum, nearly_linear_optimum

from couponry.instances import (
    Budget,
    Campaign,
    Coupons,
    Coverage,
    InputError,
    Instance,
    Parity,
    Progress,
    Response,
    Rule,
    Stock,
    Target,
    UserCap,
    Users,
)
from couponry.instances.generators import DEFAULT_RULES, RULE_NAMES, draw_instance
from couponry.solver.solution import Solution, Status, StoppedBy
from couponry.solver.solve import solve
from couponry.solver.verify import verify

NAN = math.nan
METHODS = ["highs", "priced"]


def given(solution: Solution) -> list[str]:
    """Return the plan as words."""
    pairs = zip(solution.plan["user_id"].to_pylist(), solution.plan["coupon_id"].to_pylist(), strict=True)
    return [f"{user} {coupon}" for user, coupon in pairs]


def table(value: list[list[float]], cost: list[list[float]], *rules: Rule, **campaign: str) -> Instance:
    """Return users 1, 2, … and coupons A, B, … with these numbers."""
    n, j = np.shape(value)
    return Instance(
        Coupons(pd.DataFrame({"coupon_id": list("ABC")[:j]})),
        Users(pa.table({"user_id": np.arange(1, n + 1)})),
        Response({"value": np.array(value, float), "cost": np.array(cost, float)}),
        rules,
        Campaign.model_validate(campaign),
    )


def check(instance: Instance, solution: Solution) -> None:
    """Assert that the judge accepts plan and certificate, and that the gap is that of value and bound."""
    found = verify(instance, solution.plan, solution.certificate)
    assert found.ok, found.words()
    assert found.value == pytest.approx(solution.value, rel=1e-12)
    assert solution.gap == abs(solution.bound - solution.value) / max(1, abs(solution.bound))
    sense = instance.program.sense
    assert sense * solution.value <= sense * solution.bound
    assert sense * solution.bound <= sense * solution.certificate.bound


@lru_cache
def drawn(users: int, seed: int = 1, coupons: int = 10) -> Instance:
    """Return a drawn instance with budget, stock, coverage and parity."""
    return draw_instance(users, coupons, seed=seed)


@lru_cache
def some_value(users: int) -> float:
    """Return the value of a good plan of the drawn instance with five coupons."""
    return solve(drawn(users, coupons=5), gap=1e-3).value


# ------------------------------------------------------------------------- by hand


@pytest.mark.parametrize("method", METHODS)
def test_four_users(method: str) -> None:
    """With money for 4 the best of four users are u2 A, u3 A and u4 B, proven to be the best."""
    solution = solve(four_users(Budget(amount=4)), method=method)
    assert given(solution) == ["u2 A", "u3 A", "u4 B"]
    assert solution.status is Status.OPTIMAL
    assert solution.stopped_by is StoppedBy.GAP
    assert solution.value == pytest.approx(1.1)
    assert solution.bound == pytest.approx(1.1, abs=1e-6)
    assert solution.prices.set_index("name")["activity"].to_dict() == {
        "stock A": 2,
        "stock B": 1,
        "budget": 4,
    }
    check(four_users(Budget(amount=4)), solution)


@pytest.mark.parametrize("method", METHODS)
def test_one_user_and_one_coupon(method: str) -> None:
    """The smallest instance is given what there is."""
    instance = table([[0.5]], [[2.0]], Budget(amount=2))
    solution = solve(instance, method=method)
    assert given(solution) == ["1 A"]
    assert (solution.value, solution.status) == (0.5, Status.OPTIMAL)
    dearer = solve(table([[0.5]], [[2.0]], Budget(amount=1.5)), method=method)
    assert given(dearer) == []
    assert (dearer.value, dearer.status) == (0, Status.OPTIMAL)
    assert dearer.bound == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_nothing_worth_giving(method: str) -> None:
    """Where every coupon is worth less than nothing the empty plan is the best, and is proven to be."""
    instance = table([[-0.5, -0.1], [-0.2, -0.3]], [[1, 1], [1, 1]], Budget(amount=5))
    solution = solve(instance, method=method)
    assert given(solution) == []
    assert solution.plan.column_names == ["user_id", "coupon_id", "value", "cost"]
    assert solution.value == 0
    assert solution.bound == pytest.approx(0, abs=1e-12)
    assert solution.gap == pytest.approx(0, abs=1e-12)
    assert solution.status is Status.OPTIMAL


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("rules", [(), (UserCap(coupons=0),)])
def test_nobody_can_be_given_anything(method: str, rules: tuple[Rule, ...]) -> None:
    """Where nothing is eligible, or nobody may have a coupon, the empty plan is the best."""
    value = [[NAN, NAN]] if not rules else [[0.5, 0.5]]
    solution = solve(table(value, [[1, 1]], *rules, Budget(amount=1)), method=method)
    assert given(solution) == []
    assert solution.status is Status.OPTIMAL
    assert solution.value == 0


@pytest.mark.parametrize("method", METHODS)
def test_negative_costs_pay_for_others(method: str) -> None:
    """With no money a coupon that brings in 1 is given at a loss of 0.2, and pays for one worth 0.9."""
    instance = table([[-0.2], [0.9], [0.7]], [[-1], [1], [1]], Budget(amount=0))
    solution = solve(instance, method=method)
    assert given(solution) == ["1 A", "2 A"]
    assert solution.value == pytest.approx(0.7)
    assert solution.status is Status.OPTIMAL
    check(instance, solution)


@pytest.mark.parametrize("method", METHODS)
def test_least_money_for_a_target(method: str) -> None:
    """The objective turned round: a value of 0.9 costs 3 at least, and the bound is below."""
    instance = four_users(Target(at_least=0.9), campaign=Campaign(objective="cost", sense="minimise"))
    solution = solve(instance, method=method)
    assert given(solution) == ["u3 A", "u4 B"]
    assert solution.value == 3
    assert solution.bound == pytest.approx(3, abs=1e-5)
    assert solution.bound <= 3
    assert solution.status is Status.OPTIMAL
    check(instance, solution)


@pytest.mark.parametrize("method", METHODS)
def test_two_coupons_a_user(method: str) -> None:
    """With two a user, for 3 of money at most, everybody has what is worth most within the stock of A."""
    # u1: C alone, 0.3, as are A and B together, which need the scarce A. u2 and u3: A and B. u4: B, and no A.
    instance = four_users(UserCap(coupons=2, money=3.0))
    solution = solve(instance, method=method)
    assert given(solution) == ["u1 C", "u2 A", "u2 B", "u3 A", "u3 B", "u4 B"]
    assert solution.value == pytest.approx(0.3 + 0.3 + 0.5 + 0.5)
    check(instance, solution)


def test_a_coupon_removed_from_a_dense_list_is_a_shortlist() -> None:
    """Shortlists and dense tables with the same eligible pairs have the same best plan."""
    n = 150
    short = draw_instance(n, 6, seed=3, shortlist=3)
    listed = short.response.coupon
    assert listed is not None
    rows = np.arange(n)[:, None]
    dense = {name: np.full((n, 6), 0.0, np.float32) for name in short.response.measures}
    dense["value"][:] = NAN
    for name, array in dense.items():
        array[rows, listed] = short.response.measures[name]
    wide = replace(short, response=Response(dense))
    one, other = solve(short), solve(wide)
    assert one.value == pytest.approx(other.value, rel=1e-6)
    assert one.certificate.bound == pytest.approx(other.certificate.bound, rel=1e-9)
    check(short, one)
    check(wide, other)


def alike(users: int = 2000) -> Instance:
    """Return users who are exactly alike within each of four segments."""
    group = np.arange(users) % 4
    value = np.array([[0.5, 0.3, 0.2], [0.1, 0.4, 0.3], [0.25, 0.25, 0.25], [0.05, 0.1, 0.6]])[group]
    cost = np.array([[2.0, 1.0, 0.5], [1.0, 2.0, 1.0], [1.0, 1.0, 1.0], [0.5, 0.5, 3.0]])[group]
    return Instance(
        Coupons(pd.DataFrame({"coupon_id": ["A", "B", "C"], "stock": [400.0, NAN, 300.0]})),
        Users(pa.table({"user_id": np.arange(users), "segment": np.array(list("wxyz"))[group]})),
        Response({"value": value, "cost": cost}),
        (
            Budget(amount=1234.5),
            Coverage(segment="segment", at_least=0.1),
            Parity(segment="segment", tolerance=0.2),
        ),
    )


@pytest.mark.parametrize("method", METHODS)
def test_users_exactly_alike(method: str) -> None:
    """Of users alike, whom no price can tell apart, the bound is HiGHS's and the plan is optimal."""
    solution = solve(alike(), method=method)
    assert solution.certificate.bound == pytest.approx(linear_optimum(alike().program), rel=1e-9)
    assert solution.status is Status.OPTIMAL
    assert solution.value == pytest.approx(339.55)
    check(alike(), solution)


# ---------------------------------------------------------------- methods and arguments


def test_method_is_chosen_by_size() -> None:
    """Small instances are solved whole, larger ones by prices, unless one is asked for."""
    small, large = four_users(Budget(amount=4)), drawn(1000, coupons=5)
    assert solve(small).stats["method"] == "highs"
    assert solve(small, method="priced").stats["method"] == "priced"
    found = solve(large, gap=1e-3)
    assert found.stats["method"] == "priced"
    assert found.stats["core_users"] < 1000
    check(large, found)


@pytest.mark.parametrize("kind", ["default", "all"])
def test_methods_agree(kind: str) -> None:
    """Under all kinds of rules no plan is beyond the other method's bound, and both are near theirs."""
    rules = RULE_NAMES if kind == "all" else DEFAULT_RULES
    instance = draw_instance(120, 4, seed=6, rules=rules)
    highs, priced = (solve(instance, method=method, gap=5e-3) for method in METHODS)
    for one, other in ((highs, priced), (priced, highs)):
        check(instance, one)
        assert one.gap <= 0.02
        assert one.value <= other.bound
    assert highs.status is Status.OPTIMAL


def test_bounds_say_where_they_come_from() -> None:
    """Within a wide gap the prices prove it all; for the last digit branch and bound has to search."""
    instance = drawn(1000, coupons=5)
    wide, narrow = solve(instance, gap=1e-2, method="priced"), solve(four_users(Budget(amount=3)), gap=0.0)
    assert wide.stats["bound_source"] == "prices"
    assert wide.bound == wide.certificate.bound
    # u3 A and u4 B cost 3 and bring 0.9: fractions bring no more, or a search closes what is between.
    assert narrow.bound <= narrow.certificate.bound
    assert narrow.gap <= 1e-9


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"method": "hihgs"},
            (
                "parameter 'method': unknown method (got 'hihgs'). Did you mean 'highs'? "
                "Known: auto, priced, highs, cpsat, pyomo, pdlp, cvxpy"
            ),
        ),
        ({"engine": "cluster"}, "parameter 'engine': unknown engine (got 'cluster'). Known: local"),
        ({"gap": -1e-3}, "parameter 'gap': this must be a number of at least 0 (got -0.001). 1e-6 is usual"),
        ({"gap": NAN}, "parameter 'gap': this must be a number of at least 0 (got nan). 1e-6 is usual"),
        ({"gap": math.inf}, "parameter 'gap': this must be a number of at least 0 (got inf). 1e-6 is usual"),
        (
            {"time_limit": 0},
            "parameter 'time_limit': this must be above 0 seconds (got 0). Leave it out for no limit",
        ),
        (
            {"time_limit": -2.5},
            "parameter 'time_limit': this must be above 0 seconds (got -2.5). Leave it out for no limit",
        ),
        (
            {"time_limit": NAN},
            "parameter 'time_limit': this must be above 0 seconds (got nan). Leave it out for no limit",
        ),
    ],
)
def test_arguments_out_of_range(options: dict[str, Any], message: str) -> None:
    """An argument that cannot be is refused with its value and the mend, before anything is solved."""
    with pytest.raises(InputError) as caught:
        solve(four_users(), **options)
    assert str(caught.value) == message


def test_rules_that_do_not_fit_are_input_errors() -> None:
    """A rule about a segment that users do not have is told as such."""
    with pytest.raises(InputError, match="nation"):
        solve(four_users(Coverage(segment="nation", at_least=0.5)))


def test_instances_are_not_changed() -> None:
    """A solve leaves every array of the instance as it was."""
    instance = draw_instance(200, 4, seed=2, rules=RULE_NAMES)
    before = {name: array.copy() for name, array in instance.response.measures.items()}
    solve(instance, gap=2e-2, method="priced")
    for name, array in instance.response.measures.items():
        assert np.array_equal(array, before[name], equal_nan=True)


# --------------------------------------------------------------------- what is handed back


def test_summary_of_a_solve_is_plain_json() -> None:
    """What a solve hands back can be written as JSON, with or without a plan."""
    for instance in (four_users(Budget(amount=4)), four_users(Budget(amount=1.5)), four_users()):
        summary = solve(instance).summary()
        assert json.loads(json.dumps(summary, allow_nan=False)) == summary
        assert summary["users"] == 4
        assert summary["rows"] == len(summary["rules"])
    clash = solve(four_users(Budget(amount=1.5))).summary()
    assert clash["status"] == "infeasible"
    assert clash["value"] is None
    assert [c["name"] for c in clash["infeasible"]["clashes"]] == ["stock B", "budget"]


def test_statistics() -> None:
    """A solve says its method, sizes, passes, seconds by phase and memory."""
    stats = solve(drawn(1000, coupons=5), gap=1e-3, seed=7).stats
    assert (stats["users"], stats["coupons"], stats["seed"], stats["method"]) == (1000, 5, 7, "priced")
    assert stats["rows"] == len(drawn(1000, coupons=5).program.rows)
    assert stats["passes"] >= 2
    assert {"compile", "boxes", "assign", "plan"} <= set(stats["seconds_by_phase"])
    assert sum(stats["seconds_by_phase"].values()) <= stats["seconds"]


def test_progress_grows() -> None:
    """Steps are told in the order of the phases, and their numbers grow while one thing is done."""
    heard: list[Progress] = []
    solve(drawn(3500, coupons=5), gap=1e-4, progress=heard.append)
    stages = list(dict.fromkeys(step.stage for step in heard))
    assert stages[:2] == ["prices", "plan"]
    prices = [step for step in heard if step.stage == "prices"]
    where = [step.message.split(",")[0] for step in prices]
    assert where[-1] == "all users"
    assert where[0].startswith("sample of ")
    for place in dict.fromkeys(where):
        done = [step.done for step, there in zip(prices, where, strict=True) if there == place]
        assert done == list(range(1, len(done) + 1))
    plans = [step for step in heard if step.stage == "plan"]
    assert all(step.total is not None and step.done <= step.total for step in plans)
    assert "undecided" in prices[-1].message
    assert "gap" in plans[-1].message


# ------------------------------------------------------------------------ stopped early


class Stop:
    """A report that sets its own cancel flag at the first step of a stage."""

    def __init__(self, stage: str) -> None:
        self.stage, self.flag, self.at = stage, threading.Event(), 0.0

    def __call__(self, step: Progress) -> None:
        """Hear a step."""
        if step.stage == self.stage and not self.flag.is_set():
            self.at = time.perf_counter()
            self.flag.set()


@pytest.mark.parametrize("stage", ["prices", "plan"])
def test_cancelled_solves_keep_the_best_plan_so_far(stage: str) -> None:
    """Cancelled from a report, a solve ends soon with the plan it has, its true gap, and the reason."""
    stop = Stop(stage)
    instance = drawn(1000, coupons=5)
    solution = solve(instance, gap=0.0, progress=stop, cancel=stop.flag)
    assert stop.flag.is_set()
    assert time.perf_counter() - stop.at < 20
    assert solution.stopped_by is StoppedBy.CANCELLED
    assert solution.status in (Status.FEASIBLE, Status.NO_SOLUTION)
    if stage == "plan":
        assert solution.status is Status.FEASIBLE
    if solution.status is Status.FEASIBLE:
        check(instance, solution)
        assert 0 < solution.gap < 1
    else:
        assert solution.plan.num_rows == 0
        assert math.isnan(solution.value)
        assert math.isinf(solution.gap)
    assert solution.bound >= some_value(1000)


def test_cancelled_before_it_began() -> None:
    """A flag that is set already ends a solve at once, without a plan or with a valid one."""
    stop = threading.Event()
    stop.set()
    for method in METHODS:
        solution = solve(drawn(1000, coupons=5), method=method, gap=0.0, cancel=stop)
        assert solution.stopped_by is StoppedBy.CANCELLED
        if solution.plan.num_rows:
            check(drawn(1000, coupons=5), solution)


@pytest.mark.parametrize(("method", "seconds"), [("highs", 1e-3), ("priced", 1e-3), ("priced", 0.2)])
def test_little_time(method: str, seconds: float) -> None:
    """With hardly any time a solve answers promptly: a plan that the judge accepts, or none."""
    instance = drawn(1000, coupons=5)
    began = time.perf_counter()
    solution = solve(instance, method=method, gap=0.0, time_limit=seconds)
    assert time.perf_counter() - began < 20
    assert solution.stopped_by is StoppedBy.TIME_LIMIT
    assert solution.status in (Status.FEASIBLE, Status.NO_SOLUTION)
    if solution.status is Status.FEASIBLE:
        check(instance, solution)
    else:
        assert solution.plan.num_rows == 0
    assert solution.bound >= some_value(1000)


# ------------------------------------------------------------------ started from another


def with_budget(instance: Instance, factor: float) -> Instance:
    """Return the instance with another budget."""
    first, *others = instance.rules
    assert isinstance(first, Budget)
    return replace(instance, rules=(first.model_copy(update={"amount": first.amount * factor}), *others))


def test_start_gives_the_same_bound_in_fewer_steps() -> None:
    """From the solution of another budget the same bound is found as from nothing, with less to do."""
    instance = drawn(3500, coupons=5)
    other = with_budget(instance, 1.02)
    former = solve(instance, gap=1e-3)
    steps: dict[str, list[Progress]] = {"cold": [], "warm": []}
    cold = solve(other, gap=1e-3, progress=steps["cold"].append)
    warm = solve(other, gap=1e-3, start=former, progress=steps["warm"].append)
    assert warm.certificate.bound == pytest.approx(cold.certificate.bound, rel=1e-9)
    assert warm.value == pytest.approx(cold.value, rel=1e-3)
    assert warm.stats["passes"] <= cold.stats["passes"]
    count = {k: sum(step.stage == "prices" for step in heard) for k, heard in steps.items()}
    assert count["warm"] <= count["cold"]
    check(other, warm)


def test_start_from_other_rules() -> None:
    """A start whose rules are other ones, or whose instance had no plan, does no harm."""
    instance = four_users(Budget(amount=4), Stock(coupons=["C"], at_most=1))
    for former in (solve(four_users()), solve(four_users(Budget(amount=1.5)))):
        for method in METHODS:
            assert solve(instance, method=method, start=former).value == pytest.approx(1.1)


# ------------------------------------------------------------------------------ at size


@pytest.mark.slow
def test_same_seed_gives_the_same_plan_at_size() -> None:
    """Two solves of 20,000 × 10 with one seed are alike to the last digit, another seed is within the gap."""
    instance = drawn(20_000)
    first, again, other = (solve(instance, gap=1e-4, seed=seed) for seed in (3, 3, 4))
    assert first.plan.equals(again.plan)
    assert (first.value, first.bound) == (again.value, again.bound)
    assert first.certificate.multipliers.tolist() == again.certificate.multipliers.tolist()
    assert other.value == pytest.approx(first.value, rel=2e-4)
    assert other.certificate.bound == pytest.approx(first.certificate.bound, rel=1e-9)
    for solution in (first, other):
        assert solution.status is Status.OPTIMAL
        check(instance, solution)


@pytest.mark.slow
def test_two_hundred_thousand_users() -> None:
    """Of 200,000 × 10 the gap is at most 1e-4, and the bound within 1e-6 of the linear optimum."""
    instance = drawn(200_000)
    solution = solve(instance, gap=1e-4)
    assert solution.status is Status.OPTIMAL
    assert solution.gap <= 1e-4
    check(instance, solution)
    # A fractional plan that HiGHS finds lies below the linear optimum, and the bound above it.
    below = nearly_linear_optimum(instance.program, solution.certificate.multipliers, open_users=10_000)
    assert below * (1 - 1e-12) <= solution.certificate.bound <= below * (1 + 1e-6)
    assert solution.bound <= below * (1 + 1e-6)


@pytest.mark.slow
def test_fifty_thousand_users_beside_highs() -> None:
    """Of 50,000 × 10 the bound is HiGHS's LP optimum to 1e-6, by its interior point over everybody."""
    instance = drawn(50_000)
    solution = solve(instance, gap=1e-4)
    assert solution.gap <= 1e-4
    assert solution.certificate.bound == pytest.approx(
        linear_optimum(instance.program, solver="ipm"), rel=1e-6
    )
    check(instance, solution)
