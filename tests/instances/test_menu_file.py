"""The menu on disk."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.instances.small import NAN, menu

from couponry.instances import Coupons, InputError
from couponry.instances.menu_file import read_coupons, write_coupons
from couponry.instances.source import Source

TEXTS = [
    st.text("aé新1.,;\"'\n\r\t ", max_size=3),
    st.one_of(st.none(), st.text("a1", max_size=2)),
    st.sampled_from(["1", "007", "1.0", "True", "2026-11-11", "nan", "NA", "inf"]),
]
OTHERS = [
    st.integers(-(2**53), 2**53),
    st.one_of(st.none(), st.booleans()),
    st.floats(allow_infinity=False),
    st.datetimes(),
]
COLUMNS = st.one_of([st.lists(cells, min_size=3, max_size=3) for cells in (*TEXTS, *OTHERS)])


def write(path: Path, content: str) -> Source:
    """Return a menu file with this content."""
    (path / "coupons.csv").write_text(content, encoding="utf-8")
    return Source(path / "coupons.csv")


def refusal(path: Path, content: str) -> str:
    """Return what is said when this menu is refused, without the path."""
    with pytest.raises(InputError) as caught:
        read_coupons(write(path, content))
    return str(caught.value).removeprefix(str(path / "coupons.csv"))


def cells(table: pd.DataFrame) -> dict[str, list[Any]]:
    """Return a table's cells with None for every gap."""
    return {
        str(name): [None if gap else cell for cell, gap in zip(table[name], table[name].isna(), strict=True)]
        for name in table
    }


def test_csv_by_hand(tmp_path: Path) -> None:
    """Ids and dates stay as they were written, empty cells are gaps, whole numbers are numbers."""
    coupons = read_coupons(
        write(tmp_path, "coupon_id,kind,stock,until,vip\n007,gift,5,2026-11-11,true\nNA,,,,false\n")
    )
    assert coupons.ids == ["007", "NA"]
    assert cells(coupons.table) == {
        "coupon_id": ["007", "NA"],
        "kind": ["gift", None],
        "stock": [5, None],
        "until": ["2026-11-11", None],
        "vip": [True, False],
    }
    assert coupons.select({"until": "2026-11-11", "vip": True}).tolist() == [True, False]


def test_menu_is_written_as_csv(tmp_path: Path) -> None:
    """People edit menus, so they are text where nothing is lost."""
    assert write_coupons(menu(), tmp_path).name == "coupons.csv"
    assert (tmp_path / "coupons.csv").read_text() == (
        "coupon_id,kind,channel,stock,minimum\nA,fixed_off,sms,2.0,\nB,percent_off,app,,1.0\nC,gift,app,,\n"
    )
    assert [file.name for file in tmp_path.iterdir()] == ["coupons.csv"]


def test_menu_that_csv_would_change_is_parquet(tmp_path: Path) -> None:
    """The brand "7" would come back as a number."""
    coupons = Coupons(pd.DataFrame({"coupon_id": ["A", "B"], "brand": ["7", "11"]}))
    file = write_coupons(coupons, tmp_path)
    assert [file.name, *(f.name for f in tmp_path.iterdir())] == ["coupons.parquet", "coupons.parquet"]
    assert cells(read_coupons(Source(file)).table) == cells(coupons.table)


@example({"brand": ["a\rb", "c", "d"]})  # a lone carriage return breaks a row of CSV in two
@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(["brand", "note", "until"]), COLUMNS, max_size=3))
def test_round_trip(tmp_path_factory: pytest.TempPathFactory, columns: dict[str, list[Any]]) -> None:
    """Attributes of any kind come back as they were, types included."""
    coupons = Coupons(pd.DataFrame({"coupon_id": ["A", "1", "001"], "stock": [NAN, 1.5, 2], **columns}))
    folder = tmp_path_factory.mktemp("menu")
    again = read_coupons(Source(write_coupons(coupons, folder))).table
    assert cells(again) == cells(coupons.table)
    for name in columns:
        assert [type(x) is str for x in cells(again)[name]] == [
            type(x) is str for x in cells(coupons.table)[name]
        ]


def test_menu_that_no_file_could_hold(tmp_path: Path) -> None:
    """Text beside numbers in one column is refused with the mend."""
    mixed = Coupons(pd.DataFrame({"coupon_id": ["A", "B"], "brand": pd.Series(["7", 11], dtype=object)}))
    with pytest.raises(
        InputError, match=r"^a column of the menu cannot be written: .*Let each column hold one"
    ):
        write_coupons(mixed, tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "id,stock\nA,1\n",
            (
                ", column 'coupon_id': a column is missing. Name 'id' so if that is it, or add it; "
                "columns found: id, stock"
            ),
        ),
        (
            "coupon_id,stock\nA,1\nB,-5\n",
            (
                ", row 1 (line 3), column 'stock': stock must be a number of at least 0 (got -5). "
                "Correct it, or leave the cell empty where there is no limit"
            ),
        ),
        (
            "coupon_id,stock\nA,1\nB,lots\n",
            (
                ", row 1 (line 3), column 'stock': stock must be a number of at least 0 (got 'lots'). "
                "Correct it, or leave the cell empty where there is no limit"
            ),
        ),
        (
            "coupon_id\nA\nB\nA\n",
            (
                ", row 2 (line 4), column 'coupon_id': this coupon stands in the menu twice (got 'A'). "
                "Give each coupon one row"
            ),
        ),
        (
            "coupon_id,stock\n,1\n",
            ", row 0 (line 2), column 'coupon_id': a coupon has no id. Give every coupon a name",
        ),
        ("coupon_id,stock\n", ": the menu has no coupons. Give at least one row"),
        ("", ": the file is empty. Give a line of column names and the rows"),
    ],
)
def test_refusals(tmp_path: Path, content: str, message: str) -> None:
    """What is wrong with a menu is told by file, row and line."""
    assert refusal(tmp_path, content) == message
