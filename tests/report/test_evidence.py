"""Policies on held-out users, and the truth."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import pytest

from couponry.instances import Instance
from couponry.instances.errors import InputError
from couponry.report.evidence import policies, truth
from couponry.report.formats import Formats

Tiny = Callable[..., Instance]
NBSP = "\u00a0"
formats = Formats("CNY")


def test_policies_are_per_thousand_with_their_errors(policy_values: pd.DataFrame) -> None:
    """An estimate has the decimals that its standard error supports."""
    section = policies(policy_values, formats)
    assert section.table.rows[0] == ["this plan", "11.90 ± 0.80", "12.10 ± 0.90", f"30.0{NBSP}%"]
    assert section.caption.startswith("Estimated by doubly robust")
    assert "random 满减" in section.chart.narrow
    only = policies(policy_values[["policy", "snips", "snips_se"]], formats)
    assert only.table.heads == ["Policy", "Conversions per 1,000, self-normalised inverse propensity"]


def test_long_names_of_policies_are_cut_in_the_chart_alone() -> None:
    """A name too long for its place in the chart ends in dots there, and is whole in the table."""
    name = "coupon by coupon " * 12
    section = policies(pd.DataFrame({"policy": [name], "dr": [0.1], "dr_se": [0.01]}), formats)
    assert "…" in section.chart.wide
    assert section.table.rows[0][0] == name


def test_policies_without_an_estimate() -> None:
    """Names alone are no evidence."""
    with pytest.raises(
        InputError, match=r"the table of policies has no estimate. Give snips and snips_se, or dr"
    ):
        policies(pd.DataFrame({"policy": ["a"]}), formats)


def test_truth_is_measured_against_the_best() -> None:
    """The plan is told as a share of perfect knowledge and a multiple of chance, beside what was promised."""
    values = {"random": 3.0, "plan": 9.0, "oracle": 12.0, "last year's plan": -1.0}
    section = truth(values, 10.5, formats)
    assert [(name, share) for name, _, share in section.rows] == [
        ("The best plan, if every user's true response were known", 1.0),
        ("This plan", 0.75),
        ("Coupons at random, for the same money", 0.25),
        ("last year's plan", 0.0),
    ]
    assert section.words.replace(NBSP, " ") == (
        "This world was drawn, so the true response of every user is known. "
        "The plan truly wins 9 conversions where 10.5 were predicted. "
        "That is 75 % of what perfect knowledge would win, and 3 times what chance would."
    )


def test_truth_without_an_oracle() -> None:
    """Without a best there is nothing to be a share of."""
    section = truth({"plan": 9.0}, 9.5, formats)
    assert section.rows == [("This plan", 9.0, None)]
    assert section.words.endswith("The plan truly wins 9 conversions where 9.5 were predicted.")
