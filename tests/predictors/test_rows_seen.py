"""Whether a model knows again the rows that it learnt from."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from tests.predictors.small_world import SmallWorld

from couponry.instances.log import Log
from couponry.predictors import rows_seen
from couponry.predictors.features.schema import Schema
from couponry.predictors.rows_seen import RowsSeen


@pytest.fixture
def log():
    """Return a small log with all kinds of feature."""
    log = SmallWorld.draw(400, 0).log(0)
    more = {
        "note": [f"{i} words about user {i}" for i in range(400)],
        "seen": pd.to_datetime("2024-01-01") + pd.to_timedelta(np.arange(400), unit="h"),
        "pages": [["a", "b"][: i % 3] for i in range(400)],
        "gap": np.where(np.arange(400) % 2, np.nan, 1.5),
    }
    return replace(log, features=log.features.assign(**more))


def test_rows_are_known_again_whatever_file_they_came_from(log, tmp_path):
    """Read back from Parquet, with other columns beside them and in another order."""
    schema = Schema.of(log.features)
    seen = RowsSeen.of(log, schema)
    log.write(tmp_path / "log")
    again = Log.read(tmp_path / "log")
    order = np.random.default_rng(0).permutation(400)
    shuffled = again.take(order)
    wider = replace(shuffled, features=shuffled.features[shuffled.features.columns[::-1]].assign(new=1))
    rows, told = seen.among(wider, schema)
    assert rows.tolist() == list(range(400))
    assert told == 400


@pytest.mark.parametrize("changed", ["user_id", "arm", "conversion", "revenue", "age", "pages"])
def test_a_row_that_differs_anywhere_is_another(log, changed):
    """Only its own half of the rows is known again."""
    schema = Schema.of(log.features)
    seen = RowsSeen.of(log.take(np.arange(200)), schema)
    other = {
        "user_id": lambda: replace(log, user_id=log.user_id + "x"),
        "arm": lambda: replace(log, arm=((log.arm + 2) % 4 - 1).astype(np.int32)),
        "conversion": lambda: replace(log, conversion=1 - log.conversion),
        "revenue": lambda: replace(log, revenue=log.revenue + 1),
        "age": lambda: replace(log, features=log.features.assign(age=log.features["age"] + 1)),
        "pages": lambda: replace(log, features=log.features.assign(pages=[["c"]] * 400)),
    }[changed]()
    assert len(seen.among(log, schema)[0]) == 200
    assert len(seen.among(other, schema)[0]) == 0


def test_of_a_large_log_a_sample_is_kept(log, monkeypatch):
    """The share of rows that were seen is told by those whose hash falls among the kept."""
    monkeypatch.setattr(rows_seen, "_MOST", 100)
    schema = Schema.of(log.features)
    seen = RowsSeen.of(log.take(np.arange(300)), schema)
    rows, told = seen.among(log, schema)
    assert len(rows) == len(seen.hashes) == 100
    assert len(rows) / told == pytest.approx(0.75, abs=0.1)


def test_rows_alike_in_all_but_features_are_sampled_as_well(log, monkeypatch):
    """All of one user, with one arm and no outcome: what is drawn by then are all rows."""
    monkeypatch.setattr(rows_seen, "_MOST", 100)
    alike = {name: np.zeros(400) for name in ("conversion", "revenue", "cost")}
    one = replace(log, user_id=np.full(400, "one", object), arm=np.zeros(400, np.int32), **alike)
    schema = Schema.of(one.features)
    seen = RowsSeen.of(one.take(np.arange(300)), schema)
    rows, told = seen.among(one, schema)
    assert len(rows) == len(seen.hashes) == 100
    assert len(rows) / told == pytest.approx(0.75, abs=0.1)


def test_hashes_are_kept_with_the_model(log):
    """What is put away comes back the same."""
    seen = RowsSeen.of(log, Schema.of(log.features))
    again = RowsSeen.from_state(seen.state())
    assert (again.hashes == seen.hashes).all()
    assert (again.all, again.lots) == (seen.all, seen.lots)
