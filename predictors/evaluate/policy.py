"""What a policy would have been worth, judged from a log that another policy wrote."""

from __future__ import annotations

from warnings import warn

import numpy.typing as npt

from couponry.instances.errors import DataWarning
from couponry.instances.log import Log
from couponry.predictors.assignment_doubts import assignment_doubts
from couponry.predictors.evaluate.estimators import PolicyValue
from couponry.predictors.evaluate.off_policy import Method, OffPolicyEvaluation, Outcome

__all__ = ["PolicyValue", "policy_value"]


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
    log, outcome, outcome_model, seed
        As :class:`~couponry.predictors.evaluate.off_policy.OffPolicyEvaluation` takes them.
    policy : array of int, shape (n,), or of float, shape (n, J + 1)
        For every row the menu position of the coupon that it would give, −1 for none; or the probability of
        every arm, none first.
    method : {"ips", "snips", "dr", "switch-dr"}
        Inverse propensity, self-normalised inverse propensity, doubly robust, or switch-DR.
    switch : float, optional
        For ``"switch-dr"``: the largest weight that is used; absent, it is chosen by the log.

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
        If features tell more of who got which arm than the log's propensities, or these do not add up: the
        value is then not the policy's.
    """
    trainable = bool((log.arm < 0).any())
    for message in assignment_doubts(
        log,
        by_choice="those of cp.overlap(log).with_propensity(log)" if trainable else None,
        afterwards=lambda names: (
            f"take that out by replace(log, features=log.features.drop(columns={names}))"
        ),
    ):
        warn(message, DataWarning, stacklevel=2)
    return OffPolicyEvaluation(log, outcome, outcome_model, seed).value(policy, method, switch)
