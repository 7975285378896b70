"""Values drawn towards their coupon's mean."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.predictors.small_world import SmallWorld

from couponry.instances.errors import InputError
from couponry.predictors.answers import measures_of
from couponry.predictors.learner import Outcomes
from couponry.predictors.predict import predict
from couponry.predictors.shrinkage import Shrinkage
from couponry.predictors.train import train


def outcomes(value: np.ndarray, error: np.ndarray | None) -> Outcomes:
    """Return outcomes of these uplifts over a probability of .4."""
    conversion = 0.4 + np.hstack([np.zeros((len(value), 1)), value])
    return Outcomes(conversion, np.ones_like(conversion), np.ones_like(conversion), error)


def uplift(found: Outcomes) -> np.ndarray:
    """Return the uplifts."""
    return np.asarray(found.conversion[:, 1:] - found.conversion[:, :1])


def test_by_hand() -> None:
    """Half of the variance is noise: half of the distance to the mean stays."""
    value, error = np.array([[0.1], [0.3]]), np.full((2, 1), np.sqrt(0.005))
    prior = Shrinkage.of(outcomes(value, error))
    assert prior is not None
    assert prior.mean == pytest.approx([0.2])
    assert prior.variance == pytest.approx([0.005])
    found = prior.apply(outcomes(value, error), np.array([0]))
    assert uplift(found) == pytest.approx(np.array([[0.15], [0.25]]))
    assert found.conversion_error == pytest.approx(error * np.sqrt(0.5))
    assert Shrinkage.of(outcomes(value, None)) is None


def test_doubt_is_no_noise_to_shrink_by() -> None:
    """Values move by their standard error alone; told is the doubt where it is larger."""
    value, error = np.array([[0.1], [0.3]]), np.full((2, 1), np.sqrt(0.005))
    plain = outcomes(value, error)
    doubted = replace(plain, conversion_doubt=np.array([[0.2], [0.01]]))
    prior = Shrinkage.of(doubted)
    assert prior is not None
    assert prior.variance == pytest.approx([0.005])
    found = prior.apply(doubted, np.array([0]))
    assert uplift(found) == pytest.approx(uplift(prior.apply(plain, np.array([0]))))
    assert measures_of(found, revenue=False)["value_se"] == pytest.approx(np.array([[0.2], [0.05]]))


@given(spread=st.floats(0, 0.2), noise=st.floats(0, 0.2), seed=st.integers(0, 99))
def test_nothing_leaves_the_way_to_the_mean(spread: float, noise: float, seed: int) -> None:
    """A value moves towards its coupon's mean and never beyond; without errors it stays."""
    rng = np.random.default_rng(seed)
    value = np.clip(rng.normal(0.05, spread, (50, 2)), -0.4, 0.6)
    prior = Shrinkage.of(outcomes(value, np.full((50, 2), noise)))
    assert prior is not None
    found = uplift(prior.apply(outcomes(value, np.full((50, 2), noise)), np.arange(2)))
    off, left = value - value.mean(axis=0), found - value.mean(axis=0)
    assert (left * off >= -1e-12).all()
    assert (np.abs(left) <= np.abs(off) + 1e-9).all()
    still = uplift(prior.apply(outcomes(value, np.zeros((50, 2))), np.arange(2)))
    assert prior.variance.min() == 0 or still == pytest.approx(value, abs=1e-9)


def test_the_chosen_are_no_longer_over_estimated() -> None:
    """With true values and errors of known size, the best tenth bring what shrunk values say, and no less."""
    rng = np.random.default_rng(0)
    truth = rng.normal(0.05, 0.03, (20_000, 1))
    error = np.full_like(truth, 0.05)
    told = outcomes(truth + rng.normal(0, 0.05, truth.shape), error)
    prior = Shrinkage.of(told)
    assert prior is not None
    shrunk = uplift(prior.apply(told, np.array([0])))
    best = np.argsort(-shrunk[:, 0])[:2000]
    assert uplift(told)[best].mean() > truth[best].mean() + 0.04
    assert shrunk[best].mean() == pytest.approx(truth[best].mean(), abs=0.003)


def test_a_model_keeps_its_prior_and_predict_uses_it(tmp_path) -> None:
    """The prior stands on the card; a model whose values have no errors is refused."""
    world = SmallWorld.draw(1500, 0)
    users = world.features.assign(user_id=[f"u{i}" for i in range(1500)])
    model = train(world.log(0), "t", "sklearn", error_folds=2)
    assert model.prior is not None
    plain = predict(model, users).response
    shrunk = predict(model, users, shrink=True).response
    assert (shrunk.measure("value").std(axis=0) < plain.measure("value").std(axis=0)).all()
    assert np.array_equal(shrunk.measure("cost"), plain.measure("cost"))
    with pytest.raises(InputError, match="parameter 'shrink': the model's values have no errors"):
        predict(train(world.log(0), "t", "sklearn"), users, shrink=True)
