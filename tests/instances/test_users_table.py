"""A table of users, read block by block."""

from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq
import pytest

from couponry.instances.coupons import Coupons
from couponry.instances.errors import InputError
from couponry.instances.rules import Coverage
from couponry.instances.source import Source
from couponry.instances.streamed import StreamedInstance
from couponry.instances.users_table import UsersTable

TABLE = pa.table({"user_id": [f"u{i}" for i in range(10)], "region": ["n", "s"] * 5, "age": [*range(9), 9.5]})


@pytest.fixture(params=["csv", "parquet"])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Source:
    """Return the table as a file of each kind, Parquet in row groups of three."""
    file = tmp_path / f"users.{request.param}"
    if request.param == "csv":
        pc.write_csv(TABLE, file)
    else:
        pq.write_table(TABLE, file, row_group_size=3)
    return Source(file)


@pytest.mark.parametrize("block", [1, 4, 10, 100])
def test_blocks_of_one_size_hold_the_table(source: Source, block: int) -> None:
    """Whatever the file's own pieces are; only the last block is shorter."""
    table = UsersTable(source, block, segments=("region",))
    parts = list(table.read(["user_id", "age"]))
    assert [part.first for part in parts] == list(range(0, 10, block))
    assert {len(part) for part in parts[:-1]} <= {block}
    whole = pa.concat_tables([part.table for part in parts])
    assert whole.equals(TABLE.select(["user_id", "age"]))
    assert table.n_users == 10


def test_rules_are_compiled_before_anything_is_predicted(source: Source) -> None:
    """A segment that is not there is told; the classes are those of the whole table."""
    table = UsersTable(source, 4, segments=("region",), coupons=1)
    menu = Coupons(pa.table({"coupon_id": ["a"]}).to_pandas())
    assert StreamedInstance(
        menu, table, [Coverage(segment="region", at_least=0.1)]
    ).census.sizes.tolist() == [5, 5]
    with pytest.raises(InputError, match="tier"):
        StreamedInstance(menu, table, [Coverage(segment="tier", at_least=0.1)]).program  # noqa: B018


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    """No file, no id, another kind of file, no rows."""
    with pytest.raises(InputError, match="there is no such file"):
        UsersTable(Source(tmp_path / "users.csv"), 4)
    (tmp_path / "users.csv").write_text("id,x\n1,2\n")
    with pytest.raises(InputError, match="column 'user_id': a column is missing"):
        UsersTable(Source(tmp_path / "users.csv"), 4)
    (tmp_path / "users.csv").write_text("user_id,x\n")
    with pytest.raises(InputError, match="there are no users"):
        UsersTable(Source(tmp_path / "users.csv"), 4)
    (tmp_path / "users.txt").write_text("user_id\n")
    with pytest.raises(InputError, match=r"a table is a \.csv or a \.parquet file"):
        UsersTable(Source(tmp_path / "users.txt"), 4)
    (tmp_path / "users.parquet").write_bytes(b"PAR1 not at all")
    with pytest.raises(InputError, match="damaged"):
        UsersTable(Source(tmp_path / "users.parquet"), 4)


def test_a_file_that_changes_meanwhile_is_told(tmp_path: Path) -> None:
    """Its rows are counted again."""
    pq.write_table(TABLE, tmp_path / "users.parquet")
    table = UsersTable(Source(tmp_path / "users.parquet"), 4)
    pq.write_table(TABLE.slice(0, 7), tmp_path / "users.parquet")
    with pytest.raises(InputError, match=r"the file has changed while it was in use.*7 rows, 10 before"):
        list(table.read(["user_id"]))
