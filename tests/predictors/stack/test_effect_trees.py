"""Trees boosted on what coupons add."""

import numpy as np
import pytest

from couponry.predictors.stack.effect_trees import EffectTrees


@pytest.fixture(scope="module")
def trial():
    """Thirty thousand rows, four coupons; the second adds .2 where two features are high, others nothing."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(30_000, 4)).astype(np.float32)
    arm = rng.integers(-1, 4, len(x)).astype(np.int32)
    effect = np.zeros((len(x), 4))
    effect[:, 1] = 0.2 * ((x[:, 0] > 0.3) & (x[:, 1] > 0))
    p = 0.05 + np.hstack([np.zeros((len(x), 1)), effect])
    y = (rng.random(len(x)) < p[np.arange(len(x)), arm + 1]).astype(float)
    start = np.full((len(x), 5), 0.06)
    return x, arm, y, start, np.arange(len(x)) % 3, effect


@pytest.fixture(scope="module")
def model(trial):
    """Trees grown on the trial."""
    return EffectTrees().fit(*trial[:5])


def test_an_effect_where_two_features_meet_is_found(trial, model):
    """On rows that the trees did not see, and for the one coupon that has it."""
    x, _, _, start, fold, effect = trial
    told = model.unseen(x, start, fold)
    found = told[:, 1:] - told[:, :1]
    assert np.corrcoef(found[:, 1], effect[:, 1])[0, 1] > 0.9
    assert found[:, [0, 2, 3]].std() < 0.01


def test_outcomes_of_chance_grow_hardly_anything(trial):
    """Where no coupon does anything, what is told stays where it started."""
    x, arm, _, start, fold, _ = trial
    y = (np.random.default_rng(1).random(len(x)) < 0.06).astype(float)
    told = EffectTrees().fit(x, arm, y, start, fold).unseen(x, start, fold)
    assert np.abs(told - start).mean() < 0.005


def test_a_fold_is_not_seen_by_its_own_trees(trial):
    """What is told of a fold's rows is the same whatever was drawn of them, but for when to stop."""
    x, arm, y, start, fold, _ = trial
    first = EffectTrees().fit(x, arm, y, start, fold)
    other = EffectTrees().fit(x, arm, np.where(fold == 0, 1 - y, y), start, fold)
    a, b = (m.forest.fold == 0 for m in (first, other))
    shared = min(a.sum(), b.sum())
    roots = [m.forest.root[own][:shared] for m, own in ((first, a), (other, b))]
    told = [m.forest.value[root] for m, root in zip((first, other), roots, strict=True)]
    assert told[0] == pytest.approx(told[1], abs=1e-12)


def test_thresholds_say_what_bins_said(trial, model):
    """Answers for rows learnt from are the mean of the folds' trees, whichever way they are walked."""
    x, _, _, start, _, _ = trial
    told = model.predict(x[:500], start[:500, 0], np.eye(4))
    folds = [model.unseen(x[:500], start[:500], np.full(500, k)) for k in range(3)]
    assert told == pytest.approx(np.mean(folds, axis=0), abs=1e-9)


def test_a_new_coupon_is_made_of_those_that_are_known(trial, model):
    """Half of two coupons is the mean of their effects."""
    x, _, _, start, _, _ = trial
    known = model.predict(x[:100], start[:100, 0], np.eye(4))
    new = model.predict(x[:100], start[:100, 0], np.array([[0.5, 0.5, 0, 0]]))
    assert new[:, 0] == pytest.approx(known[:, 0])
    assert new[:, 1] == pytest.approx(known[:, 1:3].mean(axis=1))


def test_what_was_grown_survives_saving(trial, model):
    """To the last bit."""
    x, _, _, start, _, _ = trial
    again = EffectTrees.from_state(model.state())
    assert (again.predict(x, start[:, 0], np.eye(4)) == model.predict(x, start[:, 0], np.eye(4))).all()
