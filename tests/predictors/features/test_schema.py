"""Kinds of columns, and tables that differ."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from couponry.instances.errors import InputError
from couponry.predictors.features.schema import Schema

TABLE = pd.DataFrame(
    {
        "age": [30, 41, 52, 63],
        "spend": [1.5, np.nan, 2.5, 0.0],
        "app": [True, False, True, True],
        "region": ["north", "south", "north", "south"],
        "tier": pd.Categorical([1, 2, 1, 2]),
        "since": pd.to_datetime(["2024-01-01", "2024-02-01", "2024-03-01", "2024-04-01"]),
        "review": [
            "very good toys for us",
            "slow to arrive again",
            "my kids like it a lot",
            "no word on that",
        ],
        "browse": [["view"], [], ["view", "cart"], None],
        "amounts": [[1.0, 2.0], [], [3.0], None],
    }
)


def test_kinds_are_read_off_the_cells():
    """Numbers, flags, categories, dates, text, events and series."""
    found = {column.name: column.kind for column in Schema.of(TABLE).columns}
    assert found == {
        "age": "number",
        "spend": "number",
        "app": "flag",
        "region": "category",
        "tier": "category",
        "since": "date",
        "review": "text",
        "browse": "events",
        "amounts": "series",
    }


def test_a_kind_can_be_named():
    """A code written in digits is a category if one says so."""
    schema = Schema.of(TABLE, {"age": "category", "review": "category"})
    assert {c.name: c.kind for c in schema.columns}["age"] == "category"
    schema.check(TABLE)


def test_json_and_back():
    """The schema survives JSON."""
    schema = Schema.of(TABLE)
    assert Schema.from_json(schema.to_json()) == schema


def test_other_columns_and_order_do_not_matter():
    """A table may have more columns, in any order; all gaps fit any kind."""
    other = TABLE[TABLE.columns[::-1]].assign(user_id=range(4), review=None)
    Schema.of(TABLE).check(other)


def test_a_table_of_pyarrow_is_told_how_to_become_one_of_pandas():
    """As a drawn world's ``table`` is."""
    with pytest.raises(InputError, match=r"come in a DataFrame \(got 'Table'\). Give its to_pandas\(\)"):
        Schema.of(TABLE).check(pa.table({"age": [1]}))


def test_missing_columns_are_named():
    """One is named with the nearest column found; of several each is named."""
    schema = Schema.of(TABLE)
    with pytest.raises(InputError, match=r"the users lack the column 'region' .* Did you mean 'regoin'"):
        schema.check(TABLE.rename(columns={"region": "regoin"}))
    with pytest.raises(InputError, match="the users lack the columns 'age', 'spend'"):
        schema.check(TABLE.drop(columns=["age", "spend"]))


def test_columns_that_hold_something_else_are_named_with_how():
    """Each differing column is named with what it held in training and holds now."""
    differing = TABLE.assign(age=["x", "y", "z", "w"], region=[1, 2, 3, 4])
    words = (
        r"row 0, column 'age': .* age \(number in training, string here\); "
        r"region \(string in training, number here\) \(got 'x'\)"
    )
    with pytest.raises(InputError, match=words):
        Schema.of(TABLE).check(differing)


def test_flags_written_as_zeros_and_ones_are_taken():
    """CSV has no flags."""
    Schema.of(TABLE).check(TABLE.assign(app=[1, 0, 1, 0]))


@pytest.mark.parametrize(
    ("kinds", "words"),
    [
        ({"agee": "number"}, "Did you mean 'age'"),
        ({"age": "numeral"}, r"unknown kind of feature \(got 'numeral'\)"),
        ({"since": "number"}, "a column of dates cannot be read as number"),
    ],
)
def test_kinds_that_cannot_be(kinds, words):
    """An unknown column, an unknown kind, a kind that the cells cannot have."""
    with pytest.raises(InputError, match=words):
        Schema.of(TABLE, kinds)


def test_columns_named_by_numbers_are_found_again():
    """Column 5 of a data frame is column '5' of a model, in training and afterwards."""
    schema = Schema.of(TABLE.rename(columns={"age": 5}), {5: "money"})
    assert schema.columns[0].name == "5"
    schema.check(TABLE.rename(columns={"age": 5}))
    assert schema.read(TABLE.rename(columns={"age": 5}))["5"].tolist() == [30, 41, 52, 63]


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        ([Decimal("1.50"), Decimal("20"), None], "number"),
        (["2024-05-31", "2024-06-01T08:00:00Z", None], "date"),
        (["2024-05-31", "2024-06-01", ""], "date"),
        (["2024-05-31", "2024-13-01", None], "category"),
        (['["view", "cart"]', "[]", None], "events"),
        (["[1.5, 2.0]", "[null]", "[]"], "series"),
        (['["view", "cart"]', '["view"', None], "category"),
        (["12.50", "7"], "category"),
        ([True, False, None], "flag"),
    ],
)
def test_kinds_of_what_is_written_otherwise(cells, kind):
    """Decimals are numbers; text is dates or lists where all of it is; digits may be a code."""
    table = pd.DataFrame({"x": pd.Series(cells, dtype=object)})
    assert Schema.of(table).columns[0].kind == kind
    assert Schema.of(Schema.of(table).read(table)).columns[0].kind == kind  # read twice, the same


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ([1.5, 2.5, "n/a"], r"row 2, column 'x': .* several types \(got 'n/a'\). .*columns={'x': 'number'}"),
        ([pd.Timedelta(1, "D")], r"row 0, column 'x': no feature can be of type Timedelta .*total_seconds"),
        ([1 + 2j], r"row 0, column 'x': no feature can be of type complex .* two columns"),
        (
            [None, {1, 2}],
            r"row 1, column 'x': .* of type set \(got {1, 2}\). Give it as a list",
        ),
        (
            [{"a": 1}],
            r"of type dict .* Give it as numbers or text, or leave the column out",
        ),
    ],
)
def test_cells_that_no_feature_can_have(cells, words):
    """Mixed columns, and types that are no number, text, flag, date or list, are refused with the mend."""
    table = pd.DataFrame({"x": pd.Series(cells, dtype=object)})
    with pytest.raises(InputError, match=words):
        Schema.of(table)
