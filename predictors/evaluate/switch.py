"""Switch-DR: doubly robust where the weight is small, the outcome model's word where it is large.

A few rows of large weight can make the whole error of a doubly robust estimate. Leaving out their weighted
errors takes that noise away, and leaves the model's bias on them. The threshold is chosen, as in [1]_, where
variance and squared bias sum to the least; the squared bias is what the left-out errors show of it, less what
chance alone would show. (The paper bounds it by the largest possible outcome, which is never the smaller part
unless the log has less than about one such row: plain doubly robust is then always chosen.)

References
----------
.. [1] Wang, Y.-X., Agarwal, A., & Dudík, M. (2017). Optimal and adaptive off-policy evaluation in contextual
   bandits. ICML, PMLR 70, 3589-3597. https://doi.org/10.48550/arXiv.1612.01205
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from couponry.instances.errors import InputError
from couponry.predictors.evaluate.estimators import PolicyValue, Weighted, estimate, standard_error

__all__ = ["switch_dr_value"]

Floats = npt.NDArray[np.float64]

_THRESHOLDS = 20
_LEAST_WEIGHT = 0.25
"""Share of the weights that a chosen threshold uses: below, the outcome model would speak alone."""


def switch_dr_value(
    rows: Weighted, direct: Floats, given: Floats, switch: float | None = None
) -> PolicyValue:
    """Return the switch-DR estimate [1]_: weighted errors count where the weight is at most ``switch``.

    Parameters
    ----------
    rows : Weighted
    direct, given : ndarray of float64, shape (n,)
        The outcome that a model expects under the policy, and of the arm that was given.
    switch : float, optional
        At least 0: 0 is the outcome model alone, infinity is doubly robust. Absent, the best of 20 quantiles
        of the weights, of those that leave a quarter of their sum.

    Returns
    -------
    PolicyValue
        Its standard error is the root of the variance and of the squared bias that the left-out errors show,
        or of that which chance would hide: what is won is a better value, not a narrower interval than
        doubly robust has.

    Raises
    ------
    InputError
        If ``switch`` is negative or NaN.
    """
    if switch is None:
        least = _LEAST_WEIGHT * rows.weight.sum()
        limits = [t for t in _thresholds(rows.weight) if rows.weight[rows.weight <= t].sum() >= least]
        tried = [_at(rows, direct, given, threshold) for threshold in limits]
        return min(tried, key=lambda one: one[1])[0]
    if not switch >= 0:
        raise InputError("switch must be a weight of at least 0", parameter="switch", value=switch)
    return _at(rows, direct, given, switch)[0]


def _thresholds(weight: Floats) -> Floats:
    """Return what is tried, falling: infinity and quantiles of the weights above 0."""
    positive = weight[weight > 0]
    if len(positive) == 0:
        return np.array([np.inf])
    quantiles = np.unique(np.quantile(positive, np.linspace(0, 1, _THRESHOLDS), method="lower"))
    return np.concatenate([[np.inf], quantiles[-2::-1]])


def _at(rows: Weighted, direct: Floats, given: Floats, switch: float) -> tuple[PolicyValue, float]:
    """Return the estimate at a threshold and its mean squared error, as far as the log shows it."""
    error = rows.weight * (rows.outcome - given)
    small = rows.weight <= switch
    score = direct + np.where(small, error, 0.0)
    value = float(score.mean())
    used = np.where(small, rows.weight, 0.0)
    found = estimate(value, score - value, used, rows.user, "switch-dr")
    left_out = np.where(small, 0.0, error)
    bias = float(left_out.mean())
    chance = standard_error(left_out - bias, rows.user)
    squared = max(0.0, bias**2 - chance**2)
    allowed = float(np.hypot(found.standard_error, max(abs(bias), chance)))
    return replace(found, switch=float(switch), standard_error=allowed), found.standard_error**2 + squared
