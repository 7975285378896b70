"""Cells as their columns' kinds have them."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from couponry.instances.errors import InputError
from couponry.predictors.features.cells import LARGEST, legible, read_cells
from couponry.predictors.features.written import MISSING, mostly_written_as

NAN = float("nan")


def cells(*values):
    """Return a column as pandas holds what it does not know."""
    return pd.Series(values, dtype=object)


@pytest.mark.parametrize(
    ("kind", "given", "read"),
    [
        ("number", cells("12.50", " 7 ", "1e3", 3, Decimal("0.25"), None), [12.5, 7, 1000, 3, 0.25, NAN]),
        ("money", cells("12.50", "N/A", "?", ""), [12.5, NAN, NAN, NAN]),
        ("flag", cells("true", "No", "1", 0, True, "-"), [1, 0, 1, 0, 1, NAN]),
    ],
)
def test_numbers_are_read_of_text(kind, given, read):
    """Plain numbers in any type, and words for what is missing."""
    found = read_cells("x", given, kind).astype("Float64").to_numpy(float, na_value=NAN)
    assert found == pytest.approx(read, nan_ok=True)


@pytest.mark.parametrize("word", sorted(MISSING))
def test_words_for_missing_are_gaps_in_any_case(word):
    """In numbers, dates and lists alike."""
    given = cells(f" {word.upper()} ")
    assert read_cells("x", given, "number").isna().all()
    assert read_cells("x", given, "date").isna().all()
    assert read_cells("x", given, "events").isna().all()


def test_dates_and_lists_are_read_of_text():
    """In UTC; a list that is one already stays."""
    dates = read_cells("x", cells("2024-05-31", "2024-05-31T08:00:00+08:00", "none"), "date")
    assert dates.tolist() == [pd.Timestamp("2024-05-31"), pd.Timestamp("2024-05-31"), pd.NaT]
    lists = read_cells("x", cells('["view", "cart"]', ["buy"], "", None), "events")
    assert lists.tolist() == [["view", "cart"], ["buy"], None, None]


def test_lists_of_arrow_are_lists():
    """Which numpy and pandas reckon with."""
    given = pd.Series([["view"], [], None], dtype=pd.ArrowDtype(pa.list_(pa.string())))
    assert [None if one is None else list(one) for one in read_cells("x", given, "events")] == [
        ["view"],
        [],
        None,
    ]


def test_what_needs_no_reading_stays():
    """Numbers, timestamps, lists and labels are handed on as they are."""
    for kind, given in {
        "number": pd.Series([1, 2]),
        "date": pd.Series(pd.to_datetime(["2024-05-31"])),
        "series": cells([1.5], np.array([2.0])),
        "category": pd.Series(["a", None]),
    }.items():
        assert read_cells("x", given, kind) is given


@pytest.mark.parametrize(
    ("kind", "bad", "words"),
    [
        ("number", "old", r"not a number \(got 'old'\). Correct it, or leave the cell empty"),
        (
            "money",
            "¥1,234.50",
            r"not a number \(got '¥1,234.50'\). Write it as a plain number such",
        ),
        ("number", "12,5", r"not a number \(got '12,5'\). Write it as a plain number"),
        ("number", np.inf, r"a feature is infinite \(got inf\)"),
        ("number", -(10**400), "a feature is infinite"),
        ("number", "inf", r"a feature is infinite \(got 'inf'\)"),
        ("number", 1e307, r"a number is too large to learn from, above 1e\+38 \(got 1e\+307\)"),
        ("money", -2.0, r"money is never negative \(got -2.0\)"),
        ("flag", "perhaps", r"not a number \(got 'perhaps'\)"),
        ("date", "soon", r"not a date \(got 'soon'\). Write it as 2024-05-31"),
        ("events", '["view"', r"not a list .* Write it as JSON has it, \[\"view\", \"cart\"\]"),
        ("events", 5, r"not a list \(got 5\)"),
        ("series", [2.0, np.inf], r"a list holds an infinite number \(got inf\). .* null for a gap"),
        ("series", "[1, -1e200]", r"a number is too large to learn from, .* \(got -1e\+200\)"),
        ("series", [2.0, "far"], r"a list holds what is no number \(got 'far'\)"),
    ],
)
def test_cells_that_cannot_be_read(kind, bad, words):
    """The first is named with its row, its value and the mend."""
    good = {"date": "2024-05-31", "events": ["view"], "series": [1.0, None]}.get(kind, 1.0)
    with pytest.raises(InputError, match=f"^row 2, column 'x': {words}"):
        read_cells("x", cells(good, None, bad, bad), kind)


def test_the_largest_number_is_learnt_from():
    """What float32 holds with room to spare."""
    assert read_cells("x", pd.Series([LARGEST, -LARGEST]), "number").tolist() == [LARGEST, -LARGEST]


def test_a_column_is_legible_where_any_cell_is():
    """Else it is another column than in training, and not one with a bad cell."""
    assert legible(cells("old", "7"), "number")
    assert legible(cells("¥7"), "money")
    assert legible(cells("?", None), "date")
    assert not legible(cells("old", "young"), "number")


@pytest.mark.parametrize(
    ("given", "kind", "wrong"),
    [
        (cells("1.5", "N/A", "2", None), "number", [False, True, False, False]),
        (cells("¥7", "¥8,000.50"), "number", [True, True]),
        (cells("2024-05-31", "soon", "2024-06-01"), "date", [False, True, False]),
        (cells('["view"]', "[]", "view"), "events", [False, False, True]),
    ],
)
def test_text_that_is_mostly_written_for_something_else(given, kind, wrong):
    """What for, and which cells are not so; words for missing count as neither."""
    found = mostly_written_as(given)
    assert found is not None
    assert (found[0], found[1].tolist()) == (kind, wrong)


@pytest.mark.parametrize("given", [cells("north", "south", "3"), cells("01307", "10115"), cells(None, "?")])
def test_text_that_is_not(given):
    """Few numbers, codes that begin with zeros, nothing at all."""
    assert mostly_written_as(given) is None
