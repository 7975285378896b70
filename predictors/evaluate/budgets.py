"""What policies are worth at several budgets, and over all of them: the multi-arm Qini curve in a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from couponry.instances.log import Log
from couponry.predictors.evaluate.aucc import multi_arm_aucc
from couponry.predictors.evaluate.baselines import (
    BEST_SINGLE,
    BY_RESPONSE,
    BY_UPLIFT,
    RANDOM,
    best_single_coupon,
    coupons_seen,
    uplift_of,
)
from couponry.predictors.evaluate.budget_path import BudgetPath, hull_path, random_path, single_coupon_path
from couponry.predictors.evaluate.estimators import normal_interval, standard_error
from couponry.predictors.evaluate.multi_arm import (
    MultiArmQini,
    arm_scores,
    integrated_difference,
    multi_arm_qini,
)
from couponry.predictors.learner import Outcomes

__all__ = ["area_table", "budget_curves", "budget_table"]

Curves = dict[str, tuple[MultiArmQini, MultiArmQini]]

SHARES = (0.1, 0.25, 0.5, 1.0)


def budget_curves(held: Log, outcomes: Outcomes) -> Curves:
    """Return, by policy, the multi-arm Qini curves of conversions and of cost, doubly robust.

    The policies are predicted uplift for predicted cost along the hull, and the baselines: predicted response
    for predicted cost, random coupons to random users, and the best single coupon to random users. Where
    coupons are predicted to cost nothing, each counts as one, and a budget is a number of coupons.

    Parameters
    ----------
    held : Log
        Rows that the model has not seen.
    outcomes : Outcomes
        What it expects of them.
    """
    seen = coupons_seen(held)
    uplift, price = uplift_of(outcomes), np.asarray(outcomes.cost[:, 1:], np.float64)
    # A linear model's cost may fall below 0 where it is near it.
    price = np.maximum(price, 0.0) if (price[:, seen] > 0).any() else np.ones_like(price)
    conversions = arm_scores(held, outcome_model=outcomes.conversion)
    costs = arm_scores(held, held.cost, outcome_model=outcomes.cost)
    user = np.unique(held.user_id.astype(str), return_inverse=True)[1]
    judged = np.where(np.isin(np.arange(len(held.coupons)), seen), 0.0, np.nan)
    paths: dict[str, BudgetPath] = {
        BY_UPLIFT: hull_path(uplift + judged, price),
        BY_RESPONSE: hull_path(np.asarray(outcomes.conversion[:, 1:], np.float64) + judged, price),
        RANDOM: random_path(price, seen),
    }
    best = best_single_coupon(held, uplift)
    if best is not None:
        paths[BEST_SINGLE] = single_coupon_path(price, best)
    return {
        name: (multi_arm_qini(path, conversions, user), multi_arm_qini(path, costs, user))
        for name, path in paths.items()
    }


def budget_table(curves: Curves, budgets: Sequence[float] | None = None) -> pd.DataFrame:
    """Return what each policy is worth at each budget.

    Parameters
    ----------
    curves : dict
        Of :func:`budget_curves`.
    budgets : sequence of float, optional
        Planned cost a row; by default 10, 25, 50 and 100 % of what the best single coupon costs for all.

    Returns
    -------
    DataFrame
        ``budget, policy, value, value_se, low, high`` (conversions a row over giving nothing, with the 95 %
        interval), ``cost, cost_se`` (as the log shows it, over nothing) and ``over_random, over_random_se``
        (paired by user).
    """
    rows = []
    for budget in _budgets(curves) if budgets is None else budgets:
        lots = curves[RANDOM][0].gains(budget)
        for name, (won, spent) in curves.items():
            value, error = won.at(budget)
            cost, cost_error = spent.at(budget)
            over = won.gains(budget) - lots
            rows.append(
                {
                    "budget": float(budget),
                    "policy": name,
                    "value": value,
                    "value_se": error,
                    **_interval(value, error),
                    "cost": cost,
                    "cost_se": cost_error,
                    "over_random": float(over.mean()),
                    "over_random_se": standard_error(over - over.mean(), won.user),
                }
            )
    return pd.DataFrame(rows)


def area_table(curves: Curves) -> pd.DataFrame:
    """Return each policy's value averaged over all budgets, and its multi-arm AUCC.

    Budgets run from 0 to what the best single coupon costs for all, and the rectangle of AUCC is that
    coupon's cost and value for all, as the log shows them: given to random users it scores 1/2.

    Parameters
    ----------
    curves : dict
        Of :func:`budget_curves`.

    Returns
    -------
    DataFrame
        ``policy, area, area_se, low, high, over_random, over_random_se`` (conversions a row) and ``aucc``.
    """
    end = _budgets(curves)[-1]
    rows: list[dict[str, Any]] = []
    if not end > 0:
        return pd.DataFrame(rows)
    won, spent = curves.get(BEST_SINGLE, curves[RANDOM])
    corner = (float(spent.value[-1]), float(won.value[-1]))
    for name, (won, spent) in curves.items():
        area, error = won.area(end)
        over, over_error = integrated_difference(won, curves[RANDOM][0], end)
        rows.append(
            {
                "policy": name,
                "area": area,
                "area_se": error,
                **_interval(area, error),
                "over_random": over,
                "over_random_se": over_error,
                "aucc": multi_arm_aucc(spent.value, won.value, corner),
            }
        )
    return pd.DataFrame(rows)


def _interval(value: float, error: float) -> dict[str, float]:
    return dict(zip(("low", "high"), normal_interval(value, error), strict=True))


def _budgets(curves: Curves) -> list[float]:
    end = float(curves.get(BEST_SINGLE, curves[RANDOM])[0].spend[-1])
    return [share * end for share in SHARES]
