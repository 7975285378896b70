"""What may be chosen for a column, and what each choice does to it."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from couponry.instances.errors import DataWarning, InputError
from couponry.predictors.features import FeatureEncoder
from couponry.predictors.features.choices import Choice, choices_of
from couponry.predictors.features.schema import Schema

GAPS = pd.DataFrame({"spend": [1.0, 2.0, 6.0, np.nan], "tier": ["a", "a", "b", None]})


def encoded(table: pd.DataFrame, columns: dict[str, object], layout: str = "raw") -> np.ndarray:
    """Learn from a table, and encode it."""
    return FeatureEncoder(columns, least_rows=1).fit(table).encode(table, layout)


@pytest.mark.parametrize(
    ("missing", "fill"), [("indicator", np.nan), ("median", 2.0), ("mean", 3.0), ("drop_rows", 2.0)]
)
def test_gaps_become_what_was_chosen(missing, fill):
    """Of 1, 2, 6: nothing (for trees), the median 2, the mean 3."""
    encoder = FeatureEncoder({"spend": {"missing": missing}}).fit(GAPS[["spend"]])
    if missing == "drop_rows":
        with pytest.warns(DataWarning, match="training did without such rows: the median stands in"):
            found = encoder.encode(GAPS, "raw")
    else:
        found = encoder.encode(GAPS, "raw")
    assert found[3, 0] == pytest.approx(fill, nan_ok=True)
    assert found[:3, 0].tolist() == [1.0, 2.0, 6.0]


def test_only_an_indicator_marks_gaps():
    """The mean alone has no second column; its filled cell lies at the mean, 0."""
    assert FeatureEncoder().fit(GAPS[["spend"]]).names == ["spend", "spend missing"]
    found = encoded(GAPS[["spend"]], {"spend": {"missing": "mean"}}, "standard")
    assert found.shape == (4, 1)
    assert found[3, 0] == pytest.approx(0, abs=1e-6)


def test_gaps_are_interpolated_in_time():
    """Between 10 on the 1st and 30 on the 3rd, the 2nd has 20; beyond the ends it is level."""
    days = pd.to_datetime(["2024-05-01", "2024-05-03", "2024-05-02", "2024-05-09", None])
    table = pd.DataFrame({"price": [10.0, 30.0, np.nan, np.nan, np.nan], "day": days})
    chosen = {"price": {"missing": "interpolate"}}
    assert encoded(table, chosen)[:, 0].tolist() == [10.0, 30.0, 20.0, 30.0, 20.0]  # no day: the median
    encoder = FeatureEncoder(chosen).fit(table)
    assert Schema.from_json(encoder.schema_.to_json()).columns[0].time == "day"
    assert np.array_equal(
        FeatureEncoder.from_state(encoder.state()).encode(table, "raw"), encoder.encode(table, "raw"), True
    )


def test_many_times_make_a_short_curve():
    """A level that rises with time is met within a few percent by at most 64 knots."""
    generator = np.random.default_rng(0)
    time = generator.uniform(0, 100, 5000)
    table = pd.DataFrame({"level": 2 * time + generator.normal(size=5000), "time": time})
    table.loc[::5, "level"] = np.nan
    chosen = {"level": {"missing": "interpolate", "time": "time"}}
    encoder = FeatureEncoder(chosen).fit(table)
    assert len(encoder.encoders_[0].curve.time) == 64
    assert np.abs(encoder.encode(table, "raw")[::5, 0] - 2 * time[::5]).max() < 4


def test_gaps_within_a_list_are_interpolated():
    """By position 1, ?, 3 has 2 in the middle; by times 0, 3, 4 it has 2.5. Without it the mean is a gap."""
    table = pd.DataFrame({"level": [[1.0, np.nan, 3.0], [5.0]], "at": [[0.0, 3.0, 4.0], [1.0]]})
    assert encoded(table, {"level": {"missing": "interpolate"}})[0, 1] == pytest.approx(2.0)
    timed = {"level": {"missing": "interpolate", "time": "at"}}
    assert encoded(table, timed)[0, 1] == pytest.approx((1 + 2.5 + 3) / 3)
    assert np.isnan(encoded(table, {})[0, 1])
    with pytest.raises(InputError, match=r"row 1, column 'level': the list has 1 numbers but 'at' 0 times"):
        FeatureEncoder(timed).fit(table.assign(at=[[0.0, 3.0, 4.0], []]))


def test_a_gap_in_a_category_may_be_the_commonest():
    """No slot for gaps is left."""
    encoder = FeatureEncoder({"tier": {"missing": "most_frequent"}}, least_rows=1).fit(GAPS[["tier"]])
    assert encoder.names == ["tier = a", "tier = b", "tier = (other)"]
    assert encoder.encode(GAPS)[3].tolist() == [1, 0, 0]


@pytest.mark.parametrize(("unseen", "slot"), [("other", 2), ("missing", 3)])
def test_an_unseen_category_is_taken_for_another_or_for_a_gap(unseen, slot):
    """Training saw a and b; c has the slot of rare ones, or that of gaps."""
    encoder = FeatureEncoder({"tier": {"unseen": unseen}}, least_rows=1).fit(GAPS[["tier"]])
    assert encoder.encode(pd.DataFrame({"tier": ["c"]}))[0].argmax() == slot


def test_an_unseen_category_may_be_refused():
    """With its row, its value and what training saw; rare ones were seen."""
    encoder = FeatureEncoder({"tier": {"unseen": "refuse"}}, least_rows=2).fit(GAPS[["tier"]])
    encoder = FeatureEncoder.from_state(encoder.state())
    assert encoder.encode(pd.DataFrame({"tier": ["b"]}))[0].tolist() == [0, 1, 0]
    with pytest.raises(
        InputError, match=r"row 1, column 'tier': training never saw .* \(got 'c'\). Known: a, b"
    ):
        encoder.encode(pd.DataFrame({"tier": ["a", "c"]}))


def test_numbers_are_clipped_at_quantiles_of_training():
    """Of 0 … 100 the tenth and the ninetieth; what comes later is pulled in to the same limits."""
    table = pd.DataFrame({"n": np.arange(101.0)})
    encoder = FeatureEncoder({"n": {"clip": [0.1, 0.9]}}).fit(table)
    encoder = FeatureEncoder.from_state(encoder.state())
    later = encoder.encode(pd.DataFrame({"n": [-1e6, 50.0, 1e6, np.nan]}), "raw")[:, 0]
    assert later[:3].tolist() == [10.0, 50.0, 90.0]
    assert np.isnan(later[3])


def test_money_enters_as_a_logarithm_in_any_currency():
    """Cents and yuan encode alike; whoever spent the median has log 2."""
    money = pd.Series(np.random.default_rng(0).lognormal(3, 2, 999), name="m")
    yuan, cents = pd.DataFrame({"m": money}), pd.DataFrame({"m": 100 * money})
    first, second = encoded(yuan, {"m": "money"}, "standard"), encoded(cents, {"m": "money"}, "standard")
    assert np.allclose(first, second, atol=1e-5)
    assert np.allclose(encoded(yuan, {"m": "money"})[:, 0], money, rtol=1e-6)
    encoder = FeatureEncoder({"m": "money"}).fit(yuan).encoders_[0]
    assert encoder.median == pytest.approx(np.log(2))


def test_money_is_never_negative():
    """The message has the row and the value."""
    with pytest.raises(InputError, match=r"row 1, column 'm': money is never negative \(got -2.0\)"):
        FeatureEncoder({"m": "money"}).fit(pd.DataFrame({"m": [1.0, -2.0]}))


def test_written_dates_may_be_read():
    """A column of strings is a date if one says so, in the form of ISO 8601."""
    table = pd.DataFrame({"day": ["2024-01-01", "2024-01-31", None]})
    assert encoded(table, {"day": "date"})[1, 0] - encoded(table, {"day": "date"})[0, 0] == 30
    with pytest.raises(InputError, match=r"row 1, column 'day': not a date \(got 'soon'\). Write"):
        FeatureEncoder({"day": "date"}).fit(pd.DataFrame({"day": ["2024-01-01", "soon"]}))


@given(
    missing=st.sampled_from(["indicator", "median", "mean", "drop_rows"]),
    kind=st.sampled_from(["number", "money"]),
    clip=st.sampled_from([None, (0.0, 0.5), (0.1, 0.9)]),
    values=st.lists(st.floats(0, 1e9) | st.none(), min_size=1, max_size=20),
)
@pytest.mark.filterwarnings("ignore::couponry.instances.errors.DataWarning")
def test_every_choice_survives_its_state_and_fills_every_gap(missing, kind, clip, values):
    """Whatever is chosen: no gaps in the standard layout, the same after a round trip, in both layouts."""
    table = pd.DataFrame({"n": pd.Series(values, dtype=float)})
    encoder = FeatureEncoder({"n": Choice(kind, missing, clip=clip)}).fit(table)
    again = FeatureEncoder.from_state(encoder.state())
    assert np.isfinite(encoder.encode(table)).all()
    for layout in ("standard", "raw"):
        assert np.array_equal(encoder.encode(table, layout), again.encode(table, layout), equal_nan=True)
    assert again.schema_ == encoder.schema_


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        (3, r"a column's choices are a kind or a table \(got 3\)"),
        ({"knd": "money"}, r"no such choice \(got 'knd'\). Did you mean 'kind'"),
        ({"kind": "mony"}, r"unknown kind of feature \(got 'mony'\). Did you mean 'money'"),
        ({"missing": "men"}, r"unknown way to fill gaps \(got 'men'\). Did you mean 'mean'"),
        ({"unseen": "raise"}, r"unknown way to take unseen categories \(got 'raise'\)"),
        ({"clip": [0.9, 0.1]}, r"clip is two quantiles, .* \(got \[0.9, 0.1\]\)"),
        ({"clip": 0.1}, "clip is two quantiles"),
        ({"missing": "interpolate", "time": 3}, "a time is the name of a column"),
    ],
)
def test_choices_that_are_unknown(chosen, words):
    """Each is refused with the column, what was found, and what there is."""
    with pytest.raises(InputError, match=f"column 'spend': {words}"):
        choices_of({"spend": chosen})


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        (
            {"tier": {"missing": "mean"}},
            r"gaps of a column of kind category .* \(got 'mean'\). Choose one of",
        ),
        ({"tier": {"clip": (0, 0.5)}}, "kind category has no quantiles"),
        ({"spend": {"unseen": "refuse"}}, "kind number has no unseen categories"),
        ({"spend": {"time": "day"}}, "a time is of no use here .* Say missing = 'interpolate' too"),
        ({"spend": {"missing": "interpolate"}}, "no column says at what time this one was so"),
        ({"spend": {"missing": "interpolate", "time": "tier"}}, r"no such time \(got 'tier'\)"),
        ({"spend": "coupon"}, r"no feature can be of this kind \(got 'coupon'\)"),
    ],
)
def test_choices_that_do_not_fit(chosen, words):
    """A mean of categories, quantiles of categories, a time that is not there."""
    with pytest.raises(InputError, match=words):
        Schema.of(GAPS, chosen)


def test_dates_are_read_by_their_format():
    """The same days as ISO dates, in a model that was saved too; what is not of the format is refused."""
    table = pd.DataFrame({"day": ["31/12/2023", "01/02/2024", "02/02/2024", None]})
    iso = pd.DataFrame({"day": ["2023-12-31", "2024-02-01", "2024-02-02", None]})
    chosen = {"day": {"format": "%d/%m/%Y"}}
    encoder = FeatureEncoder(chosen).fit(table)
    assert encoder.schema_.columns[0].kind == "date"
    again = FeatureEncoder.from_state(encoder.state())
    assert np.array_equal(again.encode(table, "raw"), FeatureEncoder().fit(iso).encode(iso, "raw"), True)
    with pytest.raises(InputError, match=r"row 1, .*not a date \(got '12/31/2023'\).*31/05/2024 \(%d/%m/%Y"):
        again.encode(pd.DataFrame({"day": ["01/01/2024", "12/31/2023"]}))


def test_a_table_whose_dates_are_dates_needs_no_format():
    """Whoever wrote the users of a prediction with ISO dates, or in Parquet, gets the same answers."""
    encoder = FeatureEncoder({"day": {"format": "%d/%m/%Y"}}).fit(
        pd.DataFrame({"day": ["31/12/2023", "01/02/2024"]})
    )
    text = encoder.encode(pd.DataFrame({"day": ["31/12/2023", None]}), "raw")
    dates = pd.DataFrame({"day": pd.Series([dt.date(2023, 12, 31), None], dtype=object)})
    times = pd.DataFrame({"day": pd.to_datetime(["2023-12-31", None])})
    assert np.array_equal(encoder.encode(dates, "raw"), text, True)
    assert np.array_equal(encoder.encode(times, "raw"), text, True)


def test_whole_numbers_are_dates_by_a_format():
    """As 20240531, with gaps or without."""
    table = pd.DataFrame({"day": [20240531, 20240601]})
    encoder = FeatureEncoder({"day": {"format": "%Y%m%d"}}).fit(table)
    days = encoder.encode(pd.DataFrame({"day": [20240531, None, 20240601]}), "raw")[:, 0]
    assert days[2] - days[0] == pytest.approx(1.0)
    assert np.isnan(days[1])


@pytest.mark.parametrize("form", ["%d/%m", "day", "%q", 7])
def test_what_is_no_format_of_dates_is_refused(form):
    """With one that is."""
    with pytest.raises(
        InputError, match=r"column 'day': this is no format of dates .*'%d/%m/%Y' for 31/05/2024"
    ):
        choices_of({"day": {"format": form}})


def test_only_dates_have_a_format():
    """A number has none."""
    with pytest.raises(InputError, match=r"column 'age': a column of kind number has no format of dates"):
        Schema.of(pd.DataFrame({"age": [1.0]}), {"age": {"kind": "number", "format": "%Y"}})
