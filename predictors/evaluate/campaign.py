"""Campaign measures of policies from a log: click rate, conversion, ROI, retention, repeat purchase.

Every measure is a ratio of self-normalised means over the rows that a policy would have treated as the log
did, with a standard error by the delta method; rows of one user are one observation.

References
----------
.. [1] Farris, P. W., Bendle, N. T., Pfeifer, P. E., & Reibstein, D. J. (2010). Marketing metrics, 2nd ed.
   Pearson.
.. [2] Oehlert, G. W. (1992). A note on the delta method. The American Statistician, 46(1), 27-29.
   https://doi.org/10.1080/00031305.1992.10475842
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from couponry.instances.errors import InputError
from couponry.instances.log import Log
from couponry.predictors.evaluate.estimators import PolicyValue, normal_interval, standard_error
from couponry.predictors.evaluate.followed import FollowUp
from couponry.predictors.evaluate.off_policy import OffPolicyEvaluation
from couponry.predictors.evaluate.policies import everyone
from couponry.predictors.evaluate.probabilities import share_given

__all__ = ["campaign_measures"]

Floats = npt.NDArray[np.float64]

_OUTCOMES = ("conversion", "revenue", "cost")


def campaign_measures(
    log: Log,
    policies: Mapping[str, npt.ArrayLike],
    *,
    follow_up: FollowUp | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Return the measures of campaigns [1]_ that followed each policy.

    Parameters
    ----------
    log : Log
        Randomised, or with known propensities.
    policies : mapping from name to policy
        As :func:`~couponry.predictors.evaluate.policy.policy_value` takes them; a plan becomes one by
        :func:`~couponry.predictors.evaluate.policies.plan_arms`.
    follow_up : FollowUp, optional
        Clicks, and purchases after the exposure; measures that need them are left out without.
    level : float
        Of the confidence intervals, in (0, 1).

    Returns
    -------
    DataFrame
        ``policy, measure, value, standard_error, low, high``, with the measures

        - ``given``: coupons a row, as the policy says;
        - ``click_rate``: clicks a coupon given;
        - ``conversion``, ``revenue``, ``cost``: a row; revenue is left out where no row of the log has any;
        - ``roi``: (revenue over giving nothing − cost) / cost; NaN where nothing is spent, and left out where
          the log has no rows without a coupon, or no revenue;
        - ``retention``: users that bought again later, a row;
        - ``repeat_purchase``: of users that bought, the share that did twice or more.

    Raises
    ------
    InputError
        If a policy cannot be judged by this log, or the follow-up has other rows.
    """
    if follow_up is not None and follow_up.rows != log.n:
        raise InputError(
            f"the follow-up has {follow_up.rows} rows and the log {log.n}", mend="Make it of the same log"
        )
    rows, judged = [], _evaluations(log, follow_up)
    for name, policy in policies.items():
        for measure, ratio in _measures(judged, policy).items():
            low, high = normal_interval(ratio.value, ratio.standard_error, level)
            rows.append(
                {
                    "policy": name,
                    "measure": measure,
                    "value": ratio.value,
                    "standard_error": ratio.standard_error,
                    "low": low,
                    "high": high,
                }
            )
    return pd.DataFrame(rows)


@dataclass(frozen=True)
class _Ratio:
    value: float
    standard_error: float


def _evaluations(log: Log, follow_up: FollowUp | None) -> dict[str, OffPolicyEvaluation]:
    """Return what measures are made of, each ready for any policy."""
    told = [name for name in _OUTCOMES if name != "revenue" or log.revenue.any()]
    outcomes: dict[str, Floats] = {name: getattr(log, name) for name in told}
    if follow_up is not None:
        if follow_up.clicked is not None:
            given = (log.arm >= 0).astype(np.float64)
            outcomes |= {"given": given, "clicked": follow_up.clicked * given}
        later = {name: getattr(follow_up, name) for name in ("returned", "bought", "bought_again")}
        outcomes |= {name: array for name, array in later.items() if array is not None}
    return {name: OffPolicyEvaluation(log, outcome) for name, outcome in outcomes.items()}


def _measures(judged: Mapping[str, OffPolicyEvaluation], policy: npt.ArrayLike) -> dict[str, _Ratio]:
    mean, log = {name: one.value(policy) for name, one in judged.items()}, judged["conversion"].log
    found = {"given": _Ratio(share_given(policy), 0.0)}
    if "clicked" in mean:
        found["click_rate"] = _ratio(mean["clicked"], mean["given"])
    found |= {name: _plain(mean[name]) for name in _OUTCOMES if name in mean}
    if "revenue" in mean and (log.arm == -1).any():
        nothing = judged["revenue"].value(everyone(log.n, -1))
        found["roi"] = _roi(mean["revenue"], nothing, mean["cost"])
    if "returned" in mean:
        found["retention"] = _plain(mean["returned"])
    if "bought" in mean and "bought_again" in mean:
        found["repeat_purchase"] = _ratio(mean["bought_again"], mean["bought"])
    return found


def _plain(value: PolicyValue) -> _Ratio:
    return _Ratio(value.value, value.standard_error)


def _ratio(above: PolicyValue, below: PolicyValue) -> _Ratio:
    """Return ``above / below``, its error linearised [2]_."""
    if not below.value:
        return _Ratio(float("nan"), float("nan"))
    value = above.value / below.value
    influence = (above.influence - value * below.influence) / below.value
    return _Ratio(value, standard_error(influence, above.user))


def _roi(revenue: PolicyValue, nothing: PolicyValue, cost: PolicyValue) -> _Ratio:
    if not cost.value > 0:
        return _Ratio(float("nan"), float("nan"))
    value = (revenue.value - nothing.value) / cost.value - 1
    influence = (revenue.influence - nothing.influence - (value + 1) * cost.influence) / cost.value
    return _Ratio(value, standard_error(influence, cost.user))
