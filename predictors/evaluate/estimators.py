"""Off-policy estimators: what a policy's mean outcome is, from rows that another policy weighted.

A row's weight is the policy's probability of the arm that was given, over the probability with which it had
been drawn.

References
----------
.. [1] Horvitz, D. G., & Thompson, D. J. (1952). A generalization of sampling without replacement from a
   finite universe. Journal of the American Statistical Association, 47(260), 663-685.
   https://doi.org/10.1080/01621459.1952.10483446
.. [2] Swaminathan, A., & Joachims, T. (2015). The self-normalized estimator for counterfactual learning.
   NeurIPS 28.
.. [3] Dudík, M., Erhan, D., Langford, J., & Li, L. (2014). Doubly robust policy evaluation and optimization.
   Statistical Science, 29(4), 485-511. https://doi.org/10.1214/14-STS500
.. [4] Kong, A. (1992). A note on importance sampling using standardized weights. University of Chicago,
   Department of Statistics, Technical Report 348.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from couponry.instances.errors import InputError

__all__ = [
    "PolicyValue",
    "Weighted",
    "dr_value",
    "estimate",
    "ips_value",
    "normal_interval",
    "snips_value",
    "standard_error",
    "value_difference",
]

Floats = npt.NDArray[np.float64]
Users = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Weighted:
    """Rows of a log as a policy sees them.

    Attributes
    ----------
    outcome, weight : ndarray of float64, shape (n,)
    user : ndarray of int64, shape (n,)
        From 0; rows of one user are one observation.
    """

    outcome: Floats
    weight: Floats
    user: Users


@dataclass(frozen=True)
class PolicyValue:
    """An estimate of a policy's mean outcome a row.

    Attributes
    ----------
    value : float
        Mean outcome a row under the policy.
    standard_error : float
        Of ``value``; exposures of one user count as one observation. For ``"switch-dr"`` with the bias of the
        rows that were left out.
    effective_sample_size : float
        ``(Σ w)² / Σ w²`` of the weights that were used [4]_: how many rows the estimate rests on.
    matched : int
        Rows whose given arm the policy gives with a probability above 0.
    method : {"ips", "snips", "dr", "switch-dr"}
    influence : ndarray of float64, shape (n,)
        Each row's part in the error of ``value``.
    switch : float
        The largest weight used; infinite but for ``"switch-dr"``.
    """

    value: float
    standard_error: float
    effective_sample_size: float
    matched: int
    method: str
    influence: Floats = field(repr=False)
    user: Users = field(repr=False)
    switch: float = float("inf")

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Return the confidence interval of the value, by the normal law.

        Raises
        ------
        InputError
            If ``level`` is outside (0, 1).
        """
        return normal_interval(self.value, self.standard_error, level)


def ips_value(rows: Weighted) -> PolicyValue:
    """Return the inverse-propensity estimate ``Σ w y / n`` [1]_: unbiased, and as noisy as its weights."""
    _check_matched(rows)
    score = rows.weight * rows.outcome
    value = float(score.mean())
    return estimate(value, score - value, rows.weight, rows.user, "ips")


def snips_value(rows: Weighted) -> PolicyValue:
    """Return the self-normalised estimate ``Σ w y / Σ w`` [2]_, with its linearised standard error."""
    _check_matched(rows)
    total = rows.weight.sum()
    value = float((rows.weight * rows.outcome).sum() / total)
    influence = rows.weight * (rows.outcome - value) / (total / len(rows.weight))
    return estimate(value, influence, rows.weight, rows.user, "snips")


def dr_value(rows: Weighted, direct: Floats, given: Floats) -> PolicyValue:
    """Return the doubly robust estimate: the model's outcome, plus its weighted error on given arms [3]_.

    Parameters
    ----------
    rows : Weighted
    direct : ndarray of float64, shape (n,)
        The outcome that a model expects under the policy.
    given : ndarray of float64, shape (n,)
        The outcome that it expects of the arm that was given.
    """
    score = direct + rows.weight * (rows.outcome - given)
    value = float(score.mean())
    return estimate(value, score - value, rows.weight, rows.user, "dr")


def value_difference(first: PolicyValue, second: PolicyValue) -> tuple[float, float]:
    """Return ``first − second`` and its standard error, paired by row.

    Both must be estimates on the same log: what moves them together cancels. The bias that standard errors
    of ``"switch-dr"`` allow for does not.

    Raises
    ------
    InputError
        If the two rest on different numbers of rows.
    """
    if len(first.influence) != len(second.influence):
        raise InputError(
            f"the policies were judged on {len(first.influence)} and {len(second.influence)} rows",
            mend="Judge both on the same log",
        )
    paired = standard_error(first.influence - second.influence, first.user)
    return first.value - second.value, math.hypot(paired, _bias(first), _bias(second))


def _bias(found: PolicyValue) -> float:
    """Return what a standard error holds beyond the spread of the rows."""
    spread = standard_error(found.influence, found.user)
    return math.sqrt(max(0.0, found.standard_error**2 - spread**2))


def estimate(value: float, influence: Floats, weight: Floats, user: Users, method: str) -> PolicyValue:
    """Return an estimate with what its weights and influences say of its error."""
    squares = float((weight**2).sum())
    return PolicyValue(
        value=value,
        standard_error=standard_error(influence, user),
        effective_sample_size=float(weight.sum() ** 2 / squares) if squares else 0.0,
        matched=int((weight > 0).sum()),
        method=method,
        influence=influence,
        user=user,
    )


def standard_error(influence: Floats, user: Users) -> float:
    """Return the standard error of a mean whose rows' parts in it are given; a user is one observation.

    NaN where there is one user alone, whose parts add up to nought whatever they are.
    """
    by_user = np.bincount(user, weights=influence)
    if len(by_user) < 2:
        return math.nan
    return float(np.sqrt((by_user**2).sum()) / len(influence))


def normal_interval(value: float, error: float, level: float = 0.95) -> tuple[float, float]:
    """Return ``value`` ± as many standard errors as ``level`` asks for.

    Raises
    ------
    InputError
        If ``level`` is outside (0, 1).
    """
    if not 0 < level < 1:
        raise InputError("level must lie strictly between 0 and 1", parameter="level", value=level)
    half = NormalDist().inv_cdf((1 + level) / 2) * error
    return value - half, value + half


def _check_matched(rows: Weighted) -> None:
    if rows.weight.sum() <= 0:
        raise InputError(
            "no row of the log was given what the policy gives, so the log says nothing about it",
            mend="Judge it on a log that gave these arms to such users",
        )
