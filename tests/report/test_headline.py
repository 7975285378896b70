"""The result in a few numbers and two sentences."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from couponry.instances import Freeze, Instance, Target
from couponry.report.allocation import Allocation
from couponry.report.formats import Formats
from couponry.report.headline import figures, headline, proof_words
from couponry.report.summary import summarise
from couponry.solver.solution import Certificate, Solution, Status, StoppedBy

Tiny = Callable[..., Instance]
Pairs = Callable[..., pa.Table]
NBSP = "\u00a0"
formats = Formats("CNY")


def found(value: float, bound: float, status: Status = Status.FEASIBLE) -> Solution:
    """Return a solution of which only value and bound matter."""
    gap = abs(bound - value) / max(1.0, abs(bound)) if math.isfinite(bound) else math.inf
    nothing = pa.table({"user_id": [], "coupon_id": []})
    certificate = Certificate((), np.zeros(0), bound)
    return Solution(status, StoppedBy.TIME_LIMIT, value, bound, gap, nothing, pd.DataFrame(), certificate)


def test_most_conversions(tiny: Tiny, pairs: Pairs) -> None:
    """Conversions stand first, then what they cost."""
    # A to u1 and u3: 0.75 conversions for 18 CNY, 75 CNY of revenue.
    instance = tiny()
    allocation = Allocation(instance, pairs(("u1", "A"), ("u3", "A")))
    numbers = figures(instance.campaign, found(0.75, 0.75), allocation)
    assert [(figure.label, figure.text(formats)) for figure in numbers] == [
        ("Conversions won", "0.75"),
        ("Expected cost", f"18{NBSP}CNY"),
        ("Cost per conversion", f"24{NBSP}CNY"),
        ("Extra revenue", f"75{NBSP}CNY"),
        ("Return", "4.167"),
        ("Users reached", "2"),
        ("Coupons given", "2"),
        ("Gap to the best possible", f"0{NBSP}%"),
    ]
    assert headline(instance, found(0.75, 0.75), allocation, formats) == (
        f"0.75 more conversions expected for 18{NBSP}CNY, with coupons for 2 of 3 users."
    )


def test_frozen_coupons_have_spent(tiny: Tiny, pairs: Pairs) -> None:
    """Of 18 CNY the two coupons that stay spend all, the one alone 10; without a freeze nothing is said."""
    given = pairs(("u1", "A"), ("u3", "A"))
    for earlier, spent, note in (
        (pairs(("u1", "A")), "10", "1 coupon given before, part of the above"),
        (given, "18", "2 coupons given before, part of the above"),
    ):
        instance = tiny((Freeze(plan=earlier),))
        numbers = figures(instance.campaign, found(0.75, 0.75), Allocation(instance, given))
        (frozen,) = [figure for figure in numbers if figure.label == "Spent by frozen coupons"]
        assert (frozen.text(formats), frozen.note) == (f"{spent}{NBSP}CNY", note)
    free = figures(tiny().campaign, found(0.75, 0.75), Allocation(tiny(), given))
    assert "Spent by frozen coupons" not in [figure.label for figure in free]


def test_least_money(tiny: Tiny, pairs: Pairs) -> None:
    """Turned round, the money stands first and the target is told."""
    instance = tiny((Target(at_least=0.6),), objective="cost", sense="minimise")
    allocation = Allocation(instance, pairs(("u1", "A"), ("u3", "A")))
    assert figures(instance.campaign, found(18, 18), allocation)[0].label == "Expected cost"
    assert headline(instance, found(18, 18), allocation, formats) == (
        f"18{NBSP}CNY is the least money found for at least 0.6 conversions won, "
        "with coupons for 2 of 3 users."
    )


@pytest.mark.parametrize(
    ("objective", "value", "words"),
    [
        ("revenue", 75, f"75{NBSP}CNY: the most extra revenue found, with 0.75 more conversions"),
        ("count", 2, "2: the most coupons given found, with 0.75 more conversions"),
    ],
)
def test_other_objectives(tiny: Tiny, pairs: Pairs, objective: str, value: float, words: str) -> None:
    """Another objective is called by its name."""
    instance = tiny(objective=objective)
    allocation = Allocation(instance, pairs(("u1", "A"), ("u3", "A")))
    assert headline(instance, found(value, value), allocation, formats).startswith(words)


def test_a_plan_that_gives_nothing_has_no_cost_per_conversion(tiny: Tiny) -> None:
    """Nothing divided by nothing is a dash, not an error."""
    empty = pa.table({"user_id": pa.array([], pa.string()), "coupon_id": pa.array([], pa.string())})
    instance = tiny()
    numbers = {
        f.label: f.text(formats) for f in figures(instance.campaign, found(0, 0), Allocation(instance, empty))
    }
    assert numbers["Cost per conversion"] == "–"
    assert numbers["Return"] == "–"
    assert numbers["Conversions won"] == "0"


def test_without_a_plan(tiny: Tiny) -> None:
    """Infeasible and not found are two things."""
    assert headline(tiny(), found(math.nan, -math.inf, Status.INFEASIBLE), None, formats) == (
        "The rules contradict each other: no plan can meet all of them."
    )
    assert headline(tiny(), found(math.nan, 9, Status.NO_SOLUTION), None, formats) == (
        "No plan was found before the solve stopped."
    )


@pytest.mark.parametrize(
    ("solution", "campaign", "words"),
    [
        (
            found(99, 100),
            {},
            (
                "Proven: no plan within these rules can win more than 100 conversions; "
                "this one is at most 1 (1 %) short of that."
            ),
        ),
        (
            found(202, 200),
            {"objective": "cost", "sense": "minimise"},
            (
                "Proven: no plan within these rules can cost less than 200 CNY; "
                "this one is at most 2 CNY (1 %) above that."
            ),
        ),
        (found(5, 5), {}, "Proven: no other plan within these rules does better."),
        (found(5, math.inf), {}, "Nothing is proven about how much better another plan could be."),
    ],
)
def test_the_proof_in_one_sentence(
    tiny: Tiny, solution: Solution, campaign: dict[str, str], words: str
) -> None:
    """The bound says what no plan can do, and how far this one may be from it."""
    assert proof_words(tiny(**campaign).campaign, solution, formats).replace(NBSP, " ") == words


def test_the_title_is_the_campaigns(tiny: Tiny) -> None:
    """By default a report is named after its campaign, as a heading is written."""
    solution = found(math.nan, 9, Status.NO_SOLUTION)
    assert summarise(tiny(name="autumn"), solution, None).title == "Autumn: coupon plan"
    assert summarise(tiny(name="autumn"), solution, None, title="mine").title == "mine"
