"""The judge on certificates: a bound is recomputed from its multipliers, and a better claim refused."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from tests.solver.judged import (
    certificate,
    example,
    table,
)

from couponry.instances import (
    Budget,
    Coupons,
    Instance,
    Response,
    Target,
    Users,
)
from couponry.solver.verify import verify, verify_infeasible

# Budget of 4 with price λ = 0.5: value − 0.5 cost is ann 0, 0, 0; bob 0, −0.25; cid −0.25, 0, 0; dee 0, 0.
# Nobody gains anything, so L = 0.5 × 4 = 2.


def test_certificate_is_recomputed() -> None:
    """The dual function is what it is by hand, a tiny rounding error on the safe side."""
    plan = table([("ann", "A"), ("cid", "C")])  # value 2, cost 4: optimal
    found = verify(example(Budget(amount=4)), plan, certificate(2.0, budget=0.5))
    assert found.ok
    check = found.certificate
    assert check is not None
    assert 2.0 <= check.bound <= 2.0 + 1e-12
    assert check.bound - check.error == pytest.approx(2.0, abs=1e-15)
    assert (check.claimed, check.by_search) == (2.0, 0.0)
    assert check.gap <= 1e-12
    assert found.words().endswith(check.words)
    assert check.words.startswith("The multipliers prove that no plan is better than 2")


def test_budget_for_messages_of_one_price_buys_whole_messages() -> None:
    """A budget of 0.25 buys two messages at 0.1, so two at most is proven; not so where prices differ."""
    users, menu = Users(pa.table({"user_id": [1, 2, 3]})), Coupons(pd.DataFrame({"coupon_id": ["A"]}))

    def proven(cost: list[float], budget: float) -> float:
        response = Response({"value": np.array([[1.0], [1.0], [0.5]]), "cost": np.array(cost)[:, None]})
        instance = Instance(menu, users, response, (Budget(amount=budget),))
        check = verify(instance, table([]), certificate(9.0, budget=10.0)).certificate
        assert check is not None
        return check.bound

    # λ = 10 takes all the worth of 1 at a cost of 0.1, so L = 10 × the budget that can be spent.
    assert proven([0.1, 0.1, 0.1], 0.25) == pytest.approx(2.0)
    assert proven([0.1, 0.1, 0.0], 0.25) == pytest.approx(2.5)  # and a half for the free message
    assert proven([0.1, 0.1, 0.15], 0.25) == pytest.approx(2.5)
    # Three times 0.1 is 0.30000000000000004.
    assert proven([0.1, 0.1, 0.1], 0.3) == pytest.approx(2.0)
    assert proven([0.1, 0.1, 0.1], math.nextafter(0.3, 1)) == pytest.approx(3.0)


def test_claim_that_is_better_than_the_multipliers_prove_is_refused() -> None:
    """A bound below L(λ) is not proven by λ."""
    # λ = 0.25: ann 0.5, bob 0.25, cid 0.5, dee 0.25, and 0.25 × 4: L = 2.5.
    found = verify(
        example(Budget(amount=4)), table([("ann", "A"), ("cid", "C")]), certificate(2.0, budget=0.25)
    )
    assert [v.words for v in found.violations] == [
        "certificate: the certificate bound 2 is better than the 2.5 that its multipliers prove, by 0.5."
    ]
    assert verify(example(Budget(amount=4)), table([]), certificate(2.5, budget=0.25)).ok


def test_claim_that_a_plan_beats_is_refused() -> None:
    """A bound below the value of a plan that keeps the rules is wrong."""
    found = verify(
        example(Budget(amount=4)), table([("ann", "A"), ("cid", "C")]), certificate(1.5, budget=0.5)
    )
    assert [v.words for v in found.violations] == [
        "certificate: the certificate bound 1.5 is better than the 2 that its multipliers prove, by 0.5.",
        "certificate: the plan's 2 beats the claimed bound 1.5.",
    ]


def test_rows_must_match() -> None:
    """A certificate of other rows than the rules make is told which."""
    found = verify(example(Budget(amount=4)), table([]), certificate(9.0, stock=0.5))
    assert [v.words for v in found.violations] == [
        "certificate: it names rows that the rules do not make: stock.",
        "certificate: it has no multiplier for: budget.",
    ]


@pytest.mark.parametrize(
    ("multiplier", "words"),
    [
        (-0.5, "the multiplier -0.5 of budget prices the lower side, which is not there"),
        (math.nan, "the multiplier nan of budget is not a finite number"),
    ],
)
def test_multiplier_on_a_side_that_is_not_there_proves_nothing(multiplier: float, words: str) -> None:
    """λ below 0 prices a lower side; a budget has none, so the bound is infinite."""
    found = verify(example(Budget(amount=4)), table([]), certificate(2.0, budget=multiplier))
    assert [v.words for v in found.violations] == [f"certificate: {words}: it proves no bound."]
    assert found.certificate is not None
    assert found.certificate.bound == math.inf
    assert found.certificate.words == "The multipliers prove no bound."


def test_minimised_objective_is_bounded_from_below() -> None:
    """Least cost for a target: L bounds from below, and a higher claim than it proves is refused."""
    # λ = −1 on the target: cost − value is ann 1, 0.5, 0.25; bob 0.5, 1.25; cid 0.75, 0.5, 1; dee 0.25, 0.5.
    # None is below 0, so L = 1 × 1.5.
    instance = example(Target(at_least=1.5), objective={"minimise": "cost"})  # type: ignore[arg-type]
    plan = table([("ann", "A"), ("dee", "C")])  # value 1.5, cost 3
    found = verify(
        instance, plan, SimpleNamespace(names=("target value",), multipliers=np.array([-1.0]), bound=1.5)
    )
    assert found.ok
    assert found.certificate is not None
    assert 1.5 - 1e-12 <= found.certificate.bound <= 1.5
    assert found.certificate.gap == pytest.approx(1.0)
    wrong = SimpleNamespace(names=("target value",), multipliers=np.array([-1.0]), bound=2.0)
    assert [v.rule for v in verify(instance, plan, wrong).violations] == ["certificate"]


def test_certificate_file_is_judged_with_its_figures() -> None:
    """What certificate.json holds is judged: the value it states, and how much of its bound is by search."""
    plan = table([("ann", "A"), ("cid", "C")])
    record = {
        "value": 2.0,
        "bound": 2.1,
        "bound_source": "search",
        "certificate_bound": 2.5,
        "multipliers": {"budget": 0.25},
    }
    found = verify(example(Budget(amount=4)), plan, record)
    assert found.ok
    assert found.certificate is not None
    assert found.certificate.by_search == pytest.approx(0.4)
    assert found.certificate.words.endswith("that part rests on branch and bound.")
    by_prices = verify(example(Budget(amount=4)), plan, record | {"bound_source": "prices"})
    assert [v.what for v in by_prices.violations] == ["solution's bound"]
    misstated = verify(example(Budget(amount=4)), plan, record | {"value": 2.05})
    assert [v.words for v in misstated.violations] == [
        "certificate: it states the value 2.05, the plan's is 2."
    ]


@pytest.mark.parametrize("record", [{}, {"multipliers": 3}, {"multipliers": {"budget": "x"}, "bound": 1.0}])
def test_unreadable_certificate_is_a_finding(record: dict[str, Any]) -> None:
    """A certificate without multipliers raises nothing."""
    found = verify(example(Budget(amount=4)), table([]), record)
    assert [v.rule for v in found.violations] == ["certificate"]
    assert "it lacks readable multipliers" in found.violations[0].words


def test_proof_of_infeasibility_by_prices() -> None:
    """Multipliers under which the rules contradict each other are a proof, any others are none."""
    # Value of at least 4 cannot be: all best coupons are worth 3.25. λ = −1: Σ max value − 4 = −0.75.
    instance = example(Target(at_least=4))
    check = verify_infeasible(instance, {"target value": -1.0})
    assert check.proven
    assert check.bound == pytest.approx(-0.75)
    assert check.words.endswith("below 0: no plan exists.")
    assert verify_infeasible(instance, np.array([-1.0])).proven
    assert not verify_infeasible(example(Target(at_least=3.25)), {"target value": -1.0}).proven
    assert verify_infeasible(instance, [-1.0, 2.0]).words == "Not proven: 2 multipliers for 1 rows."
    assert "prices the upper side" in verify_infeasible(instance, [1.0]).words


def test_whole_values_have_a_whole_bound() -> None:
    """Multipliers that prove 2.5 prove 2 where every value is whole, and 2.5 where one is not."""
    users, menu = Users(pa.table({"user_id": [1, 2, 3]})), Coupons(pd.DataFrame({"coupon_id": ["A"]}))

    def proven(values: list[float]) -> float:
        response = Response({"value": np.array(values)[:, None], "cost": np.array([[0.1], [0.1], [0.15]])})
        instance = Instance(menu, users, response, (Budget(amount=0.25),))
        check = verify(instance, table([]), certificate(9.0, budget=10.0)).certificate
        assert check is not None
        return check.bound

    assert proven([1.0, 1.0, 1.0]) == 2.0
    assert proven([1.0, 1.0, 0.5]) == pytest.approx(2.5)
