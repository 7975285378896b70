"""Frontier, policies, truth."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from couponry.instances import Budget, Instance
from couponry.instances.errors import InputError
from couponry.report.evidence import frontier, policies, truth
from couponry.report.formats import Formats
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
    section = frontier(tiny((Budget(amount=200),)), solution(9.0), table, formats)
    assert section is not None
    assert section.words.replace(NBSP, " ") == (
        "From 100 CNY to 400 CNY, conversions won go from 5 to 14. "
        "With 400 CNY instead of 200 CNY they would be 14 instead of 9."
    )
    assert section.table.heads == ["Budget", "Conversions won", "At best", "Spent"]
    assert [row[0] for row in section.table.rows] == [f"{n}{NBSP}CNY" for n in (100, 200, 400)]
    assert "present budget" in section.chart.wide


def test_a_budget_without_a_plan_is_a_dash(tiny: Tiny) -> None:
    """Budgets too small for the rules stay in the table and out of the curve."""
    table = pd.DataFrame(
        {"budget": [1.0, 2.0, 3.0], "value": [np.nan, 5.0, 6.0], "bound": [np.nan, 5.0, np.inf]}
    )
    section = frontier(tiny(), solution(5.0), table, formats)
    assert section is not None
    assert section.table.rows[0] == [f"1{NBSP}CNY", "–", "–"]
    assert frontier(tiny(), solution(5.0), table.iloc[:2], formats) is None


def test_frontier_without_a_column(tiny: Tiny) -> None:
    """A missing column is named, with those that are there."""
    with pytest.raises(InputError) as caught:
        frontier(tiny(), solution(5.0), pd.DataFrame({"budget": [1.0], "value": [1.0]}), formats)
    assert str(caught.value) == (
        "column 'bound': the table of the frontier lacks a column. Columns found: budget, value"
    )


def test_policies_are_per_thousand_with_their_errors(policy_values: pd.DataFrame) -> None:
    """An estimate has the decimals that its standard error supports."""
    section = policies(policy_values, formats)
    assert section.table.rows[0] == ["this plan", "11.90 ± 0.80", "12.10 ± 0.90", f"30.0{NBSP}%"]
    assert section.caption.startswith("Estimated by doubly robust")
    assert "random 满减" in section.chart.narrow
    only = policies(policy_values[["policy", "snips", "snips_se"]], formats)
    assert only.table.heads == ["Policy", "Conversions per 1,000, self-normalised inverse propensity"]


def test_policies_without_an_estimate() -> None:
    """Names alone are no evidence."""
    with pytest.raises(
        InputError, match=r"the table of policies has no estimate. Give snips and snips_se, or dr"
    ):
        policies(pd.DataFrame({"policy": ["a"]}), formats)


def test_truth_is_measured_against_the_best() -> None:
    """The plan is told as a share of perfect knowledge and a multiple of chance."""
    section = truth({"random": 3.0, "plan": 9.0, "oracle": 12.0, "last year's plan": -1.0}, formats)
    assert [(name, share) for name, _, share in section.rows] == [
        ("The best plan, if every user's true response were known", 1.0),
        ("This plan", 0.75),
        ("Coupons at random, for the same money", 0.25),
        ("last year's plan", 0.0),
    ]
    assert "The plan wins 75" in section.words
    assert "3 times what chance would" in section.words


def test_truth_without_an_oracle() -> None:
    """Without a best there is nothing to be a share of."""
    assert truth({"plan": 9.0}, formats).rows == [("This plan", 9.0, None)]
