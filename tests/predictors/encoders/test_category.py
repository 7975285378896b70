"""Categories."""

import numpy as np
import pandas as pd

from couponry.predictors.encoders.category import CategoryEncoder


def test_slots_for_frequent_labels_other_and_missing():
    """Labels by frequency, then one slot for what was never seen and one for gaps."""
    encoder = CategoryEncoder("region", least_rows=2).fit(pd.Series(["s", "n", "n", "n", "s", "rare", None]))
    assert encoder.names == ["region = n", "region = s", "region = (other)", "region = (missing)"]
    assert encoder.codes(pd.Series(["s", "n", "rare", "new", None])).tolist() == [1, 0, 2, 2, 3]
    assert encoder.standard(pd.Series(["new"])).tolist() == [[0, 0, 1, 0]]


def test_no_more_slots_than_allowed():
    """The most frequent keep theirs."""
    encoder = CategoryEncoder("x", most=1, least_rows=1).fit(pd.Series(["a", "b", "b"]))
    assert encoder.codes(pd.Series(["a", "b"])).tolist() == [1, 0]


def test_raw_codes_have_gaps_as_nan():
    """For trees a gap is a gap, an unseen label a code of its own."""
    encoder = CategoryEncoder("x", least_rows=1).fit(pd.Series(["a", "b", "b"]))
    found = encoder.raw(pd.Series(["b", "new", None]))
    assert found[:2, 0].tolist() == [0.0, 2.0]
    assert np.isnan(found[2, 0])


def test_whole_numbers_are_one_label_however_stored():
    """3 and 3.0 (a column with a gap) are the same label."""
    encoder = CategoryEncoder("zip", least_rows=1).fit(pd.Series([1, 3, 3]))
    assert encoder.codes(pd.Series([3.0, 1.0, np.nan])).tolist() == [0, 1, 3]


def test_pandas_categories_and_state():
    """A categorical column encodes as its labels do, also after a round trip."""
    cells = pd.Series(["a", "b", "b"], dtype="category")
    encoder = CategoryEncoder("x", least_rows=1).fit(cells)
    again = CategoryEncoder.from_state("x", encoder.state())
    assert (again.standard(cells) == encoder.standard(pd.Series(["a", "b", "b"]))).all()
