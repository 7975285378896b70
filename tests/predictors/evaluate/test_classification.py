"""Measures of a two-class prediction, by hand."""

import numpy as np
import pytest

from couponry.instances.errors import InputError
from couponry.predictors.evaluate.classification import classification_scores

OUTCOME = np.array([1, 0, 1, 0, 0])
PROBABILITY = np.array([0.9, 0.6, 0.4, 0.2, 0.1])


def test_scores_by_hand():
    """At 1/2 the first two are called buyers: one rightly; one of two buyers is found."""
    found = classification_scores(OUTCOME, PROBABILITY, bins=1)
    assert (found["rows"], found["rate"], found["threshold"]) == (5, pytest.approx(0.4), 0.5)
    assert found["accuracy"] == pytest.approx(3 / 5)
    assert found["precision"] == found["recall"] == found["f1"] == pytest.approx(1 / 2)
    assert found["auc"] == pytest.approx(5 / 6)  # of six pairs only (0.4, 0.6) is the wrong way round
    logs = np.log([0.9, 0.4, 0.4, 0.8, 0.9])
    assert found["log_loss"] == pytest.approx(-logs.mean())
    assert found["brier"] == pytest.approx((0.01 + 0.36 + 0.36 + 0.04 + 0.01) / 5)
    assert found["calibration_error"] == pytest.approx(0.44 - 0.4)


def test_a_lower_threshold_calls_more_rows_buyers():
    """At the observed rate of 0.4 three are called, and both buyers are found."""
    found = classification_scores(OUTCOME, PROBABILITY, threshold=0.4)
    assert found["precision"] == pytest.approx(2 / 3)
    assert found["recall"] == 1.0


def test_one_class_alone_leaves_undefined_measures_nan():
    """Nobody buys and nobody is called a buyer: accuracy is 1, and nothing is ranked or found."""
    found = classification_scores(np.zeros(3), np.full(3, 0.1))
    assert found["accuracy"] == 1.0
    assert found["log_loss"] == pytest.approx(-np.log(0.9))
    assert all(np.isnan(found[name]) for name in ("precision", "recall", "f1", "auc"))


@pytest.mark.parametrize(
    ("outcome", "probability", "words"),
    [
        ([0, 0.5], [0, 1], r"row 1, column 'outcome': outcome must be 0 or 1 \(got 0.5\)"),
        ([0, 1], [0.5, 1.2], r"row 1, column 'probability': probability must be in \[0, 1\] \(got 1.2\)"),
        ([0, 1], [0.5, np.nan], r"probability must be in \[0, 1\] \(got nan\)"),
        ([0, 1], [0.5], "outcome has 2 rows and probability 1"),
        ([], [], "outcome has 0 rows"),
    ],
)
def test_what_is_no_prediction_is_refused(outcome, probability, words):
    """A fraction as outcome, a number that is no probability, other lengths."""
    with pytest.raises(InputError, match=words):
        classification_scores(outcome, probability)
