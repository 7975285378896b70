"""What policies are worth on held-out rows, by every estimator, beside baselines."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from couponry.instances.log import Log
from couponry.predictors.evaluate.baseline_policies import baseline_policies, judgeable, percent
from couponry.predictors.evaluate.baselines import uplift_of
from couponry.predictors.evaluate.estimators import value_difference
from couponry.predictors.evaluate.off_policy import Method, OffPolicyEvaluation
from couponry.predictors.evaluate.policies import (
    budgeted,
    everyone,
    top_share,
)
from couponry.predictors.evaluate.probabilities import share_given
from couponry.predictors.learner import Outcomes

__all__ = ["compared_policies", "policy_table"]

Floats = npt.NDArray[np.float64]

_COLUMNS: dict[Method, str] = {"ips": "ips", "snips": "snips", "dr": "dr", "switch-dr": "switch_dr"}


def policy_table(
    held: Log, policies: Mapping[str, npt.ArrayLike], outcomes: Outcomes | None = None
) -> pd.DataFrame:
    """Return what policies are worth on held-out rows, with standard errors.

    Parameters
    ----------
    held : Log
    policies : mapping from name to policy
        As :func:`~couponry.predictors.evaluate.policy.policy_value` takes them.
    outcomes : Outcomes, optional
        Of a model that has not seen these rows, for the doubly robust estimates; absent, an outcome model is
        cross-fitted on them.

    Returns
    -------
    DataFrame
        ``policy, share``; conversions a row by each method with standard error (``ips, ips_se, snips,
        snips_se, dr, dr_se, switch_dr, switch_dr_se``) and the 95 % interval of ``dr`` (``low, high``);
        ``effective_sample_size``; ``cost, cost_se`` (doubly robust, a row); ``gain, gain_se`` (``dr`` over
        giving nothing, paired).
    """
    conversion = OffPolicyEvaluation(held, "conversion", None if outcomes is None else outcomes.conversion)
    cost = OffPolicyEvaluation(held, "cost", None if outcomes is None else outcomes.cost)
    nothing = conversion.value(everyone(held.n, -1), "dr")
    rows = []
    for name, policy in policies.items():
        found = {column: conversion.value(policy, method) for method, column in _COLUMNS.items()}
        low, high = found["dr"].interval()
        spent = cost.value(policy, "dr")
        gain, gain_se = value_difference(found["dr"], nothing)
        row: dict[str, object] = {"policy": name, "share": share_given(policy)}
        for column, value in found.items():
            row[column] = value.value
            row[f"{column}_se"] = value.standard_error
        rows.append(
            row
            | {
                "low": low,
                "high": high,
                "effective_sample_size": found["snips"].effective_sample_size,
                "cost": spent.value,
                "cost_se": spent.standard_error,
                "gain": gain,
                "gain_se": gain_se,
            }
        )
    return pd.DataFrame(rows)


def compared_policies(
    held: Log, outcomes: Outcomes, share: float, budget: float | None = None
) -> dict[str, npt.ArrayLike]:
    """Return, by name, the policies of a model and the baselines, without those that the log cannot judge.

    Parameters
    ----------
    held : Log
    outcomes : Outcomes
    share : float
        Of rows that may be given a coupon.
    budget : float, optional
        Money for all rows; adds the policy that spends it at one price, by predicted cost.
    """
    uplift = uplift_of(outcomes)
    policies: dict[str, npt.ArrayLike] = {}
    if budget is not None:
        cost = np.maximum(np.asarray(outcomes.cost[:, 1:], np.float64), 0.0)
        policies[f"budget of {budget:g}, by predicted uplift and cost"] = budgeted(uplift, cost, budget)
    policies[f"top {percent(share)} by predicted uplift"] = top_share(uplift, share)
    return judgeable(held, policies) | baseline_policies(held, outcomes.conversion, uplift, share)
