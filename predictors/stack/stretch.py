"""How far effects stray from their coupon's mean, brought to size by unseen rows.

Penalties draw effects towards one number for everybody, and an average of models varies less than each of
them: what is left is told too small. The slope of outcomes on the deviations that models without their fold
tell, the best linear predictor of the effect [1]_, says by how much. It is drawn towards one by its own
standard error: with few rows nothing moves.

References
----------
.. [1] Chernozhukov, V., Demirer, M., Duflo, E., & Fernandez-Val, I. (2018). Generic machine learning
   inference on heterogeneous treatment effects in randomized experiments. NBER working paper 24678.
   https://doi.org/10.3386/w24678
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

__all__ = ["Stretch"]

Floats = npt.NDArray[np.float64]

_PRIOR_SPREAD = 0.1  # what a slope differs from one by, before the rows speak
_WITHIN = (0.7, 1.4)


@dataclass(frozen=True)
class Stretch:
    """A factor on effects' deviations from their coupon's mean.

    Attributes
    ----------
    factor : float
    middle : ndarray of float64, shape (J,)
        The coupons' mean effects.
    """

    factor: float
    middle: Floats

    @classmethod
    def of(cls, told: Floats, arm: npt.NDArray[np.int32], y: Floats, weight: Floats) -> Self:
        """Find it on rows that their models did not see.

        Parameters
        ----------
        told : ndarray of float64, shape (n, J + 1)
            Probabilities of a conversion under none and every coupon.
        arm : ndarray of int32, shape (n,)
            −1 for none.
        y, weight : ndarray of float64, shape (n,)
        """
        every, effect = np.arange(len(arm)), told - told[:, :1]
        middle = effect.mean(axis=0)
        deviation = effect - middle
        # What is known whatever the arm, and each arm's mean, are no matter of who responds to what.
        arms = np.bincount(arm + 1, minlength=told.shape[1])
        risk, usual = told[:, 0], deviation @ (arms / len(arm))
        aside = np.column_stack([risk, risk**2, usual, np.eye(told.shape[1])[arm + 1]])
        own = deviation[every, arm + 1]
        own = own - aside @ np.linalg.lstsq(aside, own, rcond=None)[0]
        residual = y - told[every, arm + 1]
        size = float((weight * own**2).sum())
        if size <= 1e-12:
            return cls(1.0, middle[1:])
        slope = 1 + float((weight * own * residual).sum()) / size
        variance = float(np.square(weight * own * residual).sum()) / size**2
        believed = _PRIOR_SPREAD**2 / (_PRIOR_SPREAD**2 + variance)
        return cls(float(np.clip(1 + believed * (slope - 1), *_WITHIN)), middle[1:])

    def apply(
        self, probability: Floats, error: Floats, known: npt.NDArray[np.int64]
    ) -> tuple[Floats, Floats]:
        """Return probabilities, within [0, 1], and errors, stretched; new coupons (−1) stay as they are."""
        factor = np.where(known >= 0, self.factor, 1.0)
        middle = np.where(known >= 0, self.middle[known], 0.0)
        effect = middle + factor * (probability[:, 1:] - probability[:, :1] - middle)
        stretched = np.hstack([probability[:, :1], np.clip(probability[:, :1] + effect, 0.0, 1.0)])
        return stretched, error * factor
