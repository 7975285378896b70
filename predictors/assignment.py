"""How arms were chosen, learnt from the log: probabilities of every arm, cross-fitted and calibrated.

References
----------
.. [1] Chernozhukov, V., et al. (2018). Double/debiased machine learning for treatment and structural
   parameters. The Econometrics Journal, 21(1), C1-C68. https://doi.org/10.1111/ectj.12097
.. [2] Guo, C., Pleiss, G., Sun, Y., & Weinberger, K. Q. (2017). On calibration of modern neural networks.
   ICML. https://proceedings.mlr.press/v70/guo17a.html
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from couponry.instances.errors import InputError, did_you_mean, require_extra
from couponry.predictors.cores import spare_cores
from couponry.predictors.learner import folds_by_user

__all__ = ["ASSIGNMENT_BASES", "cross_fitted_assignment"]

Floats = npt.NDArray[np.float64]
Inputs = npt.NDArray[np.float32]

ASSIGNMENT_BASES = {"lightgbm": "raw", "sklearn": "standard"}
"""What the propensities can be learnt by, and the layout of features that each wants."""

_LEAST = 1e-6


def cross_fitted_assignment(
    x: Inputs,
    arm: npt.NDArray[np.int32],
    arms: int,
    user: npt.NDArray[np.int64],
    *,
    base: str = "lightgbm",
    categorical: tuple[int, ...] = (),
    folds: int = 5,
    rounds: int = 50,
    seed: int = 0,
) -> Floats:
    """Return the probability of every arm, none first, float64 ``(n, J + 1)``.

    Each row's is from a multinomial model that has not seen its user [1]_, brought to scale on all rows by a
    temperature and a shift an arm [2]_.

    Parameters
    ----------
    x : ndarray of float32, shape (n, d)
        In the layout of ``base``.
    arm : ndarray of int32, shape (n,)
    arms : int
        Number of coupons J.
    user : ndarray of int64, shape (n,)
    base : {"lightgbm", "forest", "sklearn"}
    categorical : tuple of int
    folds, seed : int
    rounds : int
        Of boosting.

    Raises
    ------
    InputError
        If there is no such base, or fewer than two folds.
    """
    if base not in ASSIGNMENT_BASES:
        raise InputError(
            "unknown model of propensities", value=base, mend=did_you_mean(base, ASSIGNMENT_BASES)
        )
    if folds < 2:
        raise InputError("cross-fitting needs two folds or more", parameter="folds", value=folds)
    learn = partial(_by_trees, rounds=rounds) if base == "lightgbm" else _by_logits
    fold = folds_by_user(user, folds, seed)
    found = np.empty((len(arm), arms + 1))
    for k in range(folds):
        inside = fold == k
        if inside.any():
            found[inside] = learn(x[~inside], arm[~inside] + 1, x[inside], arms + 1, categorical, seed)
    return _brought_to_scale(found, arm + 1)


def _by_trees(
    x: Inputs,
    arm: npt.NDArray[Any],
    new: Inputs,
    arms: int,
    categorical: tuple[int, ...],
    seed: int,
    *,
    rounds: int,
) -> Floats:
    lightgbm = require_extra("lightgbm", "predict")
    options = {
        "objective": "multiclass",
        "num_class": arms,
        "num_leaves": 8,
        "learning_rate": 0.1,
        "min_data_in_leaf": int(np.clip(len(arm) // 100, 20, 200)),
        "min_data_per_group": 50,
        "cat_smooth": 20.0,
        "seed": seed,
        "num_threads": spare_cores(),
        "deterministic": True,
        "force_row_wise": True,
        "verbose": -1,
    }
    data = lightgbm.Dataset(x, arm, categorical_feature=list(categorical), params={"verbose": -1})
    model = lightgbm.train(options, data, num_boost_round=rounds)
    return np.asarray(model.predict(new, num_threads=spare_cores()), dtype=np.float64)


def _by_logits(
    x: Inputs, arm: npt.NDArray[Any], new: Inputs, arms: int, categorical: tuple[int, ...], seed: int
) -> Floats:
    linear = require_extra("sklearn.linear_model", "predict")
    model = linear.LogisticRegression(C=0.1, max_iter=1000, tol=1e-4).fit(x, arm)
    found = np.zeros((len(new), arms))
    found[:, model.classes_] = model.predict_proba(new)
    return found


def _brought_to_scale(found: Floats, arm: npt.NDArray[Any]) -> Floats:
    """Return p ∝ exp(t·log p + b) with the t and b that are likeliest for the arms that were given."""
    optimise = require_extra("scipy.optimize", "predict")
    logs = np.log(np.maximum(found, _LEAST))
    rows, arms = logs.shape
    given = np.zeros((rows, arms))
    given[np.arange(rows), arm] = 1.0

    def loss(p: Floats) -> tuple[float, Floats]:
        chance = _softmax(p[0] * logs + p[1:])
        left = (chance - given) / rows
        value = -float(np.log(np.maximum(chance[given > 0], _LEAST)).mean())
        return value, np.append((left * logs).sum(), left.sum(axis=0))

    best = optimise.minimize(loss, np.append(1.0, np.zeros(arms)), jac=True, method="L-BFGS-B")
    return _softmax(best.x[0] * logs + best.x[1:])


def _softmax(score: Floats) -> Floats:
    raised = np.exp(score - score.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True), dtype=np.float64)
