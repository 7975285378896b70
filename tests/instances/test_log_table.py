"""Flat tables as logs."""

import pandas as pd
import pytest
from tests.instances.small import NAN, menu
from tests.instances.test_log import frame, refusal

from couponry.instances import Coupons, InputError, Log


def test_money_is_nothing_where_it_is_not_told() -> None:
    """Only who, what and whether are needed."""
    made = Log.from_frame(frame()[["user_id", "arm", "conversion"]], menu())
    assert (made.cost.tolist(), made.revenue.tolist(), made.propensity) == ([0.0] * 5, [0.0] * 5, None)


@pytest.mark.parametrize("name", ["user_id", "arm", "conversion"])
def test_missing_column(name: str) -> None:
    """A column that a log cannot do without is asked for."""
    assert refusal(drop=name).startswith(f"log.csv, column '{name}': a column is missing. Add it; columns ")


@pytest.mark.parametrize("missing", [None, ""])
def test_exposure_without_a_user(missing: object) -> None:
    """Every exposure is somebody's."""
    assert refusal(user_id=["u1", missing, "u1", "u3", "u1"]) == (
        "log.csv, row 1, column 'user_id': an exposure has no user. Fill it or drop the row"
    )


def test_outcomes_are_told_how_they_are_written() -> None:
    """Where a cell is empty, and where a conversion is a word."""
    cells = pd.Series([0, 0, 0, NAN, 0], dtype=object)
    assert refusal(cost=cells) == "log.csv, row 3, column 'cost': the cell is empty. Fill it or drop the row"
    assert refusal(conversion=cells.fillna("yes")).endswith(
        "not a number (got 'yes'). Correct the row: 1 where the user converted, else 0"
    )


def test_whole_numbers_with_gaps_for_none_are_coupons() -> None:
    """Pandas makes 1.0 of a coupon's id 1 where some cells are empty; the control group stays one."""
    numbered = Coupons(pd.DataFrame({"coupon_id": ["1", "2"]}))
    table = pd.DataFrame({"user_id": ["a", "b", "c"], "arm": [1, None, 2], "conversion": 0.0, "x": 1.0})
    assert Log.from_frame(table, numbered).arm.tolist() == [0, -1, 1]
    with pytest.raises(InputError, match=r"1 of 3 rows have it \(got '0.0'\).*if it is the control group"):
        Log.from_frame(table.fillna(0), numbered)
