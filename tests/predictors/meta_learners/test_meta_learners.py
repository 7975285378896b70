"""S, T, X and DR on a world whose truth is known."""

from dataclasses import replace

import numpy as np
import pytest
from tests.predictors.small_world import FACE_VALUES, SmallWorld

from couponry.predictors.evaluate.policies import budgeted
from couponry.predictors.features import FeatureEncoder
from couponry.predictors.menu import Menu
from couponry.predictors.meta_learners.base import as_probabilities
from couponry.predictors.meta_learners.dr import DRLearner
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


@pytest.mark.parametrize("base", ["sklearn", "lightgbm"])
@pytest.mark.parametrize("name", ["s", "t", "x", "dr"])
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


@pytest.mark.parametrize(("name", "base"), [("s", "sklearn"), ("x", "lightgbm"), ("dr", "sklearn")])
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
