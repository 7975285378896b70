"""Penalties found from the data."""

import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.linear_model import Ridge

from couponry.predictors.stack.evidence import Group, heavy_tailed, penalty, posterior, tune


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
    _, variance, mean, covariance = tune(x.T @ x, x.T @ y, groups(), np.array([0.01, 0.01]))
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
    _, variance, mean, _ = tune(x.T @ x, x.T @ y, [first, groups()[1]], np.array([0.01, 0.01]))
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
        return float(tune(np.diag(size[at]), slope[at], [group], start)[1][0])

    every = told(np.arange(60))
    assert np.isclose(told(top, slope[rest], size[rest]), every, rtol=1e-6)
    assert told(top) > 3 * every


def alike(seed: int, rows: int = 200, noise: float = 1.0):
    """Return sums of coefficients of four coupons, the first two alike; each met ``rows`` times."""
    rng = np.random.default_rng(seed)
    correlation = np.array([[1, 0.9, 0, 0], [0.9, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]])
    truth = rng.multivariate_normal(np.zeros(4), 0.04 * correlation, 60)
    gram = np.full(240, rows / noise)
    right = gram * (truth + rng.normal(size=(60, 4)) * np.sqrt(noise / rows)).ravel()
    return np.diag(gram), right, np.arange(240).reshape(60, 4), truth


def test_coupons_that_appeal_to_the_same_people_are_found():
    """And only these."""
    gram, right, at, _ = alike(0)
    (group,), *_ = tune(gram, right, [Group(at, np.eye(4), expected=np.eye(4))], np.array([0.01]))
    found = np.linalg.inv(group.inverse)
    found = found / np.sqrt(np.outer(found.diagonal(), found.diagonal()))
    assert found[0, 1] > 0.65
    assert np.abs(np.delete(found[0], [0, 1])).max() < 0.35


def test_alike_coupons_learn_from_one_another():
    """With few rows each, the error of their coefficients is less than apart."""
    errors = []
    for expected in (None, np.eye(4)):
        gram, right, at, truth = alike(1, rows=25)
        _, _, mean, _ = tune(gram, right, [Group(at, np.eye(4), expected=expected)], np.array([0.01]))
        errors.append(np.square(mean.reshape(60, 4) - truth)[:, :2].mean())
    assert errors[1] < 0.85 * errors[0]


def test_the_correlation_is_that_of_most_evidence(monkeypatch):
    """Scipy, which climbs the marginal likelihood of two coupons with its prior, ends at the same one."""
    monkeypatch.setattr("couponry.predictors.stack.evidence._ROUNDS", 400)
    monkeypatch.setattr("couponry.predictors.stack.evidence._ENOUGH", 0.0)
    gram, right, _, _ = alike(2, rows=30)
    keep = np.arange(240).reshape(60, 4)[:, :2].ravel()
    gram, right = gram[np.ix_(keep, keep)], right[keep]
    group = Group(np.arange(120).reshape(60, 2), np.eye(2), expected=np.eye(2))
    (learnt,), variance, *_ = tune(gram, right, [group], np.array([0.01]))
    told = (right / gram.diagonal()).reshape(60, 2)
    each = np.eye(2) / gram[0, 0]

    def loss(lower: np.ndarray, scale: float) -> float:
        root = np.array([[lower[0], 0], [lower[1], lower[2]]])
        prior = root @ root.T
        whole = prior + each
        inverse = np.linalg.inv(prior)
        seen = np.linalg.slogdet(prior)[1] + scale * np.trace(inverse)
        return float(60 * np.linalg.slogdet(whole)[1] + (told @ np.linalg.inv(whole) * told).sum() + 2 * seen)

    scale = float(variance[0])
    best = minimize(loss, [0.2, 0.1, 0.2], args=(scale,), method="Nelder-Mead", options={"xatol": 1e-8}).x
    prior = np.array([[best[0] ** 2, best[0] * best[1]], [best[0] * best[1], best[1] ** 2 + best[2] ** 2]])
    assert np.linalg.inv(learnt.inverse) == pytest.approx(2 * prior / np.trace(prior), rel=0.01)


def test_heavy_tails_leave_the_few_large_alone_and_draw_the_rest_to_nought():
    """Five of two hundred coefficients, met forty times each: under a normal prior all are drawn alike."""
    rng = np.random.default_rng(5)
    truth = np.append(np.full(5, 1.0), np.zeros(195))
    gram = np.diag(np.full(200, 40.0))
    right = 40 * (truth + rng.normal(size=200) / np.sqrt(40))
    group = [Group(np.arange(200)[:, None], np.eye(1))]
    _, variance, normal, _ = tune(gram, right, group, np.array([0.01]))
    tails = heavy_tailed(gram, right, group, variance, [0])
    assert np.abs(tails - truth)[:5].mean() < 0.5 * np.abs(normal - truth)[:5].mean()
    assert np.square(tails[5:]).sum() < np.square(normal[5:]).sum()
