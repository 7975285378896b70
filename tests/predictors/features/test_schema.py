"""Kinds of columns, and tables that differ."""

import numpy as np
import pandas as pd
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
    words = r"age \(number in training, string here\); region \(string in training, number here\)"
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
        ({"region": "number"}, "a column of strings cannot be read as number"),
    ],
)
def test_kinds_that_cannot_be(kinds, words):
    """An unknown column, an unknown kind, a kind that the cells cannot have."""
    with pytest.raises(InputError, match=words):
        Schema.of(TABLE, kinds)
