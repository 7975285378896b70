"""What the budgeted choice earns, read off a randomised log: a score to stop by and a loss to train on.

A budget acts through its price λ alone: everybody is given the arm of largest v_j − λ·c_j, or none [1]_. What
that earns, y − λ·cost on average, is the dual function's part of this user; over a range of λ it judges a
network by every budget at once. On a log it is estimated by inverse propensities or doubly robust, with

    ψ_a(λ) = μ_a(λ) + 1{A=a} · (y − λ·cost − μ_a(λ)) / e_A,

and for training the choice is relaxed to π_a(λ) = softmax((v_a − λ·c_a) / τ), so that the loss −Σ_a π_a ψ_a,
averaged over users and λ, has gradients [2]_. It differs from the regret by what no network can change.

References
----------
.. [1] Yan, Z., Wang, S., Zhou, G., Lin, J., & Jiang, P. (2023). An end-to-end framework for marketing
   effectiveness optimization under budget constraint. https://doi.org/10.48550/arXiv.2302.04477
.. [2] Zhou, H., Huang, R., Li, S., Jiang, G., Zheng, J., Cheng, B., & Lin, W. (2024). Decision focused causal
   learning for direct counterfactual marketing optimization. KDD, 6368-6379.
   https://doi.org/10.1145/3637528.3672353
"""

from __future__ import annotations

import numpy as np
from torch import Tensor

from couponry.predictors.learner import TrainingRows
from couponry.predictors.network_families.contract import Batch

__all__ = ["choice_value", "decision_loss", "price_range", "scores_by_arm"]

_LEAST_PROPENSITY = 0.01
_SOFTNESS = 0.3


def price_range(rows: TrainingRows, count: int = 6) -> tuple[float, ...]:
    """Return prices of the budget, from a lavish one to a tight one, as the log's averages suggest them.

    They lie between a quarter and four times the return of the best coupon, conversions won a unit of money.
    Where coupons cost nothing, the one price is 0.

    Parameters
    ----------
    rows : TrainingRows
    count : int
    """
    own = [rows.arm == a for a in range(-1, rows.arms)]
    converted = np.array([rows.conversion[mask].mean() for mask in own])
    cost = np.array([rows.cost[mask].mean() for mask in own])
    extra, paid = converted[1:] - converted[0], cost[1:] - cost[0]
    if not (paid > 0).any():
        return (0.0,)
    best = float((extra[paid > 0] / paid[paid > 0]).max())
    if best <= 0:  # no coupon wins on average; some may for some people
        best = float(converted.mean() / paid[paid > 0].mean()) / 4
    return tuple(float(p) for p in best * np.geomspace(0.25, 4.0, count))


def scores_by_arm(batch: Batch, expected: Tensor, cost: Tensor, prices: Tensor, estimator: str) -> Tensor:
    """Return ψ, ``(K, B, A)``.

    Parameters
    ----------
    batch : Batch
        With ``arm, conversion, cost, propensity``.
    expected, cost : Tensor, shape (B, A)
        Predicted conversion and cost of every arm, none first: μ's parts.
    prices : Tensor, shape (K,)
    estimator : {"dr", "ips"}
        ``"ips"`` takes the mean outcome of the batch for μ, the same for every arm: it changes no choice, and
        takes the outcome's level off the weights.
    """
    net = batch["conversion"] - prices[:, None] * batch["cost"]
    if estimator == "dr":
        model = expected - prices[:, None, None] * cost
    else:
        model = net.mean(dim=1)[:, None, None].expand(-1, *expected.shape)
    arm = batch["arm"][None, :, None].expand(len(prices), -1, 1)
    error = (net - model.gather(2, arm)[:, :, 0]) / batch["propensity"].clamp(min=_LEAST_PROPENSITY)
    return model.scatter_add(2, arm, error[:, :, None])


def choice_value(expected: Tensor, cost: Tensor, scores: Tensor, prices: Tensor) -> Tensor:
    """Return what every user's choice at every price earns by the log, ``(K, B)``.

    Parameters
    ----------
    expected, cost : Tensor, shape (B, A)
        Predictions that choose.
    scores : Tensor, shape (K, B, A)
        ψ, which judges.
    prices : Tensor, shape (K,)
    """
    best = (expected - prices[:, None, None] * cost).argmax(dim=2, keepdim=True)
    return scores.gather(2, best)[:, :, 0]


def decision_loss(expected: Tensor, cost: Tensor, scores: Tensor, prices: Tensor) -> Tensor:
    """Return minus what the relaxed choice earns, in units of how much predicted earnings differ.

    Parameters are those of :func:`choice_value`; gradients flow through ``expected`` and ``cost``.
    """
    earned = expected - prices[:, None, None] * cost
    gain = earned - earned[:, :, :1]
    spread = gain[:, :, 1:].detach().std(dim=(1, 2)).clamp(min=1e-6)[:, None, None]
    chance = (gain / (_SOFTNESS * spread)).softmax(dim=2)
    return -((chance * scores).sum(dim=2) / spread[:, :, 0]).mean()
