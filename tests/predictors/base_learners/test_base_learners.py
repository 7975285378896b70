"""Trees and linear models: what each estimates, and what it remembers."""

import numpy as np
import pytest

from couponry.instances.errors import InputError
from couponry.predictors.base_learners.base import BASES, base_learner
from couponry.predictors.base_learners.forest import Forest
from couponry.predictors.base_learners.linear import Linear
from couponry.predictors.base_learners.trees import Trees
from couponry.predictors.state import State


def coin(n=4000, seed=0):
    """A coin that falls on 1 with probability 0.8 where x > 0, else 0.2."""
    generator = np.random.default_rng(seed)
    x = generator.normal(size=(n, 2)).astype(np.float32)
    return x, (generator.random(n) < np.where(x[:, 0] > 0, 0.8, 0.2)).astype(np.float64)


@pytest.mark.parametrize("name", BASES)
def test_probabilities_follow_the_coin(name):
    """A logistic learner stays in [0, 1] and tells the two sides apart."""
    x, y = coin()
    learner = base_learner(name)(logistic=True).fit(x, y)
    found = learner.predict(np.array([[2.0, 0.0], [-2.0, 0.0]], np.float32))
    assert 0.65 < found[0] < 1.0
    assert 0.0 < found[1] < 0.35


@pytest.mark.parametrize("name", BASES)
def test_a_fraction_counts_as_part_of_a_one(name):
    """Targets of 0.3 everywhere are predicted as 0.3."""
    x, _ = coin()
    learner = base_learner(name)(logistic=True).fit(x, np.full(len(x), 0.3) + 0.01 * np.sign(x[:, 1]))
    assert learner.predict(x).mean() == pytest.approx(0.3, abs=0.01)


@pytest.mark.parametrize("name", BASES)
def test_weights_are_repetitions(name):
    """A row of weight 3 pulls the mean as three rows would."""
    x = np.zeros((400, 1), np.float32)
    y = np.repeat([0.0, 1.0], 200)
    weight = np.where(y == 1, 3.0, 1.0)
    found = base_learner(name)(logistic=False).fit(x, y, weight).predict(x[:1])[0]
    assert found == pytest.approx(0.75, abs=0.01)


@pytest.mark.parametrize("name", BASES)
def test_all_targets_alike(name):
    """Where everybody or nobody converts, the prediction says about that."""
    x, y = coin(300)
    assert base_learner(name)(logistic=True).fit(x, y * 0).predict(x).max() < 1e-3
    assert base_learner(name)(logistic=True).fit(x, y * 0 + 1).predict(x).min() > 0.999


@pytest.mark.parametrize("name", BASES)
@pytest.mark.parametrize("logistic", [True, False])
def test_same_seed_same_answer_and_a_round_trip_changes_no_bit(name, logistic):
    """Learners are deterministic, and what is written is what was learnt."""
    x, y = coin(1000)
    first, second = (base_learner(name)(logistic=logistic, seed=3).fit(x, y) for _ in range(2))
    assert (first.predict(x) == second.predict(x)).all()
    again = base_learner(name).from_state(first.state())
    assert (again.predict(x) == first.predict(x)).all()


def test_trees_split_by_category():
    """A code column is a set of labels, not a number: codes 0 and 2 against 1 and 3."""
    generator = np.random.default_rng(0)
    code = generator.integers(0, 4, (4000, 1)).astype(np.float32)
    y = (generator.random(4000) < np.where(code[:, 0] % 2 == 0, 0.9, 0.1)).astype(np.float64)
    learner = Trees(logistic=True, trees=60, leaves=2).fit(code, y, None, (0,))
    found = learner.predict(np.array([[0], [1], [2], [3]], np.float32))
    assert (found[[0, 2]] > 0.7).all()
    assert (found[[1, 3]] < 0.3).all()


def test_ridge_is_the_closed_form():
    """Coefficients of two rows of orthogonal columns, worked by hand: 2·3 / (2 + 1)."""
    x = np.array([[1.0], [-1.0]], np.float32)
    learner = Linear(logistic=False, penalty=1.0).fit(x, np.array([3.0, -3.0]))
    assert learner.coefficients[0] == pytest.approx(2.0)
    assert learner.intercept == pytest.approx(0.0)


def test_damaged_trees_are_refused():
    """Text that LightGBM cannot read becomes a plain error."""
    with pytest.raises(InputError, match="the trees of the model are damaged"):
        Trees.from_state(State({"logistic": True}, texts={"trees": "no trees"}))


def test_an_unknown_base_is_refused():
    """The message names the known ones."""
    with pytest.raises(InputError, match=r"Did you mean 'lightgbm'.* Known: lightgbm, forest, sklearn"):
        base_learner("lightgmb")


def test_a_forest_is_scikit_learns():
    """Its arrays answer as the trees that they were taken from."""
    from sklearn.ensemble import RandomForestRegressor

    x, y = coin(600)
    own = Forest(logistic=True, seed=3, trees=7, leaf_rows=5, columns=0.5).fit(x, y)
    theirs = RandomForestRegressor(7, min_samples_leaf=5, max_features=0.5, random_state=3).fit(x, y)
    assert own.predict(x) == pytest.approx(theirs.predict(x), abs=1e-12)
