"""Qini, AUUC and uplift among the first, by hand and against scikit-uplift."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from couponry.instances.errors import InputError
from couponry.predictors.evaluate.uplift import (
    auuc_score,
    perfect_qini_curve,
    qini_curve,
    qini_score,
    uplift_at_k,
    uplift_by_quantile,
    uplift_curve,
)

# Six users, best first: (treated, bought) = (1, 1), (0, 0), (1, 1), (0, 1), (1, 0), (0, 0).
OUTCOME = np.array([1, 0, 1, 1, 0, 0])
TREATED = np.array([1, 0, 1, 0, 1, 0])
UPLIFT = np.array([6.0, 5.0, 4.0, 3.0, 2.0, 1.0])


@st.composite
def trials(draw):
    """A trial with both groups, 0/1 outcomes and scores that tie now and then."""
    n = draw(st.integers(4, 60))
    seed = draw(st.integers(0, 10_000))
    generator = np.random.default_rng(seed)
    treated = generator.integers(0, 2, n)
    treated[:2] = [0, 1]
    outcome = generator.integers(0, 2, n)
    outcome[2:4] = [0, 1]
    levels = draw(st.sampled_from([2, 5, 1000]))
    return outcome, generator.integers(0, levels, n) / levels, treated


def test_qini_curve_by_hand():
    """Q = bought by treated − bought by control × treated / control, after each user."""
    count, gain = qini_curve(OUTCOME, UPLIFT, TREATED)
    assert count.tolist() == [0, 1, 2, 3, 4, 5, 6]
    # 1 − 0, 1 − 0·1/1, 2 − 0·2/1, 2 − 1·2/2, 2 − 1·3/2, 2 − 1·3/3
    assert gain.tolist() == [0, 1, 1, 2, 1, 0.5, 1]


def test_uplift_curve_by_hand():
    """Difference of buying rates times users, after each user; an empty group has rate 0."""
    _, gain = uplift_curve(OUTCOME, UPLIFT, TREATED)
    # (1/1 − 0)·1, (1 − 0)·2, (2/2 − 0)·3, (2/2 − 1/2)·4, (2/3 − 1/2)·5, (2/3 − 1/3)·6
    assert gain == pytest.approx([0, 1, 2, 3, 2, 5 / 6, 2])


def test_tied_users_are_one_step():
    """Rows with one predicted uplift enter the curve together."""
    count, gain = qini_curve(OUTCOME, np.array([2, 2, 2, 1, 1, 1]), TREATED)
    assert count.tolist() == [0, 3, 6]
    assert gain.tolist() == [0, 2, 1]


def test_perfect_order_scores_one_and_its_reverse_less_than_zero():
    """The order that knows the outcomes is the perfect one."""
    knows = np.where(TREATED, OUTCOME, -OUTCOME)
    assert qini_score(OUTCOME, knows, TREATED) == pytest.approx(1.0)
    assert qini_score(OUTCOME, -knows, TREATED) < 0


@given(trials())
def test_scores_equal_scikit_uplift(trial):
    """Qini, AUUC and uplift at k are scikit-uplift's, to 1e-9, ties included."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from sklift import metrics
    outcome, uplift, treated = trial

    def agree(ours, theirs):
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            try:
                expected = theirs()
            except ZeroDivisionError:  # the perfect order wins nothing
                assert np.isnan(ours())
                return
        if np.isfinite(expected):
            assert ours() == pytest.approx(expected, abs=1e-9)

    agree(
        lambda: qini_score(outcome, uplift, treated), lambda: metrics.qini_auc_score(outcome, uplift, treated)
    )
    agree(
        lambda: auuc_score(outcome, uplift, treated),
        lambda: metrics.uplift_auc_score(outcome, uplift, treated),
    )
    for strategy in ("overall", "by_group"):
        try:
            ours = uplift_at_k(outcome, uplift, treated, 0.4, strategy)
        except InputError:
            continue
        agree(lambda o=ours: o, lambda s=strategy: metrics.uplift_at_k(outcome, uplift, treated, s, 0.4))


@given(trials())
def test_curves_equal_scikit_uplift(trial):
    """Every point of the Qini curve and of the perfect one is scikit-uplift's."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from sklift import metrics

        outcome, uplift, treated = trial
        theirs = metrics.qini_curve(outcome, uplift, treated), metrics.perfect_qini_curve(outcome, treated)
    ours = qini_curve(outcome, uplift, treated), perfect_qini_curve(outcome, treated)
    for (count, gain), (their_count, their_gain) in zip(ours, theirs, strict=True):
        # Their curve has no point of its own at the origin where the first step is there already.
        assert np.interp(their_count, count, gain) == pytest.approx(their_gain, abs=1e-9)


def test_uplift_at_k_by_hand():
    """Among the first four: treated bought 2 of 2, control 1 of 2; by group the first two of three each."""
    assert uplift_at_k(OUTCOME, UPLIFT, TREATED, 0.7) == pytest.approx(0.5)
    assert uplift_at_k(OUTCOME, UPLIFT, TREATED, 0.7, "by_group") == pytest.approx(0.5)


def test_uplift_by_quantile_by_hand():
    """Two bins: first three users 2/2 − 0/1 = 1, last three 0/1 − 1/2 = −1/2; highest prediction first."""
    table = uplift_by_quantile(OUTCOME, UPLIFT, TREATED, bins=2)
    assert table["bin"].tolist() == [1, 2]
    assert table["predicted"].tolist() == [5.0, 2.0]
    assert table["observed"].tolist() == [1.0, -0.5]
    # Variance of the last bin's control (1 and 0) is 1/4, over 2 users; its treated user has none.
    assert table["standard_error"].tolist() == pytest.approx([0.0, np.sqrt(0.25 / 2)])


@pytest.mark.parametrize(
    ("treated", "words"), [(np.ones(6), "all 6 are treated"), (np.zeros(6), "all 6 are untreated")]
)
def test_a_missing_group_is_refused(treated, words):
    """Uplift needs both groups, and the message says which is missing."""
    with pytest.raises(InputError, match=words):
        qini_curve(OUTCOME, UPLIFT, treated)


def test_a_score_that_is_not_finite_is_refused_with_its_row():
    """The message names row, column and value."""
    with pytest.raises(InputError, match=r"row 2, column 'uplift': uplift must be finite \(got nan\)"):
        qini_score(OUTCOME, [1, 2, np.nan, 3, 4, 5], TREATED)


def test_lengths_that_differ_are_refused():
    """The message gives the three lengths."""
    with pytest.raises(InputError, match="differ in length: 6, 5, 6"):
        qini_score(OUTCOME, UPLIFT[:5], TREATED)


@pytest.mark.parametrize(
    ("share", "strategy", "words"),
    [
        (0.0, "overall", "parameter 'share': this must lie strictly between 0 and 1"),
        (0.5, "each", "Give 'overall' or 'by_group'"),
        (0.2, "overall", "one group is empty among the first 20%"),
    ],
)
def test_uplift_at_k_refuses(share, strategy, words):
    """A share outside (0, 1), an unknown strategy, an empty group."""
    with pytest.raises(InputError, match=words):
        uplift_at_k(OUTCOME, UPLIFT, TREATED, share, strategy)


def test_no_uplift_to_win_is_nan():
    """Where nobody buys, the perfect order wins nothing and the score says so."""
    assert np.isnan(qini_score(np.zeros(6), UPLIFT, TREATED))


@pytest.mark.parametrize("seed", range(5))
def test_a_ranking_of_everybody_alike_scores_nought(seed):
    """Whatever the sums' rounding errors are, by each definition."""
    generator = np.random.default_rng(seed)
    rows = 997
    outcome, treated = generator.random(rows) < 0.3, generator.random(rows) < 0.4
    for definition in ("scikit-uplift", "causalml"):
        assert qini_score(outcome, np.full(rows, 0.1), treated, definition=definition) == 0.0
