"""The log of a campaign."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.instances.small import NAN, menu

from couponry.instances import ExistsError, InputError, Log


def frame(**changed: Any) -> pd.DataFrame:
    """Return five exposures of three users; u1 was given A, then nothing, then B."""
    columns: dict[str, Any] = {
        "user_id": ["u1", "u2", "u1", "u3", "u1"],
        "arm": ["A", "C", None, "none", "B"],
        "conversion": [1, 0, 0, 1, 0],
        "cost": [1.0, 0, 0, 0, 0.25],
        "revenue": [10.5, 0, 0, 8, 0],
        "propensity": [0.25, 0.25, 0.5, 0.5, 0.25],
        "age": [31, 25, 31, 60, 31],
        "region": pd.Categorical(["n", "s", "n", "e", "n"]),
        "member": [True, False, True, False, True],
        "note": ["likes tea", "", "likes tea", "新客", "likes tea"],
        "clicks": [[1, 2], [], [1, 2], [3], [1, 2, 4]],
    }
    return pd.DataFrame({**columns, **changed})


def log(**changed: Any) -> Log:
    """Return these exposures as a log."""
    return Log.from_frame(frame(**changed), menu(), segments=("region",))


def refusal(drop: str = "", **changed: Any) -> str:
    """Return what is said when this log is refused."""
    table = frame(**changed).drop(columns=[drop] if drop else [])
    with pytest.raises(InputError) as caught:
        Log.from_frame(table, menu(), segments=("region",), source="log.csv")
    return str(caught.value)


def same(one: Log, other: Log) -> None:
    """Assert that two logs hold the same."""
    pd.testing.assert_frame_equal(one.coupons.table, other.coupons.table)
    assert list(one.features.columns) == list(other.features.columns)
    for name in one.features:
        ours, theirs = one.features[name], other.features[name]
        assert [_plain(x) for x in ours] == [_plain(x) for x in theirs]
        assert isinstance(ours.dtype, pd.CategoricalDtype) == isinstance(theirs.dtype, pd.CategoricalDtype)
    for name in ("user_id", "arm", "conversion", "cost", "revenue", "propensity"):
        ours, theirs = getattr(one, name), getattr(other, name)
        assert (ours is None) == (theirs is None)
        assert ours is None or (ours.tolist() == theirs.tolist() and ours.dtype == theirs.dtype)
    assert one.segments == other.segments


def _plain(cell: Any) -> Any:
    return list(cell) if isinstance(cell, list | np.ndarray) else cell


def test_arms_become_positions() -> None:
    """An empty arm and the word none are −1."""
    made = log()
    assert (made.arm.tolist(), made.arm.dtype) == ([0, 2, -1, -1, 1], np.int32)
    assert (made.n, len(made)) == (5, 5)
    assert list(made.features) == ["age", "region", "member", "note", "clicks"]


def test_coupon_that_is_called_none() -> None:
    """A menu with such a coupon means it."""
    coupons = menu().table.assign(coupon_id=["A", "none", "C"])
    table = frame(arm=["A", "C", None, "none", "none"])
    assert Log.from_frame(table, type(menu())(coupons)).arm.tolist() == [0, 2, -1, 1, 1]


def test_take() -> None:
    """Rows are chosen by position or by a mask, in step."""
    for rows in (np.array([1, 4]), np.array([False, True, False, False, True])):
        taken = log().take(rows)
        assert taken.user_id.tolist() == ["u2", "u1"]
        assert taken.features["age"].tolist() == [25, 31]
        assert taken.propensity is not None
        assert (taken.arm.tolist(), taken.propensity.tolist()) == ([2, 1], [0.25, 0.25])


def test_split_is_the_same_for_the_same_seed() -> None:
    """A seed settles the split, another seed may change it."""
    many = log().take(np.repeat(np.arange(5), 3))
    sides = [tuple(many.split(0.34, seed)[0].user_id) for seed in (0, 0, 1, 2, 3)]
    assert sides[0] == sides[1]
    assert len(set(sides)) > 1


@given(st.lists(st.integers(0, 8), min_size=2, max_size=30), st.floats(0.01, 0.99), st.integers(0, 99))
def test_split_keeps_users_together(users: list[int], holdout: float, seed: int) -> None:
    """No user is on both sides, no exposure is lost, and the share held out is that of users."""
    n, people = len(users), len(set(users))
    whole = Log.from_frame(
        pd.DataFrame({"user_id": users, "arm": None, "conversion": np.zeros(n), "x": np.arange(n)}), menu()
    )
    kept = round((1 - holdout) * people)
    if kept in (0, people):
        with pytest.raises(InputError, match=rf"{people} users? cannot be split with holdout"):
            whole.split(holdout, seed)
        return
    train, held = whole.split(holdout, seed)
    assert len(set(train.user_id)) == kept
    assert not set(train.user_id) & set(held.user_id)
    assert sorted([*train.features["x"], *held.features["x"]]) == list(range(n))


@pytest.mark.parametrize("holdout", [0, 1, -0.1, 1.5, NAN])
def test_split_needs_two_sides(holdout: float) -> None:
    """A share lies strictly between none and all."""
    with pytest.raises(
        InputError, match=r"parameter 'holdout': this must lie strictly between 0 and 1 \(got"
    ):
        log().split(holdout)


@pytest.mark.parametrize("changed", [{}, {"arm": [None] * 5}, {"user_id": ["01", "NA", "3", "4", "None"]}])
def test_round_trip(tmp_path: Path, changed: dict[str, Any]) -> None:
    """What is written is read again: text, lists, categories, gaps and every digit of money."""
    first = log(cost=[0.1 + 0.2, 0, 0, 0, 1e-12], **changed)
    first.write(tmp_path / "log")
    again = Log.read(tmp_path / "log")
    assert again.cost.tolist() == [0.30000000000000004, 0, 0, 0, 1e-12]
    assert again.features["note"].tolist() == ["likes tea", "", "likes tea", "新客", "likes tea"]
    assert [list(clicks) for clicks in again.features["clicks"]] == [[1, 2], [], [1, 2], [3], [1, 2, 4]]
    same(again, first)


def test_round_trip_without_propensity_or_features(tmp_path: Path) -> None:
    """What a log does not know it does not know afterwards."""
    first = Log.from_frame(frame()[["user_id", "arm", "conversion"]], menu())
    first.write(tmp_path / "log")
    again = Log.read(tmp_path / "log")
    assert again.propensity is None
    assert again.features.shape == (5, 0)
    same(again, first)


def test_features_may_be_called_as_outcomes_are(tmp_path: Path) -> None:
    """A feature called cost, known before the coupon, stays one."""
    made = log()
    made.features["cost"] = [1, 2, 3, 4, 5]
    made.write(tmp_path / "log")
    again = Log.read(tmp_path / "log")
    assert again.features["cost"].tolist() == [1, 2, 3, 4, 5]
    assert again.cost.tolist() == [1.0, 0, 0, 0, 0.25]


def test_log_is_not_overwritten(tmp_path: Path) -> None:
    """Without ``force`` what stands there stays."""
    log().write(tmp_path / "log")
    with pytest.raises(ExistsError, match="the output exists already"):
        log(cost=[9.0] * 5).write(tmp_path / "log")
    assert Log.read(tmp_path / "log").cost[0] == 1
    log(cost=[9.0] * 5).write(tmp_path / "log", force=True)
    assert Log.read(tmp_path / "log").cost[0] == 9


@pytest.mark.parametrize("name", ["log.parquet", "coupons.csv", "log.json"])
def test_missing_file(tmp_path: Path, name: str) -> None:
    """A log directory that lacks a file names it."""
    log().write(tmp_path / "log")
    (tmp_path / "log" / name).unlink()
    with pytest.raises(InputError) as caught:
        Log.read(tmp_path / "log")
    assert str(caught.value) == (
        f"{tmp_path / 'log' / name}: a log directory lacks this file. Name the table itself, a CSV or "
        "Parquet file, or a directory that 'couponry generate' or Log.write wrote"
    )


def test_damaged_files(tmp_path: Path) -> None:
    """A log that was cut short, or whose segments cannot be read, is refused by file."""
    log().write(tmp_path / "log")
    table, meta = tmp_path / "log" / "log.parquet", tmp_path / "log" / "log.json"
    whole = table.read_bytes()
    table.write_bytes(whole[:-100])
    with pytest.raises(InputError, match=rf"^{table}: the Parquet file is damaged"):
        Log.read(tmp_path / "log")
    table.write_bytes(whole)
    for content in ("{", json.dumps({"segment": []}), "[]"):
        meta.write_text(content)
        with pytest.raises(InputError, match=rf"^{meta}: the log's segments cannot be read"):
            Log.read(tmp_path / "log")


def test_arm_that_is_not_in_the_menu() -> None:
    """A coupon that nobody offers is refused at its first row."""
    assert refusal(arm=["A", "C", "AA", None, "AA"]) == (
        "log.csv, row 2, column 'arm': an arm of the log is not in the menu; 2 of 5 rows have it "
        "(got 'AA'). Did you mean 'A'? Known: A, B, C. If it is a coupon, add it to the menu; if it is the "
        "control group, leave the cells of 'arm' empty, or write none, where it stands"
    )
    arms = np.array([0, 1, 2, 3, -1], dtype=np.int32)
    made = log()
    with pytest.raises(
        InputError, match=r"row 3, column 'arm': an arm is outside the menu of 3 coupons \(got 3\)"
    ):
        Log(made.features, made.user_id, made.coupons, arms, made.conversion, made.cost, made.revenue)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("conversion", 1.5, "conversion must be in [0, 1] (got 1.5)"),
        ("conversion", -0.1, "conversion must be in [0, 1] (got -0.1)"),
        ("conversion", "yes", "not a number (got 'yes')"),
        ("cost", np.inf, "cost must be a finite number (got inf)"),
        ("revenue", -np.inf, "revenue must be a finite number (got -inf)"),
        ("revenue", 2e300, "revenue must be at most 1e+30 in size (got 2e+300)"),
    ],
)
def test_numbers_that_cannot_be(column: str, value: object, message: str) -> None:
    """Conversions are probabilities, money is finite."""
    cells = pd.Series([0, 0, 0, value, 0], dtype=object)
    assert refusal(**{column: cells}).startswith(f"log.csv, row 3, column '{column}': {message}. Correct")


@pytest.mark.parametrize("value", [0.0, -0.5, 1.5])
def test_propensity_that_cannot_be(value: float) -> None:
    """What happened cannot have had probability 0."""
    assert refusal(propensity=[0.5, 0.5, value, 0.5, 0.5]) == (
        "log.csv, row 2, column 'propensity': a propensity must lie in (0, 1]: an arm that was given cannot "
        f"have had probability 0 (got {value}). Give the probability with which the given arm was drawn"
    )


def test_other_shapes() -> None:
    """No rows, columns of another length, and segments that are no features are refused."""
    assert refusal(drop="region") == (
        "log.csv, column 'region': a segment is not among the features. Name a feature column"
    )
    made = log()
    with pytest.raises(InputError, match="column 'cost': cost has 4 rows but the features 5"):
        Log(made.features, made.user_id, made.coupons, made.arm, made.conversion, made.cost[:4], made.revenue)
    with pytest.raises(InputError, match=r"the log has no rows\. Give at least one exposure"):
        made.take(np.array([], dtype=int))


def test_errors_name_the_row_of_the_file_after_a_split() -> None:
    """Row 3 of a CSV file is on line 5, wherever its exposure stands in a part of the log."""
    whole = Log.from_frame(frame(), menu(), source="log.csv")
    part = whole.take(np.array([4, 3, 1])).take(np.array([1, 2]))
    error = part.placed(InputError("not a number", row=0, column="age"))
    assert str(error) == "log.csv, row 3 (line 5), column 'age': not a number"
    assert log().take(np.array([4, 3])).row_words(1) == "row 3"


def test_a_column_of_several_types_cannot_be_written(tmp_path: Path) -> None:
    """The column, the row and the value are named, not what arrow says of them."""
    mixed = log(note=pd.Series([1.5, 2.5, "n/a", 3.5, 4.5], dtype=object))
    with pytest.raises(InputError, match=r"row 2, column 'feature.note': .* \(got 'n/a'\). Give all cells"):
        mixed.write(tmp_path / "log")


def test_a_part_of_a_part_knows_where_its_rows_stood() -> None:
    """Rows are told by their place in the whole log, and counted as those of a part."""
    whole = log()
    part = whole.take(np.array([1, 2, 4])).take(np.array([False, True, True]))
    assert [part.place(row)["row"] for row in range(2)] == [2, 4]
    assert part.row_words(1) == "row 4"
    assert part.count_words(1) == "1 of the 2 rows to learn from"
    assert whole.count_words(1) == f"1 of {whole.n} rows"
