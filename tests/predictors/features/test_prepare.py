"""What is left out of a log before anything is learnt, and what is warned of."""

import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from tests.predictors.small_world import SmallWorld

from couponry.instances.errors import DataWarning, InputError
from couponry.predictors.features.prepare import prepare


@pytest.fixture(scope="module")
def log():
    """Four hundred rows of four arms."""
    return SmallWorld.draw(400, 0).log(0)


def with_columns(log, **columns):
    """Return a log with more features."""
    return replace(log, features=log.features.assign(**columns))


def test_a_good_log_stays_as_it_is(log):
    """Nothing is left out, nothing is warned of."""
    prepared = prepare(log)
    assert prepared.log is log or prepared.log.features.equals(log.features)
    assert prepared.checks() == {"dropped": {}, "rows_dropped": 0, "warnings": []}


@pytest.mark.parametrize("value", [3.5, "x", None, ["view", "cart"]])
def test_constant_features_are_warned_of_and_left_out(log, value):
    """A number, a word, nothing at all, a list; a column with gaps and one value is no constant."""
    constant = pd.Series([value] * log.n)
    changed = with_columns(log, same=constant, known=np.where(np.arange(log.n) % 2, 1.0, np.nan))
    with pytest.warns(DataWarning, match="the same on all rows, so it is left out: 'same'$"):
        prepared = prepare(changed)
    assert "same" not in prepared.log.features
    assert "known" in prepared.log.features
    assert prepared.dropped == {"same": "is the same on all rows"}


def test_a_constant_segment_is_left_out_of_the_features_alone(log):
    """Rules may still speak of it; the prepared log has no segment that is no feature."""
    changed = replace(with_columns(log, land="here"), segments=("region", "land"))
    with pytest.warns(DataWarning, match="'land'"):
        assert prepare(changed).log.segments == ("region",)


def test_nothing_left_to_learn_from(log):
    """The message says why each feature went."""
    changed = replace(log, features=pd.DataFrame({"a": np.ones(log.n), "b": np.arange(log.n)}), segments=())
    with pytest.raises(
        InputError, match=r"no feature is left to learn from: 'b' was to be ignored; 'a' is the"
    ):
        prepare(changed, {"b": "ignore"})


LEAKS = {
    "a number that is higher after a conversion": lambda y, draw: y + 0.4 * draw.random(len(y)),
    "a number that is lower": lambda y, draw: -y + 0.4 * draw.random(len(y)),
    "a number that only converters have": lambda y, draw: np.where(y == 1, draw.random(len(y)), np.nan),
    "a code": lambda y, draw: np.where(y == 1, draw.choice([1, 5], len(y)), draw.choice([2, 7], len(y))),
    "a word": lambda y, draw: np.where(y == 1, "thanks", draw.choice(["bye", "see you"], len(y))),
    "a date": lambda y, draw: pd.to_datetime(np.where(y == 1, "2024-05-31", None)),
    "an event": lambda y, draw: pd.Series([["view", "redeem"] if one else ["view"] for one in y]),
}


@pytest.mark.parametrize("how", LEAKS)
def test_a_column_that_tells_the_outcome_is_warned_of(log, how):
    """Whatever its kind; the message has the AUC and the mend, and the column stays."""
    leak = LEAKS[how](log.conversion, np.random.default_rng(1))
    with pytest.warns(
        DataWarning, match=r"column 'after' alone tells who converted \(AUC 1.0000\).*'ignore'"
    ):
        prepared = prepare(with_columns(log, after=leak))
    assert "after" in prepared.log.features
    assert len(prepared.warnings) == 1
    assert not prepare(with_columns(log, after=leak), {"after": "ignore"}).warnings


def test_what_tells_much_or_names_users_is_no_leak(log):
    """A strong feature with AUC about 0.98, and a name that no two rows share, pass."""
    strong = log.conversion + np.random.default_rng(0).normal(0, 0.33, log.n)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        prepared = prepare(with_columns(log, strong=strong, name=[f"n{i}" for i in range(log.n)]))
    assert not prepared.warnings
    assert {"strong", "name"} <= set(prepared.log.features)


@pytest.mark.parametrize(
    ("bad", "mend"),
    [
        (
            "N/A",
            r"To take these for gaps, say columns={'x': 'number'}; or money",
        ),
        ("old", "Correct or empty them, and say columns={'x': 'number'}"),
        ("¥7,000", "Write them plainly, such as 1234.5, and say columns={'x': 'number'}"),
    ],
)
def test_text_that_is_mostly_numbers_is_warned_of(log, bad, mend):
    """How many are none, the first with its line in the file, and the mend; silence once a kind is said."""
    written = pd.Series(np.where(np.arange(log.n) % 10 == 3, bad, np.arange(log.n).astype(str)))
    part = replace(with_columns(log, x=written), source="log.csv").take(np.arange(log.n)[::-1])
    words = rf"'x' is taken for a .* look like numbers.*: 40 of 400 .* '{bad}' in row 393 \(line 395\). "
    with pytest.warns(DataWarning, match=words + mend):
        prepare(part)
    assert not prepare(part, {"x": "category"}).warnings
    if bad == "N/A":
        assert prepare(part, {"x": "number"}).log.features["x"].isna().sum() == 40


def test_text_that_is_all_numbers_is_warned_of(log):
    """Numbers may be a code, so they stay a category until somebody says."""
    with pytest.warns(DataWarning, match="its values look like numbers. If they are, say so: columns="):
        prepare(with_columns(log, x=(np.arange(log.n) % 7).astype(str)))
    part = with_columns(log, x=(np.arange(log.n) % 7).astype(str)).take(np.arange(300))
    with pytest.warns(DataWarning, match="look like numbers in the rows that are learnt from. If they are"):
        prepare(part)


def test_a_bad_cell_is_told_with_its_line_in_the_file(log):
    """Whatever part of the log is prepared."""
    ages = log.features["age"].to_numpy().copy()
    ages[7] = np.inf
    part = replace(with_columns(log, age=ages), source="log.csv").take(np.arange(5, log.n))
    with pytest.raises(InputError, match=r"log.csv, row 7 \(line 9\), column 'age': a feature is infinite"):
        prepare(part)


def test_written_dates_after_the_coupon_are_warned_of(log):
    """A text column whose cells are all ISO dates is one of dates, as where a CSV file is read."""
    given_at = np.full(log.n, np.datetime64("2024-05-10T12:00", "us"))
    dated = replace(with_columns(log, seen=["2024-05-11", "2024-05-09"] * (log.n // 2)), given_at=given_at)
    with pytest.warns(DataWarning, match="column 'seen' holds dates after the coupon was given on 200 of "):
        prepare(dated)


def test_too_few_rows_after_gaps_are_blamed_on_the_column(log):
    """Not on users held out: nobody was."""
    few = with_columns(log, some=np.where(np.arange(log.n) < 30, np.arange(log.n), np.nan))
    prepared = prepare(few, {"some": {"missing": "drop_rows"}})
    with pytest.raises(InputError, match=r"370 rows were left out for gaps in 'some': choose another way"):
        prepared.check(20)
    prepare(few).check(20)


def test_rows_or_columns_with_gaps_are_dropped_as_chosen(log):
    """A third of the rows lack a number: they go, or the column does, or nothing."""
    changed = with_columns(log, some=np.where(np.arange(log.n) % 3, np.arange(log.n), np.nan))
    rows = prepare(changed, {"some": {"missing": "drop_rows"}})
    assert (rows.log.n, rows.rows_dropped) == (266, 134)
    assert rows.log.features["some"].notna().all()
    column = prepare(changed, {"some": {"missing": "drop_column"}})
    assert column.log.n == 400
    assert column.dropped == {"some": "has gaps"}
    assert "some" in prepare(log.__class__(**vars(changed)), {"age": {"missing": "drop_column"}}).log.features


def test_a_column_of_the_coupon_moves_to_the_menu(log):
    """It is no feature of the user; every coupon has its value."""
    colours = np.array(["red", "green", "blue", "none at all"], dtype=object)[log.arm]
    prepared = prepare(with_columns(log, colour=colours), {"colour": "coupon"})
    assert prepared.log.coupons.table["colour"].tolist() == ["red", "green", "blue"]
    assert "colour" not in prepared.log.features
    assert prepared.dropped == {"colour": "describes the coupon"}


def test_a_column_of_the_coupon_with_two_values_is_refused(log):
    """The message has the coupon, both values and the row."""
    colours = np.array(["red", "green", "blue", ""], dtype=object)[log.arm]
    row = int(np.flatnonzero(log.arm == 1)[3])
    colours[row] = "grey"
    words = (
        rf"row {row}, column 'colour': this is to describe the coupon, but 'ten' was 'green' elsewhere \(got"
    )
    with pytest.raises(InputError, match=words):
        prepare(with_columns(log, colour=colours), {"colour": "coupon"})
    channel = np.array(["app", "app", "app", ""], dtype=object)[log.arm]
    with pytest.raises(
        InputError, match="the log and the menu differ about coupon 'ten': the menu says 'sms'"
    ):
        prepare(with_columns(log, channel=channel), {"channel": "coupon"})


def test_dates_after_the_coupon_are_warned_of(log):
    """Where the log says when coupons were given, a feature's later date is named with its row."""
    given_at = np.full(log.n, np.datetime64("2024-05-10T12:00", "us"))
    seen = pd.to_datetime(["2024-05-10", "2024-05-09"] * (log.n // 2)).to_series(index=range(log.n))
    dated = replace(with_columns(log, seen=seen), given_at=given_at)
    assert not prepare(dated).warnings
    seen[7] = pd.Timestamp("2024-05-11")
    with pytest.warns(DataWarning, match=r"column 'seen' holds dates after the coupon .* 1 of .* row 7\)"):
        prepare(replace(with_columns(log, seen=seen), given_at=given_at))


def test_a_choice_for_no_column(log):
    """The nearest column is named."""
    with pytest.raises(InputError, match=r"column 'agee': no such feature. Did you mean 'age'"):
        prepare(log, {"agee": "number"})
