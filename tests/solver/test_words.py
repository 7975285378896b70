"""Numbers, limits and prices in words: each sentence as a planner reads it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from tests.instances.small import four_users

from couponry.instances import Budget, Campaign, Coverage, Parity, ReturnFloor, Rule, Stock, Target
from couponry.report.formats import Formats
from couponry.solver.words import Figures, amount, listed, price_step, price_words, room_words

NBSP = "\u00a0"
formats = Formats("CNY")
most_conversions = Campaign(currency="CNY")
least_money = Campaign(currency="CNY", objective="cost", sense="minimise")


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0.0, "0"),
        (1234567.0, "1,234,567"),
        (-3.0, "-3"),
        (1234.5678, "1,235"),
        (12.3456, "12.35"),
        (0.123456, "0.1235"),
        (0.000123456, "0.0001235"),
        (-0.5, "-0.5000"),
        (math.inf, "no limit"),
        (-math.inf, "no limit"),
        (np.float64(2.0), "2"),
    ],
)
def test_amounts_have_four_figures_that_matter(number: float, words: str) -> None:
    """Whole numbers are written whole with thousands apart, others with four figures."""
    assert amount(number) == words


@pytest.mark.parametrize(
    ("measure", "value", "words"),
    [
        ("cost", 1234567.891, "1,234,568 CNY"),
        ("cost", 999.994, "999.99 CNY"),
        ("cost", 0.0123456, "0.01235 CNY"),
        ("cost", 100.0, "100 CNY"),
        ("revenue", -2.5, "-2.5 CNY"),
        ("value", 12.3456, "12.35"),
        ("value", math.nan, "–"),
        ("cost", math.inf, "– CNY"),
        ("value", None, "–"),
    ],
)
def test_plain_figures(measure: str, value: float | None, words: str) -> None:
    """Amounts below 1,000 are told to the cent, with their currency, other numbers with four figures."""
    assert Figures("CNY").measure(measure, value) == words


def test_names_are_read_out() -> None:
    """The last of several names comes after an "and"."""
    assert [listed(names) for names in (["a"], ["a", "b"], ["a", "b", "c"])] == ["a", "a and b", "a, b and c"]


@pytest.mark.parametrize(
    ("limit", "step"), [(1_200_000, 1000.0), (15_000, 1000.0), (4200, 100.0), (800, 10.0), (5, 0.1)]
)
def test_the_step_is_small_beside_the_budget(limit: float, step: float) -> None:
    """A price holds for small changes only, so the step is at most 1,000 and at most a tenth."""
    found = price_step("budget", "cost", 0.02, (-math.inf, limit), most_conversions, formats)
    assert found.size == step
    assert found.gain == pytest.approx(0.02 * step)
    assert found.size <= limit / 10


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
    ("reach", "size", "words"),
    [
        (45_321.0, 1000, "1,000 CNY more would win about 3.2 more conversions, up to about 45,300 CNY more."),
        # The price holds for 250 only: the step that is told is no longer than that.
        (250.0, 100, "100 CNY more would win about 0.32 more conversions, up to about 250 CNY more."),
        (
            0.0,
            1000,
            "1,000 CNY more would win about 3.2 more conversions, but the price changes with the first step.",
        ),
        (math.inf, 1000, "1,000 CNY more would win about 3.2 more conversions, however much more."),
    ],
)
def test_how_far_a_price_holds(reach: float, size: float, words: str) -> None:
    """Where the range of a price is known, it is told with it."""
    found = price_step("budget", "cost", 0.0032, (-math.inf, 1.2e6), most_conversions, Figures("CNY"), reach)
    assert found.words == words
    assert found.size == size


def test_a_floor_holds_downwards() -> None:
    """Less is asked of a floor, so its range is told as less."""
    found = price_step("coverage", "count", -0.25, (40, math.inf), most_conversions, Figures(), 12.0)
    assert found.words == "Asking 1 less would win about 0.25 more conversions, up to about 12 less."


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


def words(rule: Rule, price: float, *, activity: float = 0.0, row: int = 2, **campaign: str) -> str:
    """Return what a row of the four users is worth; the first two are those of the menu."""
    made = Campaign.model_validate(campaign)
    return price_words(four_users(rule, campaign=made).program.rows[row], made, activity, price)


@pytest.mark.parametrize(
    ("rule", "price", "expected"),
    [
        # 0.001 a unit: a thousand units win one, and are less than a tenth of the limit
        (Budget(amount=1_200_000), 0.001, "1,000 CNY more would win about 1 more conversions."),
        (Budget(amount=4), 0.25, "0.1 CNY more would win about 0.025 more conversions."),
        (
            Target(at_least=800, measure="revenue"),
            -0.02,
            "Asking 10 CNY less would win about 0.2 more conversions.",
        ),
        (Stock(coupons=["A"], at_least=60), -0.5, "Asking 1 less would win about 0.5 more conversions."),
        (ReturnFloor(ratio=2), -0.01, "Asking 1 CNY less of return would win about 0.01 more conversions."),
        (
            Parity(segment="tier", tolerance=0.25),
            0.75,
            "Allowing 1 per 100 more of a difference would win about 0.0075 more conversions.",
        ),
    ],
)
def test_prices_of_rows(rule: Rule, price: float, expected: str) -> None:
    """A row's price says what a readable step of its limit would win."""
    assert words(rule, price, currency="CNY") == expected


def test_prices_of_a_least_cost_save() -> None:
    """Where cost is minimised a lower floor saves money, in no currency if the campaign names none."""
    said = words(Target(at_least=200), 2.5, objective="cost", sense="minimise")
    assert said == "Asking 10 less would save about 25 of expected cost."


@pytest.mark.parametrize(
    ("rule", "activity", "expected"),
    [
        (Budget(amount=4), 1.5, "Has room: 2.5 below its limit."),
        (Coverage(segment="region", at_least=0.5), 1.0, "Has room: 0.5 above its floor."),
        # Rates are told a hundred users.
        (Parity(segment="tier", tolerance=0.25), 0.1, "Has room: 15 per 100 below its limit."),
    ],
)
def test_rows_without_a_price_say_how_much_room_there_is(rule: Rule, activity: float, expected: str) -> None:
    """A row that does not bind costs nothing, and says how far it is from its nearer side."""
    assert words(rule, 0.0, activity=activity) == expected
