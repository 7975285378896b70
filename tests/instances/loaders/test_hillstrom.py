"""The e-mail trial as a log."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.instances.loaders.data import public, write_csv

from couponry.instances import InputError
from couponry.instances.loaders.hillstrom import read_hillstrom


def three_customers(**changed: Any) -> pd.DataFrame:
    """Return one customer of each arm."""
    columns: dict[str, Any] = {
        "recency": [10, 6, 7],
        "history_segment": ["2) $100 - $200", "3) $200 - $350", "7) $1,000 +"],
        "history": [142.44, 329.08, 1180.65],
        "mens": [1, 1, 0],
        "womens": [0, 1, 1],
        "zip_code": ["Surburban", "Rural", "Urban"],
        "newbie": [0, 1, 1],
        "channel": ["Phone", "Web", "Multichannel"],
        "segment": ["Womens E-Mail", "No E-Mail", "Mens E-Mail"],
        "visit": [1, 0, 1],
        "conversion": [0, 0, 1],
        "spend": [0, 0, 29.99],
    }
    return pd.DataFrame({**columns, **changed})


def test_three_customers_by_hand(tmp_path: Path) -> None:
    """Women's e-mail at 0.20, nothing, men's at 0.10: arms 1, −1, 0, and an e-mail costs whatever follows."""
    file = write_csv(tmp_path, "hillstrom.csv", three_customers())
    log = read_hillstrom(file, costs={"mens": 0.1, "womens": 0.2})
    assert log.coupons.ids == ["mens", "womens"]
    assert list(log.coupons.table["unit_cost"]) == [0.1, 0.2]
    assert log.arm.tolist() == [1, -1, 0]
    assert log.cost.tolist() == [0.2, 0, 0.1]
    assert log.conversion.tolist() == [1, 0, 1]
    assert log.revenue.tolist() == [0, 0, 29.99]
    assert log.user_id.tolist() == ["0", "1", "2"]
    assert log.propensity is None
    assert log.segments == ("zip_code", "channel")
    assert list(log.features) == [
        *("recency", "history", "history_segment", "mens", "womens", "newbie", "zip_code", "channel")
    ]
    assert log.features["history_segment"].tolist() == [2, 3, 7]
    assert log.features["zip_code"].tolist() == ["Surburban", "Rural", "Urban"]
    assert log.source == str(file)


def test_outcome_may_be_the_purchase(tmp_path: Path) -> None:
    """With outcome="conversion" only the buyer counts, and without costs e-mails are free."""
    log = read_hillstrom(write_csv(tmp_path, "h.csv.gz", three_customers()), outcome="conversion")
    assert log.conversion.tolist() == [0, 0, 1]
    assert log.cost.tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        (
            {"segment": ["Womens E-Mail", "No E-Mail", "E-Mail"]},
            r"row 2 \(line 4\), column 'segment': unknown value",
        ),
        ({"visit": [0, 2, 0]}, r"row 1 \(line 3\), column 'visit': not a number in \[0, 1\] \(got 2\)"),
        ({"spend": [0, 0, -1]}, r"row 2 \(line 4\), column 'spend': not a number in \[0, inf\] \(got -1\)"),
        ({"recency": [1, None, 2]}, r"row 1 \(line 3\), column 'recency': not a number"),
        ({"mens": [0, 1, 0.5]}, r"row 2 \(line 4\), column 'mens': not a whole number \(got 0.5\)"),
        (
            {"history_segment": ["2) $100 - $200", "8) more", "1) $0 - $100"]},
            r"row 1 \(line 3\), column 'history_segment': not one of the 7 .*\(got '8\) more'\)",
        ),
    ],
)
def test_wrong_cells_are_told(tmp_path: Path, changed: dict[str, Any], problem: str) -> None:
    """Each with its place and value."""
    with pytest.raises(InputError, match="hillstrom.csv, " + problem):
        read_hillstrom(write_csv(tmp_path, "hillstrom.csv", three_customers(**changed)))


def test_missing_column_and_unknown_outcome_are_told(tmp_path: Path) -> None:
    """With the columns found, and the outcomes known."""
    file = write_csv(tmp_path, "h.csv", three_customers().drop(columns="newbie"))
    with pytest.raises(
        InputError, match=r"h.csv, column 'newbie': a column is missing. Add it; columns found: rec"
    ):
        read_hillstrom(file)
    with pytest.raises(InputError, match=r"no such outcome \(got 'visits'\). Did you mean 'visit'\?"):
        read_hillstrom(file, outcome="visits")  # type: ignore[arg-type]


@pytest.mark.data
def test_published_file() -> None:
    """64,000 rows; visits 10.6 % without, 18.3 % with men's and 15.1 % with women's e-mail, as published."""
    log = read_hillstrom(public("hillstrom.csv.gz"), costs={"mens": 0.1, "womens": 0.15})
    assert log.n == 64_000
    assert np.bincount(log.arm + 1).tolist() == [21_306, 21_307, 21_387]
    visits = [log.conversion[log.arm == arm].mean() for arm in (-1, 0, 1)]
    np.testing.assert_allclose(visits, [0.10617, 0.18276, 0.15140], atol=5e-6)
    assert log.cost.sum() == pytest.approx(21_307 * 0.1 + 21_387 * 0.15)
    assert log.revenue[log.arm == 0].mean() == pytest.approx(1.422617, abs=1e-6)
    assert log.features.notna().all().all()
