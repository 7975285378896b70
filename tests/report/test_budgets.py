"""What other budgets would bring."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from couponry.instances import Budget, Instance
from couponry.instances.errors import InputError
from couponry.report.budgets import frontier_section
from couponry.report.formats import Formats
from couponry.solver.frontier import Frontier
from couponry.solver.solution import Certificate, Solution, Status, StoppedBy

Tiny = Callable[..., Instance]
NBSP = "\u00a0"
formats = Formats("CNY")


def solution(value: float) -> Solution:
    """Return a solution of which only the value matters."""
    nothing = Certificate((), np.zeros(0), value)
    return Solution(Status.OPTIMAL, StoppedBy.GAP, value, value, 0.0, None, pd.DataFrame(), nothing)


def test_frontier_speaks_of_the_next_larger_budget(tiny: Tiny) -> None:
    """Unsorted budgets are sorted, and the present plan is compared with the next."""
    table = pd.DataFrame(
        {
            "budget": [400.0, 100.0, 200.0],
            "value": [14.0, 5.0, 9.0],
            "bound": [14.0, 5.0, 9.0],
            "spend": [399.5, 99.0, 200.0],
        }
    )
    section = frontier_section(tiny((Budget(amount=200),)), solution(9.0), table, formats)
    assert section is not None
    assert section.words.replace(NBSP, " ") == (
        "From 100 CNY to 400 CNY, conversions won go from 5 to 14. "
        "With 400 CNY instead of 200 CNY they would be 14 instead of 9."
    )
    assert section.table.heads == ["Budget", "Conversions won", "At best", "Spent"]
    assert [row[0] for row in section.table.rows] == [f"{n}{NBSP}CNY" for n in (100, 200, 400)]
    assert "present budget" in section.chart.wide


def test_the_present_plan_lies_on_the_curve(tiny: Tiny) -> None:
    """A present budget between two others is a point of the curve as well, so its mark stands on it."""
    rules, columns = (Budget(amount=200),), ["budget", "value", "bound"]
    without = pd.DataFrame([[100.0, 5.0, 5.0], [400.0, 14.0, 14.0]], columns=columns)
    with_it = pd.DataFrame([[100.0, 5.0, 5.0], [200.0, 9.0, 9.0], [400.0, 14.0, 14.0]], columns=columns)
    first, second = (frontier_section(tiny(rules), solution(9.0), t, formats) for t in (without, with_it))
    assert first is not None
    assert second is not None
    assert first.chart == second.chart
    assert len(first.table.rows) == 2


def test_frontier_of_a_budget_of_its_own(tiny: Tiny) -> None:
    """The budget that was varied is marked and named, not the first one there is."""
    rules = (Budget(amount=200), Budget(name="text messages", amount=30, coupons=["B"]))
    table = pd.DataFrame({"budget": [20.0, 30.0, 40.0], "value": [8.0, 9.0, 9.5], "bound": [8.0, 9.0, 9.5]})
    own = tiny(rules)
    found = Frontier(1, 30.0, table, np.empty((0, 3)), own.campaign, "text messages", "cost")
    section = frontier_section(own, solution(9.0), found, formats)
    assert section is not None
    assert "With 40 CNY instead of 30 CNY" in section.words.replace(NBSP, " ")
    assert "Text messages, CNY" in section.chart.wide


def test_a_budget_without_a_plan_is_a_dash(tiny: Tiny) -> None:
    """Budgets too small for the rules stay in the table and out of the curve."""
    table = pd.DataFrame(
        {"budget": [1.0, 2.0, 3.0], "value": [np.nan, 5.0, 6.0], "bound": [np.nan, 5.0, np.inf]}
    )
    section = frontier_section(tiny(), solution(5.0), table, formats)
    assert section is not None
    assert section.table.rows[0] == [f"1{NBSP}CNY", "–", "–"]
    assert frontier_section(tiny(), solution(5.0), table.iloc[:2], formats) is None


def test_frontier_without_a_column(tiny: Tiny) -> None:
    """A missing column is named, with those that are there."""
    with pytest.raises(InputError) as caught:
        frontier_section(tiny(), solution(5.0), pd.DataFrame({"budget": [1.0], "value": [1.0]}), formats)
    assert str(caught.value) == (
        "column 'bound': the table of the frontier lacks a column. Columns found: budget, value"
    )
