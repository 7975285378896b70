"""What candidates of a search are judged by on held-out rows; larger is better."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from couponry.instances.errors import InputError, did_you_mean
from couponry.instances.log import Log
from couponry.instances.wording import called, setting
from couponry.predictors.evaluate.baselines import coupons_seen, uplift_of
from couponry.predictors.evaluate.budget_path import hull_path
from couponry.predictors.evaluate.multi_arm import arm_scores, multi_arm_qini
from couponry.predictors.evaluate.off_policy import OffPolicyEvaluation
from couponry.predictors.evaluate.policies import top_share
from couponry.predictors.evaluate.uplift import qini_score
from couponry.predictors.model import Model

__all__ = ["SCORES", "Scorer", "check_score", "scorer"]

SCORES = ("log_loss", "qini", "policy_value")

Scorer = Callable[[Model], float]
Floats = npt.NDArray[np.float64]

_SHARE = 0.3


def check_score(score: str, share: float | None, budget: float | None) -> None:
    """Refuse a score that there is not, or what is said of another one.

    Raises
    ------
    InputError
    """
    if score not in SCORES:
        raise InputError("unknown", parameter="score", value=score, mend=did_you_mean(score, SCORES))
    for name, value in (("share", share), ("budget", budget)):
        if value is not None and score != "policy_value":
            raise InputError(
                "this is of the value of a policy",
                parameter=name,
                value=value,
                mend=f"Say {setting('score', 'policy_value')} too, or leave it out",
            )
    if share is not None and budget is not None:
        raise InputError(
            f"a policy has a {called('share')} or a {called('budget')}, not both",
            parameter="budget",
            value=budget,
            mend="Leave one of them out",
        )
    if share is not None and not 0 < share <= 1:
        raise InputError("this must lie in (0, 1]", parameter="share", value=share)
    if budget is not None and not 0 < budget < np.inf:
        raise InputError("budget must be an amount above 0", parameter="budget", value=budget)


def scorer(held: Log, score: str, share: float | None = None, budget: float | None = None) -> Scorer:
    """Return what scores a model on held-out rows.

    Parameters
    ----------
    held : Log
        Rows that no candidate has seen.
    score : {"log_loss", "qini", "policy_value"}
        Minus the log loss of conversions under the given arm; the mean Qini score of the coupons; or the
        conversions a row under the policy that gives coupons by predicted uplift, doubly robust. The outcome
        model of the last is one for all candidates, fitted on other folds of ``held``.
    share : float, optional
        For ``"policy_value"``: of rows that are given their best coupon; by default 0.3.
    budget : float, optional
        For ``"policy_value"``, in place of a share: money a row. Coupons go along predicted uplift for
        predicted cost until what the held-out rows show to be spent reaches it, so that a model which
        believes coupons to be cheap does not win by that.
    """
    if score == "log_loss":
        return lambda model: _log_loss(model, held)
    if score == "qini":
        return lambda model: _qini(model, held)
    if budget is None:
        return _value_of_share(held, _SHARE if share is None else share)
    return _value_of_budget(held, budget)


def _value_of_share(held: Log, share: float) -> Scorer:
    judged, seen = OffPolicyEvaluation(held), _unseen_as_nan(held)

    def value(model: Model) -> float:
        uplift = uplift_of(model.predict_outcomes(held.features))
        return judged.value(top_share(uplift + seen, share), "dr").value

    return value


def _value_of_budget(held: Log, budget: float) -> Scorer:
    seen = _unseen_as_nan(held)
    conversion, cost = (
        arm_scores(held, getattr(held, outcome), OffPolicyEvaluation(held, outcome).expected)
        for outcome in ("conversion", "cost")
    )

    def value(model: Model) -> float:
        outcomes = model.predict_outcomes(held.features)
        price = np.maximum(np.asarray(outcomes.cost[:, 1:], np.float64), 0.0)
        path = hull_path(uplift_of(outcomes) + seen, price)
        won, spent = multi_arm_qini(path, conversion), multi_arm_qini(path, cost)
        return float(np.interp(budget, np.maximum.accumulate(spent.value), won.value))

    return value


def _unseen_as_nan(held: Log) -> Floats:
    """Return 0 for coupons that the log gave and NaN for others, which cannot be judged."""
    return np.where(np.isin(np.arange(len(held.coupons)), coupons_seen(held)), 0.0, np.nan)


def _log_loss(model: Model, held: Log) -> float:
    outcomes = model.predict_outcomes(held.features).conversion
    p = np.clip(outcomes[np.arange(held.n), held.arm + 1].astype(np.float64), 1e-7, 1 - 1e-7)
    return float((held.conversion * np.log(p) + (1 - held.conversion) * np.log1p(-p)).mean())


def _qini(model: Model, held: Log) -> float:
    value = model.predict_response(held.features).measure("value")
    found = []
    for j in range(len(held.coupons)):
        own = (held.arm == j) | (held.arm == -1)
        if (held.arm == j).any() and (held.arm == -1).any():
            found.append(qini_score(held.conversion[own], value[own, j], held.arm[own] == j))
    return float(np.nanmean(found))
