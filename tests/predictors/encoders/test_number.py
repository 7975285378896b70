"""Numbers, flags and dates."""

import numpy as np
import pandas as pd
import pytest

from couponry.predictors.encoders.number import DateEncoder, FlagEncoder, NumberEncoder


def test_gaps_take_the_median_and_are_marked():
    """Of 1, 2, gap, 9 the median is 2; mean 3.5 and spread √(41/4) of 1, 2, 2, 9 set the scale."""
    cells = pd.Series([1.0, 2.0, np.nan, 9.0])
    encoder = NumberEncoder("x").fit(cells)
    found = encoder.standard(cells)
    assert encoder.names == ["x", "x missing"]
    expected = (np.array([1, 2, 2, 9]) - 3.5) / np.sqrt(41 / 4)
    assert found[:, 0] == pytest.approx(expected, abs=1e-6)
    assert found[:, 1].tolist() == [0, 0, 1, 0]


def test_no_indicator_where_training_had_no_gaps():
    """A gap that turns up later takes the median."""
    encoder = NumberEncoder("x").fit(pd.Series([1.0, 2.0, 3.0]))
    assert encoder.standard(pd.Series([np.nan])).tolist() == [[0.0]]


def test_what_is_far_out_is_clipped():
    """A thousand spreads away counts as five."""
    encoder = NumberEncoder("x").fit(pd.Series([-1.0, 1.0]))
    assert encoder.standard(pd.Series([1000.0, -1000.0])).ravel().tolist() == [5.0, -5.0]


def test_a_long_tail_enters_as_its_logarithm():
    """Amounts of money are skewed: equal ratios become about equal steps; a symmetric column stays."""
    money = pd.Series(np.exp(np.random.default_rng(0).normal(3, 1.2, 2000)))
    encoder = NumberEncoder("x").fit(money)
    assert encoder.logarithm
    low, middle, high = encoder.standard(pd.Series([9.0, 99.0, 999.0])).ravel()
    assert high - middle == pytest.approx(middle - low, rel=1e-4)
    assert not NumberEncoder("x").fit(money - money.mean()).logarithm


@pytest.mark.parametrize("unit", [1e-200, 1e-150, 1.0, 1e150])
def test_a_tail_is_long_in_any_unit(unit):
    """Whether a tail is long does not depend on the unit, even where its cube is beyond a double."""
    values = unit * np.array([0.0] * 9 + [1.0] * 90 + [100.0])
    assert NumberEncoder("x").fit(pd.Series(values)).logarithm


def test_raw_keeps_numbers_and_gaps():
    """Trees find thresholds and gaps themselves."""
    found = NumberEncoder("x").fit(pd.Series([1.0, 2.0])).raw(pd.Series([7.0, np.nan]))
    assert found[0, 0] == 7.0
    assert np.isnan(found[1, 0])


def test_a_column_without_spread_or_numbers_is_all_zeros():
    """Nothing can be learnt from it, and nothing is divided by zero."""
    assert NumberEncoder("x").fit(pd.Series([3.0, 3.0])).standard(pd.Series([3.0])).tolist() == [[0.0]]
    empty = NumberEncoder("x").fit(pd.Series([None, None]))
    assert empty.standard(pd.Series([None]))[:, 0].tolist() == [0.0]


def test_flags_with_gaps():
    """Yes, no and unknown."""
    encoder = FlagEncoder("app").fit(pd.Series([True, False, None, True], dtype=object))
    found = encoder.standard(pd.Series([True, False, None], dtype=object))
    assert found[0, 0] > found[1, 0]
    assert found[:, 1].tolist() == [0, 0, 1]


def test_dates_have_a_day_and_a_season():
    """The same day of the next year has the same season and a larger day."""
    encoder = DateEncoder("since").fit(pd.Series(pd.date_range("2023-01-01", periods=700)))
    found = encoder.standard(pd.Series(pd.to_datetime(["2023-06-01", "2024-06-01"])))
    assert found.shape == (2, 3)
    assert found[1, 0] > found[0, 0]
    assert found[0, 1:] == pytest.approx(found[1, 1:], abs=0.02)
    assert len(encoder.names) == 3


def test_state_and_back():
    """An encoder taken to pieces and put together answers the same."""
    cells = pd.Series([1.0, np.nan, 30.0])
    encoder = NumberEncoder("x").fit(cells)
    again = NumberEncoder.from_state("x", encoder.state())
    assert (again.standard(cells) == encoder.standard(cells)).all()
    assert again.names == encoder.names
