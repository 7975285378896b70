"""What a redemption costs at most, and how much spend varies."""

from __future__ import annotations

from dataclasses import replace
from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.instances.small import NAN, four_users

from couponry.instances import Budget, Coupons, InputError, Instance, Response, Rule
from couponry.instances.instance_toml import parse_rules
from couponry.instances.risk import cost_variance, most_of_one, quantile

ALL = np.ones(3, dtype=bool)


def refusal(instance: Instance) -> str:
    """Return why an instance's rules are refused."""
    with pytest.raises(InputError) as caught:
        instance.program  # noqa: B018
    return str(caught.value)


def with_menu(instance: Instance, **columns: object) -> Instance:
    """Return the instance with further columns of the menu."""
    return replace(instance, coupons=Coupons(instance.coupons.table.assign(**columns)))


def with_measure(instance: Instance, **measures: np.ndarray) -> Instance:
    """Return the instance with further measures."""
    return replace(instance, response=Response({**instance.response.measures, **measures}))


def faced(*rules: Rule) -> Instance:
    """Return the four users with face values of 4 and 10, and 20 % off up to 8."""
    return with_menu(four_users(*rules), face_value=[4, 20, 10], max_discount=[NAN, 8, NAN])


def test_quantile() -> None:
    """One in twenty is 1.645 standard deviations up; a half is none."""
    assert quantile(0.05) == pytest.approx(1.6448536, abs=1e-7)
    assert quantile(1e-9) == pytest.approx(NormalDist().inv_cdf(1 - 1e-9), rel=1e-6)
    assert quantile(0.5) == 0.0


def test_most_of_one_redemption() -> None:
    """It is the face value; of a percentage the most that it takes off; of others nobody asks."""
    assert most_of_one(faced().coupons, ALL).tolist() == [4.0, 8.0, 10.0]
    one = most_of_one(four_users().coupons, np.zeros(3, dtype=bool))
    assert one.tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (
            {},
            (
                "[[budget]] 1, column 'face_value': the menu does not say what a redemption of 'A' costs "
                "at most: it has none. Fill in face_value, or leave the coupon out with coupons = …"
            ),
        ),
        (
            {"face_value": [4, 20, 10]},
            (
                "[[budget]] 1, column 'max_discount': the menu does not say what a redemption of 'B' costs "
                "at most: the face value of percent_off is a percentage, not money. Fill in max_discount, or "
                "leave the coupon out with coupons = …"
            ),
        ),
        (
            {"face_value": [4, 20, 10], "max_discount": ["", "-1", ""]},
            (
                "[[budget]] 1, column 'max_discount': the menu does not say what a redemption of 'B' costs "
                "at most: the face value of percent_off is a percentage, not money (got -1.0). Fill in "
                "max_discount, or leave the coupon out with coupons = …"
            ),
        ),
    ],
)
@pytest.mark.parametrize("keys", [{"measure": "liability"}, {"overspend_probability": 0.05}])
def test_a_menu_that_does_not_say(columns: dict[str, Any], message: str, keys: dict[str, Any]) -> None:
    """Whoever asks for liability or risk is told which cell is missing."""
    assert refusal(with_menu(four_users(Budget(amount=5, **keys)), **columns)) == message


def test_coupons_that_no_rule_asks_of_need_nothing() -> None:
    """A budget of A alone needs only A's face value."""
    rule = Budget(amount=5, overspend_probability=0.05, coupons=["A"])
    instance = with_menu(four_users(rule), face_value=[4, NAN, NAN])
    variance = instance.program.columns["cost_variance"]
    assert variance[:, 0].tolist() == [3.0, 3.0, 3.0, 3.0]
    assert variance[:, 1:].sum() == 0


def test_variance_by_face_value() -> None:
    """A cost of 1 of at most 4 varies by 1 · 3, of 2 of at most 8 by 2 · 6, of 3 of at most 10 by 3 · 7."""
    variance = cost_variance(faced(), ALL)
    assert variance[0].tolist() == [3.0, 12.0, 21.0]
    assert variance[1].tolist() == [3.0, 12.0, 0.0]  # C is not eligible for u2
    assert variance.dtype == np.float64


def test_variance_of_the_response_comes_first() -> None:
    """cost_variance is taken as it stands, before cost_sd, which is squared, before any face value."""
    spread = np.full((4, 3), 3.0, dtype=np.float32)
    assert cost_variance(with_measure(faced(), cost_sd=spread), ALL)[0].tolist() == [9.0, 9.0, 9.0]
    both = with_measure(faced(), cost_sd=spread, cost_variance=spread)
    assert cost_variance(both, ALL)[0].tolist() == [3.0, 3.0, 3.0]


def test_variance_in_shortlists() -> None:
    """Each place has the face value of its own coupon; an empty place varies by nothing."""
    coupon = np.array([[2, 0], [0, 1], [1, -1], [-1, 2]], dtype=np.int32)
    lists = {name: array[:, :2] for name, array in four_users().response.measures.items()}
    instance = replace(faced(), response=Response(lists, coupon))
    assert cost_variance(instance, ALL).tolist() == [[9.0, 4.0], [3.0, 12.0], [7.0, 0.0], [0.0, 16.0]]


def test_a_cost_above_the_face_value_is_refused() -> None:
    """An expected cost of 3 of a coupon worth 2 cannot be."""
    rule = Budget(amount=5, overspend_probability=0.05, coupons=["C"])
    assert refusal(with_menu(four_users(rule), face_value=[4, 4, 2])) == (
        "[[budget]] 1, column 'cost': cost of user 'u1' of a coupon whose spend is at risk must lie between "
        "0 and what a redemption costs at most (got 3.0). Correct it or the menu's face_value, or give the "
        "response cost_variance or cost_sd"
    )


def test_a_hair_above_the_face_value_is_rounding() -> None:
    """Sure redemption of 0.1 in single precision is 0.10000000149, which varies by nothing."""
    cost = np.full((4, 3), 0.1, dtype=np.float32)
    response = Response({"value": four_users().response.measures["value"].astype(np.float32), "cost": cost})
    instance = with_menu(replace(four_users(), response=response), face_value=0.1, max_discount=0.1)
    assert cost_variance(instance, ALL).tolist() == np.zeros((4, 3)).tolist()


def test_a_negative_variance_is_refused() -> None:
    """The user and the value are told."""
    spread = np.full((4, 3), 1.0)
    spread[2, 1] = -0.5
    instance = with_measure(four_users(Budget(amount=5, overspend_probability=0.05)), cost_sd=spread)
    assert refusal(instance) == (
        "[[budget]] 1, column 'cost_sd': cost_sd of user 'u3' must be at least 0 (got -0.5). Correct cost_sd"
    )


def test_the_row_of_a_budget_at_risk() -> None:
    """Terms and limit are those of the expected cost; the chance is beside them."""
    rule = Budget(amount=9, overspend_probability=0.05, users={"region": ["north"]})
    row = faced(rule).program.rows[-1]
    assert (row.name, row.upper, [term.measure for term in row.terms]) == ("budget", 9.0, ["cost"])
    assert row.risk is not None
    assert (row.risk.probability, row.risk.quantile) == (0.05, quantile(0.05))
    assert row.risk.variance.measure == "cost_variance"
    assert row.risk.variance.users.tolist() == row.terms[0].users.tolist()


def test_the_row_of_a_liability() -> None:
    """It is a count, weighted with what each coupon costs at most: no array a user."""
    program = faced(Budget(amount=9, measure="liability", coupons=["A", "B"])).program
    row = program.rows[-1]
    (term,) = row.terms
    assert (row.measure, row.upper, term.measure, term.coupons.tolist()) == (
        "liability",
        9.0,
        "count",
        [4, 8, 0],
    )
    assert set(program.columns) == {"value"}


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"amount": 1, "overspend_probability": 0}, "must be greater than 0"),
        ({"amount": 1, "overspend_probability": 0.6}, "must be less than or equal to 0.5"),
        ({"amount": 1, "overspend_probability": True}, "must be a number, not true or false"),
        (
            {"amount": 1, "overspend_probability": 0.1, "measure": "count"},
            (
                "[[budget]] 1, column 'overspend_probability': only a budget of cost can be overspent by "
                "chance (got 0.1). Leave it out, or leave out measure = 'count'"
            ),
        ),
    ],
)
def test_what_no_budget_can_be(entry: dict[str, Any], message: str) -> None:
    """Probabilities lie above 0 and up to a half, and are of costs."""
    with pytest.raises(InputError) as caught:
        parse_rules({"budget": [entry]})
    assert message in str(caught.value)


def test_no_measure_is_called_liability() -> None:
    """The word means face value."""
    with pytest.raises(InputError, match="no measure can have this name"):
        with_measure(four_users(), liability=np.ones((4, 3)))


def test_numbers_in_a_text_column_are_read() -> None:
    """A column that is no column of couponry's own may hold numbers as text."""
    menu = Coupons(pd.DataFrame({"coupon_id": ["B"], "kind": ["percent_off"], "max_discount": ["8"]}))
    assert most_of_one(menu, np.ones(1, dtype=bool)).tolist() == [8.0]
