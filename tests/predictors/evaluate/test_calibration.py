"""Predicted against observed, in bins."""

import numpy as np
import pytest

from couponry.instances.errors import InputError
from couponry.predictors.evaluate.calibration import (
    expected_calibration_error,
    response_calibration,
    uplift_calibration,
)


def test_response_in_two_bins_by_hand():
    """Bins hold equally many rows, lowest prediction first."""
    table = response_calibration([0.8, 0.1, 0.3, 0.6], [1, 0, 1, 1], bins=2)
    assert table["predicted"].tolist() == pytest.approx([0.2, 0.7])
    assert table["observed"].tolist() == [0.5, 1.0]
    # |0.2 − 0.5| and |0.7 − 1|, half of the rows each.
    assert expected_calibration_error(table) == pytest.approx(0.3)


def test_a_true_probability_is_calibrated_within_its_error():
    """Observed rates lie within four standard errors of the probabilities that drew them."""
    generator = np.random.default_rng(0)
    p = generator.uniform(0.05, 0.6, 20_000)
    table = response_calibration(p, generator.random(20_000) < p)
    assert ((table["predicted"] - table["observed"]).abs() < 4 * table["standard_error"]).all()


def test_uplift_bins_run_from_low_to_high():
    """The lowest prediction is bin 1, and a bin without one of the groups does not count."""
    uplift, treated = np.array([0.1, 0.2, 0.3, 0.4]), np.array([1, 0, 1, 1])
    table = uplift_calibration([0, 0, 1, 1], uplift, treated, bins=2)
    assert table["bin"].tolist() == [1, 2]
    assert table["predicted"].tolist() == pytest.approx([0.15, 0.35])
    assert table["observed"].iloc[0] == 0.0
    assert np.isnan(table["observed"].iloc[1])
    assert expected_calibration_error(table) == pytest.approx(0.15)


def test_no_rows_are_refused():
    """The message gives both lengths."""
    with pytest.raises(InputError, match="predicted has 1 rows and outcome 2"):
        response_calibration([0.5], [0, 1])
