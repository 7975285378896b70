"""Any model's answers brought to scale."""

from dataclasses import replace

import numpy as np
import pytest
from tests.predictors.small_world import SmallWorld

from couponry.instances.errors import InputError
from couponry.predictors.calibration import METHODS, Calibration, cross_fitted_outcomes
from couponry.predictors.features import FeatureEncoder
from couponry.predictors.learner import Outcomes
from couponry.predictors.menu import Menu
from couponry.predictors.meta_learners.t import TLearner
from couponry.predictors.model import load_model
from couponry.predictors.train import train, training_rows

ALL = np.arange(3)


@pytest.fixture(scope="module")
def drawn():
    """A world of 20,000 users and its rows."""
    world = SmallWorld.draw(20_000, 0)
    log = world.log(0)
    return world, training_rows(
        log, FeatureEncoder().fit(log.features), Menu(log.coupons), TLearner("sklearn")
    )


def distorted(world, stretch=2.5, shift=0.1):
    """Return the truth with the base squeezed, and effects stretched and shifted."""
    without = 0.5 * world.probability[:, :1] + 0.05
    uplift = stretch * world.value + shift
    money = np.zeros_like(world.probability)
    return Outcomes(np.hstack([without, without + uplift]), money, money, np.full(uplift.shape, 0.1))


@pytest.mark.parametrize("method", METHODS)
def test_what_was_distorted_is_mended(drawn, method):
    """Base, mean uplift and the spread of uplifts come back to the truth's."""
    world, rows = drawn
    wrong = distorted(world)
    found = Calibration.fit(method, rows, wrong).apply(wrong, ALL)
    assert found.conversion[:, 0] == pytest.approx(world.probability[:, 0], abs=0.08)
    assert np.abs(found.conversion[:, 0] - world.probability[:, 0]).mean() < 0.02
    uplift = found.conversion[:, 1:] - found.conversion[:, :1]
    assert uplift.mean(axis=0) == pytest.approx(world.value.mean(axis=0), abs=0.02)
    slope = np.polyfit(uplift.ravel(), world.value.ravel(), 1)[0]
    assert 0.8 < slope < 1.25
    assert np.sqrt(((uplift - world.value) ** 2).mean()) < 0.3 * np.sqrt(
        ((wrong.conversion[:, 1:] - wrong.conversion[:, :1] - world.value) ** 2).mean()
    )
    assert 0.02 < found.conversion_error.mean() < 0.07


def test_noise_is_flattened(drawn):
    """Uplifts that say nothing are drawn together: half of a wide prior at most is left."""
    world, rows = drawn
    noise = np.random.default_rng(0).normal(0, 0.2, world.value.shape)
    p = np.hstack([world.probability[:, :1], world.probability[:, :1] + noise])
    wrong = Outcomes(p, p, p)
    for method in METHODS:
        found = Calibration.fit(method, rows, wrong).apply(wrong, ALL)
        uplift = found.conversion[:, 1:] - found.conversion[:, :1]
        assert uplift.std(axis=0).mean() < 0.25 * 0.2


def test_order_within_a_coupon_is_kept(drawn):
    """Neither map turns two users round."""
    world, rows = drawn
    wrong = distorted(world, stretch=0.6, shift=0.0)
    for method in METHODS:
        found = Calibration.fit(method, rows, wrong).apply(wrong, ALL)
        uplift = found.conversion[:, 1:] - found.conversion[:, :1]
        for j in ALL:
            order = np.argsort(world.value[:, j])
            assert (np.diff(uplift[order, j]) >= -1e-9).all()


def test_money_is_brought_to_its_sum_and_a_known_price_is_left(drawn):
    """Costs predicted at two thirds are raised by half; a price that is right stays that number."""
    world, rows = drawn
    cost = np.where(np.arange(4) > 0, 0.1, 0.0) * np.ones((rows.n, 1))
    right = Outcomes(world.probability, cost, world.probability * 70)
    priced = replace(rows, cost=np.where(rows.arm >= 0, 0.1, 0.0), revenue=105.0 * rows.conversion)
    found = Calibration.fit("platt", priced, right).apply(right, ALL)
    assert (found.cost == cost).all()
    assert found.revenue / right.revenue == pytest.approx(1.5, abs=0.1)


def test_a_new_coupon_is_moved_as_the_menu_is(drawn):
    """By the mean shift and the same slope."""
    world, rows = drawn
    wrong = distorted(world)
    scale = Calibration.fit("platt", rows, wrong)
    new = replace(
        wrong, conversion=wrong.conversion[:, [0, 2]], cost=wrong.cost[:, :2], revenue=wrong.cost[:, :2]
    )
    found = scale.apply(new, np.array([-1]))
    assert (found.conversion[:, 1] - found.conversion[:, 0]).mean() == pytest.approx(
        world.value[:, 1].mean(), abs=0.05
    )


def test_cross_fitted_outcomes_come_from_models_that_saw_other_users(drawn):
    """A learner that remembers each user's outcome knows nothing of a user that it did not see."""
    rows = drawn[1].take(np.arange(1500))

    class Memory(TLearner):
        """Answers with the outcome of the nearest row."""

        def learn(self, seen, progress=None):
            self.seen = {row.tobytes(): y for row, y in zip(seen.x, seen.conversion, strict=True)}

        def probability(self, x, known, coupons):
            own = np.array([self.seen.get(row.tobytes(), 0.5) for row in x])
            return np.tile(own[:, None], len(known) + 1)

    assert (cross_fitted_outcomes(Memory("sklearn"), rows).conversion == 0.5).all()


@pytest.mark.parametrize("method", METHODS)
def test_a_calibrated_model_is_saved_whole(method, tmp_path):
    """Bit by bit, and its card says how it was calibrated."""
    log, others = SmallWorld.draw(1500, 0).log(0), SmallWorld.draw(300, 1).features
    model = train(log, "t", "sklearn", calibrate=method)
    model.save(tmp_path / "model")
    read = load_model(tmp_path / "model")
    for measure in ("value", "cost", "revenue"):
        assert np.array_equal(
            read.predict_response(others).measure(measure), model.predict_response(others).measure(measure)
        )
    assert read.card["calibration"] == method
    plain = train(log, "t", "sklearn").predict_response(others).measure("value")
    assert not np.array_equal(plain, model.predict_response(others).measure("value"))


def test_an_unknown_method_is_refused():
    """Before any training, with the known ones."""
    with pytest.raises(InputError, match=r"unknown way to calibrate .*Known: platt, isotonic"):
        train(SmallWorld.draw(1500, 0).log(0), "t", "sklearn", calibrate="beta")
