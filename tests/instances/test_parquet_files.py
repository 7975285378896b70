"""Parquet files, whole and damaged."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.instances.test_csv_files import refusal

from couponry.instances.errors import InputError
from couponry.instances.parquet_files import read_row_groups, write_parquet
from couponry.instances.source import Source
from couponry.instances.tables import read_table

TABLE = pa.table({"user_id": ["01", "NA", ""], "value": [0.1, None, 3.0], "old": [True, False, None]})


def test_parquet(tmp_path: Path) -> None:
    """A Parquet file is read as it is."""
    pq.write_table(TABLE, tmp_path / "t.parquet")
    assert read_table(Source(tmp_path / "t.parquet")).equals(TABLE)


def test_row_groups(tmp_path: Path) -> None:
    """A file in pieces comes piece by piece."""
    pq.write_table(TABLE, tmp_path / "t.parquet", row_group_size=2)
    assert [piece.num_rows for piece in read_row_groups(Source(tmp_path / "t.parquet"))] == [2, 1]


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
