"""Open Bandit as a log."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.instances.loaders.data import public, write_csv

from couponry.instances import InputError
from couponry.instances.loaders.open_bandit import read_open_bandit


def three_showings(**changed: Any) -> pd.DataFrame:
    """Return three showings of two items."""
    columns: dict[str, Any] = {
        "timestamp": [
            "2019-11-24 00:03:13.442536+00:00",
            "2019-11-24 17:00:00+00:00",
            "2019-11-25 23:59:59.5+00:00",
        ],
        "item_id": [14, 2, 14],
        "position": [3, 1, 2],
        "click": [0, 1, 0],
        "propensity_score": [0.25, 0.5, 0.125],
    }
    columns |= {f"user_feature_{k}": ["ab", "cd", "ab"] for k in range(4)}
    columns |= {"user-item_affinity_0": [0.0, 1.5, 0.0]}
    return pd.DataFrame({**columns, **changed})


def items(**changed: Any) -> pd.DataFrame:
    """Return an item context of three items."""
    columns: dict[str, Any] = {
        "item_id": [0, 2, 14],
        "item_feature_0": [-0.5, 0.25, 1.0],
        "item_feature_1": ["x", "y", "x"],
    }
    return pd.DataFrame({**columns, **changed})


def test_showings_by_hand(tmp_path: Path) -> None:
    """Items shown are the menu, the true probabilities are kept, and the hour is read from the time."""
    log = read_open_bandit(write_csv(tmp_path, "ob.csv", three_showings()), cost=0.5)
    assert log.coupons.ids == ["2", "14"]
    assert log.arm.tolist() == [1, 0, 1]
    assert log.conversion.tolist() == [0, 1, 0]
    assert log.propensity is not None
    assert log.propensity.tolist() == [0.25, 0.5, 0.125]
    assert log.cost.tolist() == [0.5, 0.5, 0.5]
    assert log.features["hour"].tolist() == [0, 17, 23]
    assert log.features["position"].tolist() == [3, 1, 2]
    assert log.features["user-item_affinity_0"].tolist() == [0, 1.5, 0]
    assert log.segments == tuple(f"user_feature_{k}" for k in range(4))


def test_item_context_is_the_menu(tmp_path: Path) -> None:
    """All its items, shown or not, with their attributes."""
    context = write_csv(tmp_path, "item_context.csv", items())
    log = read_open_bandit(write_csv(tmp_path, "ob.csv.gz", three_showings()), item_context=context)
    assert log.coupons.ids == ["0", "2", "14"]
    assert log.coupons.table["item_feature_1"].tolist() == ["x", "y", "x"]
    assert log.arm.tolist() == [2, 1, 2]


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        (
            {"propensity_score": [0.5, 0, 0.5]},
            r"row 1, column 'propensity': .*cannot have had probability 0 \(got 0",
        ),
        (
            {"propensity_score": [0.5, 1.5, 0.5]},
            r"row 1 \(line 3\), column 'propensity_score': .*\(got 1.5\)",
        ),
        ({"item_id": [1, 2.5, 3]}, r"row 1 \(line 3\), column 'item_id': not a whole number \(got 2.5\)"),
        ({"click": [0, 1, 2]}, r"row 2 \(line 4\), column 'click': not a number in \[0, 1\] \(got 2\)"),
        (
            {"timestamp": ["2019-11-24", "noon", "2019-11-24"]},
            r"row 1 .*'timestamp': not a time \(got 'noon'\)",
        ),
        ({"user-item_affinity_0": [0, "x", 0]}, r"row 1 .*'user-item_affinity_0': not a number \(got 'x'\)"),
    ],
)
def test_wrong_cells_are_told(tmp_path: Path, changed: dict[str, Any], problem: str) -> None:
    """Each with its place and value; a probability of 0 is refused too."""
    with pytest.raises(InputError, match=problem):
        read_open_bandit(write_csv(tmp_path, "ob.csv", three_showings(**changed)))


def test_wrong_item_contexts_are_told(tmp_path: Path) -> None:
    """An item that is shown but not described, one that stands there twice, a context without ids."""
    file = write_csv(tmp_path, "ob.csv", three_showings())
    for context, problem in (
        (
            items(item_id=[0, 2, 3]),
            r"ob.csv, row 0 \(line 2\), column 'item_id': .*not in the item context \(got 14\)",
        ),
        (
            items(item_id=[0, 2, 2]),
            r"context.csv, row 2 \(line 4\), column 'item_id': this item stands there twice",
        ),
        (items().drop(columns="item_id"), r"context.csv, column 'item_id': a column is missing"),
    ):
        with pytest.raises(InputError, match=problem):
            read_open_bandit(file, item_context=write_csv(tmp_path, "context.csv", context))


def test_missing_column_and_wrong_cost_are_told(tmp_path: Path) -> None:
    """The column by name, the cost by value."""
    file = write_csv(tmp_path, "ob.csv", three_showings().drop(columns="position"))
    with pytest.raises(InputError, match=r"ob.csv, column 'position': a column is missing"):
        read_open_bandit(file)
    with pytest.raises(InputError, match=r"the cost of a showing must be a number of at least 0 \(got -1\)"):
        read_open_bandit(file, cost=-1)


@pytest.mark.data
def test_published_random_policy() -> None:
    """10,000 showings of 34 items, each with probability 1/34; 46 clicks."""
    log = read_open_bandit(
        public("open_bandit_random_men.csv.gz"), item_context=public("open_bandit_men_item_context.csv")
    )
    assert log.n == 10_000
    assert len(log.coupons) == 34
    assert log.propensity is not None
    np.testing.assert_allclose(log.propensity, 1 / 34)
    assert log.conversion.sum() == 46
    assert "item_feature_0" in log.coupons.table


@pytest.mark.data
def test_published_thompson_policy() -> None:
    """10,000 showings with uneven probabilities; 69 clicks."""
    log = read_open_bandit(public("open_bandit_bts_men.csv.gz"))
    assert log.conversion.sum() == 69
    assert log.propensity is not None
    assert log.propensity.min() < 0.001
    assert log.propensity.max() > 0.7
