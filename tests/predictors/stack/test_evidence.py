"""Penalties found from the data."""

import numpy as np
from sklearn.linear_model import Ridge

from couponry.predictors.stack.evidence import Group, penalty, posterior, tune


def design(seed: int, n: int = 4000):
    """Return x'x, x'y of unit noise; ten coefficients of variance 0.25, ten of nought."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 20))
    truth = np.append(rng.normal(0, 0.5, 10), np.zeros(10))
    return x, x @ truth + rng.normal(size=n), truth


def groups():
    """Return the two tens."""
    return [Group(np.arange(10)[:, None], np.eye(1)), Group(np.arange(10, 20)[:, None], np.eye(1))]


def test_a_group_that_matters_keeps_its_variance_and_one_that_does_not_loses_it():
    """Within a factor that ten draws allow."""
    x, y, truth = design(0)
    variance, mean, covariance = tune(x.T @ x, x.T @ y, groups(), np.array([0.01, 0.01]))
    assert 0.08 < variance[0] < 0.8
    assert variance[1] < 1e-3
    assert np.abs(mean - truth).max() < 5 * np.sqrt(covariance.diagonal().max())


def test_the_mean_is_that_of_a_ridge_regression():
    """Of scikit-learn, with penalty 1 / variance."""
    x, y, _ = design(1, 300)
    both = [Group(np.arange(20)[:, None], np.eye(1))]
    mean, _ = posterior(x.T @ x, x.T @ y, penalty(both, np.array([0.02]), 20))
    assert np.allclose(mean, Ridge(alpha=50.0, fit_intercept=False).fit(x, y).coef_, atol=1e-6)


def test_absent_coefficients_are_nought():
    """However much the data would say of them."""
    x, y, _ = design(2)
    first = Group(np.arange(10)[:, None], np.eye(1), absent=True)
    variance, mean, _ = tune(x.T @ x, x.T @ y, [first, groups()[1]], np.array([0.01, 0.01]))
    assert np.abs(mean[:10]).max() < 1e-4
    assert variance[0] < 1e-8


def test_coefficients_left_out_tell_of_the_variance_as_if_they_were_in():
    """Exactly so where columns are orthogonal; the largest alone would tell of three times the variance."""
    rng = np.random.default_rng(3)
    size = rng.uniform(200, 400, 60)
    slope = size * (rng.normal(0, 0.05, 60) + rng.normal(size=60) / np.sqrt(size))
    top = np.argsort(-(slope**2) / size)[:15]
    rest = np.setdiff1d(np.arange(60), top)
    start = np.array([0.01])

    def told(at: np.ndarray, *left: np.ndarray) -> float:
        rest = np.array(left or np.zeros((2, 0)))
        group = Group(np.arange(len(at))[:, None], np.eye(1), rest=rest)
        return float(tune(np.diag(size[at]), slope[at], [group], start)[0][0])

    every = told(np.arange(60))
    assert np.isclose(told(top, slope[rest], size[rest]), every, rtol=1e-6)
    assert told(top) > 3 * every
