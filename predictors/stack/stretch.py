"""How far effects stray from their coupon's mean, brought to size by unseen rows.

Penalties draw effects towards one number for everybody, and an average of models varies less than each of
them: what is left is told too small. The slope of outcomes on the deviations that models without their fold
tell, the best linear predictor of the effect [1]_, says by how much; all users count alike. What coupons
share, which only rows without one tell, and what is a coupon's own have slopes of their own, b. The answers
are not those of the models without a fold: where theirs rise by g for each unit that those rise by, the slope
of outcomes on answers is b / g. Slopes are drawn towards one and towards each other by their standard errors:
with few rows nothing moves.

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
Ints = npt.NDArray[np.int64]

# Before the rows speak: what slopes differ from one by together, and each from the other.
_SPREAD_TOGETHER, _SPREAD_APART = 0.1, 0.1
_WITHIN = (0.7, 1.4)
_LEAST_RISE, _NOUGHT = 0.5, 1e-12


@dataclass(frozen=True)
class Stretch:
    """Factors on effects' deviations from their coupon's mean.

    Attributes
    ----------
    shared, own : float
        Of a user's mean deviation over the menu, and of what is a coupon's own beside it.
    middle : ndarray of float64, shape (J,)
        The coupons' mean effects.
    """

    shared: float
    own: float
    middle: Floats

    @classmethod
    def of(
        cls,
        told: Floats,
        arm: npt.NDArray[np.int32],
        y: Floats,
        weight: Floats,
        answers: Floats,
        rows: Ints,
        apart: bool = True,
    ) -> Self:
        """Find them on rows that their models did not see.

        Parameters
        ----------
        told : ndarray of float64, shape (n, J + 1)
            Probabilities of a conversion under none and every coupon.
        arm : ndarray of int32, shape (n,)
            −1 for none.
        y, weight : ndarray of float64, shape (n,)
        answers : ndarray of float64, shape (m, J + 1)
            Probabilities by the models that answer.
        rows : ndarray of int64, shape (m,)
            For which of the n rows.
        apart : bool
            Whether the two factors may differ.
        """
        every, effect = np.arange(len(arm)), told[:, 1:] - told[:, :1]
        middle = effect.mean(axis=0)
        parts = _parts(effect - middle, apart)
        answered = answers[:, 1:] - answers[:, :1]
        whole = _parts(answered - answered.mean(axis=0), apart)
        # What is known whatever the arm, and each arm's mean, are no matter of who responds to what.
        arms = np.bincount(arm + 1, minlength=told.shape[1]) / len(arm)
        risk, usual = told[:, 0], (effect - middle) @ arms[1:]
        aside = np.column_stack([risk, risk**2, usual, np.eye(told.shape[1])[arm + 1]])
        columns = np.column_stack([np.where(arm < 0, 0.0, part[every, arm]) for part in parts])
        columns -= aside @ np.linalg.lstsq(aside, columns, rcond=None)[0]
        there = np.flatnonzero(np.square(columns).sum(axis=0) > _NOUGHT)
        factors = np.ones(len(parts))
        if len(there):
            rise = np.array([_slope(parts[k][rows], whole[k]) for k in there])
            slopes, covariance = _slopes(columns[:, there], y - told[every, arm + 1], weight)
            slopes, covariance = (1 + slopes) / rise, covariance / np.outer(rise, rise)
            prior = np.full_like(covariance, _SPREAD_TOGETHER**2)
            prior += _SPREAD_APART**2 * np.eye(len(there)) if apart else 0.0
            moved = prior @ np.linalg.solve(prior + covariance, slopes - 1)
            factors[there] = np.clip(1 + moved, *_WITHIN)
        return cls(float(factors[0]), float(factors[-1]), middle)

    @property
    def looks_at_all(self) -> bool:
        """Whether a coupon's effect depends on those of all others."""
        return self.shared != self.own

    def apply(self, probability: Floats, error: Floats, known: Ints) -> tuple[Floats, Floats]:
        """Return probabilities, within [0, 1], and errors, stretched; new coupons (−1) stay as they are.

        All coupons of the menu must be among ``known`` if :attr:`looks_at_all`.
        """
        old = known >= 0
        middle = np.where(old, self.middle[known], 0.0)
        deviation = np.where(old, probability[:, 1:] - probability[:, :1] - middle, 0.0)
        own = np.where(old, self.own, 1.0)
        effect = probability[:, 1:] - probability[:, :1] + (own - 1) * deviation
        if self.looks_at_all:
            place = np.zeros(len(self.middle), np.int64)
            place[known[old]] = np.flatnonzero(old)
            usual = deviation[:, place].mean(axis=1, keepdims=True)
            effect += np.where(old, (self.shared - self.own) * usual, 0.0)
        stretched = np.hstack([probability[:, :1], np.clip(probability[:, :1] + effect, 0.0, 1.0)])
        return stretched, error * own


def _parts(deviation: Floats, apart: bool) -> list[Floats]:
    """Return what coupons share of deviations and what is their own, or both as one, ``(n, J)`` each."""
    if not apart:
        return [deviation]
    shared = np.broadcast_to(deviation.mean(axis=1, keepdims=True), deviation.shape)
    return [shared, deviation - shared]


def _slope(x: Floats, y: Floats) -> float:
    x = x - x.mean(axis=0)
    size = float(np.square(x).sum())
    return max(float((x * y).sum()) / size, _LEAST_RISE) if size > _NOUGHT else 1.0


def _slopes(columns: Floats, residual: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """Return weighted slopes and their covariance, which holds whatever the variance of residuals."""
    inverse = np.linalg.inv((columns * weight[:, None]).T @ columns)
    scores = columns * (weight * residual)[:, None]
    return inverse @ scores.sum(axis=0), inverse @ (scores.T @ scores) @ inverse
