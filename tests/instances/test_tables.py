"""CSV and Parquet files as tables."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from couponry.instances import InputError
from couponry.instances.csv_types import CsvTypes
from couponry.instances.source import Source
from couponry.instances.tables import (
    choose_file,
    numbers,
    read_row_groups,
    read_table,
    require_columns,
    row_name,
    write_parquet,
)

TABLE = pa.table({"user_id": ["01", "NA", ""], "value": [0.1, None, 3.0], "old": [True, False, None]})


def csv(path: Path, content: str | bytes) -> Source:
    """Return a CSV file with this content."""
    file = path / "t.csv"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return Source(file)


def refusal(source: Source) -> str:
    """Return what is said when this table is refused, without the path."""
    with pytest.raises(InputError) as caught:
        read_table(source, text=("user_id",))
    return str(caught.value).removeprefix(str(source))


def test_csv(tmp_path: Path) -> None:
    """Ids stay text, empty cells are gaps in any column, numbers keep every digit, words stay words."""
    table = read_table(
        csv(
            tmp_path,
            "user_id,value,old,note,n\n01,0.30000000000000004,True,NA,1\n,,,,\n3,1e-9,false,null,2\n",
        ),
        text=("user_id",),
    )
    assert table.to_pydict() == {
        "user_id": ["01", None, "3"],
        "value": [0.30000000000000004, None, 1e-9],
        "old": [True, None, False],
        "note": ["NA", None, "null"],
        "n": [1, None, 2],
    }


def test_csv_as_spreadsheets_write_it(tmp_path: Path) -> None:
    """A byte order mark, Windows' line ends and quotes are read past."""
    table = read_table(csv(tmp_path, b'\xef\xbb\xbfuser_id,note\r\n"01","a,b"\r\n'), text=("user_id",))
    assert table.to_pydict() == {"user_id": ["01"], "note": ["a,b"]}


def test_parquet(tmp_path: Path) -> None:
    """A Parquet file is read as it is."""
    pq.write_table(TABLE, tmp_path / "t.parquet")
    assert read_table(Source(tmp_path / "t.parquet")).equals(TABLE)


def test_row_groups(tmp_path: Path) -> None:
    """A file in pieces comes piece by piece."""
    pq.write_table(TABLE, tmp_path / "t.parquet", row_group_size=2)
    assert [piece.num_rows for piece in read_row_groups(Source(tmp_path / "t.parquet"))] == [2, 1]


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


@pytest.mark.parametrize("left", [4, 100, -1])
def test_truncated_parquet(tmp_path: Path, left: int) -> None:
    """A copy that broke off is told as such, wherever it broke off."""
    pq.write_table(TABLE, tmp_path / "t.parquet")
    whole = (tmp_path / "t.parquet").read_bytes()
    (tmp_path / "t.parquet").write_bytes(whole[:left])
    message = refusal(Source(tmp_path / "t.parquet"))
    assert message.startswith(": the Parquet file is damaged or was cut short: ")
    assert message.endswith("Write or copy it again")


def test_parquet_damaged_inside(tmp_path: Path) -> None:
    """A file that is as long as it should be, with other bytes in its middle, is refused when it is read."""
    table = pa.table({"x": np.random.default_rng(0).random(10_000)})
    write_parquet(table, tmp_path / "t.parquet", use_dictionary=False)
    content = bytearray((tmp_path / "t.parquet").read_bytes())
    assert read_table(Source(tmp_path / "t.parquet")).equals(table)
    content[1000] ^= 1
    (tmp_path / "t.parquet").write_bytes(content)
    assert "the Parquet file is damaged" in refusal(Source(tmp_path / "t.parquet"))
    with pytest.raises(InputError, match=r"t\.parquet: the Parquet file is damaged"):
        list(read_row_groups(Source(tmp_path / "t.parquet")))


def test_csv_with_a_short_row(tmp_path: Path) -> None:
    """A row that lacks a cell is told by number."""
    assert refusal(csv(tmp_path, "user_id,value\n1,2\n2\n3,4\n")) == (
        ", row 1 (line 3): the CSV cannot be read: Expected 2 columns, got 1: 2. "
        "Correct it, and save it as UTF-8 CSV"
    )


def test_csv_in_another_encoding(tmp_path: Path) -> None:
    """Text that is not UTF-8 is told with the mend."""
    message = refusal(csv(tmp_path, "user_id,value\n新客,2\n".encode("gbk")))
    assert "invalid UTF8 data" in message
    assert message.endswith("save it as UTF-8 CSV")


def test_a_cell_in_another_encoding_is_told_at_its_line(tmp_path: Path) -> None:
    """Though nobody said that its column is text."""
    message = refusal(csv(tmp_path, "user_id,city\na,Nice\nb,Besançon\n".encode("latin-1")))
    assert message == (
        ", row 1 (line 3), column 'city': the text is not UTF-8 (got 'Besançon'). Save the file as UTF-8 CSV"
    )


@pytest.mark.parametrize("sign", [";", "\t", "|"])
def test_columns_parted_by_another_sign_are_told(tmp_path: Path, sign: str) -> None:
    """As spreadsheets write them where the decimal point is a comma."""
    source = csv(tmp_path, f"user_id{sign}value\na{sign}1,5\n")
    for read in (read_table, CsvTypes.of):
        with pytest.raises(InputError, match="columns are parted by commas, and here by another sign"):
            read(source)


def test_a_column_of_another_case_is_to_be_renamed(tmp_path: Path) -> None:
    """Names are taken as they are, and the one that is meant is named."""
    with pytest.raises(InputError, match=r"'user_id': a column is missing. Name 'User ID' so; columns found"):
        require_columns(Source("t.csv"), ["User ID", "age"], ["user_id"])


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


def test_row_names() -> None:
    """Row 0 of a CSV file stands in line 2."""
    assert row_name(Source("t.csv"), 0) == "row 0 (line 2)"
    assert row_name(Source("t.parquet"), 0) == 0


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
