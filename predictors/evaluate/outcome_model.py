"""A plain outcome model for doubly robust estimates, fitted on other folds than it answers for.

References
----------
.. [1] Chernozhukov, V., et al. (2018). Double/debiased machine learning for treatment and structural
   parameters. The Econometrics Journal, 21(1), C1-C68. https://doi.org/10.1111/ectj.12097
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from couponry.instances.errors import InputError
from couponry.instances.log import Log
from couponry.predictors.base_learners.linear import Linear
from couponry.predictors.features import FeatureEncoder
from couponry.predictors.learner import folds_by_user

__all__ = ["cross_fitted_outcome"]

_PENALTY = 100.0


def cross_fitted_outcome(
    log: Log, outcome: npt.NDArray[np.float64], user: npt.NDArray[np.int64], *, folds: int = 5, seed: int = 0
) -> npt.NDArray[np.float64]:
    """Return the expected outcome of every row under every arm, none first, float64 ``(n, J + 1)``.

    A ridge regression for each arm and fold [1]_. The encoding of the features is learnt on all rows,
    which is no leak: it sees no outcome.

    Parameters
    ----------
    log : Log
    outcome : ndarray of float64, shape (n,)
    user : ndarray of int64, shape (n,)
        Rows of one user are in one fold.
    folds : int
    seed : int

    Raises
    ------
    InputError
        If a feature cannot be used.
    """
    x = _encoded(log)
    fold = folds_by_user(user, folds, seed)
    expected = np.full((log.n, len(log.coupons) + 1), outcome.mean())
    for k in range(folds):
        inside, outside = fold == k, fold != k
        for a in range(-1, len(log.coupons)):
            own = outside & (log.arm == a)
            if own.any() and inside.any():
                model = Linear(logistic=False, penalty=_PENALTY).fit(x[own], outcome[own])
                expected[inside, a + 1] = model.predict(x[inside])
    return expected


def _encoded(log: Log) -> npt.NDArray[np.float32]:
    """Return the features as numbers; without any, an arm's outcome is its mean."""
    if log.features.columns.empty:
        return np.zeros((log.n, 1), dtype=np.float32)
    try:
        return FeatureEncoder().fit(log.features).encode(log.features)
    except InputError as error:
        raise log.placed(error) from None
