"""What a policy would have been worth, judged from a log that another policy wrote.

A policy says for every row of the log which arm it would give: an integer array with −1 for none, or a
matrix of probabilities ``(n, J + 1)`` whose first column is none.

References
----------
.. [1] Swaminathan, A., & Joachims, T. (2015). The self-normalized estimator for counterfactual learning.
   NeurIPS 28.
.. [2] Dudík, M., Erhan, D., Langford, J., & Li, L. (2014). Doubly robust policy evaluation and optimization.
   Statistical Science, 29(4), 485-511. https://doi.org/10.1214/14-STS500
.. [3] Chernozhukov, V., et al. (2018). Double/debiased machine learning for treatment and structural
   parameters. The Econometrics Journal, 21(1), C1-C68. https://doi.org/10.1111/ectj.12097
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from couponry.instances.errors import InputError
from couponry.instances.log import Log
from couponry.predictors.evaluate.outcome_model import cross_fitted_outcome
from couponry.predictors.propensity import given_propensity

__all__ = ["PolicyValue", "dr_value", "policy_value", "snips_value", "value_difference"]

Floats = npt.NDArray[np.float64]
Outcome = Literal["conversion", "cost", "revenue"]


@dataclass(frozen=True)
class PolicyValue:
    """An estimate of a policy's mean outcome a row.

    Attributes
    ----------
    value : float
        Mean outcome a row under the policy.
    standard_error : float
        Of ``value``; exposures of one user count as one observation.
    effective_sample_size : float
        ``(Σ w)² / Σ w²`` of the importance weights: how many rows the estimate rests on.
    matched : int
        Rows whose given arm the policy gives with a probability above 0.
    method : {"snips", "dr"}
    influence : ndarray of float64, shape (n,)
        Each row's part in the error of ``value``.
    """

    value: float
    standard_error: float
    effective_sample_size: float
    matched: int
    method: str
    influence: Floats = field(repr=False)
    user: npt.NDArray[np.int64] = field(repr=False)


def policy_value(
    log: Log,
    policy: npt.ArrayLike,
    *,
    outcome: Outcome = "conversion",
    method: Literal["snips", "dr"] = "snips",
    outcome_model: npt.ArrayLike | None = None,
    seed: int = 0,
) -> PolicyValue:
    """Return the value of a policy on the rows of a log.

    Parameters
    ----------
    log : Log
        Rows that the policy was not learnt from. Without propensities the arms are taken to have been
        drawn at random by their shares.
    policy : array of int, shape (n,), or of float, shape (n, J + 1)
    outcome : {"conversion", "cost", "revenue"}
    method : {"snips", "dr"}
        Self-normalised inverse propensity [1]_, or doubly robust [2]_.
    outcome_model : array of float, shape (n, J + 1), optional
        For ``"dr"``: predicted outcome of every arm, none first, from a model that has not seen these rows.
        Absent, one is fitted on other folds of this log [3]_.
    seed : int
        Of the folds.

    Returns
    -------
    PolicyValue

    Raises
    ------
    InputError
        If the policy's shape or arms do not fit the log, it gives an arm that the log never gave, or no
        row of the log was given what the policy gives.
    """
    chances = policy_probabilities(policy, log.n, len(log.coupons))
    _check_support(log, chances)
    weight = np.take_along_axis(chances, log.arm[:, None] + 1, axis=1)[:, 0] / given_propensity(log)
    observed = np.asarray(getattr(log, outcome), np.float64)
    user = np.unique(log.user_id.astype(str), return_inverse=True)[1]
    if method == "snips":
        return snips_value(observed, weight, user)
    if method != "dr":
        raise InputError("unknown method", value=method, mend="Give 'snips' or 'dr'")
    if outcome_model is None:
        expected = cross_fitted_outcome(log, observed, user, seed=seed)
    else:
        expected = np.asarray(outcome_model, np.float64)
        if expected.shape != chances.shape:
            raise InputError(
                f"outcome_model has shape {expected.shape}, not {chances.shape}",
                mend="Give one column an arm, none first",
            )
    return dr_value(observed, weight, chances, expected, log.arm, user)


def snips_value(outcome: Floats, weight: Floats, user: npt.NDArray[np.int64]) -> PolicyValue:
    """Return the self-normalised estimate ``Σ w y / Σ w`` [1]_, with its linearised standard error."""
    total = weight.sum()
    if total <= 0:
        raise InputError(
            "no row of the log was given what the policy gives, so the log says nothing about it",
            mend="Judge it on a log that gave these arms to such users",
        )
    value = float((weight * outcome).sum() / total)
    influence = weight * (outcome - value) / (total / len(weight))
    return _estimate(value, influence, weight, user, "snips")


def dr_value(
    outcome: Floats,
    weight: Floats,
    chances: Floats,
    expected: Floats,
    arm: npt.NDArray[np.int32],
    user: npt.NDArray[np.int64],
) -> PolicyValue:
    """Return the doubly robust estimate: the model's outcome, plus its weighted error on given arms [2]_."""
    given = np.take_along_axis(expected, arm[:, None] + 1, axis=1)[:, 0]
    score = (chances * expected).sum(axis=1) + weight * (outcome - given)
    value = float(score.mean())
    return _estimate(value, score - value, weight, user, "dr")


def value_difference(first: PolicyValue, second: PolicyValue) -> tuple[float, float]:
    """Return ``first − second`` and its standard error, paired by row.

    Both must be estimates on the same log: what moves them together cancels.

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
    return first.value - second.value, _standard_error(first.influence - second.influence, first.user)


def policy_probabilities(policy: npt.ArrayLike, rows: int, coupons: int) -> Floats:
    """Return a policy as a matrix of probabilities, none first, shape ``(n, J + 1)``.

    Raises
    ------
    InputError
        If the shape is wrong, an arm is outside the menu, or a row's probabilities do not sum to one.
    """
    given = np.asarray(policy)
    if given.shape == (rows,):
        outside = np.flatnonzero((given < -1) | (given >= coupons))
        if len(outside):
            raise InputError(
                f"the policy gives an arm outside the menu of {coupons} coupons",
                row=int(outside[0]),
                value=int(given[outside[0]]),
                mend="Use menu positions from 0, and -1 for none",
            )
        chances = np.zeros((rows, coupons + 1))
        chances[np.arange(rows), given.astype(np.int64) + 1] = 1.0
        return chances
    if given.shape != (rows, coupons + 1):
        raise InputError(
            f"the policy has shape {given.shape}",
            mend=f"Give one arm a row, ({rows},), or one probability an arm, ({rows}, {coupons + 1})",
        )
    chances = given.astype(np.float64)
    wrong = np.flatnonzero((chances < 0).any(axis=1) | (np.abs(chances.sum(axis=1) - 1) > 1e-9))
    if len(wrong):
        row = int(wrong[0])
        raise InputError("a row's probabilities must sum to 1", row=row, value=float(chances[row].sum()))
    return chances


def _check_support(log: Log, chances: Floats) -> None:
    seen = np.bincount(log.arm + 1, minlength=chances.shape[1]) > 0
    unseen = np.flatnonzero(~seen & (chances > 0).any(axis=0))
    if len(unseen):
        name = "none" if unseen[0] == 0 else log.coupons.ids[unseen[0] - 1]
        raise InputError(
            "the policy gives an arm that the log never gave, so the log says nothing about it",
            column="arm",
            value=name,
            mend="Judge it on a log that gave this arm",
        )


def _estimate(
    value: float, influence: Floats, weight: Floats, user: npt.NDArray[np.int64], method: str
) -> PolicyValue:
    squares = float((weight**2).sum())
    return PolicyValue(
        value=value,
        standard_error=_standard_error(influence, user),
        effective_sample_size=float(weight.sum() ** 2 / squares) if squares else 0.0,
        matched=int((weight > 0).sum()),
        method=method,
        influence=influence,
        user=user,
    )


def _standard_error(influence: Floats, user: npt.NDArray[np.int64]) -> float:
    by_user = np.bincount(user, weights=influence)
    return float(np.sqrt((by_user**2).sum()) / len(influence))
