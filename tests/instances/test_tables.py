"""CSV and Parquet files as tables."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.instances.test_csv_files import csv, refusal

from couponry.instances import InputError
from couponry.instances.source import Source
from couponry.instances.tables import choose_file, numbers, require_columns

TABLE = pa.table({"user_id": ["01", "NA", ""], "value": [0.1, None, 3.0], "old": [True, False, None]})


def test_no_file(tmp_path: Path) -> None:
    """A path without a file, and a file of another kind, are told."""
    assert refusal(Source(tmp_path / "t.csv")) == ": there is no such file. Check the path"
    (tmp_path / "t.xlsx").write_bytes(b"x")
    assert refusal(Source(tmp_path / "t.xlsx")) == (
        ": a table is a .csv or a .parquet file (got '.xlsx'). Convert it"
    )


def test_empty_files(tmp_path: Path) -> None:
    """Nothing at all is neither CSV nor Parquet."""
    assert refusal(csv(tmp_path, "")) == (": the file is empty. Give a line of column names and the rows")
    (tmp_path / "t.parquet").touch()
    assert refusal(Source(tmp_path / "t.parquet")) == ": the file is empty. Write it again"


def test_a_column_of_another_case_is_to_be_renamed(tmp_path: Path) -> None:
    """Names are taken as they are, and the one that is meant is named."""
    with pytest.raises(InputError, match=r"'user_id': a column is missing. Name 'User ID' so; columns found"):
        require_columns(Source("t.csv"), ["User ID", "age"], ["user_id"])


@pytest.mark.parametrize(
    ("found", "needed", "mend"),
    [
        (["user_id", "Coupon_ID", "age"], "arm", "Name 'Coupon_ID' so if that is it, or add it; columns"),
        (["customer_id", "arm"], "user_id", "Name 'customer_id' so if that is it, or add it; columns"),
        (["user_id", "age"], "arm", "Add it; columns"),
    ],
)
def test_a_column_that_others_call_so_may_be_the_missing_one(found, needed, mend):
    """It is named, but not taken for it."""
    with pytest.raises(InputError, match=f"'{needed}': a column is missing. {mend}"):
        require_columns("log.csv", found, [needed])


def test_column_that_stands_there_twice(tmp_path: Path) -> None:
    """Which of two columns is meant cannot be known."""
    assert refusal(csv(tmp_path, "user_id,value,value\n1,2,3\n")) == (
        ", column 'value': this column stands there twice. Rename or drop one"
    )


def test_required_columns(tmp_path: Path) -> None:
    """Those that are missing are named, beside those that are there."""
    source = Source("t.csv")
    require_columns(source, ["a", "b"], ("b", "a"))
    with pytest.raises(InputError) as caught:
        require_columns(source, ["a", "b"], ("a", "c", "d"))
    assert str(caught.value) == (
        "t.csv, column 'c': a column is missing (also 'd'). Add it; columns found: a, b"
    )


def test_choose_file(tmp_path: Path) -> None:
    """One of the two kinds is taken; both are one too many."""
    directory = Source(tmp_path)
    assert choose_file(directory, "t") is None
    csv(tmp_path, "a\n1\n")
    assert choose_file(directory, "t").name == "t.csv"
    pq.write_table(TABLE, tmp_path / "t.parquet")
    with pytest.raises(InputError) as caught:
        choose_file(directory, "t")
    assert str(caught.value) == (
        f"{tmp_path}: both t.csv and t.parquet are here. Remove the one that is out of date"
    )


@pytest.mark.parametrize(
    "column",
    [
        pa.array([1, None, 3]),
        pa.array([1.0, None, 3.0], pa.float32()),
        pa.array([1, None, 3], pa.decimal128(5, 2)),
    ],
)
def test_numbers(column: pa.Array) -> None:
    """Whole, broken and decimal numbers become float64; gaps stay."""
    found = numbers(Source("t.csv"), pa.table({"x": column}), "x")
    assert (found.to_pylist(), found.type) == ([1.0, None, 3.0], pa.float64())


def test_column_of_gaps_is_numbers() -> None:
    """A column that is empty throughout has no type of its own."""
    assert numbers(Source("t.csv"), pa.table({"x": pa.nulls(2)}), "x").type == pa.float64()


@pytest.mark.parametrize(
    ("cells", "row", "shown"), [(["1", "1,5", "x"], 1, "'1,5'"), ([True, False, None], 0, "True")]
)
def test_cells_that_are_no_numbers(cells: list[object], row: int, shown: str) -> None:
    """The cell that makes a column text is named, not the first one."""
    with pytest.raises(InputError) as caught:
        numbers(Source("t.csv"), pa.table({"x": cells}), "x")
    assert str(caught.value) == (
        f"t.csv, row {row} (line {row + 2}), column 'x': not a number (got {shown}). Correct the cell"
    )
