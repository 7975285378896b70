"""Tables to matrices."""

import json

import numpy as np
import pandas as pd
import pytest

from couponry.instances.errors import InputError
from couponry.predictors.features import FeatureEncoder
from couponry.predictors.state import State


def table(rows=40, seed=0):
    """Every kind of column, with gaps."""
    generator = np.random.default_rng(seed)
    events = [list(generator.choice(["view", "cart"], k)) for k in generator.integers(0, 4, rows)]
    return pd.DataFrame(
        {
            "age": np.where(generator.random(rows) < 0.2, np.nan, generator.normal(40, 9, rows)),
            "region": generator.choice(["north", "south"], rows),
            "app": generator.random(rows) < 0.5,
            "since": pd.Timestamp("2024-01-01") + pd.to_timedelta(generator.integers(0, 900, rows), "D"),
            "review": [f"good number {i} of the toys" for i in generator.permutation(rows)],
            "browse": events,
            "days": [sorted(generator.uniform(0, 9, len(e)), reverse=True) for e in events],
        }
    )


def test_standard_layout_has_no_gaps_and_a_name_a_column():
    """About unit scale, gaps filled."""
    encoder = FeatureEncoder().fit(table())
    found = encoder.encode(table())
    assert found.dtype == np.float32
    assert np.isfinite(found).all()
    assert found.shape[1] == len(encoder.names)
    assert np.abs(found).max() < 20


def test_raw_layout_names_its_category_columns():
    """Codes stand where ``categorical`` says, gaps are NaN."""
    encoder = FeatureEncoder().fit(table())
    found = encoder.encode(table(), "raw")
    assert encoder.categorical == [1]
    assert set(found[:, 1]) == {0.0, 1.0}
    assert np.isnan(found[:, 0]).any()


def test_events_find_their_ages():
    """A column of falling numbers of the same lengths is taken for the events' ages."""
    encoder = FeatureEncoder().fit(table())
    assert {e.name: getattr(e, "ages", None) for e in encoder.encoders_}["browse"] == "days"


def test_training_rows_alone_decide():
    """Encoding a row does not depend on the other rows that it is encoded with."""
    encoder = FeatureEncoder().fit(table())
    other = table(30, seed=1)
    one_by_one = np.vstack([encoder.encode(other.iloc[[i]]) for i in range(30)])
    assert np.allclose(one_by_one, encoder.encode(other), atol=1e-6)


def test_a_round_trip_changes_nothing():
    """State in JSON's words and arrays holds all that was learnt, in both layouts."""
    encoder = FeatureEncoder().fit(table())
    again = FeatureEncoder.from_state(encoder.state())
    for layout in ("standard", "raw"):
        assert np.array_equal(encoder.encode(table(), layout), again.encode(table(), layout), equal_nan=True)
    assert again.names == encoder.names


def test_tables_without_features_or_with_twins_are_refused():
    """Both messages say what to mend."""
    with pytest.raises(InputError, match="there are no features to learn from"):
        FeatureEncoder().fit(pd.DataFrame(index=range(3)))
    twins = pd.DataFrame([[1, 2]], columns=["a", "a"])
    with pytest.raises(InputError, match="column 'a': two features share a name"):
        FeatureEncoder().fit(twins)


def test_a_table_that_differs_is_refused():
    """Which columns, and how."""
    encoder = FeatureEncoder().fit(table())
    with pytest.raises(InputError, match=r"age \(number in training, string here\)"):
        encoder.encode(table().assign(age="old"))
    with pytest.raises(InputError, match=r"row 7, column 'age': not a number \(got 'old'\)"):
        encoder.encode(
            table().astype({"age": object}).assign(age=lambda t: t["age"].where(t.index != 7, "old"))
        )
    with pytest.raises(InputError, match="the users lack the column 'review'"):
        encoder.encode(table().drop(columns="review"))


def test_lists_written_as_json_are_those_lists():
    """A table that went through a CSV file is encoded as before."""
    encoder = FeatureEncoder().fit(table())
    written = table().assign(**{name: table()[name].map(json.dumps) for name in ("browse", "days")})
    assert np.array_equal(encoder.encode(written), encoder.encode(table()))
    assert np.array_equal(FeatureEncoder().fit(written).encode(written), encoder.encode(table()))


def test_state_keeps_nested_parts_apart():
    """Parts are stored and found by name, lists in order."""
    state = State()
    state.put("a", State({"x": 1}, {"y": np.ones(2)}, {"t": "words"}))
    state.put_all("b", [State({"x": 2}), State({"x": 3}, {"y": np.zeros(1)})])
    assert state.part("a").facts == {"x": 1}
    assert state.part("a").texts == {"t": "words"}
    assert [part.facts["x"] for part in state.parts("b")] == [2, 3]
    assert state.parts("b")[1].arrays["y"].tolist() == [0.0]
