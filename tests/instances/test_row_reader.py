"""Rows from one place of a Parquet file to another."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from couponry.instances import InputError
from couponry.instances import row_reader as module
from couponry.instances.row_reader import RowReader
from couponry.instances.source import Source


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a file of a hundred numbered rows in groups of ten, read seven rows at a time."""
    monkeypatch.setattr(module, "_BATCH", 7)
    table = pa.table({"row": list(range(100)), "other": ["x"] * 100})
    pq.write_table(table, tmp_path / "rows.parquet", row_group_size=10)
    return tmp_path / "rows.parquet"


def test_runs_may_overlap_and_leave_gaps(file: Path) -> None:
    """Runs that ascend by their first rows: within a batch, over groups, far ahead, nothing, and the end."""
    reader = RowReader(Source(file), ["row"])
    assert reader.total == 100
    for first, last in (
        (0, 3),
        (0, 12),
        (5, 9),
        (5, 31),
        (40, 40),
        (72, 75),
        (73, 96),
        (95, 100),
        (100, 100),
    ):
        found = reader.between(first, last)
        assert found.column_names == ["row"]
        assert found["row"].to_pylist() == list(range(first, last))


def test_damage_is_told_with_the_file(file: Path) -> None:
    """A turned byte in the fifth row group stops the reading there, not before."""
    table = pq.read_table(file)
    pq.write_table(table, file, row_group_size=10, write_page_checksum=True, use_dictionary=False)
    held = bytearray(file.read_bytes())
    column = pq.ParquetFile(file).metadata.row_group(4).column(0)
    held[column.data_page_offset + column.total_compressed_size - 1] ^= 0xFF
    file.write_bytes(bytes(held))
    reader = RowReader(Source(file), ["row"])
    assert reader.between(20, 25)["row"].to_pylist() == [20, 21, 22, 23, 24]
    with pytest.raises(InputError, match=r"rows\.parquet: the Parquet file is damaged"):
        reader.between(44, 46)
