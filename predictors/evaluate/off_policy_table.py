"""What policies are worth by a log alone, by each estimator, beside baselines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from warnings import warn

import numpy as np
import numpy.typing as npt
import pandas as pd

from couponry.instances.errors import DataWarning, InputError
from couponry.instances.log import Log
from couponry.instances.wording import setting
from couponry.predictors.assignment_doubts import assignment_doubts
from couponry.predictors.evaluate.baseline_policies import baseline_policies
from couponry.predictors.evaluate.estimators import PolicyValue, value_difference
from couponry.predictors.evaluate.off_policy import METHODS, Method, OffPolicyEvaluation, Outcome
from couponry.predictors.evaluate.policies import everyone
from couponry.predictors.evaluate.probabilities import share_given
from couponry.predictors.overlap import overlap
from couponry.predictors.parameter_kinds import check_parameters

__all__ = ["AS_LOGGED", "value_table"]

_FEW_ROWS = 50

AS_LOGGED = "as logged"
"""The policy that wrote the log."""


def value_table(
    log: Log,
    policies: Mapping[str, npt.ArrayLike],
    *,
    outcome: Outcome = "conversion",
    methods: Sequence[Method] = METHODS,
    assignment: str = "lot",
    seed: int = 0,
) -> pd.DataFrame:
    """Return what policies and baselines would have been worth on a log, a row a policy and method.

    The baselines give as many rows a coupon as the first policy does, or as the log where there is none.
    Which user responds best, and which coupon is the best single one, is said by regressions fitted on other
    folds of the log, of the outcome that is asked for (of conversions where that is cost).

    Parameters
    ----------
    log : Log
        Rows that the policies were not learnt from.
    policies : mapping from name to policy
        As :func:`~couponry.predictors.evaluate.policy.policy_value` takes them.
    outcome : {"conversion", "cost", "revenue", "profit"}
    methods : sequence of {"ips", "snips", "dr", "switch-dr"}
    assignment : {"lot", "features"}
        How the log's arms were chosen, if it tells no propensities: by lot, or by what the features tell;
        propensities are then learnt of them.
    seed : int
        Of the folds.

    Returns
    -------
    DataFrame
        ``policy, share, method, value, standard_error, low, high`` (95 % interval), ``effective_sample_size,
        matched``; ``over_logged, over_logged_se, over_nothing, over_nothing_se``: the difference to the
        policy that wrote the log and to giving nothing, paired by row (NaN where the log never gave none).

    Raises
    ------
    InputError
        If a policy cannot be judged by this log, or the outcome or a method is not known.

    Warns
    -----
    DataWarning
        If, with ``assignment="lot"``, features tell more of who got which arm than the log's propensities,
        or these do not add up; or a policy rests on few rows.
    """
    check_parameters({"assignment": assignment})
    if assignment == "features":
        log = overlap(log, seed=seed).with_propensity(log)
    for message in _doubts(log) if assignment == "lot" else ():
        warn(message, DataWarning, stacklevel=2)
    judged = OffPolicyEvaluation(log, outcome, seed=seed)
    by = judged if outcome != "cost" else OffPolicyEvaluation(log, seed=seed)
    logged_share = float((log.arm >= 0).mean())
    share = next((share_given(policy) for policy in policies.values()), logged_share)
    uplift = by.expected[:, 1:] - by.expected[:, :1]
    named = "conversion" if outcome == "cost" else outcome
    baselines = baseline_policies(log, by.expected, uplift, share, of=named)
    _check_names(policies, {AS_LOGGED, *baselines})
    logged, nobody = judged.as_logged(), everyone(log.n, -1)
    nothing = {m: judged.value(nobody, m) for m in methods} if (log.arm < 0).any() else {}
    rows = []
    for name, policy in (dict(policies) | {AS_LOGGED: None} | baselines).items():
        given = logged_share if policy is None else share_given(policy)
        for method in methods:
            try:
                found = logged if policy is None else judged.value(policy, method)
            except InputError as error:
                raise error.located(file=name) from None
            row = {"policy": name, "share": given, "method": method}
            rows.append(row | _row(found, logged, nothing.get(method)))
    table = pd.DataFrame(rows)
    for message in _thin(table[table["policy"].isin(list(policies))]):
        warn(message, DataWarning, stacklevel=2)
    return table


def _check_names(policies: Mapping[str, npt.ArrayLike], taken: set[str]) -> None:
    for name in policies:
        if name in taken:
            raise InputError("a baseline has this name", value=name, mend="Call the policy something else")


def _doubts(log: Log) -> list[str]:
    learnt = f"judge with {setting('assignment', 'features')}, which learns them of the features"
    return assignment_doubts(
        log,
        by_choice=learnt if (log.arm < 0).any() else None,  # without a control group overlap refuses it
        afterwards=lambda names: f"take {' and '.join(map(repr, names))} out of the log",
    )


def _thin(table: pd.DataFrame) -> list[str]:
    every_weight = table[table["method"] != "switch-dr"]  # which leaves out the largest
    found = every_weight if len(every_weight) else table
    effective = found.groupby("policy", sort=False)["effective_sample_size"].first()
    return [
        f"{name!r} rests on {rows:.0f} effective rows: even its standard errors are unsure. Judge it by more "
        "rows, or by a log that gave such users its coupons more often"
        for name, rows in effective[effective < _FEW_ROWS].items()
    ]


def _row(found: PolicyValue, logged: PolicyValue, nothing: PolicyValue | None) -> dict[str, float]:
    low, high = found.interval()
    over_logged = value_difference(found, logged)
    over_nothing = (np.nan, np.nan) if nothing is None else value_difference(found, nothing)
    return {
        "value": found.value,
        "standard_error": found.standard_error,
        "low": low,
        "high": high,
        "effective_sample_size": found.effective_sample_size,
        "matched": found.matched,
        "over_logged": over_logged[0],
        "over_logged_se": over_logged[1],
        "over_nothing": over_nothing[0],
        "over_nothing_se": over_nothing[1],
    }
