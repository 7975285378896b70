"""What a plan's pairs were predicted to bring, against what held-out rows say that they brought.

A plan picks pairs *because* their predicted value is high, so among the chosen the predictions are too high
on average even where they are right on average over all: the winner's curse [1]_. What was realised is read
off users whom a lot gave what the plan gives them, against users of the plan whom it gave nothing.

References
----------
.. [1] Smith, J. E., & Winkler, R. L. (2006). The optimizer's curse: skepticism and postdecision surprise in
   decision analysis. Management Science, 52(3), 311-322. https://doi.org/10.1287/mnsc.1050.0451
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from couponry.instances.errors import InputError
from couponry.instances.log import Log
from couponry.predictors.evaluate.policies import Arms
from couponry.predictors.propensity import given_propensity

__all__ = ["chosen_pairs"]

Floats = npt.NDArray[np.float64]

_LEAST = 2  # rows on either side, for an error to be told


def chosen_pairs(
    log: Log,
    arms: Arms,
    value: npt.ArrayLike,
    cost: npt.ArrayLike,
    *,
    expected: npt.ArrayLike | None = None,
    bins: int = 5,
) -> pd.DataFrame:
    """Compare predicted with realised value and cost of the pairs that a plan chose.

    Realised is the mean outcome of rows that were given the plan's coupon, less that of the plan's users who
    were given none, each weighted by inverse propensity and self-normalised. Nothing of the model is in it,
    but for ``expected``, which makes it sharper and moves it nowhere.

    Parameters
    ----------
    log : Log
        That the model has not learnt from, with arms drawn by lot or known propensities.
    arms : ndarray of int32, shape (n,)
        The plan's coupon for the user of each row, −1 for none.
    value, cost : array of float, shape (n,)
        What was predicted of the row's pair; not looked at where the plan gives none.
    expected : array of float, shape (n,), optional
        The conversion that a model expects of the user whatever the arm; taken off outcomes on both sides.
    bins : int
        Groups of equal size by predicted value, highest first.

    Returns
    -------
    DataFrame
        ``by`` (all, coupon or predicted value), ``group``, ``pairs`` (rows that the plan gives a coupon),
        ``given`` (of them, those that were given it), ``without`` (given none), ``predicted, realised,
        standard_error``, ``cost_predicted, cost_realised, cost_standard_error``: means a pair. NaN where
        there are fewer than two rows on a side. Exposures of one user count as one observation.

    Raises
    ------
    InputError
        If the plan gives nothing to any user of the log.
    """
    chosen = np.flatnonzero(np.asarray(arms) >= 0)
    if not len(chosen):
        raise InputError(
            "the plan gives no user of the log anything, so the log says nothing about it",
            file=log.source,
            mend="Judge it by the users that it is for",
        )
    values, costs = (np.asarray(one, np.float64) for one in (value, cost))
    order = chosen[np.argsort(-values[chosen], kind="stable")]
    groups: list[tuple[str, str, npt.NDArray[np.int64]]] = [("all", "all", chosen)]
    groups += [
        ("coupon", coupon, own)
        for j, coupon in enumerate(log.coupons.ids)
        if len(own := chosen[arms[chosen] == j])
    ]
    parts = np.array_split(order, min(bins, len(order)))
    groups += [("predicted value", str(k + 1), np.sort(part)) for k, part in enumerate(parts)]
    outcome = np.asarray(log.conversion, np.float64)
    if expected is not None:
        outcome = outcome - np.asarray(expected, np.float64)
    user = np.unique(log.user_id.astype(str), return_inverse=True)[1]
    weight = 1 / given_propensity(log)
    rows = [
        {"by": by, "group": name} | _group(log, arms, own, values, costs, outcome, weight, user)
        for by, name, own in groups
    ]
    return pd.DataFrame(rows)


def _group(
    log: Log,
    arms: Arms,
    rows: npt.NDArray[np.int64],
    value: Floats,
    cost: Floats,
    outcome: Floats,
    weight: Floats,
    user: npt.NDArray[np.int64],
) -> dict[str, Any]:
    given, without = rows[log.arm[rows] == arms[rows]], rows[log.arm[rows] == -1]
    found: dict[str, Any] = {
        "pairs": len(rows),
        "given": len(given),
        "without": len(without),
        "predicted": float(value[rows].mean()),
    }
    won, spread = _mean(outcome[given], weight[given])
    else_, spread_else = _mean(outcome[without], weight[without])
    both = np.concatenate([spread, -spread_else]), np.concatenate([user[given], user[without]])
    found |= {
        "realised": won - else_,
        "standard_error": _error(*both) if np.isfinite(won - else_) else np.nan,
    }
    spent, spread = _mean(np.asarray(log.cost[given], np.float64), weight[given])
    return found | {
        "cost_predicted": float(cost[rows].mean()),
        "cost_realised": spent,
        "cost_standard_error": _error(spread, user[given]) if np.isfinite(spent) else np.nan,
    }


def _mean(outcome: Floats, weight: Floats) -> tuple[float, Floats]:
    """Return the self-normalised mean, and each row's part in its error."""
    if len(outcome) < _LEAST:
        return float("nan"), np.zeros(len(outcome))
    mean = float(np.average(outcome, weights=weight))
    return mean, weight * (outcome - mean) / weight.sum()


def _error(parts: Floats, user: npt.NDArray[np.int64]) -> float:
    return float(np.sqrt(np.square(np.bincount(user, weights=parts)).sum())) if len(parts) else float("nan")
