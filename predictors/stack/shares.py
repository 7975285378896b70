"""Weights of models, read off rows that none of them saw: the R-loss [1]_ of a convex combination.

References
----------
.. [1] Nie, X., & Wager, S. (2021). Quasi-oracle estimation of heterogeneous treatment effects. Biometrika,
   108(2), 299-319. https://doi.org/10.1093/biomet/asaa076
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.optimize import nnls

__all__ = ["of_arm", "shares", "whatever_the_arm"]

Floats = npt.NDArray[np.float64]

_PRIOR_PRECISION = 16.0


def whatever_the_arm(told: Floats, difference: Floats, arms: Floats) -> Floats:
    """Return what is known of a user whatever the arm: level, risk and mean effects, ``(n, 5)``."""
    risk = told[:, 0]
    return np.column_stack(
        [np.ones(len(told)), risk, risk**2, (told - told[:, :1]) @ arms, difference @ arms]
    )


def of_arm(effect: Floats, arm: npt.NDArray[np.int32], aside: Floats) -> Floats:
    """Return the effect of each row's arm, less what a regression on ``aside`` says of it, ``(n,)``.

    Where arms were not drawn alike for everyone, what is left does not stand for who the users are.
    """
    own = effect[np.arange(len(arm)), arm + 1]
    return np.asarray(own - aside @ np.linalg.lstsq(aside, own, rcond=None)[0])


def shares(residual: Floats, told: list[Floats], weight: Floats, prior: list[float]) -> list[float]:
    """Return the slopes of residuals on what is told of them, not negative and at most 1 together.

    Each is drawn towards its prior as if that had been seen with a precision of 16.
    """
    noise = float(np.average(residual**2, weights=weight))
    if not told or noise <= 0:
        return prior
    columns = np.column_stack(told)
    gram = (columns * weight[:, None]).T @ columns / noise + _PRIOR_PRECISION * np.eye(len(told))
    side = columns.T @ (weight * residual) / noise + _PRIOR_PRECISION * np.array(prior)
    root = np.linalg.cholesky(gram)
    # One more unknown, what is left of 1, turns "at most 1" into a sum that weighs more than all else.
    heavy = 1e4 * float(np.sqrt(np.trace(gram)))
    left = np.zeros((len(told) + 1, len(told) + 1))
    left[:-1, :-1] = root.T
    left[-1] = heavy
    found, _ = nnls(left, np.append(np.linalg.solve(root, side), heavy))
    return [float(share) for share in found[:-1]]
