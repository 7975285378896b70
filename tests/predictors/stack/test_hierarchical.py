"""The hierarchical logistic response."""

from dataclasses import replace

import numpy as np
import pytest

from couponry.predictors.stack.belief import Believed
from couponry.predictors.stack.hierarchical import HierarchicalLogit
from couponry.predictors.stack.places import Places


def draw(n: int, arms: int, seed: int, slope: float = 0.6):
    """Return features, arms, outcomes, attributes and the true probabilities.

    A coupon adds 0.3 + its attribute · (0.3 + slope · x₀) to the logit.
    """
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 3)).astype(np.float32)
    attribute = np.linspace(-1, 1, arms)[:, None].astype(np.float32)
    arm = rng.integers(-1, arms, n).astype(np.int32)
    base = -1.5 + 0.7 * x[:, 1]
    effect = 0.3 + attribute[:, 0] * (0.3 + slope * x[:, :1])
    p = 1 / (1 + np.exp(-np.column_stack([base, base[:, None] + effect])))
    y = (rng.random(n) < p[np.arange(n), arm + 1]).astype(float)
    return x, arm, y, attribute, p


def test_sums_by_arm_make_the_sums_of_all_coefficients():
    """Checked against the design written out: base, shared and own columns of every row."""
    rng = np.random.default_rng(0)
    f, given = rng.normal(size=(60, 4)), rng.integers(0, 4, 60)
    own = np.array([0, 2])
    places = Places(own, 4, 3)
    blocks = [f, f * (given > 0)[:, None], *(f[:, own] * (given == j)[:, None] for j in (1, 2, 3))]
    whole, z = np.hstack(blocks), rng.normal(size=60)
    gram = np.array([[f[given == a].T @ f[given == a]] * 3 for a in range(4)])
    right = np.array([[f[given == a].T @ z[given == a]] * 2 for a in range(4)])
    made, side = places.spread(gram, right)
    assert np.allclose(made, whole.T @ whole)
    assert np.allclose(side, whole.T @ z)


def test_effects_are_found_and_their_errors_cover_the_truth():
    """Nine of ten within two standard errors, over users and coupons."""
    x, arm, y, attribute, p = draw(20_000, 5, 0)
    model = HierarchicalLogit().fit(x, arm, y, attribute)
    told, error = model.predict(x, np.arange(5), attribute)
    value, true = told[:, 1:] - told[:, :1], p[:, 1:] - p[:, :1]
    assert np.corrcoef(value.ravel(), true.ravel())[0, 1] > 0.95
    assert (np.abs(value - true) < 2 * error).mean() > 0.9


def test_few_rows_shrink_effects_to_one_average():
    """Where coupons all do the same, users' predicted uplifts differ by little more than their base."""
    x, arm, y, attribute, p = draw(800, 5, 1, slope=0.0)
    told, _ = HierarchicalLogit().fit(x, arm, y, attribute).predict(x, np.arange(5), attribute)
    assert np.abs((told[:, 1:] - told[:, :1]) - (p[:, 1:] - p[:, :1])).mean() < 0.06


def test_a_new_coupon_has_the_effect_of_its_attributes():
    """The fifth is left out; its slope in x₀ is the largest of all."""
    x, arm, y, attribute, p = draw(20_000, 5, 2)
    kept = arm < 4
    model = HierarchicalLogit().fit(x[kept], arm[kept], y[kept], attribute[:4])
    told, error = model.predict(x, np.array([3, -1]), attribute[3:])
    value = told[:, 2] - told[:, 0]
    assert np.corrcoef(value, p[:, 5] - p[:, 0])[0, 1] > 0.8
    assert (error[:, 1] >= 0).all()


def test_unseen_probabilities_are_those_without_the_fold():
    """Close to a model that is fitted without the fold, and further from the one with it."""
    x, arm, y, attribute, _ = draw(3000, 2, 3)
    fold = np.arange(3000) % 3
    model = HierarchicalLogit().fit(x, arm, y, attribute, fold)
    told = model.unseen(x, fold)
    out = fold == 0
    alone = HierarchicalLogit().fit(x[~out], arm[~out], y[~out], attribute)
    without, _ = alone.predict(x[out], np.arange(2), attribute)
    assert told[out] == pytest.approx(without, abs=0.05)
    assert np.abs(told[out] - without).mean() < 0.01


def test_coupons_that_hardly_differ_keep_the_order_of_their_averages():
    """Two averages cannot show that coupons do not differ, and somebody has to choose."""
    rng = np.random.default_rng(4)
    x = rng.normal(size=(9000, 2)).astype(np.float32)
    arm = np.repeat([-1, 0, 1, 2], 2250).astype(np.int32)
    y = np.concatenate([np.arange(2250) < count for count in (200, 250, 262, 256)]).astype(float)
    none = np.zeros((3, 0), np.float32)
    told, _ = HierarchicalLogit().fit(x, arm, y, none).predict(x, np.arange(3), none)
    assert np.argsort(told.mean(axis=0)).tolist() == [0, 1, 3, 2]
    assert told.mean(axis=0)[2] - told.mean(axis=0)[1] > 0.0005


def test_effects_that_add_to_the_probability_are_found_as_such():
    """Twice as near as by a logit, where the base varies much; none leaves [0, 1]."""
    rng = np.random.default_rng(4)
    x = rng.normal(size=(60_000, 3)).astype(np.float32)
    arm = rng.integers(-1, 5, 60_000).astype(np.int32)
    attributes = np.zeros((5, 0), np.float32)
    base = 1 / (1 + np.exp(2 - 1.2 * x[:, 1].astype(float)))
    effect = 0.08 + 0.05 * x[:, :1] * np.array([-1, -0.5, 0, 0.5, 1.0])
    p = np.clip(np.column_stack([base, base[:, None] + effect]), 0, 1)
    y = (rng.random(60_000) < p[np.arange(60_000), arm + 1]).astype(float)
    errors = []
    for additive in (False, True):
        model = HierarchicalLogit(additive).fit(x, arm, y, attributes)
        told = model.probability(x[:5000], np.arange(5), attributes)
        assert told.min() >= 0
        assert told.max() <= 1
        errors.append(np.square(told[:, 1:] - told[:, :1] - effect[:5000]).mean())
        again = HierarchicalLogit.from_state(model.state())
        assert np.array_equal(again.probability(x[:50], np.arange(5), attributes), told[:50])
    assert errors[1] < errors[0] / 2


def test_the_largest_of_many_slopes_of_noise_are_believed_to_be_noise():
    """Where coupons do the same for everybody, the few slopes that are fitted stay near nought."""
    rng = np.random.default_rng(5)
    x = rng.normal(size=(4000, 40)).astype(np.float32)
    arm = rng.integers(-1, 8, 4000).astype(np.int32)
    y = (rng.random(4000) < np.where(arm >= 0, 0.4, 0.3)).astype(float)
    model = HierarchicalLogit(most=480).fit(x, arm, y, np.zeros((8, 0), np.float32))
    assert 3 < len(model.places.own) < 40
    assert (model.table[1:] - model.table[1:].mean(axis=0))[:, 1:].std() < 0.002


def test_a_row_that_was_not_seen_told_nothing_of_which_coupons_are_alike():
    """The model without a fold is the same whatever that fold's outcomes taught the others' correlation."""
    x, arm, y, attribute, _ = draw(6_000, 5, 3)
    fold = np.arange(len(y)) % 3
    model = HierarchicalLogit().fit(x, arm, y, attribute, fold)
    groups = model._groups(model.basis.kinds, None)
    learnt = [g for g in groups if g.expected is not None]
    assert learnt
    changed = [replace(g, inverse=7 * g.inverse) if g.expected is not None else g for g in groups]
    rng = np.random.default_rng(0)
    f = rng.normal(size=(3, 6, 400, len(model.basis.kinds)))
    gram = np.array([[[a.T @ a] * 3 for a in part] for part in f])
    right = rng.normal(size=(3, 6, 2, len(model.basis.kinds)))
    one, other = (
        Believed.of(model.places, gram, right, its, model.variance, np.zeros(model.places.size))
        for its in (groups, changed)
    )
    assert np.array_equal(one.without, other.without)
    assert not np.array_equal(one.mean, other.mean)


def with_and_without_folds(slopes: np.ndarray, rng: np.random.Generator):
    """Return the model with folds, and squared errors of effects without folds and with them.

    ``slopes``, ``(30, 10)``, are those of ten coupons' logits on thirty features; 30,000 rows.
    """
    x = rng.normal(size=(30_000, 30)).astype(np.float32)
    arm = rng.integers(-1, 10, len(x)).astype(np.int32)
    p = 1 / (1 + np.exp(-np.hstack([np.zeros((len(x), 1)), x @ slopes]) + 1.5))
    y = (rng.random(len(x)) < p[np.arange(len(x)), arm + 1]).astype(float)
    nothing, errors = np.zeros((10, 0), np.float32), []
    for fold in (None, np.arange(len(x)) % 3):
        model = HierarchicalLogit().fit(x, arm, y, nothing, fold)
        told = model.probability(x, np.arange(10), nothing)
        errors.append(np.square(told[:, 1:] - told[:, :1] - (p[:, 1:] - p[:, :1])).mean())
    return model, *errors


def test_unseen_rows_say_how_far_a_learnt_correlation_is_taken():
    """Two tastes behind thirty slopes of ten coupons are taken further than found, and nearer the truth."""
    rng = np.random.default_rng(6)
    slopes = rng.normal(size=(30, 2)) @ rng.normal(size=(2, 10)) * 0.1
    model, without, with_folds = with_and_without_folds(slopes, rng)
    assert model.belief["correlation"] > 1.2
    assert with_folds < 0.95 * without
    again = HierarchicalLogit.from_state(model.state())
    assert again.belief == model.belief


def test_slopes_of_which_few_are_large_are_nearer_the_truth_with_heavy_tails():
    """Each feature matters to one coupon in ten; unseen rows believe it, and the error falls by a fifth."""
    rng = np.random.default_rng(7)
    slopes = np.where(rng.random((30, 10)) < 0.1, rng.choice([-0.4, 0.4], (30, 10)), 0.0)
    model, without, with_folds = with_and_without_folds(slopes, rng)
    assert model.belief["heavy_tails"] > 0.5
    assert with_folds < 0.8 * without


def test_without_folds_or_many_coupons_nothing_is_believed_beyond_what_was_found():
    """Nobody unseen can tell."""
    x, arm, y, attribute, _ = draw(3000, 5, 7)
    found = {"correlation": 1.0, "heavy_tails": 0.0}
    assert HierarchicalLogit().fit(x, arm, y, attribute).belief == found
    few = arm < 2
    model = HierarchicalLogit().fit(x[few], arm[few], y[few], attribute[:2], np.arange(few.sum()) % 3)
    assert model.belief == found
