"""Many budgets half by half: the same points as in turn, read off neighbours, stopped together."""

from __future__ import annotations

import threading

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from couponry.instances import Budget, Coupons, Instance, Progress, Response, Target, Users
from couponry.instances.generators import draw_instance
from couponry.solver import budget_halves
from couponry.solver.frontier import frontier

POINTS = 16


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a thousand users be many."""
    monkeypatch.setattr(budget_halves, "FEW_USERS", 1000)


def campaign() -> Instance:
    """Return a campaign of 6,000 users."""
    return draw_instance(6000, 5, seed=2, rules=("budget", "stock", "user_cap"))


def budgets(instance: Instance) -> list[float]:
    """Return budgets on both sides of the instance's own."""
    own = next(rule.amount for rule in instance.rules if isinstance(rule, Budget))
    return [float(amount) for amount in own * np.linspace(0.6, 1.2, POINTS)]


def test_spans_at_one_time_find_what_they_find_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """The table is the same whether two spans are worked on at one time or one after the other."""
    instance = campaign()
    together = frontier(instance, budgets(instance), gap=1e-4).table
    monkeypatch.setattr(budget_halves, "THREADS", 1)
    in_turn = frontier(instance, budgets(instance), gap=1e-4).table
    pd.testing.assert_frame_equal(together, in_turn)
    assert together["budget"].tolist() == budgets(instance)
    assert (together["gap"] <= 1e-4).all()


def test_one_after_the_other_finds_the_same_within_the_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half by half or each from the one before: values and bounds agree within the gap."""
    instance = campaign()
    halves = frontier(instance, budgets(instance), gap=1e-4).table
    monkeypatch.setattr(budget_halves, "FEW_USERS", 10_000)
    in_turn = frontier(instance, budgets(instance), gap=1e-4).table
    for column in ("value", "bound"):
        assert halves[column].to_numpy() == pytest.approx(in_turn[column].to_numpy(), rel=2e-4)


def test_an_error_ends_all_spans() -> None:
    """What a progress callback raises is raised, and no thread goes on."""
    instance = campaign()

    def broken(progress: Progress) -> None:
        if progress.done >= 5:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        frontier(instance, budgets(instance), gap=1e-4, progress=broken)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("side")]


@pytest.mark.parametrize("after", [0, 2, 5])
def test_cancelled_spans_hand_back_their_points(after: int) -> None:
    """Once cancelled no further budget is begun; the table holds those found, ascending."""
    instance, cancel = campaign(), threading.Event()

    def stop(progress: Progress) -> None:
        if progress.done >= after:
            cancel.set()

    found = frontier(instance, budgets(instance), gap=1e-4, progress=stop, cancel=cancel).table
    assert len(found) < POINTS
    assert found["budget"].is_monotonic_increasing
    assert set(found["budget"]) <= set(budgets(instance))


def with_floor(floor: int) -> Instance:
    """Return 5,000 users, coupons of 1 each, and a floor for their number."""
    n = 5000
    return Instance(
        Coupons(pd.DataFrame({"coupon_id": ["A", "B"]})),
        Users(pa.table({"user_id": np.arange(n)})),
        Response({"value": np.random.default_rng(0).random((n, 2)), "cost": np.ones((n, 2))}),
        (Budget(amount=100), Target(at_least=floor, measure="count")),
    )


@pytest.mark.parametrize("floor", [1, 45, 55, 85, 1000])
def test_budgets_below_a_floor_have_no_plan(floor: int) -> None:
    """Under a floor of F coupons of 1 each a budget has a plan where it is at least F, wherever F lies."""
    found = frontier(with_floor(floor), [float(amount) for amount in range(10, 101, 10)]).table
    assert found["budget"].tolist() == list(range(10, 101, 10))
    expected = ["infeasible" if amount < floor else "optimal" for amount in found["budget"]]
    assert found["status"].tolist() == expected
    assert found["spend"].dropna().tolist() == [amount for amount in found["budget"] if amount >= floor]


def test_money_beyond_what_can_be_spent_is_worth_nothing() -> None:
    """Of budgets of which most are more than all coupons cost, all these have one and the same plan."""
    amounts = [2500.0, 5000.0, *(10_000.0 * step for step in range(1, 9))]
    found = frontier(with_floor(1), amounts, gap=1e-9).table
    best = with_floor(1).response.measures["value"].max(axis=1).sum()
    assert found["price"].tolist()[1:] == [0.0] * 9
    assert found["value"].tolist()[1:] == pytest.approx([best] * 9)
    assert found["spend"].tolist() == [2500.0] + [5000.0] * 9


def test_budgets_that_are_equal_have_equal_plans() -> None:
    """An amount given several times is told several times, with the same value."""
    instance = campaign()
    own = budgets(instance)[8]
    found = frontier(instance, [own] * 5, gap=1e-4).table
    assert found["budget"].tolist() == [own] * 5
    assert found["value"].to_numpy() == pytest.approx(found["value"].iloc[0], rel=1e-4)
