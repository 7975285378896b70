"""Instances that are read block by block."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.instances.on_disk import drawn, opened

from couponry.instances import Coverage, InputError, Instance, Target
from couponry.instances.census import Census
from couponry.instances.files import read_instance
from couponry.instances.streamed import StreamedInstance, open_instance


def test_census_counts_classes_in_order(tmp_path: Path) -> None:
    """Regions and tiers in no order over two shards: four classes, sorted, with their sizes."""
    table = pa.table(
        {
            "user_id": list("abcde"),
            "region": ["south", "north", "south", "south", "north"],
            "tier": [2, 1, 1, 2, 1],
            "value": pa.array([[1.0]] * 5, pa.list_(pa.float32(), 1)),
            "cost": pa.array([[1.0]] * 5, pa.list_(pa.float32(), 1)),
        }
    )
    (tmp_path / "users").mkdir(parents=True)
    pq.write_table(table.slice(0, 2), tmp_path / "users" / "part-0.parquet")
    pq.write_table(table.slice(2), tmp_path / "users" / "part-1.parquet")
    (tmp_path / "coupons.csv").write_text("coupon_id\nA\n")
    (tmp_path / "instance.toml").write_text(
        '[[coverage]]\nsegment = "region"\nat_least = 0.1\nusers = { tier = [1, 2] }\n'
    )
    instance = open_instance(tmp_path)
    census = Census.of(instance.source, ["region", "tier"])
    assert census.labels == (("north", "south"), (1, 2))
    assert census.members.tolist() == [[0, 0], [1, 0], [1, 1]]
    assert census.sizes.tolist() == [2, 1, 2]
    codes = [census.classes(instance.source, part) for part in instance.source.read(["region", "tier"])]
    assert np.concatenate(codes).tolist() == [2, 0, 1, 2, 0]


def test_numbers_that_cannot_be_are_refused_with_their_place(tmp_path: Path) -> None:
    """User 1,500 is row 100 of the third shard: its infinite cost is told so, as by the reader in core."""
    instance = drawn()
    folder = tmp_path / "a"
    streamed = opened(instance, folder)
    file = folder / "users" / "part-0002.parquet"
    table = pq.read_table(file)
    cost = np.array(table["cost"].to_pylist(), np.float32)
    cost[100, 4] = np.inf
    lists = pa.FixedSizeListArray.from_arrays(pa.array(cost.reshape(-1)), 6)
    pq.write_table(table.set_column(table.column_names.index("cost"), "cost", lists), file)
    with pytest.raises(InputError) as caught:
        list(open_instance(folder).program.blocks(512))
    assert str(caught.value) == (
        f"{file}, row 100, column 'cost': cost of an eligible pair must be a finite number (place 4 of the "
        "user's list) (got inf). Correct it, or set the pair's value to NaN to make it not eligible"
    )
    with pytest.raises(InputError) as whole:
        read_instance(folder)
    assert str(whole.value) == str(caught.value)
    assert streamed.n_users == 5000


def test_a_damaged_shard_is_named(tmp_path: Path) -> None:
    """A byte of the second shard's numbers is turned: reading stops there with the shard's name."""
    streamed = opened(drawn(), tmp_path / "a")
    file = tmp_path / "a" / "users" / "part-0001.parquet"
    held = bytearray(file.read_bytes())
    column = pq.ParquetFile(file).metadata.row_group(0)
    at = next(
        column.column(i) for i in range(column.num_columns) if column.column(i).path_in_schema[:5] == "value"
    )
    held[at.data_page_offset + at.total_compressed_size // 2] ^= 0xFF
    file.write_bytes(held)
    with pytest.raises(InputError, match=r"part-0001\.parquet: the Parquet file is damaged or was cut short"):
        list(streamed.program.blocks(512))


def test_a_shard_that_grows_meanwhile_is_refused(tmp_path: Path) -> None:
    """A shard of other length than at the start is not read."""
    streamed = opened(drawn(), tmp_path / "a")
    file = tmp_path / "a" / "users" / "part-0000.parquet"
    pq.write_table(pq.read_table(file).slice(1), file)
    with pytest.raises(
        InputError, match=r"the shard has changed while it was in use \(got '699 rows, 700 before'\)"
    ):
        list(streamed.program.blocks(512))


@pytest.mark.parametrize(
    "rule", [Coverage(segment="regoin", at_least=0.1), Target(measure="clicks", at_least=1.0)]
)
def test_rules_that_name_nothing_are_refused_as_in_memory(tmp_path: Path, rule: Target | Coverage) -> None:
    """A segment and a measure that are not there: the words are those of the reader in core."""
    instance = drawn(20)
    streamed = opened(instance, tmp_path / "a")
    with pytest.raises(InputError) as ours:
        StreamedInstance(streamed.coupons, streamed.source, (rule,)).program  # noqa: B018
    with pytest.raises(InputError) as theirs:
        Instance(instance.coupons, instance.users, instance.response, (rule,)).program  # noqa: B018
    assert str(ours.value) == str(theirs.value)


def test_only_directories_of_shards_are_opened(tmp_path: Path) -> None:
    """A long table is refused, and so is a directory without shards."""
    table = tmp_path / "responses.csv"
    table.write_text("user_id,coupon_id,value,cost\nu,A,1,1\n")
    with pytest.raises(InputError, match="there is no such directory"):
        open_instance(table)
    (tmp_path / "coupons.csv").write_text("coupon_id\nA\n")
    (tmp_path / "instance.toml").write_text("")
    with pytest.raises(InputError, match="there are no shards to read block by block"):
        open_instance(tmp_path)
