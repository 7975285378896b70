"""Steps in which a row's activity can move: by hand, and never between a limit and its rounding."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.brute_force import Reading
from tests.drawn import instances, plans
from tests.instances.small import four_users, people

from couponry.instances import (
    Budget,
    Campaign,
    Coupons,
    Coverage,
    Instance,
    Keep,
    Parity,
    Response,
    ReturnFloor,
    Rule,
    Target,
    Users,
)
from couponry.solver.engine import Pairs
from couponry.solver.feasibility import pair_columns
from couponry.solver.grain import grains, objective_grain, round_inwards
from couponry.solver.prices import PriceBook

INF = math.inf


def steps(*rules: Rule) -> list[float]:
    """Return the steps of the rows that these rules make, without those of the menu."""
    return [float(step) for step in grains(four_users(*rules).program)[2:]]


def test_counts_are_whole() -> None:
    """Stock, coverage, parity and keep count pairs: they move by whole numbers."""
    plan = pa.table({"user_id": ["u1"], "coupon_id": ["A"]})
    rules = (
        Coverage(segment="tier", at_least=0.3),
        Parity(segment="tier", tolerance=0.1),
        Keep(plan=plan, share=0.5),
    )
    assert steps(*rules) == [1, 1, 1, 1, 1]
    assert grains(four_users().program).tolist() == [1, 1]


def test_coupons_of_one_price_are_spent_in_whole_numbers() -> None:
    """B costs everybody 2, so a budget on B moves by 2; on B and C, of 3, it can be anything."""
    assert steps(Budget(amount=5, coupons=["B"])) == [2]
    assert steps(Budget(amount=5, coupons=["B", "C"])) == [0]
    assert steps(Budget(amount=5)) == [0]


def test_measures_that_differ_move_by_anything() -> None:
    """Value differs from user to user, and a return floor sums two measures."""
    assert steps(Target(at_least=0.5), ReturnFloor(ratio=1.0)) == [0, 0]


def test_pairs_that_are_not_eligible_do_not_count() -> None:
    """The cost of a pair that nobody can have does not spoil the step."""
    cost = np.full((4, 1), 0.5)
    cost[1] = 7
    value = np.ones((4, 1))
    value[1] = math.nan
    menu = Coupons(pd.DataFrame({"coupon_id": ["A"]}))
    dense = Instance(menu, people(), Response({"value": value, "cost": cost}), (Budget(amount=1.2),))
    assert grains(dense.program).tolist() == [0.5]
    listed = np.array([[0], [-1], [0], [0]], np.int32)
    short = Instance(
        menu, people(), Response({"value": np.ones((4, 1)), "cost": cost}, listed), (Budget(amount=1.2),)
    )
    assert grains(short.program).tolist() == [0.5]


def test_one_user_in_a_thousand_spoils_the_step() -> None:
    """A single pair of another price, far behind the first users, is seen."""
    n = 3000
    cost = np.full((n, 1), 0.5)
    users = Users(pa.table({"user_id": np.arange(n)}))
    menu = Coupons(pd.DataFrame({"coupon_id": ["A"]}))
    measures = {"value": np.ones((n, 1)), "cost": cost}
    assert grains(Instance(menu, users, Response(measures), (Budget(amount=9),)).program).tolist() == [0.5]
    cost[-1] = 0.75
    assert grains(Instance(menu, users, Response(measures), (Budget(amount=9),)).program).tolist() == [0]


@pytest.mark.parametrize(
    ("lower", "upper", "grain", "expected"),
    [
        (1.2, 3.9, 1.0, (2, 3)),
        (2.0, 3.0, 1.0, (2, 3)),
        (-3.5, -1.2, 1.0, (-3, -2)),
        (-INF, 5.0, 2.0, (-INF, 4)),
        (0.3, INF, 0.1, (0.3, INF)),  # three steps of 0.1, whatever 0.3 / 0.1 is in binary
        (1.25, 3.5, 0.0, (1.25, 3.5)),
        (0.2, 0.8, 1.0, (1, 0)),  # no whole number lies between
    ],
)
def test_limits_move_inwards(lower: float, upper: float, grain: float, expected: tuple[float, float]) -> None:
    """A floor rises and a ceiling falls to the next whole number of steps; without a step they stay."""
    low, high = round_inwards(np.array([lower]), np.array([upper]), np.array([grain]))
    assert (low[0], high[0]) == pytest.approx(expected)


def test_a_share_a_hair_above_a_whole_number_needs_one_more() -> None:
    """Of counts the last digit decides: just above 39 asks for 40."""
    above = np.array([math.nextafter(39.0, 40.0)])
    assert round_inwards(above, np.array([INF]), np.array([1.0]))[0].tolist() == [40]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(data=st.data(), instance=instances())
def test_no_plan_is_lost(data: st.DataObject, instance: Instance) -> None:
    """Activities are whole numbers of steps, and what is within the limits is within the rounded ones."""
    program = instance.program
    book, reading = PriceBook(program), Reading(instance)
    chosen = sorted(data.draw(plans(instance)))
    place = np.array([reading.place[pair] for pair in chosen], np.int64)
    classes, coupon, columns = pair_columns(program, Pairs(np.array([i for i, _ in chosen], np.int64), place))
    activity = book.coefficients(columns, classes, coupon).sum(axis=1)
    step = grains(program)
    units = activity[step > 0] / step[step > 0]
    assert units == pytest.approx(units.round(), abs=1e-6)
    lower, upper = book.inward
    size = 1e-6 * np.maximum(1, np.abs(activity))
    inside = (activity >= book.lower) & (activity <= book.upper)
    assert (activity >= lower - size)[inside].all()
    assert (activity <= upper + size)[inside].all()


def valued(value: np.ndarray, objective: str = "value") -> Instance:
    """Return two users and two coupons of these values under a budget."""
    return Instance(
        Coupons(pd.DataFrame({"coupon_id": ["A", "B"]})),
        Users(pa.table({"user_id": [1, 2]})),
        Response({"value": value, "cost": np.full((2, 2), 0.3)}),
        (Budget(amount=0.5),),
        Campaign(objective=objective),
    )


@pytest.mark.parametrize(
    ("value", "step"),
    [
        ([[1, 0], [-2, 3]], 1),
        ([[1, 0], [-2, 2.5]], 0),
        ([[1, 0], [math.nan, 7]], 1),
        ([[1e-9, 0], [0, 0]], 0),
    ],
)
def test_whole_values_add_up_to_whole_numbers(value: list[list[float]], step: int) -> None:
    """The objective moves in ones where all eligible pairs have whole values."""
    assert objective_grain(valued(np.array(value, dtype=np.float64)).program) == step


def test_a_bound_between_two_whole_values_is_the_lower() -> None:
    """Where values are whole a bound of 4.7 says that no plan wins more than 4; where they are not, 4.7."""
    whole = PriceBook(valued(np.array([[1.0, 0.0], [2.0, 3.0]])).program)
    assert whole.tight(4.7, np.zeros(1)) == 4
    assert whole.tight(5.0, np.zeros(1)) == 5
    assert whole.tight(5 - 1e-13, np.zeros(1)) == 5 - 1e-13  # what rounding hid is given to the bound
    any_value = PriceBook(valued(np.array([[1.0, 0.0], [2.0, 0.5]])).program)
    assert any_value.tight(4.7, np.zeros(1)) == 4.7
