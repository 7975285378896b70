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
