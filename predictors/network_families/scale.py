"""Brings effects to scale on held-out rows: Platt's logistic regression with a slope for effects of its own.

Early stopping leaves effects too small, few rows leave them too large. With b the logit without a coupon and
e_j what coupon j adds, from members that have not seen the row, and m and k their means,

    logit P(conversion | arm j) = m + t·(b(x) − m) + 1{j given} · (k + s·(e_j(x) − k)),

and the slopes t and s are fitted under a mild normal prior at 1. The means stay as they are: the rows that
the members learnt from tell them better than the few that are held out. A slope is never negative, so that
what is ordered by face value stays so.

References
----------
.. [1] Platt, J. (1999). Probabilistic outputs for support vector machines and comparisons to regularized
   likelihood methods. Advances in Large Margin Classifiers, 61-74.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

__all__ = ["Scale"]

Floats = npt.NDArray[np.float64]

_PRIOR_ROWS = 4.0
_MOST_SLOPE = 3.0


@dataclass(frozen=True)
class Scale:
    """Slopes of the base logit and of effects, and the points about which they turn.

    Attributes
    ----------
    base, effect : float
        The slopes.
    base_mean, effect_mean : float
        What stays as it is.
    """

    base: float = 1.0
    effect: float = 1.0
    base_mean: float = 0.0
    effect_mean: float = 0.0

    @classmethod
    def fit(cls, logit: Floats, arm: npt.NDArray[np.int64], conversion: Floats) -> Scale:
        """Fit on rows that the members behind ``logit`` have not seen.

        Parameters
        ----------
        logit : ndarray of float64, shape (n, J + 1)
        arm : ndarray of int64, shape (n,)
            0 for none.
        conversion : ndarray of float64, shape (n,)
        """
        base, effects = logit[:, 0], logit[:, 1:] - logit[:, :1]
        base_mean, effect_mean = float(base.mean()), float(effects.mean())
        given = (arm > 0).astype(np.float64)
        effect = given * (logit[np.arange(len(arm)), arm] - base - effect_mean)
        design = np.column_stack([base - base_mean, effect])
        slopes = _logistic(design, conversion, base_mean + effect_mean * given)
        return cls(
            float(np.clip(slopes[0], 1 / _MOST_SLOPE, _MOST_SLOPE)),
            float(np.clip(slopes[1], 0.0, _MOST_SLOPE)),
            base_mean,
            effect_mean,
        )

    def apply(self, logit: Tensor) -> Tensor:
        """Return rescaled logits, ``(B, S + 1)``."""
        none = self.base_mean + self.base * (logit[:, :1] - self.base_mean)
        effect = logit[:, 1:] - logit[:, :1]
        return torch.cat([none, none + self.effect_mean + self.effect * (effect - self.effect_mean)], dim=1)


def _logistic(design: Floats, y: Floats, offset: Floats) -> Floats:
    """Return the most likely slopes under a normal prior at 1, by Newton's method."""
    found = np.ones(design.shape[1])
    for _ in range(25):
        p = 1 / (1 + np.exp(-np.clip(design @ found + offset, -30, 30)))
        gradient = design.T @ (p - y) + _PRIOR_ROWS * (found - 1)
        hessian = (design * (p * (1 - p))[:, None]).T @ design + _PRIOR_ROWS * np.eye(len(found))
        step = np.linalg.solve(hessian, gradient)
        found = found - step
        if np.abs(step).max() < 1e-8:
            break
    return found
