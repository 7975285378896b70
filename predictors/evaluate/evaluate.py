"""Everything that held-out rows say of a model."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any
from warnings import warn

import numpy as np
import numpy.typing as npt
import pandas as pd

from couponry.instances.errors import DataWarning, InputError
from couponry.instances.log import Log
from couponry.predictors.evaluate.baselines import uplift_of
from couponry.predictors.evaluate.budgets import area_table, budget_curves, budget_table
from couponry.predictors.evaluate.calibration import (
    expected_calibration_error,
    response_calibration,
    uplift_calibration,
)
from couponry.predictors.evaluate.campaign import campaign_measures
from couponry.predictors.evaluate.doubts import doubts_of_judging
from couponry.predictors.evaluate.policy_values import compared_policies, policy_table
from couponry.predictors.evaluate.rankings import ranking_table, share_uplift
from couponry.predictors.evaluate.responses import response_table
from couponry.predictors.evaluate.uplift import auuc_score, qini_score, uplift_by_quantile
from couponry.predictors.model import Model
from couponry.predictors.overlap import overlap
from couponry.predictors.parameter_kinds import check_parameters

__all__ = ["Evaluation", "evaluate_model", "judged", "records", "with_learnt_propensity"]


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
        One row a policy, the columns of :func:`~couponry.predictors.evaluate.policy_values.policy_table`.
    ranking : DataFrame
        One row a coupon and ranking, baselines among them, the columns of
        :func:`~couponry.predictors.evaluate.rankings.ranking_table`.
    classification : DataFrame
        Of :func:`~couponry.predictors.evaluate.responses.response_table`.
    budgets, areas : DataFrame
        Of :func:`~couponry.predictors.evaluate.budgets.budget_table` and ``area_table``: the multi-arm
        Qini curves at several budgets, and over all.
    campaign : DataFrame
        One row a policy and measure, of :func:`~couponry.predictors.evaluate.campaign.campaign_measures`.
    """

    rows: int
    share: float
    coupons: pd.DataFrame
    deciles: pd.DataFrame
    response: pd.DataFrame
    response_error: float
    policies: pd.DataFrame
    ranking: pd.DataFrame = field(default_factory=pd.DataFrame)
    classification: pd.DataFrame = field(default_factory=pd.DataFrame)
    budgets: pd.DataFrame = field(default_factory=pd.DataFrame)
    areas: pd.DataFrame = field(default_factory=pd.DataFrame)
    campaign: pd.DataFrame = field(default_factory=pd.DataFrame)

    def summary(self) -> dict[str, Any]:
        """Return the figures as JSON can hold them."""
        return {
            "rows": self.rows,
            "share": self.share,
            "response_calibration_error": self.response_error,
            "coupons": records(self.coupons),
            "policies": records(self.policies),
            "ranking": records(self.ranking),
            "classification": records(self.classification),
            "budgets": records(self.budgets),
            "areas": records(self.areas),
            "campaign": records(self.campaign),
        }


def evaluate_model(
    model: Model,
    held: Log,
    *,
    share: float = 0.3,
    budget: float | None = None,
    bins: int = 10,
    assignment: str = "lot",
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
    assignment : {"lot", "features"}
        How the arms of ``held`` were chosen, if it tells no propensities: by lot, or by what the features
        tell; then the value of policies is by propensities that are learnt of ``held``. Rankings, deciles and
        calibration compare rows as they are.

    Returns
    -------
    Evaluation

    Raises
    ------
    InputError
        If ``share`` is outside (0, 1), ``budget`` is no amount of money, or the held-out log lacks rows
        without a coupon.

    Warns
    -----
    DataWarning
        If the model has learnt from rows of the log, or, with ``assignment="lot"``, the features that it
        knows tell more of who got which coupon than the log's propensities, or these do not add up.
    """
    check_parameters({"assignment": assignment})
    if assignment == "features":
        held = with_learnt_propensity(model, held)
    evaluation = judged(model, held, share=share, budget=budget, bins=bins)
    for message in doubts_of_judging(model, held, assignment):
        warn(message, DataWarning, stacklevel=2)
    return evaluation


def judged(
    model: Model, held: Log, *, share: float = 0.3, budget: float | None = None, bins: int = 10
) -> Evaluation:
    """Return what :func:`evaluate_model` does of a log that has been looked over already."""
    if not 0 < share < 1:
        raise InputError("this must lie strictly between 0 and 1", parameter="share", value=share)
    check_parameters({"budget": budget})
    if not (held.arm == -1).any():
        raise InputError(
            "the held-out log has no rows without a coupon",
            file=held.source,
            column="arm",
            value="none",
            mend="Hold out more rows",
        )
    try:
        outcomes = model.predict_outcomes(held.features, held.coupons)
    except InputError as error:
        raise held.placed(error) from None
    uplift = uplift_of(outcomes)
    given = np.take_along_axis(outcomes.conversion, held.arm[:, None] + 1, axis=1)[:, 0]
    response = response_calibration(given, held.conversion, bins)
    policies = compared_policies(held, outcomes, share, budget)
    curves = budget_curves(held, outcomes)
    return Evaluation(
        rows=held.n,
        share=share,
        coupons=pd.DataFrame([_coupon_row(held, uplift, j, share, bins) for j in range(len(held.coupons))]),
        deciles=_deciles(held, uplift, bins),
        response=response,
        response_error=expected_calibration_error(response),
        policies=policy_table(held, policies, outcomes),
        ranking=ranking_table(held, outcomes, share),
        classification=response_table(held, outcomes, bins),
        budgets=budget_table(curves),
        areas=area_table(curves),
        campaign=campaign_measures(held, policies),
    )


def with_learnt_propensity(model: Model, held: Log) -> Log:
    """Return a log with propensities that are learnt of its features, where it tells none of its own.

    Parameters
    ----------
    model : Model
        Whose features these are; others are not looked at.
    held : Log

    Raises
    ------
    InputError
        If the model cannot read the features, or an arm has no rows.
    """
    schema = model.features.schema_
    try:
        schema.check(held.features)
        features = schema.read(held.features)[[column.name for column in schema.columns]]
    except InputError as error:
        raise held.placed(error) from None
    return overlap(replace(held, features=features, segments=())).with_propensity(held)


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
        "uplift_at_share": share_uplift(y, score, treated, share, "overall"),
        "uplift_at_share_by_group": share_uplift(y, score, treated, share, "by_group"),
        "calibration_error": expected_calibration_error(uplift_calibration(y, score, treated, bins)),
    }


def _deciles(held: Log, uplift: npt.NDArray[np.float64], bins: int) -> pd.DataFrame:
    tables = []
    for j, coupon in enumerate(held.coupons.ids):
        rows = (held.arm == j) | (held.arm == -1)
        if (held.arm == j).any():
            table = uplift_by_quantile(held.conversion[rows], uplift[rows, j], held.arm[rows] == j, bins)
            table.insert(0, "coupon_id", coupon)
            tables.append(table)
    return pd.concat(tables, ignore_index=True)


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return rows as JSON can hold them: NaN as None."""
    return [
        {
            str(key): None if isinstance(value, float) and np.isnan(value) else value
            for key, value in row.items()
        }
        for row in table.astype(object).to_dict("records")
    ]
