"""All back ends behind ``method=``: one truth, whoever is asked."""

from __future__ import annotations

import math
import sys
import threading
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from tests.brute_force import best_plan
from tests.drawn import campaigns, instances
from tests.instances.small import four_users
from tests.solver.test_properties import check_answer, check_two, slack

from couponry.instances import (
    Budget,
    Campaign,
    Coverage,
    Freeze,
    InputError,
    Instance,
    MissingExtraError,
    Target,
)
from couponry.instances.generators import RULE_NAMES, draw_instance
from couponry.solver.backends import BACKENDS, METHODS, heeds
from couponry.solver.solution import Status, StoppedBy
from couponry.solver.solve import solve
from couponry.solver.verify import verify

INTEGER = ["highs", "cpsat", "pyomo"]
LINEAR = ["pdlp", "cvxpy"]
ALL_BUT_CVXPY = "'auto' or 'priced' or 'highs' or 'cpsat' or 'pyomo' or 'pdlp'"
DRAWN = settings(max_examples=60, deadline=None, derandomize=True)
MORE = settings(max_examples=400, deadline=None, derandomize=True)


def check_method(method: str, instance: Instance) -> None:
    """Assert that a method says nothing untrue, and that a search of the whole finds the best."""
    best = best_plan(instance)
    solution = solve(instance, method=method, gap=0.0)
    assert solution.stats["method"] == method
    check_answer(instance, solution, best)
    if method in INTEGER:
        assert (solution.status is Status.INFEASIBLE) == (best is None)
        if best is not None:
            assert abs(solution.value - best.value) <= slack(best.value)
            assert abs(solution.bound - best.value) <= 3 * slack(best.value)


@pytest.mark.parametrize("method", [*INTEGER[1:], *LINEAR])
@DRAWN
@given(instance=instances())
def test_answer_is_true(method: str, instance: Instance) -> None:
    """Under caps, money, exclusions, shortlists and every rule, a back end agrees with brute force."""
    check_method(method, instance)


@pytest.mark.slow
@pytest.mark.parametrize("method", [*INTEGER, *LINEAR])
@MORE
@given(instance=instances(max_users=6, max_rules=6))
def test_answer_is_true_of_many(method: str, instance: Instance) -> None:
    """Many more and somewhat larger instances."""
    check_method(method, instance)


@pytest.mark.parametrize("method", [*INTEGER[1:], *LINEAR])
@settings(max_examples=8, deadline=None, derandomize=True)
@given(instance=campaigns(users=(120, 40), coupons=(4, 2)))
def test_stands_up_to_highs_on_hundreds_of_users(method: str, instance: Instance) -> None:
    """No plan of a back end is beyond HiGHS's bound, nor HiGHS's plan beyond the back end's."""
    highs = solve(instance, method="highs", time_limit=5)
    check_two(instance, highs, solve(instance, method=method, time_limit=5))


@pytest.mark.parametrize("method", [*INTEGER, *LINEAR])
def test_all_rules_at_once(method: str) -> None:
    """Under all kinds of rules every back end's plan is within 1e-3 of its bound and passes the judge."""
    instance = draw_instance(300, 4, seed=6, rules=RULE_NAMES)
    solution = solve(instance, method=method, gap=1e-3)
    assert solution.status is Status.OPTIMAL
    assert solution.gap <= 1e-3
    found = verify(instance, solution.plan, solution.certificate)
    assert found.ok, found.words()
    # The best of 300 users lies at 7.600472, as HiGHS finds with a gap of 0.
    assert 7.600472 * (1 - 1e-3) <= solution.value <= 7.600473 <= solution.bound + 1e-6
    if method in LINEAR:
        assert solution.stats["backend_status"] == "optimal"


@pytest.mark.parametrize("method", [*INTEGER, *LINEAR])
def test_least_money_for_a_target(method: str) -> None:
    """The objective turned round: a value of 0.9 costs 3 at least."""
    instance = four_users(Target(at_least=0.9), campaign=Campaign(objective="cost", sense="minimise"))
    solution = solve(instance, method=method)
    assert (solution.value, solution.status) == (3, Status.OPTIMAL)
    assert solution.bound == pytest.approx(3, abs=1e-5)


@pytest.mark.parametrize("method", [*INTEGER, *LINEAR])
def test_clash_is_explained_by_our_own_proof(method: str) -> None:
    """Money for less than the minimum of B: whoever solves it, prices prove it and a budget of 2 mends it."""
    solution = solve(four_users(Budget(amount=1.5)), method=method)
    assert solution.status is Status.INFEASIBLE
    assert solution.infeasibility is not None
    assert solution.infeasibility.proof == "prices"
    assert [clash.name for clash in solution.infeasibility.clashes] == ["stock B", "budget"]


@pytest.mark.parametrize("method", [*INTEGER, *LINEAR])
@pytest.mark.parametrize("users", [1, 3])
def test_nobody_eligible(method: str, users: int) -> None:
    """Where nobody may have anything the empty plan is the best, and a floor cannot be met."""
    instance = draw_instance(users, 2, seed=1, rules=())
    instance.response.measures["value"][:] = math.nan
    assert solve(instance, method=method).value == 0
    floor = Instance(
        instance.coupons, instance.users, instance.response, (Target(at_least=1.0, measure="count"),)
    )
    assert solve(floor, method=method).status is Status.INFEASIBLE


@pytest.mark.parametrize("method", ["cpsat", "pdlp"])
def test_seed_is_kept(method: str) -> None:
    """Two solves with one seed answer alike to the last digit."""
    instance = draw_instance(200, 4, seed=2)
    first, second = (solve(instance, method=method, seed=5, gap=1e-3) for _ in range(2))
    assert first.plan.equals(second.plan)
    assert (first.value, first.bound) == (second.value, second.bound)


# ------------------------------------------------------------------------- stopped early


@pytest.mark.parametrize("method", [*INTEGER, *LINEAR])
def test_time_limit_keeps_a_true_gap(method: str) -> None:
    """With hardly any time the answer is a plan that the judge accepts, or none, and a bound that holds."""
    instance = draw_instance(1500, 5, seed=1)
    solution = solve(instance, method=method, gap=0.0, time_limit=1e-3)
    assert solution.stopped_by is StoppedBy.TIME_LIMIT
    if solution.status is Status.FEASIBLE:
        assert verify(instance, solution.plan, solution.certificate).ok
    else:
        assert solution.status is Status.NO_SOLUTION
    assert solution.bound >= solve(instance, gap=1e-3).value


@pytest.mark.parametrize("method", [m for m in (*INTEGER, *LINEAR) if heeds(m, "cancel")])
def test_cancel_is_heeded(method: str) -> None:
    """Cancelled while the back end runs, a solve that would take minutes ends with what there is."""
    instance = draw_instance(1500, 6, seed=1, rules=RULE_NAMES)
    flag = threading.Event()

    def report(step: Any) -> None:
        if step.stage in ("integer program", "linear program"):
            threading.Timer(0.3, flag.set).start()

    solution = solve(instance, method=method, gap=0.0, progress=report, cancel=flag)
    assert flag.is_set()
    assert solution.stopped_by is StoppedBy.CANCELLED
    assert solution.status in (Status.FEASIBLE, Status.NO_SOLUTION)


# ---------------------------------------------------------------------------- refused


@pytest.mark.parametrize(
    ("method", "name", "message"),
    [
        (
            "cvxpy",
            "cancel",
            "parameter 'cancel': method 'cvxpy' cannot be cancelled. Leave cancel out, or use method "
            + ALL_BUT_CVXPY,
        ),
        (
            "pdlp",
            "start",
            (
                "parameter 'start': method 'pdlp' cannot start from a former solution. "
                "Leave start out, or use method 'auto' or 'priced' or 'highs' or 'cpsat' or 'pyomo'"
            ),
        ),
        (
            "priced",
            "model",
            "parameter 'model': method 'priced' takes no model. Leave model out, or use method 'pyomo'",
        ),
    ],
)
def test_what_would_be_ignored_is_refused(method: str, name: str, message: str) -> None:
    """An argument that the method cannot honour is refused, with the methods that can."""
    values: dict[str, Any] = {
        "cancel": threading.Event(),
        "start": solve(four_users(Budget(amount=4))),
        "model": object(),
    }
    with pytest.raises(InputError) as caught:
        solve(four_users(Budget(amount=4)), method=method, **{name: values[name]})
    assert str(caught.value) == message


@pytest.mark.parametrize("method", METHODS)
def test_every_refusal_is_by_the_table(method: str) -> None:
    """What the table of back ends says a method cannot do, it refuses; all else it takes."""
    start = solve(four_users(Budget(amount=4)))
    unable = BACKENDS[method].unable if method in BACKENDS else ("model",)
    for name, value in (("cancel", threading.Event()), ("start", start)):
        if name in unable:
            with pytest.raises(InputError, match=name):
                solve(four_users(Budget(amount=4)), method=method, **{name: value})  # type: ignore[arg-type]
        else:
            solution = solve(four_users(Budget(amount=4)), method=method, **{name: value})  # type: ignore[arg-type]
            assert solution.value == pytest.approx(1.1)


@pytest.mark.parametrize("method", [m for m, backend in BACKENDS.items() if backend.library != "highspy"])
def test_missing_library_names_the_extra(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its library a back end says what to install, before anything is solved."""
    monkeypatch.setitem(sys.modules, BACKENDS[method].library, None)
    with pytest.raises(MissingExtraError) as caught:
        solve(four_users(Coverage(segment="region", at_least=0.1)), method=method)
    library = BACKENDS[method].library
    assert str(caught.value) == f"{library} is not installed. Install it with: pip install 'couponry[models]'"


@pytest.mark.parametrize("method", [*INTEGER, *LINEAR])
def test_frozen_pairs_are_in_every_plan(method: str) -> None:
    """Who was notified keeps the coupon, and its cost is spent: u1 C takes 3 of 6, the best of the rest 3."""
    notified = pa.table({"user_id": ["u1"], "coupon_id": ["C"]})
    solution = solve(four_users(Budget(amount=6), Freeze(plan=notified)), method=method)
    given = zip(solution.plan["user_id"].to_pylist(), solution.plan["coupon_id"].to_pylist(), strict=True)
    assert list(given) == [("u1", "C"), ("u3", "A"), ("u4", "B")]
    assert solution.value == pytest.approx(0.3 + 0.4 + 0.5)
    assert solution.bound == pytest.approx(1.2, abs=1e-6)
