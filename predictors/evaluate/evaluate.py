"""Everything that held-out rows say of a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from couponry.instances.errors import InputError
from couponry.instances.log import Log
from couponry.predictors.evaluate.calibration import (
    expected_calibration_error,
    response_calibration,
    uplift_calibration,
)
from couponry.predictors.evaluate.estimators import value_difference
from couponry.predictors.evaluate.policies import (
    budgeted,
    everyone,
    random_share,
    single_coupon_first,
    top_share,
)
from couponry.predictors.evaluate.policy import policy_value
from couponry.predictors.evaluate.uplift import auuc_score, qini_score, uplift_at_k, uplift_by_quantile
from couponry.predictors.learner import Outcomes
from couponry.predictors.model import Model

__all__ = ["Evaluation", "evaluate_model", "policy_table"]


@dataclass(frozen=True)
class Evaluation:
    """How good a model is on rows that it has not seen.

    Attributes
    ----------
    rows : int
    share : float
        Of rows that budgeted policies give a coupon.
    coupons : DataFrame
        One row a coupon, against none: ``coupon_id, treated, control, predicted, observed,
        standard_error`` (mean uplift), ``qini, auuc, uplift_at_share, uplift_at_share_by_group,
        calibration_error``.
    deciles : DataFrame
        ``coupon_id`` and the columns of :func:`~couponry.predictors.evaluate.uplift.uplift_by_quantile`.
    response : DataFrame
        Predicted and observed conversion of the given arm, in bins.
    response_error : float
        Its expected calibration error.
    policies : DataFrame
        One row a policy: ``policy, share, snips, snips_se, effective_sample_size, dr, dr_se``
        (conversions a row), ``cost, cost_se`` (doubly robust, a row) and ``gain, gain_se`` (``dr`` over
        giving nothing, paired).
    """

    rows: int
    share: float
    coupons: pd.DataFrame
    deciles: pd.DataFrame
    response: pd.DataFrame
    response_error: float
    policies: pd.DataFrame

    def summary(self) -> dict[str, Any]:
        """Return the figures as JSON can hold them."""
        return {
            "rows": self.rows,
            "share": self.share,
            "response_calibration_error": self.response_error,
            "coupons": _records(self.coupons),
            "policies": _records(self.policies),
        }


def evaluate_model(
    model: Model, held: Log, *, share: float = 0.3, budget: float | None = None, bins: int = 10
) -> Evaluation:
    """Judge a model by a log that it has not learnt from.

    Parameters
    ----------
    model : Model
    held : Log
        With the menu of training.
    share : float
        Of rows that policies may give a coupon, in (0, 1).
    budget : float, optional
        Money for all rows of ``held``; adds the policy that spends it at one price, by predicted cost.
    bins : int

    Returns
    -------
    Evaluation

    Raises
    ------
    InputError
        If ``share`` is outside (0, 1), or the held-out log lacks rows without a coupon.
    """
    if not 0 < share < 1:
        raise InputError("share must lie strictly between 0 and 1", column="share", value=share)
    if not (held.arm == -1).any():
        raise InputError(
            "the held-out log has no rows without a coupon",
            file=held.source,
            column="arm",
            value="none",
            mend="Hold out more rows",
        )
    outcomes = model.predict_outcomes(held.features, held.coupons)
    uplift = np.asarray(outcomes.conversion[:, 1:] - outcomes.conversion[:, :1], np.float64)
    given = np.take_along_axis(outcomes.conversion, held.arm[:, None] + 1, axis=1)[:, 0]
    response = response_calibration(given, held.conversion, bins)
    return Evaluation(
        rows=held.n,
        share=share,
        coupons=pd.DataFrame([_coupon_row(held, uplift, j, share, bins) for j in range(len(held.coupons))]),
        deciles=_deciles(held, uplift, bins),
        response=response,
        response_error=expected_calibration_error(response),
        policies=policy_table(held, _policies(held, outcomes, uplift, share, budget), outcomes),
    )


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
        Of a model that has not seen these rows, for the doubly robust estimate; absent, an outcome model is
        cross-fitted on them.

    Returns
    -------
    DataFrame
        The columns of :attr:`Evaluation.policies`.
    """
    conversion = None if outcomes is None else outcomes.conversion
    cost = None if outcomes is None else outcomes.cost
    nothing = policy_value(held, everyone(held.n, -1), method="dr", outcome_model=conversion)
    rows = []
    for name, policy in policies.items():
        snips = policy_value(held, policy, method="snips")
        robust = policy_value(held, policy, method="dr", outcome_model=conversion)
        spent = policy_value(held, policy, outcome="cost", method="dr", outcome_model=cost)
        gain, gain_se = value_difference(robust, nothing)
        rows.append(
            {
                "policy": name,
                "share": _share_given(policy),
                "snips": snips.value,
                "snips_se": snips.standard_error,
                "effective_sample_size": snips.effective_sample_size,
                "dr": robust.value,
                "dr_se": robust.standard_error,
                "cost": spent.value,
                "cost_se": spent.standard_error,
                "gain": gain,
                "gain_se": gain_se,
            }
        )
    return pd.DataFrame(rows)


def _policies(
    held: Log, outcomes: Outcomes, uplift: npt.NDArray[np.float64], share: float, budget: float | None
) -> dict[str, npt.ArrayLike]:
    best = int(uplift.mean(axis=0).argmax())
    coupon = held.coupons.ids[best]
    policies: dict[str, npt.ArrayLike] = {
        f"top {share:.0%} by predicted uplift": top_share(uplift, share),
        f"top {share:.0%} by predicted conversion": top_share(outcomes.conversion[:, 1:], share),
        f"random {share:.0%}, random coupon": random_share(held.n, len(held.coupons), share),
        f"{coupon!r} to the first {share:.0%}": single_coupon_first(held.n, best, share),
        f"{coupon!r} to everyone": everyone(held.n, best),
        "nothing": everyone(held.n, -1),
    }
    if budget is not None:
        spending = budgeted(uplift, np.asarray(outcomes.cost[:, 1:], np.float64), budget)
        policies = {f"budget of {budget:g}, by predicted uplift and cost": spending, **policies}
    seen = np.bincount(held.arm + 1, minlength=len(held.coupons) + 1) > 0
    return {name: policy for name, policy in policies.items() if _gives_only(policy, seen)}


def _gives_only(policy: npt.ArrayLike, seen: npt.NDArray[np.bool_]) -> bool:
    given = np.asarray(policy)
    return bool(seen[np.unique(given) + 1].all() if given.ndim == 1 else (given[:, ~seen] == 0).all())


def _share_given(policy: npt.ArrayLike) -> float:
    given = np.asarray(policy)
    return float((given >= 0).mean() if given.ndim == 1 else 1 - given[:, 0].mean())


def _coupon_row(
    held: Log, uplift: npt.NDArray[np.float64], j: int, share: float, bins: int
) -> dict[str, Any]:
    rows = (held.arm == j) | (held.arm == -1)
    y, score, treated = held.conversion[rows], uplift[rows, j], held.arm[rows] == j
    row: dict[str, Any] = {
        "coupon_id": held.coupons.ids[j],
        "treated": int(treated.sum()),
        "control": int((~treated).sum()),
        "predicted": float(uplift[:, j].mean()),
    }
    if not treated.any():
        return row
    overall = uplift_by_quantile(y, score, treated, 1).iloc[0]
    return row | {
        "observed": float(overall["observed"]),
        "standard_error": float(overall["standard_error"]),
        "qini": qini_score(y, score, treated),
        "auuc": auuc_score(y, score, treated),
        "uplift_at_share": _at_share(y, score, treated, share, "overall"),
        "uplift_at_share_by_group": _at_share(y, score, treated, share, "by_group"),
        "calibration_error": expected_calibration_error(uplift_calibration(y, score, treated, bins)),
    }


def _at_share(
    y: npt.NDArray[np.float64],
    score: npt.NDArray[np.float64],
    treated: npt.NDArray[np.bool_],
    share: float,
    how: Any,
) -> float:
    try:
        return uplift_at_k(y, score, treated, share, how)
    except InputError:  # one group is empty among the first rows of a small log
        return float("nan")


def _deciles(held: Log, uplift: npt.NDArray[np.float64], bins: int) -> pd.DataFrame:
    tables = []
    for j, coupon in enumerate(held.coupons.ids):
        rows = (held.arm == j) | (held.arm == -1)
        if (held.arm == j).any():
            table = uplift_by_quantile(held.conversion[rows], uplift[rows, j], held.arm[rows] == j, bins)
            table.insert(0, "coupon_id", coupon)
            tables.append(table)
    return pd.concat(tables, ignore_index=True)


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return rows as JSON can hold them: NaN as None."""
    return [
        {
            str(key): None if isinstance(value, float) and np.isnan(value) else value
            for key, value in row.items()
        }
        for row in table.astype(object).to_dict("records")
    ]
