"""Times in a log."""

import numpy as np
import pandas as pd
import pytest

from couponry.instances.coupons import Coupons
from couponry.instances.errors import InputError
from couponry.instances.log import Log

MENU = Coupons(pd.DataFrame({"coupon_id": ["A"]}))
FRAME = pd.DataFrame(
    {
        "user_id": ["u", "v", "w"],
        "arm": ["A", "A", None],
        "conversion": [1, 0, 1],
        "age": [30, 40, 50],
        "given_at": ["2024-05-01T10:00", "2024-05-01T11:00", None],
        "converted_at": ["2024-05-02T09:00:00+08:00", None, "2024-04-01T00:00:01"],
    }
)


def test_times_are_no_features_and_survive_the_disk(tmp_path):
    """They are read in UTC, taken with their rows, written and read."""
    log = Log.from_frame(FRAME, MENU)
    assert list(log.features) == ["age"]
    assert str(log.converted_at[0]) == "2024-05-02T01:00:00.000000"
    assert np.isnat(log.given_at[2])
    log.write(tmp_path / "log")
    again = Log.read(tmp_path / "log")
    assert np.array_equal(again.given_at, log.given_at, equal_nan=True)
    assert np.array_equal(again.take(np.array([2])).converted_at, log.converted_at[2:])
    assert Log.from_frame(FRAME.drop(columns=["given_at", "converted_at"]), MENU).given_at is None


def test_an_outcome_before_its_treatment_is_refused():
    """With the row, both times and the mend."""
    early = FRAME.assign(converted_at=["2024-05-01T09:59:59", None, None])
    words = (
        r"log.csv, row 0, column 'converted_at': the outcome came before its treatment, which was given at "
        r"2024-05-01T10:00:00.000000 \(got '2024-05-01T09:59:59.000000'\). .* 1 row is so"
    )
    with pytest.raises(InputError, match=words):
        Log.from_frame(early, MENU, source="log.csv")


def test_conversions_told_by_the_day_are_compared_by_the_day():
    """On the day of the coupon is not before it; the day before is."""
    Log.from_frame(FRAME.assign(converted_at=["2024-05-01", None, None]), MENU)
    with pytest.raises(InputError, match="the outcome came before its treatment"):
        Log.from_frame(FRAME.assign(converted_at=["2024-04-30", None, None]), MENU)


def test_a_time_without_a_conversion_is_refused():
    """The message has the row."""
    with pytest.raises(
        InputError, match="row 1, column 'converted_at': a row without a conversion has a time"
    ):
        Log.from_frame(FRAME.assign(converted_at=[None, "2024-05-03", None]), MENU)


@pytest.mark.parametrize("wrong", ["soon", 17])
def test_what_is_no_time_is_refused(wrong):
    """A word; a number, which says nothing of its unit."""
    given_at = pd.Series([wrong, None, None], dtype=object if isinstance(wrong, str) else float)
    with pytest.raises(
        InputError, match=r"row 0, column 'given_at': not a time \(got .*Write it as 2024-05-31"
    ):
        Log.from_frame(FRAME.assign(given_at=given_at), MENU)
