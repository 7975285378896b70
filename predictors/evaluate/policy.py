"""What a policy would have been worth, judged from a log that another policy wrote.

A policy says for every row of the log which arm it would give: an integer array with −1 for none, or a
matrix of probabilities ``(n, J + 1)`` whose first column is none.

References
----------
.. [1] Chernozhukov, V., et al. (2018). Double/debiased machine learning for treatment and structural
   parameters. The Econometrics Journal, 21(1), C1-C68. https://doi.org/10.1111/ectj.12097
"""

from __future__ import annotations

from typing import Literal, get_args
from warnings import warn

import numpy as np
import numpy.typing as npt

from couponry.instances.errors import DataWarning, InputError
from couponry.instances.log import Log
from couponry.predictors.evaluate.estimators import PolicyValue, Weighted, dr_value, ips_value, snips_value
from couponry.predictors.evaluate.outcome_model import cross_fitted_outcome
from couponry.predictors.evaluate.switch import switch_dr_value
from couponry.predictors.overlap import assignment_doubts
from couponry.predictors.propensity import given_propensity

__all__ = ["Method", "PolicyValue", "estimated_value", "policy_probabilities", "policy_value"]

Floats = npt.NDArray[np.float64]
Outcome = Literal["conversion", "cost", "revenue"]
Method = Literal["ips", "snips", "dr", "switch-dr"]


def policy_value(
    log: Log,
    policy: npt.ArrayLike,
    *,
    outcome: Outcome | npt.ArrayLike = "conversion",
    method: Method = "snips",
    outcome_model: npt.ArrayLike | None = None,
    switch: float | None = None,
    seed: int = 0,
) -> PolicyValue:
    """Return the value of a policy on the rows of a log.

    Parameters
    ----------
    log : Log
        Rows that the policy was not learnt from. Without propensities the arms are taken to have been
        drawn at random by their shares.
    policy : array of int, shape (n,), or of float, shape (n, J + 1)
    outcome : {"conversion", "cost", "revenue"} or array of float, shape (n,)
        An array is an outcome that the log does not hold, such as whether the user came back.
    method : {"ips", "snips", "dr", "switch-dr"}
        Inverse propensity, self-normalised inverse propensity, doubly robust, or doubly robust where the
        weight is small and the outcome model's word elsewhere;
        see :mod:`~couponry.predictors.evaluate.estimators` and :mod:`~couponry.predictors.evaluate.switch`.
    outcome_model : array of float, shape (n, J + 1), optional
        For ``"dr"`` and ``"switch-dr"``: predicted outcome of every arm, none first, from a model that has
        not seen these rows. Absent, one is fitted on other folds of this log [1]_.
    switch : float, optional
        For ``"switch-dr"``: the largest weight that is used; absent, it is chosen by the log.
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

    Warns
    -----
    DataWarning
        If the log tells no propensities and its features tell who got which arm: the value is then not the
        policy's.
    """
    for message in assignment_doubts(log):
        warn(message, DataWarning, stacklevel=2)
    return estimated_value(
        log, policy, outcome=outcome, method=method, outcome_model=outcome_model, switch=switch, seed=seed
    )


def estimated_value(
    log: Log,
    policy: npt.ArrayLike,
    *,
    outcome: Outcome | npt.ArrayLike = "conversion",
    method: Method = "snips",
    outcome_model: npt.ArrayLike | None = None,
    switch: float | None = None,
    seed: int = 0,
) -> PolicyValue:
    """Return what :func:`policy_value` does of a log that has been looked over already."""
    if method not in get_args(Method):
        raise InputError("unknown method", value=method, mend=f"Give one of {', '.join(get_args(Method))}")
    chances = policy_probabilities(policy, log.n, len(log.coupons))
    _check_support(log, chances)
    rows = Weighted(
        outcome=_observed(log, outcome),
        weight=np.take_along_axis(chances, log.arm[:, None] + 1, axis=1)[:, 0] / given_propensity(log),
        user=np.unique(log.user_id.astype(str), return_inverse=True)[1],
    )
    if method == "ips":
        return ips_value(rows)
    if method == "snips":
        return snips_value(rows)
    expected = _expected(log, rows, outcome_model, chances.shape, seed)
    direct = (chances * expected).sum(axis=1)
    given = np.take_along_axis(expected, log.arm[:, None] + 1, axis=1)[:, 0]
    if method == "dr":
        return dr_value(rows, direct, given)
    return switch_dr_value(rows, direct, given, switch)


def _observed(log: Log, outcome: Outcome | npt.ArrayLike) -> Floats:
    if isinstance(outcome, str):
        if outcome not in get_args(Outcome):
            raise InputError(
                "unknown outcome", value=outcome, mend=f"Give {', '.join(get_args(Outcome))} or an array"
            )
        return np.asarray(getattr(log, outcome), np.float64)
    observed = np.asarray(outcome, np.float64)
    if observed.shape != (log.n,):
        raise InputError(f"outcome has shape {observed.shape}, not ({log.n},)", mend="Give one a row")
    wrong = np.flatnonzero(~np.isfinite(observed))
    if len(wrong):
        row = int(wrong[0])
        raise InputError("outcome must be finite", row=row, value=float(observed[row]))
    return observed


def _expected(
    log: Log, rows: Weighted, outcome_model: npt.ArrayLike | None, shape: tuple[int, ...], seed: int
) -> Floats:
    if outcome_model is None:
        return cross_fitted_outcome(log, rows.outcome, rows.user, seed=seed)
    expected = np.asarray(outcome_model, np.float64)
    if expected.shape != shape:
        raise InputError(
            f"outcome_model has shape {expected.shape}, not {shape}",
            mend="Give one column an arm, none first",
        )
    return expected


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
