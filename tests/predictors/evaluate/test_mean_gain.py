"""Qini and AUUC by causalml's definition: by hand, against a plain reference, and against causalml itself."""

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from couponry.instances.errors import InputError
from couponry.predictors.evaluate.uplift import auuc_score, qini_score

# Six users, best first: (treated, bought) = (1, 1), (0, 0), (1, 1), (0, 1), (1, 0), (0, 0).
OUTCOME = np.array([1, 0, 1, 1, 0, 0])
TREATED = np.array([1, 0, 1, 0, 1, 0])
UPLIFT = np.array([6.0, 5.0, 4.0, 3.0, 2.0, 1.0])


@st.composite
def trials(draw):
    """A trial with both groups and no two scores alike, whatever the outcomes."""
    n = draw(st.integers(2, 80))
    generator = np.random.default_rng(draw(st.integers(0, 10_000)))
    treated = generator.random(n) < draw(st.sampled_from([0.1, 0.5, 0.9]))
    treated[:2] = [False, True]
    outcome = generator.poisson(0.4, n) if draw(st.booleans()) else generator.integers(0, 2, n)
    return outcome.astype(float), generator.permutation(n) / n, treated


def reference(outcome, uplift, treated, kind, normalised):
    """The definition written out row by row: average n + 1 heights, undefined ones drawn straight from 0."""
    heights = [0.0]
    order = np.argsort(-uplift)
    for k in range(1, len(order) + 1):
        first = order[:k]
        given, none = outcome[first][treated[first]], outcome[first][~treated[first]]
        if len(none) == 0 or (len(given) == 0 and kind == "auuc"):
            heights.append(None)
        elif kind == "auuc":
            heights.append(given.mean() - none.mean())
        else:
            heights.append(given.sum() - none.sum() * len(given) / len(none))
    known = [k for k, height in enumerate(heights) if height is not None]
    heights = np.interp(np.arange(len(heights)), known, [heights[k] for k in known])
    if kind == "auuc":
        heights = heights * np.arange(len(heights))
    end = heights[-1]
    if kind == "qini":
        heights = heights - end * np.arange(len(heights)) / (len(heights) - 1)
    mean = sum(heights) / len(heights)
    return mean / abs(end) if normalised else mean


def test_qini_by_hand():
    """Heights 0, 1/2, 1, 2, 1, 1/2, 1 less k/6 each; row 1 is of the treated alone, so half way to row 2."""
    # They sum to 6, and the straight line's to 3.5.
    assert qini_score(OUTCOME, UPLIFT, TREATED, definition="causalml-raw") == pytest.approx(2.5 / 7)
    assert qini_score(OUTCOME, UPLIFT, TREATED, definition="causalml") == pytest.approx(2.5 / 7)


def test_auuc_by_hand():
    """Lifts 0, 1/2, 1, 1, 1/2, 1/6, 1/3 a row, times rows, averaged over seven heights; the end is 2."""
    total = 0.5 + 2 + 3 + 2 + 5 / 6 + 2
    assert auuc_score(OUTCOME, UPLIFT, TREATED, definition="causalml-raw") == pytest.approx(total / 7)
    assert auuc_score(OUTCOME, UPLIFT, TREATED, definition="causalml") == pytest.approx(total / 7 / 2)


@given(trials())
def test_scores_equal_the_definition_written_out(trial):
    """To 1e-9, normalised and not."""
    for kind, score in (("qini", qini_score), ("auuc", auuc_score)):
        raw = reference(*trial, kind, normalised=False)
        assert score(*trial, definition="causalml-raw") == pytest.approx(raw, abs=1e-9, rel=1e-9)
        ours = score(*trial, definition="causalml")
        if np.isfinite(ours) and abs(ours) < 1e6:  # an end of 1e-17 instead of 0 says nothing
            expected = reference(*trial, kind, normalised=True)
            assert ours == pytest.approx(expected, abs=1e-9, rel=1e-9)


@given(trials())
def test_scores_equal_causalml(trial):
    """To 1e-9, where causalml is installed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        metrics = pytest.importorskip("causalml.metrics", exc_type=ImportError)
        outcome, uplift, treated = trial
        table = pd.DataFrame({"y": outcome, "w": treated.astype(int), "model": uplift})
        for score, theirs in ((qini_score, metrics.qini_score), (auuc_score, metrics.auuc_score)):
            for definition in ("causalml", "causalml-raw"):
                with np.errstate(all="ignore"):
                    expected = float(theirs(table, normalize=definition == "causalml")["model"])
                if np.isfinite(expected) and abs(expected) < 1e6:
                    ours = score(outcome, uplift, treated, definition=definition)
                    assert ours == pytest.approx(expected, abs=1e-9, rel=1e-9)


def test_a_score_alike_for_all_is_random_order():
    """One step from nothing to all is the straight line: 0 above random, and half the end's height."""
    alike = np.zeros(6)
    assert qini_score(OUTCOME, alike, TREATED, definition="causalml") == pytest.approx(0.0)
    assert auuc_score(OUTCOME, alike, TREATED, definition="causalml") == pytest.approx(0.5)


def test_an_effect_of_nothing_cannot_be_normalised():
    """Where nobody buys the curve ends at 0, and the score says NaN."""
    nobody = np.zeros(6)
    assert np.isnan(qini_score(nobody, UPLIFT, TREATED, definition="causalml"))
    assert qini_score(nobody, UPLIFT, TREATED, definition="causalml-raw") == 0.0


def test_an_unknown_definition_is_refused():
    """The message names those there are."""
    for score in (qini_score, auuc_score):
        with pytest.raises(InputError, match="Give one of scikit-uplift, causalml, causalml-raw"):
            score(OUTCOME, UPLIFT, TREATED, definition="h2o")
