"""The network on a world whose truth is known."""

import numpy as np
import pandas as pd
import pytest
import torch
from tests.predictors.small_world import SmallWorld, menu

from couponry.instances.coupons import Coupons
from couponry.predictors.evaluate.policies import budgeted
from couponry.predictors.features import FeatureEncoder
from couponry.predictors.menu import Menu
from couponry.predictors.network.learner import NetworkLearner
from couponry.predictors.train import training_rows

USERS = SmallWorld.draw(3000, 1)


@pytest.fixture(scope="module")
def network():
    """A network on 12,000 exposures, and its answers for 3,000 other users."""
    log = SmallWorld.draw(12_000, 0).log(0)
    learner = NetworkLearner(seed=0)
    encoder, known = FeatureEncoder().fit(log.features), Menu(log.coupons)
    learner.fit(training_rows(log, encoder, known, learner))
    x = encoder.encode(USERS.features)
    return learner, known, x, learner.predict(x, np.arange(3), known.encode(menu()))


def test_uplift_follows_the_truth(network):
    """Correlated with the true uplift of every coupon, right on average, and to scale."""
    value = network[3].conversion[:, 1:] - network[3].conversion[:, :1]
    for j in range(3):
        assert np.corrcoef(value[:, j], USERS.value[:, j])[0, 1] > 0.75
        assert np.polyfit(value[:, j], USERS.value[:, j], 1)[0] == pytest.approx(1.0, abs=0.35)
    assert value.mean(axis=0) == pytest.approx(USERS.value.mean(axis=0), abs=0.03)


def test_cost_counts_every_redemption(network):
    """Expected costs are face value · P(conversion | coupon), and near the true ones."""
    outcomes = network[3]
    face = np.array([5.0, 10.0, 20.0])
    assert outcomes.cost[:, 1:] == pytest.approx(outcomes.conversion[:, 1:] * face, rel=1e-5)
    assert outcomes.cost[:, 1:].mean(axis=0) == pytest.approx(USERS.cost.mean(axis=0), rel=0.08)
    assert (outcomes.cost[:, 0] == 0).all()


def test_the_budgeted_plan_is_near_the_oracles(network):
    """Under a budget the plan wins nine tenths of what the truth would win, and keeps the budget about."""
    outcomes, rows = network[3], np.arange(3000)
    value = outcomes.conversion[:, 1:] - outcomes.conversion[:, :1]
    budget = 0.2 * USERS.cost[:, 1].sum()
    plan, best = budgeted(value, outcomes.cost[:, 1:], budget), budgeted(USERS.value, USERS.cost, budget)

    def total(measure, arms):
        return np.where(arms >= 0, measure[rows, arms], 0).sum()

    assert total(USERS.value, plan) > 0.9 * total(USERS.value, best)
    assert total(USERS.cost, plan) < 1.1 * budget


def test_standard_errors_are_of_the_errors_size(network):
    """Uplifts are off by about as much as they are said to be; nine of ten lie within 1.96 of it."""
    value = network[3].conversion[:, 1:] - network[3].conversion[:, :1]
    error = np.abs(value - USERS.value)
    claimed = network[3].value_error
    assert claimed.shape == error.shape
    assert 0.7 < np.sqrt((claimed**2).mean() / (error**2).mean()) < 2.0
    assert (error < 1.96 * claimed).mean() > 0.9


def test_a_new_coupon_is_answered_from_its_attributes(network):
    """A copy of the known app coupon under a new name is answered nearer to it than to the SMS coupon."""
    learner, known, x, outcomes = network
    copy = Coupons(menu().table.iloc[[0]].assign(coupon_id="copy"))
    found = learner.predict(x, np.array([-1]), known.encode(copy))
    uplift = found.conversion[:, 1] - found.conversion[:, 0]
    own, sms = (outcomes.conversion[:, j] - outcomes.conversion[:, 0] for j in (1, 2))
    assert np.corrcoef(uplift, own)[0, 1] > np.corrcoef(uplift, sms)[0, 1]
    assert found.cost[:, 1].mean() == pytest.approx(outcomes.cost[:, 1].mean(), rel=0.5)
    assert found.conversion[:, 0] == pytest.approx(outcomes.conversion[:, 0], abs=1e-6)


def test_a_round_trip_changes_no_bit(network):
    """Weights, strata and settings are all that is needed."""
    learner, known, x, outcomes = network
    again = NetworkLearner.from_state(learner.state())
    assert again.get_params() == learner.get_params()
    found = again.predict(x, np.arange(3), known.encode(menu()))
    assert (found.conversion == outcomes.conversion).all()
    assert (found.cost == outcomes.cost).all()
    assert (found.value_error == outcomes.value_error).all()
    assert again.report() == learner.report()


def test_revenue_may_be_negative():
    """Goods that are sent back make revenue negative; its mean by arm is met all the same."""
    world = SmallWorld.draw(3000, 2)
    log = world.log(0)
    generator = np.random.default_rng(0)
    back = log.conversion * generator.normal(20, 60, 3000) * (1 + world.features["app"].to_numpy())
    rows_log = type(log)(**(vars(log) | {"revenue": back}))
    learner = NetworkLearner(seed=0, members=2, width=16, depth_width=8)
    encoder, known = FeatureEncoder().fit(log.features), Menu(log.coupons)
    rows = training_rows(rows_log, encoder, known, learner)
    found = learner.fit(rows).predict(rows.x, np.arange(3), rows.coupons).revenue
    for a in range(-1, 3):
        own = rows.arm == a
        error = back[own].std() / np.sqrt(own.sum())
        assert found[own, a + 1].mean() == pytest.approx(back[own].mean(), abs=4 * error)


def test_amounts_that_never_vary_are_answered_exactly():
    """Where a redemption costs its coupon's face value and revenue is unknown, no head for money is left."""
    log = SmallWorld.draw(1500, 3).log(0)
    face = np.array([0.0, 2.0, 3.0, 5.0])
    cost = face[log.arm + 1] * log.conversion
    rows_log = type(log)(**(vars(log) | {"cost": cost, "revenue": np.zeros(1500)}))
    learner = NetworkLearner(seed=0, members=2, width=16, depth_width=8)
    rows = training_rows(rows_log, FeatureEncoder().fit(log.features), Menu(log.coupons), learner)
    found = learner.fit(rows).predict(rows.x, np.arange(3), rows.coupons)
    assert found.cost == pytest.approx(found.conversion * face, rel=1e-6)
    assert (found.revenue == 0).all()


def test_a_menu_without_attributes_will_do():
    """Coupons may be nothing but ids; then embeddings alone tell them apart."""
    world = SmallWorld.draw(1500, 3)
    log = world.log(0)
    plain = type(log)(**(vars(log) | {"coupons": Coupons(pd.DataFrame({"coupon_id": ["a", "b", "c"]}))}))
    learner = NetworkLearner(seed=0, members=2, width=16, depth_width=8)
    rows = training_rows(plain, FeatureEncoder().fit(plain.features), Menu(plain.coupons), learner)
    assert rows.coupons.shape == (3, 0)
    found = learner.fit(rows).predict(rows.x, np.arange(3), rows.coupons).conversion
    assert ((found > 0) & (found < 1)).all()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
def test_the_gpu_answers_as_the_processor_does(network):
    """The same weights give the same answers on either device, up to rounding."""
    learner, known, x, outcomes = network
    state = learner.state()
    on_gpu = NetworkLearner.from_state(state, device="cuda").predict(x, np.arange(3), known.encode(menu()))
    on_cpu = NetworkLearner.from_state(state, device="cpu").predict(x, np.arange(3), known.encode(menu()))
    assert on_gpu.conversion == pytest.approx(on_cpu.conversion, abs=1e-4)
    assert on_cpu.conversion == pytest.approx(outcomes.conversion, abs=1e-4)
