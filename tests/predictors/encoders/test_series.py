"""Lists of numbers."""

import numpy as np
import pandas as pd
import pytest

from couponry.predictors.encoders.series import SeriesEncoder

CELLS = pd.Series([[3.0, 1.0, 5.0], np.array([2.0]), [], None])


def test_length_mean_least_most_and_last():
    """An empty list has a length and nothing else."""
    encoder = SeriesEncoder("amounts").fit(CELLS)
    found = encoder.raw(CELLS)
    assert found[0].tolist() == pytest.approx([np.log(4), 3, 1, 5, 5])
    assert found[1].tolist() == pytest.approx([np.log(2), 2, 2, 2, 2])
    assert found[2, 0] == 0
    assert np.isnan(found[2, 1:]).all()
    assert len(encoder.names) == 5


def test_an_empty_list_is_average_in_the_standard_layout():
    """Its columns are 0, those of others scaled over the lists that have them."""
    encoder = SeriesEncoder("amounts").fit(CELLS)
    found = encoder.standard(CELLS)
    assert found[2, 1:].tolist() == [0, 0, 0, 0]
    # Means 3 and 2 of the two full lists: half a spread each way is one.
    assert found[:2, 1].tolist() == pytest.approx([1.0, -1.0])


def test_only_empty_lists():
    """Nothing to learn, nothing broken; a round trip changes nothing."""
    cells = pd.Series([[], None])
    encoder = SeriesEncoder("amounts").fit(cells)
    assert (encoder.standard(cells) == 0).all()
    again = SeriesEncoder.from_state("amounts", encoder.state())
    assert (again.standard(CELLS) == encoder.standard(CELLS)).all()


def test_large_numbers_have_a_scale():
    """Squares of what float32 holds are beyond it."""
    encoder = SeriesEncoder("x").fit(pd.Series([[1e30], [3e30]]))
    assert encoder.standard(pd.Series([[3e30]]))[0, 1] == pytest.approx(1.0)
