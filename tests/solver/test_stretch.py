"""Budgets solved on stretches: proven for everybody, and the same points as solves of their own."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import pytest

from couponry.instances import Budget, Instance
from couponry.instances.generators import RULE_NAMES, draw_instance
from couponry.solver import budget_halves as module
from couponry.solver.bound import dual_bound
from couponry.solver.budget_solves import with_amount
from couponry.solver.frontier import Frontier, frontier
from couponry.solver.local import LocalEngine
from couponry.solver.prices import PriceBook
from couponry.solver.solve import solve
from couponry.solver.stretch import Priced, Stretch

POINTS = 9


@lru_cache
def campaign() -> Instance:
    """Return a campaign of some size under all kinds of rules."""
    return draw_instance(12_000, 6, seed=3, rules=RULE_NAMES)


def amounts(instance: Instance) -> list[float]:
    """Return budgets on both sides of the instance's own."""
    own = next(rule.amount for rule in instance.rules if isinstance(rule, Budget))
    return [float(amount) for amount in own * np.linspace(0.9, 1.3, POINTS)]


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> list[Priced]:
    """Let stretches be used for few users, and note what they answer."""
    answers: list[Priced] = []
    own = Stretch.solve

    def noted(self: Stretch, amount: float) -> Priced | None:
        found = own(self, amount)
        if found is not None:
            answers.append(found)
        return found

    monkeypatch.setattr(module, "FEW_USERS", 1000)
    monkeypatch.setattr(Stretch, "solve", noted)
    return answers


def curve(instance: Instance) -> Frontier:
    """Return the frontier within 1e-4."""
    return frontier(instance, amounts(instance), gap=1e-4)


@pytest.mark.slow
def test_bounds_are_those_of_solves_of_their_own(few: list[Priced]) -> None:
    """Most points come from stretches; each bound is L at a minimiser over everybody, to nine digits."""
    instance = campaign()
    table = curve(instance).table
    assert len(few) >= POINTS // 2
    for amount, bound in zip(table["budget"], table["bound"], strict=True):
        alone = solve(with_amount(instance, 0, amount), gap=1e-4)
        assert bound == pytest.approx(alone.certificate.bound, rel=1e-8)


def test_multipliers_prove_their_bound_over_everybody(few: list[Priced]) -> None:
    """A pass over all users at a stretch's multipliers finds the bound that it claims, and none above."""
    instance = campaign()
    table = curve(instance).table
    budgets = {float(amount): place for place, amount in enumerate(table["budget"])}
    assert few
    for answer in few:
        k = next(k for k, row in enumerate(instance.program.rows) if row.rule == 0)
        proofs = [
            dual_bound(LocalEngine(program), PriceBook(program), answer.multipliers)
            for program in (with_amount(instance, 0, amount).program for amount in budgets)
        ]
        assert any(answer.proven == pytest.approx(proof, rel=1e-12) for proof in proofs)
        assert answer.multipliers[k] >= 0


def test_plans_keep_every_row(few: list[Priced]) -> None:
    """The plan's sums are within all limits of its budget, and its value is theirs."""
    instance = campaign()
    table = curve(instance).table.set_index("budget")
    assert few
    for answer in few:
        book = PriceBook(instance.program)
        activity = book.activity(answer.sums.high)
        value = answer.sums.total("value")
        (amount,) = table.index[np.isclose(table["value"], value, rtol=1e-12)][:1]
        program = with_amount(instance, 0, amount).program
        for k, row in enumerate(program.rows):
            room = 1e-9 * (1.0 + abs(activity[k]))
            assert row.lower - room <= activity[k] <= row.upper + room, row.name
        assert value <= answer.bound


@pytest.mark.slow
def test_points_are_told_like_those_of_solves(few: list[Priced]) -> None:
    """Values are within the gap of what single solves find; spends, counts and prices are near theirs."""
    instance = campaign()
    table = curve(instance).table
    for _, point in table.iterrows():
        alone = solve(with_amount(instance, 0, point["budget"]), gap=1e-4)
        row = alone.prices[alone.prices["position"] == 0].iloc[0]
        assert point["value"] == pytest.approx(alone.value, rel=2e-4)
        assert point["spend"] <= point["budget"]
        assert point["spend"] == pytest.approx(row["activity"], rel=1e-2)
        assert point["price"] == pytest.approx(row["price"], rel=1e-4)
        assert math.isfinite(point["cost"])
        assert point["given"] == pytest.approx(alone.plan.num_rows, rel=1e-2)


@pytest.mark.slow
def test_where_stretches_fail_everybody_is_asked(few: list[Priced], monkeypatch: pytest.MonkeyPatch) -> None:
    """A frontier whose stretches answer nothing is made of single solves, and is the same within the gap."""
    instance = campaign()
    usual = curve(instance).table
    monkeypatch.setattr(Stretch, "solve", lambda self, amount: None)
    single = curve(instance).table
    assert single["value"].to_numpy() == pytest.approx(usual["value"].to_numpy(), rel=2e-4)
    assert single["bound"].to_numpy() == pytest.approx(usual["bound"].to_numpy(), rel=1e-8)
