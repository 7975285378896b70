"""Lists laid end to end."""

import numpy as np
import pandas as pd

from couponry.predictors.encoders.lists import Flat


def test_rows_and_steps():
    """Every element knows its cell and how many come after it there."""
    flat = Flat.of(pd.Series([["a", "b"], None, ("c",), np.array(["d", "e", "f"])]))
    assert flat.length.tolist() == [2, 0, 1, 3]
    assert flat.values == ["a", "b", "c", "d", "e", "f"]
    assert flat.row.tolist() == [0, 0, 2, 3, 3, 3]
    assert flat.steps.tolist() == [1, 0, 0, 2, 1, 0]


def test_numbers():
    """What is not a number is NaN."""
    found = Flat.of([[1, 2.5], ["x"]]).numbers()
    assert found[:2].tolist() == [1.0, 2.5]
    assert np.isnan(found[2])
