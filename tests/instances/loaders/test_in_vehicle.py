"""The in-vehicle survey as a log."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.instances.loaders.data import public, write_csv

from couponry.instances import InputError
from couponry.instances.loaders.in_vehicle import _NUMBERS, _PERSON, _SCENE, read_in_vehicle


def four_answers(**changed: Any) -> pd.DataFrame:
    """Return two answers each of two drivers."""
    columns: dict[str, Any] = {name: [1, 1, 0, 0] if name in _NUMBERS else list("xxyy") for name in _SCENE}
    columns |= {name: [1, 1, 0, 0] if name in _NUMBERS else list("ppqq") for name in _PERSON}
    columns |= {
        "car": [None, None, "Mazda5", "Mazda5"],
        "coupon": ["Bar", "Coffee House", "Restaurant(<20)", "Carry out & Take away"],
        "expiration": ["1d", "2h", "2h", "1d"],
        "Y": [1, 0, 1, 1],
    }
    return pd.DataFrame({**columns, **changed})


COSTS = {
    "bar": 5.0,
    "carry_out": 2.0,
    "coffee_house": 1.0,
    "restaurant_under_20": 4.0,
    "restaurant_20_to_50": 8.0,
}


def test_answers_by_hand(tmp_path: Path) -> None:
    """Kinds are arms, there is no arm without coupon, and a coupon costs where it is taken."""
    log = read_in_vehicle(write_csv(tmp_path, "iv.csv", four_answers()), costs=COSTS)
    assert log.coupons.ids == list(COSTS)
    assert log.arm.tolist() == [0, 2, 3, 1]
    assert log.conversion.tolist() == [1, 0, 1, 1]
    assert log.cost.tolist() == [5, 0, 4, 2]
    assert log.revenue.tolist() == [0, 0, 0, 0]
    assert log.propensity is None
    assert log.features["expiration"].tolist() == ["1d", "2h", "2h", "1d"]
    assert log.features["car"].isna().tolist() == [True, True, False, False]


def test_rows_of_one_person_are_one_user(tmp_path: Path) -> None:
    """Two drivers, numbered as they appear, so that a split never puts one on both sides."""
    log = read_in_vehicle(write_csv(tmp_path, "iv.csv", four_answers()))
    assert log.user_id.tolist() == ["driver-0", "driver-0", "driver-1", "driver-1"]


def test_expiration_may_be_part_of_the_coupon(tmp_path: Path) -> None:
    """Ten coupons, valid a day or a twelfth of one, and no such feature left."""
    log = read_in_vehicle(write_csv(tmp_path, "iv.csv", four_answers()), by_expiration=True)
    assert len(log.coupons) == 10
    assert [log.coupons.ids[arm] for arm in log.arm] == [
        *("bar_1d", "coffee_house_2h", "restaurant_under_20_2h", "carry_out_1d")
    ]
    assert log.coupons.table["valid_days"].tolist() == pytest.approx([2 / 24, 1] * 5)
    assert "expiration" not in log.features


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        (
            {"coupon": ["Bar", "Cafe", "Bar", "Bar"]},
            r"row 1 \(line 3\), column 'coupon': unknown value \(got 'Cafe'\)",
        ),
        (
            {"expiration": ["1d", "2h", "3h", "1d"]},
            r"row 2 .*column 'expiration': unknown value \(got '3h'\)",
        ),
        ({"Y": [1, 0, 1, 7]}, r"row 3 \(line 5\), column 'Y': not a number in \[0, 1\] \(got 7\)"),
        ({"temperature": [55, 80, "hot", 30]}, r"row 2 .*column 'temperature': not a number .*\(got 'hot'\)"),
    ],
)
def test_wrong_cells_are_told(tmp_path: Path, changed: dict[str, Any], problem: str) -> None:
    """Each with its place and value."""
    with pytest.raises(InputError, match=problem):
        read_in_vehicle(write_csv(tmp_path, "iv.csv", four_answers(**changed)))


def test_missing_column_and_wrong_costs_are_told(tmp_path: Path) -> None:
    """The column by name; costs are checked against the menu that was asked for."""
    file = write_csv(tmp_path, "iv.csv", four_answers().drop(columns="weather"))
    with pytest.raises(InputError, match=r"iv.csv, column 'weather': a column is missing"):
        read_in_vehicle(file)
    file = write_csv(tmp_path, "iv.csv", four_answers())
    with pytest.raises(InputError, match=r"no such coupon \(got 'bar'\). Did you mean 'bar_"):
        read_in_vehicle(file, by_expiration=True, costs=COSTS)


@pytest.mark.data
def test_published_file() -> None:
    """12,684 answers of some hundred drivers; 57 % would take the coupon, as published."""
    log = read_in_vehicle(public("in_vehicle_coupon.csv.gz"))
    assert log.n == 12_684
    assert log.conversion.sum() == 7_210
    assert np.bincount(log.arm).tolist() == [2_017, 2_393, 3_996, 2_786, 1_492]
    assert 500 < len(set(log.user_id)) < 700
    for name in log.segments:
        assert log.features[name].notna().all()
