"""A log prepared so that any number of policies are judged by it, each by any estimator.

References
----------
.. [1] Chernozhukov, V., et al. (2018). Double/debiased machine learning for treatment and structural
   parameters. The Econometrics Journal, 21(1), C1-C68. https://doi.org/10.1111/ectj.12097
"""

from __future__ import annotations

from functools import cached_property
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from couponry.instances.errors import InputError, did_you_mean
from couponry.instances.log import Log
from couponry.predictors.evaluate.estimators import PolicyValue, Weighted, dr_value, ips_value, snips_value
from couponry.predictors.evaluate.outcome_model import cross_fitted_outcome
from couponry.predictors.evaluate.probabilities import check_support, policy_probabilities
from couponry.predictors.evaluate.switch import switch_dr_value
from couponry.predictors.propensity import given_propensity

__all__ = ["METHODS", "OUTCOMES", "Method", "OffPolicyEvaluation", "Outcome"]

Floats = npt.NDArray[np.float64]
Outcome = Literal["conversion", "cost", "revenue", "profit"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
Method = Literal["ips", "snips", "dr", "switch-dr"]
METHODS: tuple[Method, ...] = get_args(Method)


class OffPolicyEvaluation:
    """One outcome of a log, by which policies are judged; what they share is worked out once.

    Parameters
    ----------
    log : Log
        Rows that the policies were not learnt from. Without propensities the arms are taken to have been
        drawn at random by their shares.
    outcome : {"conversion", "cost", "revenue", "profit"} or array of float, shape (n,)
        ``"profit"`` is revenue less cost. An array is an outcome that the log does not hold, such as whether
        the user came back.
    outcome_model : array of float, shape (n, J + 1), optional
        For ``"dr"`` and ``"switch-dr"``: predicted outcome of every arm, none first, from a model that has
        not seen these rows. Absent, one is fitted on other folds of this log [1]_.
    seed : int
        Of the folds.

    Raises
    ------
    InputError
        If the outcome or the outcome model does not fit the log.
    """

    def __init__(
        self,
        log: Log,
        outcome: Outcome | npt.ArrayLike = "conversion",
        outcome_model: npt.ArrayLike | None = None,
        seed: int = 0,
    ) -> None:
        self.log, self._seed = log, seed
        self._observed = _observed(log, outcome)
        self._given_propensity = given_propensity(log)
        self._user = np.unique(log.user_id.astype(str), return_inverse=True)[1]
        if outcome_model is not None:
            self.expected = _of_shape(outcome_model, (log.n, len(log.coupons) + 1))

    @cached_property
    def expected(self) -> Floats:
        """Expected outcome of every row under every arm, none first, float64 ``(n, J + 1)``."""
        return cross_fitted_outcome(self.log, self._observed, self._user, seed=self._seed)

    def value(
        self, policy: npt.ArrayLike, method: Method = "snips", switch: float | None = None
    ) -> PolicyValue:
        """Return a policy's value.

        Parameters
        ----------
        policy : array of int, shape (n,), or of float, shape (n, J + 1)
        method : {"ips", "snips", "dr", "switch-dr"}
            Inverse propensity, self-normalised inverse propensity, doubly robust, or doubly robust where the
            weight is small and the outcome model's word elsewhere; see
            :mod:`~couponry.predictors.evaluate.estimators` and :mod:`~couponry.predictors.evaluate.switch`.
        switch : float, optional
            For ``"switch-dr"``: the largest weight that is used; absent, it is chosen by the log.

        Raises
        ------
        InputError
            If the policy's shape or arms do not fit the log, it gives an arm that the log never gave, or no
            row of the log was given what the policy gives.
        """
        if method not in METHODS:
            raise InputError(
                "unknown method", parameter="method", value=method, mend=did_you_mean(method, METHODS)
            )
        chances = policy_probabilities(policy, self.log.n, len(self.log.coupons))
        check_support(self.log, chances)
        rows = self._weighted(self._of_given(chances) / self._given_propensity)
        if method == "ips":
            return ips_value(rows)
        if method == "snips":
            return snips_value(rows)
        direct, given = (chances * self.expected).sum(axis=1), self._of_given(self.expected)
        if method == "dr":
            return dr_value(rows, direct, given)
        return switch_dr_value(rows, direct, given, switch)

    def as_logged(self) -> PolicyValue:
        """Return the value of the policy that wrote the log: the mean of what was observed."""
        return ips_value(self._weighted(np.ones(self.log.n)))

    def _weighted(self, weight: Floats) -> Weighted:
        return Weighted(outcome=self._observed, weight=weight, user=self._user)

    def _of_given(self, by_arm: Floats) -> Floats:
        return np.take_along_axis(by_arm, self.log.arm[:, None] + 1, axis=1)[:, 0]


def _observed(log: Log, outcome: Outcome | npt.ArrayLike) -> Floats:
    if isinstance(outcome, str):
        if outcome not in OUTCOMES:
            raise InputError(
                "unknown outcome",
                parameter="outcome",
                value=outcome,
                mend=f"{did_you_mean(outcome, OUTCOMES)}, or an array",
            )
        found = log.revenue - log.cost if outcome == "profit" else getattr(log, outcome)
        return np.asarray(found, np.float64)
    observed = np.asarray(outcome, np.float64)
    if observed.shape != (log.n,):
        raise InputError(f"outcome has shape {observed.shape}, not ({log.n},)", mend="Give one a row")
    wrong = np.flatnonzero(~np.isfinite(observed))
    if len(wrong):
        row = int(wrong[0])
        raise InputError("outcome must be finite", row=row, value=float(observed[row]))
    return observed


def _of_shape(outcome_model: npt.ArrayLike, shape: tuple[int, ...]) -> Floats:
    expected = np.asarray(outcome_model, np.float64)
    if expected.shape != shape:
        raise InputError(
            f"outcome_model has shape {expected.shape}, not {shape}",
            mend="Give one column an arm, none first",
        )
    wrong = np.flatnonzero(~np.isfinite(expected).all(axis=1))
    if len(wrong):
        raise InputError(
            "outcome_model must be finite",
            row=int(wrong[0]),
            mend="Give every arm an expected outcome, also one that the policy never gives",
        )
    return expected
