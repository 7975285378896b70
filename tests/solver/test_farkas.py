"""Proofs that no plan exists: made of multipliers, thinned, and accepted by the judge."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import assume, given, settings
from tests.brute_force import best_plan
from tests.drawn import instances
from tests.instances.small import four_users

from couponry.instances import Budget, Coupons, Instance, Response, Stock, Target, Users
from couponry.instances.generators import draw_instance
from couponry.solver import farkas
from couponry.solver.farkas import prove_by_prices
from couponry.solver.local import LocalEngine
from couponry.solver.prices import PriceBook
from couponry.solver.verify import verify_infeasible


def prove(instance: Instance, multipliers: list[float]) -> list[float] | None:
    """Return the proof that is made of given multipliers."""
    program = instance.program
    found = prove_by_prices(LocalEngine(program), PriceBook(program), np.array(multipliers))
    return None if found is None else [float(m) for m in found]


def test_proof_drops_rows_that_it_does_not_need() -> None:
    """Of A's stock, B's floor, a budget of 1.5 and a target only floor and budget are needed."""
    # At 1 a unit of money and −2 a B every B is worth 0, all else less: L₀ = 1 · 1.5 − 2 · 1 < 0.
    instance = four_users(Budget(amount=1.5), Target(at_least=0.1))
    assert prove(instance, [0.01, -2.0, 1.0, -0.1]) == [0, -2, 1, 0]


def test_proofs_are_accepted_by_the_judge() -> None:
    """The multipliers of a proof prove it again from the rules themselves: −0.5, as worked out above."""
    instance = four_users(Budget(amount=1.5), Target(at_least=0.1))
    found = prove(instance, [0.01, -2.0, 1.0, -0.1])
    assert found is not None
    check = verify_infeasible(instance, np.array(found))
    assert check.proven
    assert check.bound == pytest.approx(-0.5)


@pytest.mark.parametrize("multipliers", [[0, 0, 0], [0, -1, 0.4], [1, 0, 0], [0, -1, -1]])
def test_multipliers_that_prove_nothing(multipliers: list[float]) -> None:
    """No multipliers, too little weight on the money, other rows, absent sides: no proof."""
    assert prove(four_users(Budget(amount=1.5)), multipliers) is None


@settings(max_examples=40, deadline=None, derandomize=True)
@given(instance=instances(max_users=3, max_rules=2))
def test_what_has_a_plan_is_never_disproven(instance: Instance) -> None:
    """Whatever the multipliers, an instance that brute force has a plan for is not proven to have none."""
    assume(best_plan(instance) is not None)
    book, engine = PriceBook(instance.program), LocalEngine(instance.program)
    rng = np.random.default_rng(1)
    for _ in range(20):
        assert prove_by_prices(engine, book, book.clip(rng.normal(size=book.n_rows))) is None


def test_a_proof_about_many_users_drops_rows_that_it_does_not_need() -> None:
    """Of 110,000 users a sample tells which rows are not needed, and what is left proves for all of them."""
    n = 110_000
    rng = np.random.default_rng(0)
    instance = Instance(
        Coupons(pd.DataFrame({"coupon_id": ["A", "B"]})),
        Users(pa.table({"user_id": np.arange(n)})),
        Response({"value": rng.random((n, 2)), "cost": rng.uniform(1, 2, (n, 2))}),
        (
            Stock(coupons=["A"], at_most=50_000),
            Budget(amount=10),
            Target(at_least=100, measure="count"),
            Target(at_least=1),
        ),
    )
    # At 1 a unit of money and −1 a coupon nobody wins: L₀ = 10 − 100, but for the stock's 5 and −0.01.
    found = prove(instance, [1e-4, 1.0, -1.0, -0.01])
    assert found == [0, 1, -1, 0]
    assert verify_infeasible(instance, np.array(found)).proven


def test_all_are_asked_only_where_a_sample_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a pass is dear: none for prices that prove nothing, some for a target beyond all money."""
    monkeypatch.setattr(farkas, "FEW", 100)
    for target, proven in ((1.0, False), (1e4, True)):
        instance = draw_instance(1000, 3, seed=1, rules=("budget",))
        instance = replace(instance, rules=(*instance.rules, Target(at_least=target)))
        program = instance.program
        engine, book = LocalEngine(program), PriceBook(program)
        found = prove_by_prices(engine, book, np.array([0.01, -1.0]), ask_few=True)
        assert (found is not None) is proven
        assert (engine.passes > 0) is proven
