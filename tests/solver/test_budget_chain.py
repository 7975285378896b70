"""Many budgets in two chains at one time: the same points as one after the other, and stopped together."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import pytest

from couponry.instances import Budget, Instance, Progress
from couponry.instances.generators import draw_instance
from couponry.solver import budget_chain
from couponry.solver.frontier import frontier

POINTS = budget_chain.CHAINS * budget_chain.SHORTEST_CHAIN


@pytest.fixture
def instance(monkeypatch: pytest.MonkeyPatch) -> Instance:
    """Return a campaign of 6,000 users, which are many here."""
    monkeypatch.setattr(budget_chain, "FEW_USERS", 1000)
    return draw_instance(6000, 5, seed=2, rules=("budget", "stock", "user_cap"))


def budgets(instance: Instance) -> list[float]:
    """Return as many budgets as two chains take."""
    own = next(rule.amount for rule in instance.rules if isinstance(rule, Budget))
    return [float(amount) for amount in own * np.linspace(0.6, 1.2, POINTS)]


def test_chains_at_one_time_find_what_they_find_alone(
    instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The table is the same whether the two chains run at one time or one after the other."""
    together = frontier(instance, budgets(instance), gap=1e-4).table
    ran = []

    def in_turn(chains: Sequence[budget_chain._Chain], begin: Callable[[float], None]) -> None:
        for chain in chains:
            ran.append(len(chain.amounts))
            chain.run(begin)

    monkeypatch.setattr(budget_chain, "_side_by_side", in_turn)
    alone = frontier(instance, budgets(instance), gap=1e-4).table
    assert ran == [POINTS // 2] * 2
    pd.testing.assert_frame_equal(together, alone)
    assert together["budget"].is_monotonic_increasing
    assert (together["gap"] <= 1e-4).all()


def test_an_error_ends_both_chains(instance: Instance) -> None:
    """What a progress callback raises is raised, and no thread goes on."""

    def broken(progress: Progress) -> None:
        if progress.done >= 3:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        frontier(instance, budgets(instance), gap=1e-4, progress=broken)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("budgets")]


def test_cancelled_chains_hand_back_their_points(instance: Instance) -> None:
    """Once cancelled no further budget is begun in either chain; the table holds those found, ascending."""
    cancel = threading.Event()

    def stop(progress: Progress) -> None:
        if progress.done >= 4:
            cancel.set()

    found = frontier(instance, budgets(instance), gap=1e-4, progress=stop, cancel=cancel).table
    assert 0 < len(found) < POINTS
    assert found["budget"].is_monotonic_increasing
    assert set(found["budget"]) <= set(budgets(instance))
