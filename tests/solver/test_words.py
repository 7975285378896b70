"""Numbers, limits and prices in words: each sentence as a planner reads it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from tests.instances.small import four_users

from couponry.instances import Budget, Campaign, Coverage, Parity, Program, ReturnFloor, Rule, Stock, Target
from couponry.solver.words import amount, measure_noun, objective_noun, price_words


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


def test_measures_are_called_what_they_are() -> None:
    """Money is in the campaign's currency, or called money where it has none."""
    assert measure_noun("value", "CNY") == "conversions"
    assert measure_noun("cost", "CNY") == "CNY of cost"
    assert measure_noun("cost", "") == "money of cost"
    assert measure_noun("revenue", "EUR") == "EUR of revenue"
    assert measure_noun("count", "CNY") == "coupons"
    assert measure_noun("kept", "CNY") == "pairs kept"
    assert measure_noun("visits", "CNY") == "visits"
    assert objective_noun(four_users().program, "CNY") == "conversions"


def words(rule: Rule, multiplier: float, *, activity: float = 0.0, row: int = 2, **campaign: str) -> str:
    """Return what a row of the four users is worth; the first two are those of the menu."""
    program: Program = four_users(rule, campaign=Campaign.model_validate(campaign)).program
    return price_words(program.rows[row], program, activity, multiplier, campaign.get("currency", ""))


@pytest.mark.parametrize(
    ("rule", "multiplier", "expected"),
    [
        # 0.001 a unit: a thousand units win one, and are less than a tenth of the limit
        (
            Budget(amount=1_200_000),
            0.001,
            "1,000 more on the limit of 1,200,000 CNY of cost wins 1 conversions",
        ),
        # 0.25 a unit of a small budget: a step of about a tenth of it
        (Budget(amount=4), 0.25, "0.1000 more on the limit of 4 CNY of cost wins 0.02500 conversions"),
        (
            Target(at_least=800, measure="revenue"),
            -0.02,
            "100 less on the floor of 800 CNY of revenue wins 2 conversions",
        ),
        (Stock(coupons=["A"], at_least=60), -0.5, "10 fewer on the floor of 60 coupons wins 5 conversions"),
        # half of the one user in the east
        (
            Coverage(segment="region", at_least=0.5),
            -0.25,
            "0.1000 fewer on the floor of 0.5000 coupons wins 0.02500 conversions",
        ),
        (ReturnFloor(ratio=2), -0.01, "100 less on the floor of 0 CNY of return wins 1 conversions"),
        # The row of tier 1 has 12 times the rates: 0.0625 a unit of it is 0.75 a unit of the rate.
        (
            Parity(segment="tier", tolerance=0.25),
            0.0625,
            "0.01000 more on the limit of 0.2500 per head wins 0.007500 conversions",
        ),
        (
            Parity(segment="tier", tolerance=0.25),
            -0.0625,
            "0.01000 less on the floor of -0.2500 per head wins 0.007500 conversions",
        ),
    ],
)
def test_prices_in_words(rule: Rule, multiplier: float, expected: str) -> None:
    """A price says what a readable step of the limit would win."""
    assert words(rule, multiplier, currency="CNY") == expected


def test_prices_of_a_least_cost_save() -> None:
    """Where cost is minimised a lower floor saves money, in no currency if the campaign names none."""
    said = words(Target(at_least=200), -2.5, objective="cost", sense="minimise")
    assert said == "1 less on the floor of 200 conversions saves 2.500 money of cost"


@pytest.mark.parametrize(
    ("rule", "activity", "expected"),
    [
        (Budget(amount=4), 1.5, "costs nothing now: 2.500 below its limit"),
        (Stock(coupons=["A"], at_least=1), 3, "costs nothing now: 2 above its floor"),
        (
            Stock(coupons=["A"], at_least=1, at_most=4),
            3,
            "costs nothing now: 1 below its limit and 2 above its floor",
        ),
        # 12 times the rates: an activity of 1.2 is 0.1 per head.
        (
            Parity(segment="tier", tolerance=0.25),
            1.2,
            "costs nothing now: 0.1500 below its limit and 0.3500 above its floor",
        ),
    ],
)
def test_rows_without_a_price_say_how_much_room_there_is(rule: Rule, activity: float, expected: str) -> None:
    """A row that does not bind costs nothing, and says how far it is from each side."""
    assert words(rule, 0.0, activity=activity) == expected
