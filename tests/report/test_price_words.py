"""What a limit is worth, in words."""

from __future__ import annotations

import math

import pytest

from couponry.instances import Campaign
from couponry.report.formats import Formats
from couponry.report.price_words import price_step, room_words

NBSP = "\u00a0"
formats = Formats("CNY")
most_conversions = Campaign(currency="CNY")
least_money = Campaign(currency="CNY", objective="cost", sense="minimise")


@pytest.mark.parametrize(
    ("amount", "step"), [(1_200_000, 1000.0), (15_000, 1000.0), (4200, 100.0), (800, 10.0), (5, 0.1)]
)
def test_the_step_is_small_beside_the_budget(amount: float, step: float) -> None:
    """A price holds for small changes only, so the step is at most 1,000 and at most a tenth."""
    found = price_step("budget", "cost", 0.02, (-math.inf, amount), most_conversions, formats)
    assert found.size == step
    assert found.gain == pytest.approx(0.02 * step)
    assert found.size <= amount / 10


@pytest.mark.parametrize(
    ("kind", "measure", "price", "limits", "words"),
    [
        # 0.025 conversions for each CNY.
        (
            "budget",
            "cost",
            0.025,
            (-math.inf, 4200),
            f"100{NBSP}CNY more would win about 2.5 more conversions.",
        ),
        ("stock", "count", 0.5, (-math.inf, 60), "Allowing 1 more would win about 0.5 more conversions."),
        ("coverage", "count", -0.25, (40, math.inf), "Asking 1 less would win about 0.25 more conversions."),
        (
            "parity",
            "count per head, less the overall",
            -34.0,
            (-0.03, 0.03),
            "Allowing 1 per 100 more of a difference would win about 0.34 more conversions.",
        ),
        (
            "return_floor",
            "revenue less 1.5 × cost",
            -0.5,
            (0, math.inf),
            f"Asking 1{NBSP}CNY less of return would win about 0.5 more conversions.",
        ),
    ],
)
def test_words_when_most_conversions_are_sought(
    kind: str, measure: str, price: float, limits: tuple[float, float], words: str
) -> None:
    """A positive price speaks of the upper limit, a negative one of the lower."""
    assert price_step(kind, measure, price, limits, most_conversions, formats).words == words


def test_words_when_least_money_is_sought() -> None:
    """Turned round, a floor's price is positive, since more of it costs more."""
    target = price_step("target", "value", 45.0, (50, math.inf), least_money, formats)
    assert target.words == f"Asking 1 less would save about 45{NBSP}CNY of expected cost."
    stock = price_step("stock", "count", -3.0, (-math.inf, 40), least_money, formats)
    assert stock.words == f"Allowing 1 more would save about 3{NBSP}CNY of expected cost."


def test_words_of_another_objective() -> None:
    """An objective of the user's own is called by its name."""
    own = Campaign(objective="new_members")
    assert price_step("stock", "count", 2.0, (-math.inf, 60), own, formats).words == (
        "Allowing 1 more would bring about 2 more new members."
    )


@pytest.mark.parametrize(
    ("activity", "limits", "words"),
    [
        (570, (-math.inf, 600), "Has room: 30 below its limit."),
        (62, (50, math.inf), "Has room: 12 above its floor."),
        (52, (50, 600), "Has room: 2 above its floor."),
        (600, (-math.inf, 600), "At its limit, which costs nothing."),
        (5, (-math.inf, math.inf), "No limit."),
    ],
)
def test_room(activity: float, limits: tuple[float, float], words: str) -> None:
    """The nearer of the two limits says how much room there is."""
    assert room_words("stock", "count", activity, limits, formats) == words
