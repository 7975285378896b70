"""How far representations of arms lie apart: distances that a balancing penalty makes small.

References
----------
.. [1] Gretton, A., Borgwardt, K. M., Rasch, M. J., Schölkopf, B., & Smola, A. (2012). A kernel two-sample
   test. Journal of Machine Learning Research, 13, 723-773. https://jmlr.org/papers/v13/gretton12a.html
.. [2] Cuturi, M. (2013). Sinkhorn distances: lightspeed computation of optimal transport. NeurIPS 26.
.. [3] Feydy, J., et al. (2019). Interpolating between optimal transport and MMD using Sinkhorn divergences.
   AISTATS, PMLR 89, 2681-2690. https://proceedings.mlr.press/v89/feydy19a.html
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

__all__ = ["DISTANCES", "distance_between_arms", "mmd", "wasserstein"]

_LEAST_ROWS, _MOST_ROWS = 4, 256
_BLUR = 0.05  # entropy, in units of the samples' mean distance
_ROUNDS = 10


def mmd(view: Tensor, own: Tensor) -> Tensor:
    """Return the squared maximum mean discrepancy between marked rows and all others [1]_.

    The kernel is the mean of three Gaussian ones, whose widths are ½, 1 and 2 times the median distance.

    Parameters
    ----------
    view : Tensor, shape (B, d)
    own : Tensor of bool, shape (G, B)
        One row for every group that is compared with all others.

    Returns
    -------
    Tensor, shape (G,)
    """
    length = view.square().sum(dim=1)
    squared = (length[:, None] + length - 2 * view @ view.T).clamp(min=0)
    width = squared.detach().median().clamp(min=1e-6)
    kernel = torch.stack([torch.exp(-squared / (factor * width)) for factor in (0.25, 1.0, 4.0)]).mean(dim=0)
    weight = _shares(own) - _shares(~own)
    return ((weight @ kernel) * weight).sum(dim=1)


def wasserstein(view: Tensor, own: Tensor) -> Tensor:
    """Return the debiased entropic Wasserstein distance, of order 1, of marked rows and all others [2]_ [3]_.

    Parameters and returns are those of :func:`mmd`.
    """
    return torch.stack([_divergence(view[mask], view[~mask]) for mask in own])


def _divergence(a: Tensor, b: Tensor) -> Tensor:
    entropy = torch.cdist(a, b).detach().mean().clamp(min=1e-6) * _BLUR
    return _transport(a, b, entropy) - (_transport(a, a, entropy) + _transport(b, b, entropy)) / 2


def _transport(a: Tensor, b: Tensor, entropy: Tensor) -> Tensor:
    """Return the cost of entropic transport between uniform weights, by Sinkhorn in logarithms."""
    cost = torch.cdist(a, b)
    with torch.no_grad():  # at the optimum the plan's own gradient vanishes
        f, g = cost.new_zeros(len(a)), cost.new_zeros(len(b))
        for _ in range(_ROUNDS):
            f = -entropy * _log_mean((g - cost) / entropy, dim=1)
            g = -entropy * _log_mean((f[:, None] - cost) / entropy, dim=0)
        plan = torch.exp((f[:, None] + g - cost) / entropy) / (len(a) * len(b))
    return (plan * cost).sum()


def _shares(own: Tensor) -> Tensor:
    return own / own.sum(dim=1, keepdim=True)


def _log_mean(values: Tensor, dim: int) -> Tensor:
    return torch.logsumexp(values, dim=dim) - math.log(values.shape[dim])


DISTANCES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {"mmd": mmd, "wasserstein": wasserstein}


def distance_between_arms(view: Tensor, arm: Tensor, arms: int, distance: str) -> Tensor:
    """Return the mean distance between each arm's rows and all others' in a batch.

    At most 256 rows are compared. The representation is brought to unit size first, so that making it small
    brings nothing. Arms with fewer than four rows on either side are left out.

    Parameters
    ----------
    view : Tensor, shape (B, d)
    arm : Tensor of int64, shape (B,)
        From 0 to ``arms`` − 1.
    arms : int
    distance : {"mmd", "wasserstein"}
    """
    view, arm = view[:_MOST_ROWS], arm[:_MOST_ROWS]  # batches are shuffled, so the first are as good as any
    own = arm == torch.arange(arms, device=arm.device)[:, None]
    rows = own.sum(dim=1)
    compared = own[(rows >= _LEAST_ROWS) & (len(arm) - rows >= _LEAST_ROWS)]
    if not len(compared):
        return view.new_zeros(())
    return DISTANCES[distance](view / view.square().mean().clamp(min=1e-12).sqrt(), compared).mean()
