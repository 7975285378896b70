"""Sequences of events."""

import numpy as np
import pandas as pd
import pytest

from couponry.instances.errors import InputError
from couponry.predictors.encoders.events import EventEncoder, are_ages_of

CELLS = pd.Series([["view", "view", "cart"], [], ["view"], None])


def test_counts_and_recency_by_steps():
    """Without ages an event is as old as the events after it are many."""
    encoder = EventEncoder("browse").fit(CELLS)
    assert encoder.events == ["view", "cart"]
    assert encoder.names == [
        "browse length",
        *("browse count of view", "browse count of cart"),
        *("browse lately view", "browse lately cart"),
    ]
    found = np.expm1(encoder.raw(CELLS))
    assert found[0, :3].tolist() == pytest.approx([3, 2, 1])
    # Steps are 2, 1, 0 and 0, their median 0.5, so τ = 0.125.
    assert found[0, 3:] == pytest.approx([np.exp(-16) + np.exp(-8), 1.0], abs=1e-5)
    assert (found[[1, 3]] == 0).all()


def test_ages_from_the_column_beside():
    """Lists of numbers that fall along the list say how long ago each event was."""
    ages = pd.Series([[8.0, 4.0, 0.0], [], [8.0], None])
    assert are_ages_of(ages, CELLS)
    found = np.expm1(EventEncoder("browse", "days").fit(CELLS, ages).raw(CELLS, ages))
    # The median of 8, 4, 0 and 8 is 6, so τ = 1.5.
    assert found[0, 3:] == pytest.approx([np.exp(-8 / 1.5) + np.exp(-4 / 1.5), 1.0], abs=1e-5)


@pytest.mark.parametrize(
    "ages",
    [
        [[0.0, 4.0, 8.0], [], [8.0], None],  # rising: not ages, oldest first
        [[8.0, 4.0], [], [8.0], None],  # another length
        [[8.0, 4.0, -1.0], [], [8.0], None],  # negative
        [None, None, None, None],
    ],
)
def test_other_lists_are_not_ages(ages):
    """Only falling lists of the same lengths are."""
    assert not are_ages_of(pd.Series(ages), CELLS)


def test_a_row_with_fewer_ages_than_events_is_refused():
    """The message names the row and both numbers."""
    ages = pd.Series([[8.0, 4.0, 0.0], [], [8.0], None])
    encoder = EventEncoder("browse", "days").fit(CELLS, ages)
    with pytest.raises(InputError, match="row 0, column 'browse': the list has 1 events but 'days' 2 ages"):
        encoder.raw(pd.Series([["view"]]), pd.Series([[1.0, 0.0]]))


def test_unknown_events_count_in_length_only():
    """What training never saw has no column."""
    encoder = EventEncoder("browse").fit(CELLS)
    assert np.expm1(encoder.raw(pd.Series([["share"]])))[0].tolist() == pytest.approx([1, 0, 0, 0, 0])


def test_standard_is_scaled_and_restored():
    """Training columns have zero mean and unit spread; a round trip changes nothing."""
    encoder = EventEncoder("browse").fit(CELLS)
    found = encoder.standard(CELLS)
    assert found.mean(axis=0) == pytest.approx(0, abs=1e-6)
    again = EventEncoder.from_state("browse", encoder.state())
    assert (again.standard(CELLS) == found).all()
