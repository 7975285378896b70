"""S, T, X, R and DR on a world whose truth is known."""

from dataclasses import replace

import numpy as np
import pytest
from tests.predictors.small_world import FACE_VALUES, SmallWorld

from couponry.predictors.base_learners.base import BASES
from couponry.predictors.base_learners.linear import Linear
from couponry.predictors.evaluate.policies import budgeted
from couponry.predictors.features import FeatureEncoder
from couponry.predictors.learner import folds_by_user
from couponry.predictors.menu import Menu
from couponry.predictors.meta_learners.base import as_probabilities
from couponry.predictors.meta_learners.dr import DRLearner
from couponry.predictors.meta_learners.r import RLearner
from couponry.predictors.meta_learners.x import XLearner
from couponry.predictors.registry import model_entry
from couponry.predictors.train import training_rows

ALL = np.arange(3)


@pytest.fixture(scope="module")
def trained_on():
    """A log of 12,000 users and 3,000 others to answer for."""
    return SmallWorld.draw(12_000, 0).log(0), SmallWorld.draw(3000, 1)


def fitted(log, name, base, **options):
    """Return a fitted learner and a function from features to its answers."""
    learner = model_entry(name).load()(base=base, **options)
    encoder = FeatureEncoder().fit(log.features)
    learner.fit(training_rows(log, encoder, Menu(log.coupons), learner))

    def answer(features):
        return learner.predict(encoder.encode(features, learner.layout), ALL, np.zeros((3, 0), np.float32))

    return learner, answer


@pytest.mark.parametrize(
    ("name", "base"),
    [
        *((name, base) for name in ("s", "t", "x", "r", "dr") for base in ("sklearn", "lightgbm")),
        ("dr", "forest"),
    ],
)
def test_uplift_cost_and_plan_are_near_the_truth(trained_on, name, base):
    """Uplifts correlate with the true ones, costs are right on average, the plan is near the best one."""
    log, others = trained_on
    _, answer = fitted(log, name, base)
    found = answer(others.features)
    value = found.conversion[:, 1:] - found.conversion[:, :1]
    for j in ALL:
        assert np.corrcoef(value[:, j], others.value[:, j])[0, 1] > 0.45
    assert value.mean(axis=0) == pytest.approx(others.value.mean(axis=0), abs=0.03)
    assert found.cost[:, 1:].mean(axis=0) == pytest.approx(others.cost.mean(axis=0), rel=0.1)
    budget = 0.2 * others.cost[:, 1].sum()
    rows = np.arange(3000)

    def worth(arms):
        return np.where(arms >= 0, others.value[rows, arms], 0).sum()

    best = worth(budgeted(others.value, others.cost, budget))
    plan = budgeted(value, found.cost[:, 1:], budget)
    assert worth(plan) > 0.85 * best
    spent = np.where(plan >= 0, others.cost[rows, plan], 0).sum()
    assert spent < 1.1 * budget


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("name", ["s", "t", "x", "r", "dr"])
def test_every_meta_learner_answers_over_every_base(trained_on, name, base):
    """Probabilities of every arm that tell users apart, through training and a saved model."""
    log, others = trained_on
    learner, answer = fitted(log.take(np.arange(1500)), name, base)
    found = answer(others.features).conversion
    assert found.shape == (3000, 4)
    assert ((found >= 0) & (found <= 1)).all()
    assert (found[:, 1:] - found[:, :1]).std(axis=0).min() > 0
    again = type(learner).from_state(learner.state())
    encoder = FeatureEncoder().fit(log.take(np.arange(1500)).features)
    x = encoder.encode(others.features, again.layout)
    assert (again.predict(x, ALL, np.zeros((3, 0), np.float32)).conversion == found).all()


@pytest.mark.parametrize(
    ("name", "base"), [("s", "sklearn"), ("x", "lightgbm"), ("dr", "sklearn"), ("r", "forest")]
)
def test_a_round_trip_changes_no_bit(trained_on, name, base):
    """A learner taken to pieces and put together answers the same."""
    log, others = trained_on
    learner, answer = fitted(log.take(np.arange(2000)), name, base)
    before = answer(others.features)
    again = type(learner).from_state(learner.state())
    encoder = FeatureEncoder().fit(log.take(np.arange(2000)).features)
    after = again.predict(encoder.encode(others.features, again.layout), ALL, np.zeros((3, 0), np.float32))
    for name_ in ("conversion", "cost", "revenue"):
        assert (getattr(before, name_) == getattr(after, name_)).all()


def test_a_part_of_the_menu_in_another_order(trained_on):
    """Columns follow the coupons that are asked for."""
    log, others = trained_on
    learner, answer = fitted(log.take(np.arange(2000)), "t", "sklearn")
    encoder = FeatureEncoder().fit(log.take(np.arange(2000)).features)
    part = learner.predict(encoder.encode(others.features), np.array([2, 0]), np.zeros((2, 0), np.float32))
    whole = answer(others.features)
    assert (part.conversion == whole.conversion[:, [0, 3, 1]]).all()
    assert (part.cost == whole.cost[:, [0, 3, 1]]).all()


def test_costs_of_users_who_would_have_bought_anyway_count(trained_on):
    """Cost is near face value · P(conversion | coupon), well above face value · uplift."""
    log, others = trained_on
    _, answer = fitted(log, "t", "sklearn")
    found = answer(others.features)
    face = np.array(FACE_VALUES)
    assert found.cost[:, 1:] == pytest.approx(found.conversion[:, 1:] * face)
    assert found.cost[:, 3].mean() > 2 * (others.value[:, 2] * 20).mean()


def test_the_dr_learner_mends_a_biased_log():
    """Where frequent buyers got the coupons more often, propensities keep the average effect right."""
    world = SmallWorld.draw(12_000, 3)
    generator = np.random.default_rng(3)
    often = world.features["visits"].to_numpy() > world.features["visits"].median()
    shares = np.where(often[:, None], [0.1, 0.3, 0.3, 0.3], [0.85, 0.05, 0.05, 0.05])
    arm = (generator.random(12_000)[:, None] > shares.cumsum(axis=1)).sum(axis=1) - 1
    bought = (generator.random(12_000) < world.probability[np.arange(12_000), arm + 1]).astype(float)
    log = replace(
        world.log(0),
        arm=arm.astype(np.int32),
        conversion=bought,
        cost=np.where(arm >= 0, bought, 0.0),
        propensity=shares[np.arange(12_000), arm + 1],
        # What decided is hidden from the model: only the propensities can mend it.
        features=world.features[["age", "app"]],
        segments=(),
    )
    truth = world.value.mean(axis=0)
    naive = np.array([bought[arm == j].mean() for j in range(3)]) - bought[arm == -1].mean()
    _, answer = fitted(log, "dr", "sklearn")
    found = answer(log.features)
    mended = (found.conversion[:, 1:] - found.conversion[:, :1]).mean(axis=0)
    assert (naive - truth > 0.04).all()
    assert mended == pytest.approx(truth, abs=0.035)


def test_small_propensities_are_bounded_in_the_dr_learner(trained_on):
    """A propensity of a millionth counts as the least one allowed."""
    log, _ = trained_on
    small = replace(log.take(np.arange(2000)), propensity=np.full(2000, 1e-6))
    scores = {}
    for least in (0.01, 0.1):
        learner = DRLearner("sklearn", least_propensity=least)
        rows = training_rows(small, FeatureEncoder().fit(small.features), Menu(small.coupons), learner)
        scores[least] = np.abs(learner.scores(rows)).max()
    assert scores[0.01] < 1 + 1 / 0.01
    assert scores[0.1] < 1 + 1 / 0.1


def test_probabilities_stay_in_their_range():
    """An uplift is cut where it would leave [0, 1]."""
    found = as_probabilities(np.array([0.1, 0.95]), np.array([[-0.3, 0.2], [0.1, -0.2]]))
    assert found == pytest.approx(np.array([[0.1, 0.0, 0.3], [0.95, 1.0, 0.75]]))


def test_progress_is_told(trained_on):
    """Steps done never exceed steps in all, and the last says which learner."""
    log, _ = trained_on
    learner = XLearner("sklearn")
    small = log.take(np.arange(1000))
    told = []
    learner.fit(
        training_rows(small, FeatureEncoder().fit(small.features), Menu(small.coupons), learner), told.append
    )
    assert all(step.stage == "training" and step.done <= step.total for step in told)
    assert told[-1].message == "x-learner over sklearn"


def rows_of(log, learner):
    """Return a log as the learner wants it."""
    return training_rows(log, FeatureEncoder().fit(log.features), Menu(log.coupons), learner)


def test_doubly_robust_scores_are_the_formula(trained_on):
    """μ_a + 1{A = a}(y − μ_a)/e, row by row, with μ from models that saw neither the row nor its user."""
    log = trained_on[0].take(np.arange(900))
    learner = DRLearner("sklearn", folds=2)
    rows = rows_of(log, learner)
    scores = learner.scores(rows)
    fold = folds_by_user(rows.user, 2, 0)
    for i in (0, 1, 2, 500, 899):
        for a in range(-1, 3):
            others = (fold != fold[i]) & (rows.arm == a)
            model = Linear(logistic=True).fit(rows.x[others], rows.conversion[others])
            expected = model.predict(rows.x[i : i + 1])[0]
            if rows.arm[i] == a:
                expected += (rows.conversion[i] - expected) / rows.propensity[i]
            assert scores[i, a + 1] == pytest.approx(expected, abs=1e-6)


def test_the_r_learner_minimises_robinsons_loss(trained_on):
    """Over trees of one leaf the effect is Σ(y − m)(W − e) / Σ(W − e)²."""
    log = trained_on[0].take(np.arange(3000))
    learner = RLearner("lightgbm", base_options={"trees": 1, "leaves": 2, "leaf_rows": 10_000})
    rows = rows_of(log, learner)
    learner.learn(rows)
    for j in ALL:
        pair = rows.take((rows.arm == -1) | (rows.arm == j))
        given = (pair.arm == j).astype(float)
        fold = folds_by_user(pair.user, 3, 0)
        mean = np.array([pair.conversion[fold != k].mean() for k in range(3)])[fold]
        left = given - 0.5  # the log's arms are alike
        expected = ((pair.conversion - mean) * left).sum() / (left**2).sum()
        assert learner.effects[j].predict(rows.x[:1])[0] == pytest.approx(expected, abs=1e-6)


def test_the_x_learner_weighs_by_the_propensity(trained_on):
    """τ = e·τ on those without + (1 − e)·τ on those with, e being a coupon's chance among it and none."""
    log = trained_on[0].take(np.arange(4000))
    learner = XLearner("sklearn")
    rows = rows_of(log, learner)
    often = (rows.x[:, 0] > 0)[:, None]
    learner.learn(replace(rows, arm_propensity=np.where(often, [0.1, 0.3, 0.3, 0.3], [0.7, 0.1, 0.1, 0.1])))
    chance = np.where(often[:, 0], 0.75, 0.125)
    assert np.corrcoef(learner.chance[0].predict(rows.x), chance)[0, 1] > 0.8
    share = learner.chance[0].predict(rows.x)
    uplift = share * learner.on_control[0].predict(rows.x)
    uplift += (1 - share) * learner.on_treated[0].predict(rows.x)
    found = learner.by_arm(rows.x)
    whole = (found[:, 1] > 0) & (found[:, 1] < 1)
    assert (found[:, 1] - found[:, 0])[whole] == pytest.approx(uplift[whole], abs=1e-12)


@pytest.mark.parametrize("name", ["t", "dr"])
def test_standard_errors_are_of_the_errors_size(trained_on, name):
    """Most of the true uplifts lie within two standard errors, and the errors are not absurdly wide."""
    log, others = trained_on
    _, answer = fitted(log, name, "sklearn", error_folds=4)
    found = answer(others.features)
    off = np.abs(found.conversion[:, 1:] - found.conversion[:, :1] - others.value)
    error = found.conversion_error
    assert error.shape == (3000, 3)
    assert (off < 2 * error).mean() > 0.7
    assert 0.3 < np.sqrt((off**2).mean()) / np.sqrt((error**2).mean()) < 2.5
