"""Scenarios side by side."""

import math
import threading

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from couponry.instances.coupons import Coupons
from couponry.instances.errors import InputError
from couponry.instances.instance import Instance
from couponry.instances.progress import Progress
from couponry.instances.response import Response
from couponry.instances.rules import Budget
from couponry.instances.users import Users
from couponry.solver.edits import Amount, ChangeRule
from couponry.solver.scenario import Scenario, compare

# Three users, coupon A wins 3, 2, 1 and costs 1 each; B wins 2.5, 0.5, 0.25 and costs 1 each. One coupon a
# user. With a budget of 2: A to u1 and u2, 5 won. Budget 3: A to all, 6 won. Budget 1: 3 won.
# Without A and a budget of 2: B to u1 and u2, 3 won.
INSTANCE = Instance(
    Coupons(pd.DataFrame({"coupon_id": ["A", "B"]})),
    Users(pa.table({"user_id": ["u1", "u2", "u3"]})),
    Response({"value": np.array([[3, 2.5], [2, 0.5], [1, 0.25]]), "cost": np.ones((3, 2))}),
    (Budget(amount=2),),
)
BASE = Scenario(INSTANCE)


def test_edit_is_named_by_its_text() -> None:
    """An edit without a label is called what it does, and leaves the scenario that it was made from."""
    richer = BASE.edit("budget x1.5")
    assert richer.name == "budget x1.5"
    assert richer.instance.rules == (Budget(amount=3),)
    assert BASE.instance.rules == (Budget(amount=2),)


def test_several_edits_under_one_name() -> None:
    """Edits are made in order, as text or as objects, on top of what was edited before."""
    both = BASE.edit("budget 4").edit("lean", "without A", ChangeRule("budget", Amount(0.5, relative=True)))
    assert both.name == "lean"
    assert both.instance.rules == (Budget(amount=2),)
    assert not both.instance.response.eligible()[:, 0].any()


def test_table_sets_scenarios_beside_the_first() -> None:
    """Values worked by hand: 5 as it stands, 6, 3 and 3; changes are against the first row."""
    scenarios = [BASE, BASE.edit("budget x1.5"), BASE.edit("budget 1"), BASE.edit("without A")]
    table = compare(scenarios).table
    assert list(table["scenario"]) == ["as it stands", "budget x1.5", "budget 1", "without A"]
    assert list(table["value"]) == [5, 6, 3, 3]
    assert list(table["cost"]) == [2, 3, 1, 2]
    assert list(table["given"]) == [2, 3, 1, 2]
    assert list(table["change"]) == [0, 1, -2, -2]
    assert list(table["change_share"]) == pytest.approx([0, 0.2, -0.4, -0.4])
    assert set(table["status"]) == {"optimal"}
    assert set(table["note"]) == {""}


def test_infeasible_scenario_stands_in_the_table_with_the_reason() -> None:
    """A scenario that has no plan has no value, and its note names the rules that clash."""
    table = compare([BASE, BASE.edit('with target measure = "count", at_least = 3')]).table
    assert list(table["status"]) == ["optimal", "infeasible"]
    assert math.isnan(table["value"][1])
    assert math.isnan(table["change"][1])
    assert "'budget'" in table["note"][1]
    assert "'target count'" in table["note"][1]


def test_progress_tells_each_scenario() -> None:
    """The callback hears which scenario is at work and how many there are."""
    heard: list[Progress] = []
    compare([BASE, BASE.edit("budget 1")], progress=heard.append)
    steps = [(p.done, p.total, p.message) for p in heard if p.stage == "scenarios"]
    assert steps == [(0, 2, "as it stands"), (1, 2, "budget 1"), (2, 2, "")]


def test_cancelled_comparison_keeps_what_is_done() -> None:
    """Once cancelled no further scenario begins, and the table has those that are done."""
    cancel = threading.Event()

    def stop_at_second(step: Progress) -> None:
        if step.stage == "scenarios" and step.done == 1:
            cancel.set()

    comparison = compare(
        [BASE, BASE.edit("budget 1"), BASE.edit("budget 3")], progress=stop_at_second, cancel=cancel
    )
    assert len(comparison.solutions) == 2
    assert list(comparison.table["scenario"]) == ["as it stands", "budget 1"]


def test_no_scenario_is_refused() -> None:
    """There must be something to compare."""
    with pytest.raises(InputError, match="there is no scenario to compare"):
        compare([])


def test_two_scenarios_of_one_name_are_refused() -> None:
    """Rows of the table are told apart by name."""
    with pytest.raises(InputError, match=r"two scenarios have the same name \(got 'as it stands'\)"):
        compare([BASE, Scenario(INSTANCE)])
