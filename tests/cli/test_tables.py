"""Tables as files, by the ending of the name."""

import json
import math
from pathlib import Path

import pandas as pd
import pytest

from couponry.cli.tables import check_table_place, plain_records, write_table
from couponry.instances.errors import ExistsError, InputError

TABLE = pd.DataFrame({"budget": [1.0, 2.0], "value": [0.5, math.nan], "bound": [math.inf, 3.0]})


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_table_comes_back(tmp_path: Path, suffix: str) -> None:
    """What is written as CSV or Parquet is read as it was."""
    write_table(TABLE, tmp_path / f"table{suffix}")
    read = pd.read_csv if suffix == ".csv" else pd.read_parquet
    pd.testing.assert_frame_equal(read(tmp_path / f"table{suffix}"), TABLE)


def test_json_has_no_numbers_that_json_cannot_hold(tmp_path: Path) -> None:
    """NaN and infinities are null."""
    write_table(TABLE, tmp_path / "table.json")
    records = json.loads((tmp_path / "table.json").read_text())
    assert records == plain_records(TABLE)
    assert records[0] == {"budget": 1.0, "value": 0.5, "bound": None}
    assert records[1]["value"] is None


def test_place_is_checked(tmp_path: Path) -> None:
    """An ending that says no kind of table is refused, and a file that stands there without force."""
    with pytest.raises(
        InputError, match=r"what kind of table.*\(got '.xls'\). End it in .csv, .parquet or .json"
    ):
        check_table_place(tmp_path / "table.xls", force=True)
    (tmp_path / "table.csv").write_text("mine")
    with pytest.raises(ExistsError):
        check_table_place(tmp_path / "table.csv", force=False)
    check_table_place(tmp_path / "table.csv", force=True)
