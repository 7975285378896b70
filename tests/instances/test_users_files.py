"""Users and responses in shards."""

from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.instances.small import NAN, people, responses

from couponry.instances import InputError, Response
from couponry.instances.source import Source
from couponry.instances.users_files import read_shards, write_shards


def fixed(rows: list[list[float]], kind: pa.DataType | None = None) -> pa.Array:
    """Return lists of fixed size."""
    return pa.array(rows, pa.list_(kind or pa.float32(), len(rows[0])))


def shard(*users: str, **changed: Any) -> pa.Table:
    """Return a shard of these users with two places each; a column that is None is left out."""
    n = len(users)
    columns = {
        "user_id": pa.array(users, pa.string()),
        "region": ["north"] * n,
        "value": fixed([[0.5, 0.25]] * n),
        "cost": fixed([[1, 2]] * n),
        **changed,
    }
    return pa.table({name: column for name, column in columns.items() if column is not None})


def write(path: Path, *shards: pa.Table, **options: Any) -> Source:
    """Write shards and return their directory."""
    for number, table in enumerate(shards):
        pq.write_table(table, path / f"part-{number:04d}.parquet", **options)
    return Source(path)


def refusal(directory: Source) -> str:
    """Return what is said when these shards are refused, with paths from the directory on."""
    with pytest.raises(InputError) as caught:
        read_shards(directory)
    return str(caught.value).replace(f"{directory}/", "").replace(str(directory), "users")


def test_shards_stand_one_below_the_other(tmp_path: Path) -> None:
    """Users come in the order of the shards' names; each number comes to its user."""
    population = read_shards(
        write(
            tmp_path,
            shard(
                "c",
                "a",
                region=["south", "north"],
                value=fixed([[0.1, 0.2], [0.3, NAN]], pa.float64()),
                cost=fixed([[1, 2], [3, 4]]),
            ),
            shard("b", region=["east"], value=fixed([[0.5, 0.6]], pa.float64()), cost=fixed([[5, 6]])),
        )
    )
    assert population.users.ids.to_pylist() == ["c", "a", "b"]
    assert population.users.segment("region").codes.tolist() == [2, 1, 0]
    assert population.users.segment_names == ("region",)
    np.testing.assert_array_equal(population.response.measure("value"), [[0.1, 0.2], [0.3, NAN], [0.5, 0.6]])
    assert population.response.measure("cost").tolist() == [[1, 2], [3, 4], [5, 6]]
    assert population.response.measure("value").dtype == np.float64
    assert population.response.measure("cost").dtype == np.float32
    assert population.response.coupon is None


@pytest.mark.parametrize("wrap", [pa.list_, pa.large_list, lambda kind: pa.list_(kind, 2)])
@pytest.mark.parametrize(
    ("kind", "dtype"), [(pa.float32(), np.float32), (pa.float64(), np.float64), (pa.int64(), np.float64)]
)
def test_lists_of_every_make(tmp_path: Path, wrap: Any, kind: pa.DataType, dtype: type) -> None:
    """Fixed or not, large or not, of whole or broken numbers; what lies in a gap is not eligible."""
    value = pa.array([[1, None], [3, 4]], wrap(kind))
    population = read_shards(write(tmp_path, shard("a", "b", value=value)))
    np.testing.assert_array_equal(population.response.measure("value"), [[1, NAN], [3, 4]])
    assert population.response.measure("value").dtype == dtype


def test_arrays_can_be_written_to(tmp_path: Path) -> None:
    """Compiled kernels treat read-only arrays as another type, so none is handed out."""
    for array in read_shards(write(tmp_path, shard("a", "b"))).response.measures.values():
        assert array.flags.writeable
        assert array.flags.c_contiguous


def test_row_groups_and_empty_shards(tmp_path: Path) -> None:
    """A shard in many pieces, one without rows, and lists that arrow sliced are all read in place."""
    ids = [f"u{i}" for i in range(10)]
    value = np.arange(20, dtype=np.float32).reshape(10, 2)
    whole = shard(*ids, value=fixed(value.tolist()))
    directory = write(tmp_path, whole.slice(0, 0), whole.slice(3, 7), whole.slice(0, 3), row_group_size=2)
    population = read_shards(directory)
    order = [3, 4, 5, 6, 7, 8, 9, 0, 1, 2]
    assert population.users.ids.to_pylist() == [ids[i] for i in order]
    assert population.response.measure("value").tolist() == value[order].tolist()


def test_shortlists(tmp_path: Path) -> None:
    """Positions in the menu, of any whole type; a gap is an empty place."""
    for kind in (pa.int32(), pa.int64(), pa.uint8()):
        coupon = pa.array([[3, None], [0, 7]], pa.list_(kind, 2))
        response = read_shards(write(tmp_path, shard("a", "b", coupon=coupon))).response
        assert response.coupon is not None
        assert (response.coupon.tolist(), response.coupon.dtype) == ([[3, -1], [0, 7]], np.int32)
        assert list(response.measures) == ["value", "cost"]


def test_encodings_may_differ(tmp_path: Path) -> None:
    """A category column is the same segment whichever codes a shard gives its values."""
    regions = [pa.array(["south", "north"]).dictionary_encode(), pa.array(["north", "south"])]
    population = read_shards(
        write(tmp_path, shard("a", "b", region=regions[0]), shard("c", "d", region=regions[1]))
    )
    assert population.users.segment("region").codes.tolist() == [1, 0, 0, 1]


def test_further_measures(tmp_path: Path) -> None:
    """Any list of numbers is a measure, and max_coupons is no segment."""
    table = shard(
        "a", "b", revenue=fixed([[1, 2], [3, 4]]), clicks=fixed([[0, 1], [2, 3]]), max_coupons=[1, None]
    )
    population = read_shards(write(tmp_path, table))
    assert list(population.response.measures) == ["value", "cost", "revenue", "clicks"]
    assert population.users.max_coupons.tolist() == [1, -1]
    assert population.users.segment_names == ("region",)


def test_shards_behind_a_url() -> None:
    """The same shards are read from any file system that fsspec knows."""
    memory = fsspec.filesystem("memory")
    try:
        for number in range(2):
            with memory.open(f"/users/part-{number}.parquet", "wb") as file:
                pq.write_table(shard(f"u{number}"), file)
        assert read_shards(Source("memory://users")).users.ids.to_pylist() == ["u0", "u1"]
        memory.copy("/users/part-0.parquet", "/users/part-1.parquet")
        with pytest.raises(InputError, match=r"^memory://users/part-1\.parquet, row 0, column 'user_id'"):
            read_shards(Source("memory://users"))
    finally:
        memory.rm("/users", recursive=True)


def test_writing(tmp_path: Path) -> None:
    """Four users in shards of three; numbers, gaps, types and shortlists come back as they were."""
    coupon = np.array([[0, 1, 2], [2, -1, -1], [1, 0, 2], [0, 2, 1]], dtype=np.int32)
    response = Response(responses().measures, coupon)
    write_shards(people(max_coupons=[1, None, 2, 0]), response, tmp_path, 3)
    assert [file.name for file in sorted(tmp_path.iterdir())] == ["part-0000.parquet", "part-0001.parquet"]
    written = pq.read_schema(tmp_path / "part-0000.parquet")
    assert written.names == ["user_id", "region", "tier", "max_coupons", "value", "cost", "revenue", "coupon"]
    assert str(written.field("coupon").type).endswith("int32 not null>[3]")
    again = read_shards(Source(tmp_path))
    assert again.users.table.equals(people(max_coupons=[1, None, 2, 0]).table)
    assert again.response.coupon is not None
    np.testing.assert_array_equal(again.response.coupon, coupon)
    for name, array in response.measures.items():
        np.testing.assert_array_equal(again.response.measures[name], array)


def test_writing_leaves_out_what_is_no_segment(tmp_path: Path) -> None:
    """Features that are lists are not part of an instance."""
    write_shards(people(clicks=[[1], [], [2, 3], [4]]), responses(), tmp_path, 10)
    assert read_shards(Source(tmp_path)).users.table.column_names == ["user_id", "region", "tier"]


@pytest.mark.parametrize("name", ["value", "revenue", "coupon"])
def test_writing_a_segment_with_the_name_of_a_measure(tmp_path: Path, name: str) -> None:
    """One file cannot hold two columns of one name."""
    with pytest.raises(InputError) as caught:
        write_shards(people(**{name: [1, 2, 3, 4]}), responses(), tmp_path, 10)
    assert str(caught.value) == (
        f"column '{name}': a segment has the name of a measure. Rename it: one file holds both"
    )


# ------------------------------------------------------------------------ what is refused


def test_no_shards(tmp_path: Path) -> None:
    """Files of other names are listed."""
    pq.write_table(shard("a"), tmp_path / "users.parquet")
    assert refusal(Source(tmp_path)) == (
        "users: there is no part-*.parquet here. Name the shards so; found: users.parquet"
    )


@pytest.mark.parametrize("name", ["user_id", "value", "cost"])
def test_missing_column(tmp_path: Path, name: str) -> None:
    """What every shard needs is asked for."""
    table = shard("a", **{name: None})
    assert refusal(write(tmp_path, table)) == (
        f"part-0000.parquet, column '{name}': a column is missing. "
        f"Add it; columns found: {', '.join(table.column_names)}"
    )


def test_no_users(tmp_path: Path) -> None:
    """Shards without rows are no population."""
    assert refusal(write(tmp_path, shard("a").slice(0, 0), shard("a").slice(0, 0))) == (
        "users: there are no users. Give at least one row"
    )


def test_damaged_shards(tmp_path: Path) -> None:
    """An empty and a truncated shard are named."""
    directory = write(tmp_path, shard("a"), shard("b"), shard("c"))
    second = tmp_path / "part-0001.parquet"
    whole = second.read_bytes()
    second.write_bytes(whole[: len(whole) // 2])
    assert refusal(directory).startswith("part-0001.parquet: the Parquet file is damaged or was cut short")
    second.write_bytes(b"")
    assert refusal(directory) == "part-0001.parquet: the file is empty. Write it again"


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"tier": [1]},
            (
                ", column 'tier': this shard has a column that part-0000.parquet has not. "
                "Write all shards with the same columns"
            ),
        ),
        (
            {"region": None},
            (
                ", column 'region': this shard has no such column, which part-0000.parquet has. "
                "Write all shards with the same columns"
            ),
        ),
        (
            {"region": [7]},
            (
                ", column 'region': this shard's column has another type than in part-0000.parquet, "
                "where it is string (got 'int64'). "
                "Write all shards with the same types, and with lists of one length"
            ),
        ),
        (
            {"cost": fixed([[1, 2]], pa.float64())},
            (
                ", column 'cost': this shard's column has another type than in part-0000.parquet, "
                "where it is lists of 2 × float (got 'lists of 2 × double'). "
                "Write all shards with the same types, and with lists of one length"
            ),
        ),
        (
            {"cost": fixed([[1, 2, 3]])},
            (
                ", column 'cost': this shard's column has another type than in part-0000.parquet, "
                "where it is lists of 2 × float (got 'lists of 3 × float'). "
                "Write all shards with the same types, and with lists of one length"
            ),
        ),
        (
            {"cost": pa.array([[1, 2]], pa.list_(pa.float32()))},
            (
                ", column 'cost': this shard's column has another type than in part-0000.parquet, "
                "where it is lists of 2 × float (got 'lists of float'). "
                "Write all shards with the same types, and with lists of one length"
            ),
        ),
    ],
)
def test_shards_that_disagree(tmp_path: Path, changed: dict[str, Any], message: str) -> None:
    """The shard that differs from the first one is named, with the column and both types."""
    assert (
        refusal(write(tmp_path, shard("a"), shard("b"), shard("c", **changed)))
        == f"part-0002.parquet{message}"
    )


def test_shards_in_another_order(tmp_path: Path) -> None:
    """Columns in another order are refused, too: somebody wrote the shards by different means."""
    other = shard("b").select(["user_id", "region", "cost", "value"])
    assert refusal(write(tmp_path, shard("a"), other)) == (
        "part-0001.parquet: this shard's columns stand in another order than those of part-0000.parquet "
        "(got 'user_id, region, cost, value'). Write all shards in the order user_id, region, value, cost"
    )


def test_lists_of_another_length(tmp_path: Path) -> None:
    """Within a shard, between measures and between shards all lists are as long as the first."""
    ragged = pa.list_(pa.float32())

    def loose(rows: list[list[float]]) -> dict[str, pa.Array]:
        return {"value": pa.array(rows, ragged), "cost": pa.array([[1, 2]] * len(rows), ragged)}

    mend = "Give all lists one length, the same in all shards; NaN where a pair is not eligible"
    expected = "a list of 2 numbers was expected, as the first user's first list is"
    table = shard("a", "b", "c", **loose([[1, 2], [1, 2], [1]]))
    assert refusal(write(tmp_path, table)) == (
        f"part-0000.parquet, row 2, column 'value': {expected} (got '1 numbers'). {mend}"
    )
    first, second = shard("a", "b", **loose([[1, 2]] * 2)), shard("c", "d", **loose([[1, 2], [1, 2, 3]]))
    assert refusal(write(tmp_path, first, second)) == (
        f"part-0001.parquet, row 1, column 'value': {expected} (got '3 numbers'). {mend}"
    )
    (tmp_path / "part-0001.parquet").unlink()
    assert refusal(write(tmp_path, shard("a", cost=fixed([[1, 2, 3]])))) == (
        f"part-0000.parquet, row 0, column 'cost': {expected} (got '3 numbers'). {mend}"
    )


def test_user_without_a_list(tmp_path: Path) -> None:
    """A gap where a list should be is told; a user who may get nothing has a list of NaN."""
    value = pa.array([[1, 2], None], pa.list_(pa.float32(), 2))
    assert refusal(write(tmp_path, shard("x"), shard("a", "b", value=value))) == (
        "part-0001.parquet, row 1, column 'value': a user has no list. Give one number a coupon"
    )


@pytest.mark.parametrize(
    ("column", "values", "wanted", "shown"),
    [
        ("value", [0.5], "numbers, float32 or float64", "double"),
        ("cost", pa.array([["1", "2"]]), "numbers, float32 or float64", "list<element: string>"),
        (
            "cost",
            pa.array([[1, 2]], pa.list_(pa.float16())),
            "numbers, float32 or float64",
            "list<element: halffloat>",
        ),
        ("address", pa.array([{"city": "x"}]), "numbers, float32 or float64", "struct<city: string>"),
        ("coupon", [3], "whole numbers, int32", "int64"),
        ("coupon", pa.array([[1.0, 2.0]]), "whole numbers, int32", "list<element: double>"),
    ],
)
def test_columns_that_are_no_lists_of_numbers(
    tmp_path: Path, column: str, values: Any, wanted: str, shown: str
) -> None:
    """Single numbers, text, half precision, records and broken positions are refused with their type."""
    assert refusal(write(tmp_path, shard("a", **{column: values}))) == (
        f"part-0000.parquet, column '{column}': each user's {column} must be a list of {wanted} "
        f"(got '{shown}'). Convert the column; a long table belongs in responses.csv or responses.parquet"
    )


def test_duplicate_user_in_another_shard(tmp_path: Path) -> None:
    """The second row is told by its shard and its row there."""
    directory = write(tmp_path, shard("a", "b", "c"), shard("d", "e", "f", "b"))
    assert refusal(directory) == (
        "part-0001.parquet, row 3, column 'user_id': this user stands there twice, "
        "the first time 5 rows above (got 'b'). Give each user one row"
    )


def test_shortlist_beyond_any_menu(tmp_path: Path) -> None:
    """A position that does not fit is not turned into another one."""
    coupon = pa.array([[0, 1], [2**31, 0]], pa.list_(pa.int64(), 2))
    assert refusal(write(tmp_path, shard("x", coupon=coupon[:1]), shard("a", "b", coupon=coupon))) == (
        "part-0001.parquet, row 1, column 'coupon': a shortlist names a coupon outside any menu "
        "(got 2147483648). Use positions from 0, and -1 for an empty place"
    )
