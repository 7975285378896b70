"""The cost curve: what is won for what is spent, both as the log shows them, when the best come first.

References
----------
.. [1] Du, S., Lee, J., & Ghaffarizadeh, F. (2019). Improve user retention with causal learning. The 2019 ACM
   SIGKDD Workshop on Causal Discovery, PMLR 104, 34-49. https://doi.org/10.48550/arXiv.2004.09702
.. [2] Zhou, H., Li, S., Jiang, G., Zheng, J., & Wang, D. (2023). Direct heterogeneous causal learning for
   resource allocation problems in marketing. AAAI, 37(4), 5446-5454.
   https://doi.org/10.48550/arXiv.2211.15728
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from couponry.predictors.evaluate.budget_path import BudgetPath
from couponry.predictors.evaluate.multi_arm import multi_arm_qini
from couponry.predictors.evaluate.trial import Curve, Floats
from couponry.predictors.evaluate.uplift import uplift_curve

__all__ = ["aucc_score", "cost_curve", "multi_arm_aucc", "multi_arm_cost_curve"]


def cost_curve(
    outcome: npt.ArrayLike, cost: npt.ArrayLike, score: npt.ArrayLike, treated: npt.ArrayLike
) -> Curve:
    """Return extra cost and extra outcome when ever more rows are treated, highest score first [1]_.

    Both are differences of means among the first rows, times their number, as in
    :func:`~couponry.predictors.evaluate.uplift.uplift_curve`; rows of one score are one step.

    Parameters
    ----------
    outcome, cost : array of float, shape (n,)
        As observed.
    score : array of float, shape (n,)
        What ranks rows, such as predicted uplift over predicted cost.
    treated : array of bool, shape (n,)

    Returns
    -------
    cost, gain : ndarray of float64, shape (m,)
        Points from (0, 0). A noisy log can make the cost fall for a while.

    Raises
    ------
    InputError
        If lengths differ, a number is not finite, or one of the two groups is empty.
    """
    return uplift_curve(cost, score, treated)[1], uplift_curve(outcome, score, treated)[1]


def aucc_score(
    outcome: npt.ArrayLike, cost: npt.ArrayLike, score: npt.ArrayLike, treated: npt.ArrayLike
) -> float:
    """Return the area under the cost curve, as a share of the rectangle up to its end [1]_ [2]_.

    1/2 is a random order.

    Parameters and errors are those of :func:`cost_curve`.

    Returns
    -------
    float
        NaN where the curve ends without cost or without gain.
    """
    return _share_of_rectangle(*cost_curve(outcome, cost, score, treated))


def multi_arm_cost_curve(
    path: BudgetPath, outcome_scores: npt.ArrayLike, cost_scores: npt.ArrayLike
) -> Curve:
    """Return extra cost and extra outcome along a path over several coupons, both as the log shows them.

    Where :func:`~couponry.predictors.evaluate.multi_arm.multi_arm_qini` goes by planned cost, this curve
    goes by what the plan would truly have cost: it judges the predictions of cost as well.

    Parameters
    ----------
    path : BudgetPath
    outcome_scores, cost_scores : array of float, shape (n, J + 1)
        Of :func:`~couponry.predictors.evaluate.multi_arm.arm_scores`.

    Returns
    -------
    cost, gain : ndarray of float64, shape (m,)
        A row of the log, from (0, 0).
    """
    spent, won = multi_arm_qini(path, cost_scores), multi_arm_qini(path, outcome_scores)
    return spent.value, won.value


def multi_arm_aucc(
    cost: npt.ArrayLike, gain: npt.ArrayLike, corner: tuple[float, float] | None = None
) -> float:
    """Return the area under a cost curve over several coupons, as a share of a rectangle.

    The curves of different predictors end in different places, so they are compared on one rectangle: each is
    drawn on level from its end, or cut where the rectangle ends.

    Parameters
    ----------
    cost, gain : array of float, shape (m,)
        Of :func:`multi_arm_cost_curve`.
    corner : (cost, gain), optional
        Far corner of the rectangle, such as one coupon to everybody, which then scores 1/2 when it is given
        to ever more rows at random; by default the curve's own end.

    Returns
    -------
    float
        NaN where the corner has no cost or no gain.
    """
    spent, won = np.asarray(cost, np.float64), np.asarray(gain, np.float64)
    if corner is None:
        return _share_of_rectangle(spent, won)
    return _share_of_rectangle(*_up_to(spent, won, corner[0]), corner)


def _up_to(cost: Floats, gain: Floats, end: float) -> Curve:
    """Cut the curve where it first costs ``end``, or draw it on level to there."""
    beyond = np.flatnonzero(cost >= end)
    if len(beyond) == 0 or beyond[0] == 0:
        return np.append(cost, end), np.append(gain, gain[-1])
    k = int(beyond[0])
    last = np.interp(end, cost[k - 1 : k + 1], gain[k - 1 : k + 1])
    return np.append(cost[:k], end), np.append(gain[:k], last)


def _share_of_rectangle(cost: Floats, gain: Floats, corner: tuple[float, float] | None = None) -> float:
    width, height = (cost[-1], gain[-1]) if corner is None else corner
    if not width > 0 or not height > 0:
        return float("nan")
    return float(np.trapezoid(gain, cost) / (width * height))
