"""What the columns of a CSV file hold."""

from pathlib import Path

import pyarrow as pa
import pytest

from couponry.instances import csv_types
from couponry.instances.csv_types import CsvTypes
from couponry.instances.errors import InputError
from couponry.instances.source import Source
from couponry.instances.tables import read_table


def written(folder: Path, text: str) -> Source:
    """Return a CSV file of this text."""
    file = folder / "t.csv"
    file.write_text(text, encoding="utf-8")
    return Source(file)


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        ("1 2 3", pa.int64()),
        ("1 2 3.5", pa.float64()),
        ("true True FALSE", pa.bool_()),
        ("1 true 2", pa.string()),
        ("2026-01-02 2026-01-03 2026-02-01", pa.date32()),
        ("a 1 2", pa.string()),
    ],
)
def test_a_column_is_what_all_its_cells_are(
    tmp_path: Path, cells: str, kind: pa.DataType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the cell that decides stands in the last block, and as the reader of whole files has it."""
    monkeypatch.setattr(csv_types, "_BLOCK", 16)
    source = written(tmp_path, "id,x\n" + "".join(f"u{i},{c}\n" for i, c in enumerate(cells.split())))
    found = CsvTypes.of(source)
    assert found.schema.field("x").type == kind
    assert found.rows == 3
    assert read_table(source).schema.field("x").type == kind


def test_gaps_say_nothing_and_text_stays_text(tmp_path: Path) -> None:
    """Empty cells fit every type; a column that is to be text is not made a number."""
    found = CsvTypes.of(written(tmp_path, "id,x,y\n1,,\n2,3,\n"), text=("id",)).schema
    assert [field.type for field in found] == [pa.string(), pa.int64(), pa.null()]


def test_a_row_of_another_length_is_told(tmp_path: Path) -> None:
    """With the row, as pyarrow counts them, and the mend."""
    with pytest.raises(
        InputError, match=r"t\.csv, row 1 \(line 3\): the CSV cannot be read: Expected 2 columns, got 3"
    ):
        CsvTypes.of(written(tmp_path, "id,x\n1,2\n1,2,3\n"))
    with pytest.raises(InputError, match="the file is empty"):
        CsvTypes.of(written(tmp_path, ""))
