"""Columns that are checked as they are read."""

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.instances.loaders.data import write_csv

from couponry.instances import InputError
from couponry.instances.loaders.columns import Columns, arm_costs, read_columns


def columns(**cells: list[object]) -> Columns:
    """Return these columns as if read from a CSV file."""
    return Columns(pd.DataFrame(cells), "log.csv")


def test_numbers_are_float64() -> None:
    """Whole numbers, and numbers written as text, are read."""
    assert columns(x=[1, 2]).numbers("x").tolist() == [1, 2]
    assert columns(x=["1.5", "2"]).numbers("x").dtype == np.float64


@pytest.mark.parametrize(
    ("cells", "problem"),
    [
        (
            [1, 5],
            r"log.csv, row 1 (line 3), column 'x': not a number in [0, 1] (got 5). Correct",
        ),
        ([-0.5, 1], r"log.csv, row 0 (line 2), column 'x': not a number in [0, 1] (got -0.5)"),
        ([0, 1, None], r"log.csv, row 2 (line 4), column 'x': not a number in [0, 1]. Correct"),
        ([0, "many"], r"log.csv, row 1 (line 3), column 'x': not a number in [0, 1] (got 'many')"),
        ([float("inf")], r"log.csv, row 0 (line 2), column 'x': not a number in [0, 1] (got inf)"),
        ([0.5], r"log.csv, row 0 (line 2), column 'x': not a whole number (got 0.5)"),
    ],
)
def test_the_first_wrong_number_is_told(cells: list[object], problem: str) -> None:
    """File, row, line, column, value and mend."""
    with pytest.raises(InputError) as caught:
        columns(x=cells).whole_numbers("x", 0, 1)
    assert str(caught.value).startswith(problem)


def test_unbounded_numbers_are_only_numbers() -> None:
    """Without a range, the message speaks of none."""
    with pytest.raises(InputError, match=r"column 'x': not a number \(got 'x'\)"):
        columns(x=["x"]).numbers("x")


def test_codes_are_positions() -> None:
    """Words become their positions, and an unknown one is told with the nearest known."""
    assert columns(arm=["b", "a", "b"]).codes("arm", ("a", "b")).tolist() == [1, 0, 1]
    with pytest.raises(
        InputError, match=r"row 1 \(line 3\), column 'arm': unknown value \(got 'Womens'\)\. Did you"
    ):
        columns(arm=["None", "Womens"]).codes("arm", ("None", "Women"))


def test_categories_keep_empty_cells() -> None:
    """Words and numbers become words; an empty cell stays empty."""
    read = columns(x=["a", None, 3]).categories("x")
    assert list(read.cat.categories) == ["3", "a"]
    assert read.isna().tolist() == [False, True, False]


def test_columns_are_found_by_prefix() -> None:
    """In the file's order."""
    assert columns(f2=[1], g=[1], f1=[1]).named("f") == ["f2", "f1"]


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.parquet"])
def test_every_kind_of_file_is_read(tmp_path: Path, name: str) -> None:
    """CSV, gzipped CSV and Parquet hold the same; columns asked to be text stay text."""
    frame = pd.DataFrame({"id": ["007", "8"], "x": [1, 2]})
    file = tmp_path / name
    if name.endswith(".parquet"):
        frame.to_parquet(file)
    else:
        write_csv(tmp_path, name, frame)
    read = read_columns(file, ["x"], text=("id",))
    assert len(read) == 2
    assert read.frame["id"].tolist() == ["007", "8"]
    assert read.frame["x"].tolist() == [1, 2]
    assert read.file == str(file)


def test_rows_of_parquet_have_no_lines(tmp_path: Path) -> None:
    """Lines are told of CSV files only."""
    pd.DataFrame({"x": [2]}).to_parquet(tmp_path / "a.parquet")
    with pytest.raises(InputError, match=r"a.parquet, row 0, column 'x'"):
        read_columns(tmp_path / "a.parquet", ["x"]).numbers("x", 0, 1)


def test_unreadable_files_are_told(tmp_path: Path) -> None:
    """Missing, empty, without rows, without a column, cut short, of another kind: each has its words."""
    whole = write_csv(tmp_path, "whole.csv.gz", pd.DataFrame({"x": range(1_000)}))
    (tmp_path / "cut.csv.gz").write_bytes(whole.read_bytes()[:200])
    (tmp_path / "plain.csv.gz").write_bytes(b"x\n1\n")
    (tmp_path / "nothing.csv.gz").write_bytes(gzip.compress(b""))
    (tmp_path / "ragged.csv.gz").write_bytes(gzip.compress(b"x,y\n1,2\n3\n"))
    (tmp_path / "empty.csv").touch()
    write_csv(tmp_path, "names.csv", pd.DataFrame({"x": []}))
    write_csv(tmp_path, "other.csv", pd.DataFrame({"y": [1]}))
    (tmp_path / "cut.parquet").write_bytes(b"PAR1 and no more")
    (tmp_path / "a.xlsx").touch()
    for name, problem in (
        ("none.csv", r"none.csv: there is no such file. Check the path"),
        ("none.csv.gz", r"none.csv.gz: there is no such file. Check the path"),
        ("empty.csv", r"empty.csv: the file is empty"),
        ("nothing.csv.gz", r"nothing.csv.gz: the file is empty"),
        ("cut.csv.gz", r"cut.csv.gz: not a whole gzip file, it may have been cut short"),
        ("plain.csv.gz", r"plain.csv.gz: not a whole gzip file"),
        ("ragged.csv.gz", r"ragged.csv.gz, row .*: the CSV cannot be read: .*Expected 2 columns, got 1"),
        ("names.csv", r"names.csv: the file has no rows"),
        ("other.csv", r"other.csv, column 'x': a column is missing. Add it; columns found: y"),
        ("cut.parquet", r"cut.parquet: .*cut short"),
        ("a.xlsx", r"a.xlsx: a table is a .csv or a .parquet file"),
    ):
        with pytest.raises(InputError, match=problem):
            read_columns(tmp_path / name, ["x"])


def test_costs_follow_the_menu() -> None:
    """In menu order, whatever order they are given in; nothing given is nothing paid."""
    assert arm_costs({"b": 2, "a": 1.5}, ["a", "b"]).tolist() == [1.5, 2]
    assert arm_costs(None, ["a", "b"]).tolist() == [0, 0]


@pytest.mark.parametrize(
    ("costs", "problem"),
    [
        (
            {"a": 1.0, "bb": 1.0},
            r"parameter 'costs': no such coupon \(got 'bb'\). Did you mean 'b'\? Known: a, b",
        ),
        ({"a": 1.0}, r"parameter 'costs': no cost is given for 'b'. Add b=MONEY"),
        (
            {"a": 1.0, "b": -1.0},
            r"parameter 'costs': the cost of 'b' must be a number of at least 0 \(got -1.0\)",
        ),
        ({"a": float("nan"), "b": 1.0}, r"the cost of 'a' must be a number of at least 0 \(got nan\)"),
    ],
)
def test_wrong_costs_are_refused(costs: dict[str, float], problem: str) -> None:
    """An unknown coupon, a forgotten one, a negative cost, no number."""
    with pytest.raises(InputError, match=problem):
        arm_costs(costs, ["a", "b"])
