"""Responses as people make them by hand: one row a pair."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.instances.small import NAN, menu

from couponry.instances import Coupons, InputError
from couponry.instances.long_table import read_long_table
from couponry.instances.population import Population
from couponry.instances.source import Source

HEAD = "user_id,coupon_id,value,cost"


def write(path: Path, *rows: str, head: str = HEAD, name: str = "responses.csv") -> Source:
    """Return a CSV file of these rows."""
    (path / name).write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    return Source(path / name)


def read(source: Source, users: Source | None = None, coupons: Coupons | None = None) -> Population:
    """Return the population, with the menu A, B, C."""
    return read_long_table(source, coupons or menu(), users)[1]


def refusal(source: Source, users: Source | None = None) -> str:
    """Return what is said when this table is refused, without directories."""
    with pytest.raises(InputError) as caught:
        read(source, users)
    return str(caught.value).replace(f"{source.parent}/", "")


def test_pairs_come_to_their_places(tmp_path: Path) -> None:
    """Rows in any order; the pairs (u1, B) and (u2, C) are absent, (u2, B) has no value."""
    population = read(write(tmp_path, "u2,A,0.3,1.5", "u1,C,0.30000000000000004,3", "u1,A,-0.1,0", "u2,B,,"))
    assert population.users.ids.to_pylist() == ["u2", "u1"]
    assert population.response.coupon is None
    np.testing.assert_array_equal(
        population.response.measure("value"), [[0.3, NAN, NAN], [-0.1, NAN, 0.30000000000000004]]
    )
    np.testing.assert_array_equal(population.response.measure("cost"), [[1.5, NAN, NAN], [0, NAN, 3]])
    assert population.response.measure("value").dtype == np.float64
    population.response.check(3)


def test_alone_a_table_brings_its_menu(tmp_path: Path) -> None:
    """Coupons in the order of their first rows."""
    coupons, population = read_long_table(write(tmp_path, "u1,20,0.1,1", "u1,003,0.2,1", "u2,20,0.3,1"))
    assert coupons.ids == ["20", "003"]
    assert population.users.ids.to_pylist() == ["u1", "u2"]


def test_users_of_their_own_file(tmp_path: Path) -> None:
    """Its order holds, and a user without pairs can be given nothing."""
    users = write(tmp_path, "u3,north,2", "u1,south,", head="user_id,region,max_coupons", name="users.csv")
    population = read(write(tmp_path, "u1,A,0.1,1", "u1,B,0.2,1"), users)
    assert population.users.ids.to_pylist() == ["u3", "u1"]
    assert population.users.segment("region").labels == ("north", "south")
    assert population.users.max_coupons.tolist() == [2, -1]
    assert population.response.eligible().sum(axis=1).tolist() == [0, 2]


def test_few_pairs_become_shortlists(tmp_path: Path) -> None:
    """Of fifty coupons u1 has two and u2 has one: lists of two are smaller than rows of fifty."""
    coupons = Coupons(pa.table({"coupon_id": [f"c{j}" for j in range(50)]}).to_pandas())
    population = read(write(tmp_path, "u1,c40,0.4,4", "u2,c7,0.7,7", "u1,c3,0.3,3"), coupons=coupons)
    assert population.response.coupon is not None
    assert population.response.coupon.dtype == np.int32
    assert population.response.coupon.tolist() == [[3, 40], [7, -1]]
    np.testing.assert_array_equal(population.response.measure("cost"), [[3, 4], [7, NAN]])


def test_further_numbers_are_measures(tmp_path: Path) -> None:
    """Revenue, and any other column of numbers."""
    population = read(write(tmp_path, "u1,A,0.1,1,5,7", head=f"{HEAD},revenue,clicks"))
    assert list(population.response.measures) == ["value", "cost", "revenue", "clicks"]


@pytest.mark.parametrize("user", [7, "7"], ids=["number", "text"])
def test_parquet_with_ids_of_other_types(tmp_path: Path, user: object) -> None:
    """Numbers in Parquet are the same ids as text in CSV."""
    table = pa.table({"user_id": [user], "coupon_id": [1], "value": [0.5], "cost": [1]})
    pq.write_table(table, tmp_path / "responses.parquet")
    users = write(tmp_path, "8,n", "7,s", head="user_id,region", name="users.csv")
    coupons = Coupons(pa.table({"coupon_id": ["0", "1"]}).to_pandas())
    population = read(Source(tmp_path / "responses.parquet"), users, coupons)
    np.testing.assert_array_equal(population.response.measure("value"), [[NAN, NAN], [NAN, 0.5]])


def test_encoded_ids(tmp_path: Path) -> None:
    """Category columns of Parquet are ids like others."""
    pairs = {"user_id": ["b", "a", "a"], "coupon_id": ["A", "B", "C"]}
    table = pa.table({**pairs, "value": [0.5, 1, 2], "cost": [1.0, 2, 3]})
    encoded = table.set_column(0, "user_id", table["user_id"].dictionary_encode())
    encoded = encoded.set_column(1, "coupon_id", table["coupon_id"].dictionary_encode())
    pq.write_table(encoded, tmp_path / "responses.parquet")
    coupons, population = read_long_table(Source(tmp_path / "responses.parquet"))
    assert (coupons.ids, population.users.ids.to_pylist()) == (["A", "B", "C"], ["b", "a"])
    assert read(Source(tmp_path / "responses.parquet")).response.measure("cost")[1, 1] == 2


@given(
    st.lists(
        st.tuples(st.integers(0, 4), st.integers(0, 30), st.floats(-9, 9)),
        min_size=1,
        max_size=40,
        unique_by=lambda row: row[:2],
    )
)
def test_every_pair_is_found_again(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[int, int, float]]
) -> None:
    """Dense or shortlist, each pair has its own numbers, and no pair is added."""
    source = write(tmp_path_factory.mktemp("long"), *(f"u{i},c{j},{v!r},{2 * v!r}" for i, j, v in rows))
    coupons, population = read_long_table(source)
    response, found = population.response, set()
    response.check(len(coupons))
    for i, s in np.argwhere(response.eligible()):
        j = s if response.coupon is None else response.coupon[i, s]
        value, cost = response.measure("value")[i, s], response.measure("cost")[i, s]
        assert cost == 2 * value
        found.add((population.users.ids[int(i)].as_py(), coupons.ids[j], float(value)))
    assert found == {(f"u{i}", f"c{j}", v) for i, j, v in rows}


# ------------------------------------------------------------------------ what is refused


@pytest.mark.parametrize("name", ["user_id", "coupon_id", "value", "cost"])
def test_missing_column(tmp_path: Path, name: str) -> None:
    """Each of the four is needed."""
    left = [column for column in HEAD.split(",") if column != name]
    assert refusal(write(tmp_path, "1,1,1", head=",".join(left))) == (
        f"responses.csv, column '{name}': a column is missing. Add it; columns found: {', '.join(left)}"
    )


def test_no_rows(tmp_path: Path) -> None:
    """A head without rows is no response, and neither is nothing."""
    assert refusal(write(tmp_path)) == "responses.csv: there are no rows. Give one row a pair"
    (tmp_path / "responses.csv").write_text("")
    assert refusal(Source(tmp_path / "responses.csv")).startswith("responses.csv: the file is empty")


def test_coupon_that_is_not_in_the_menu(tmp_path: Path) -> None:
    """It is named with its row, and guessed."""
    assert refusal(write(tmp_path, "u1,A,0.1,1", "u1,BB,0.1,1")) == (
        "responses.csv, row 1 (line 3), column 'coupon_id': this id is not in the menu (got 'BB'). "
        "Add it there or drop the row. Did you mean 'B'? Known: A, B, C"
    )


def test_user_that_is_not_in_the_users_file(tmp_path: Path) -> None:
    """Where users have a file, all are in it."""
    users = write(tmp_path, "u1,n", head="user_id,region", name="users.csv")
    assert refusal(write(tmp_path, "u1,A,0.1,1", "u2,A,0.1,1"), users) == (
        "responses.csv, row 1 (line 3), column 'user_id': this id is not in the users' file (got 'u2'). "
        "Add it there or drop the row. Known: u1"
    )


def test_pair_that_stands_there_twice(tmp_path: Path) -> None:
    """Which of two values holds cannot be known; the second row is named, and how far above the first is."""
    rows = ["u1,A,0.1,1", "u2,A,0.1,1", "u1,B,0.2,2", "u2,A,0.3,3"]
    assert refusal(write(tmp_path, *rows)) == (
        "responses.csv, row 3 (line 5), column 'coupon_id': this user and coupon stand there together twice, "
        "the first time 2 rows above. Give each pair one row"
    )


@pytest.mark.parametrize(("row", "column"), [(",A,0.1,1", "user_id"), ("u1,,0.1,1", "coupon_id")])
def test_missing_id(tmp_path: Path, row: str, column: str) -> None:
    """A pair is somebody's and something's."""
    assert refusal(write(tmp_path, "u1,A,0.1,1", row)) == (
        f"responses.csv, row 1 (line 3), column '{column}': a pair has no id. Fill it"
    )


@pytest.mark.parametrize(
    ("row", "column", "shown"),
    [
        ("u1,B,0.1,", "cost", "nan"),
        ("u1,B,0.1,nan", "cost", "nan"),
        ("u1,B,0.1,inf", "cost", "inf"),
        ("u1,B,-inf,1", "value", "-inf"),
    ],
)
def test_numbers_that_are_not_finite(tmp_path: Path, row: str, column: str, shown: str) -> None:
    """A pair that may be given has a finite value and cost."""
    assert refusal(write(tmp_path, "u1,A,0.1,1", row)) == (
        f"responses.csv, row 1 (line 3), column '{column}': "
        f"{column} of an eligible pair must be a finite number (got {shown}). "
        "Correct it, or leave the pair's value empty to make it not eligible"
    )


def test_cells_that_are_no_numbers(tmp_path: Path) -> None:
    """A word among numbers is named."""
    assert refusal(write(tmp_path, "u1,A,0.1,1", "u1,B,0.1,n/a")) == (
        "responses.csv, row 1 (line 3), column 'cost': not a number (got 'n/a'). Correct the cell"
    )


def test_column_with_a_name_that_means_something_else(tmp_path: Path) -> None:
    """A measure called count would hide the count of coupons."""
    assert refusal(write(tmp_path, "u1,A,0.1,1,5", head=f"{HEAD},count")) == (
        "responses.csv, column 'count': no measure can have this name. "
        "Rename it: the name means something else"
    )


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            ["u1,n", "u2,s", "u1,s"],
            (
                "users.csv, row 2 (line 4), column 'user_id': this user stands there twice, "
                "the first time 2 rows above (got 'u1'). Give each user one row"
            ),
        ),
        (
            ["u1,n", ",s"],
            "users.csv, row 1 (line 3), column 'user_id': a user has no id. Give every user an id",
        ),
        ([], "users.csv: there are no users. Give at least one row"),
    ],
)
def test_users_that_cannot_be(tmp_path: Path, rows: list[Any], message: str) -> None:
    """What is wrong with the users is told of their file."""
    users = write(tmp_path, *rows, head="user_id,region", name="users.csv")
    assert refusal(write(tmp_path, "u1,A,0.1,1"), users) == message
