"""The sums in which rows are met: φ'Wφ and φ'Wz by fold and arm, effects on the logit or the probability."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from couponry.predictors.stack.basis import Basis

__all__ = ["sigmoid", "sums"]

Floats = npt.NDArray[np.float64]

_CHUNK = 20_000
_LEAST_WEIGHT = 1e-6
_NEAREST = 0.25  # of the base: no coupon is believed to leave fewer conversions, nor fewer without


def sums(
    basis: Basis,
    table: Floats,
    unit: float | None,
    x: npt.NDArray[np.float32],
    given: npt.NDArray[np.int64],
    y: Floats,
    fold: npt.NDArray[np.int64],
) -> tuple[Floats, Floats]:
    """Return the sums of a model linearised at a table of coefficients.

    Parameters
    ----------
    basis : Basis
        φ, of q functions.
    table : ndarray of float64, shape (J + 1, q)
        The base, then every coupon's effect.
    unit : float, optional
        What one of an effect adds to the probability; None if it adds one to the logit.
    x : ndarray of float32, shape (n, d)
    given : ndarray of int64, shape (n,)
        0 for none.
    y : ndarray of float64, shape (n,)
    fold : ndarray of int64, shape (n,)

    Returns
    -------
    gram : ndarray of float64, shape (folds, J + 1, 3, q, q)
        Of base with base, base with effect and effect with effect.
    right : ndarray of float64, shape (folds, J + 1, 2, q)
        Of base and effect.
    """
    arms, q, folds = len(table) - 1, table.shape[1], int(fold.max()) + 1
    gram, right = np.zeros((folds, arms + 1, 3, q, q)), np.zeros((folds, arms + 1, 2, q))
    effects = table.copy()
    effects[0] = 0
    order = np.lexsort((fold, given))
    for first in range(0, len(order), _CHUNK):
        rows = order[first : first + _CHUNK]
        f = basis(x[rows])
        base = f @ table[0].astype(np.float32)
        effect = np.einsum("iq,iq->i", f, effects[given[rows]].astype(np.float32))
        by_base, by_effect, weight, side = _linearised(base, effect, y[rows], unit)
        for a, k in np.transpose(np.divmod(np.unique(given[rows] * folds + fold[rows]), folds)).tolist():
            own = (given[rows] == a) & (fold[rows] == k)
            g, b, e = f[own], by_base[own], by_effect[own]
            for at, product in enumerate((b * b, b * e, e * e)):
                if at == 0 or (a and unit is not None):
                    h = g * np.sqrt(product * weight[own]).astype(np.float32)[:, None]
                    gram[k, a, at] += h.T @ h
            wide = g.T.astype(np.float64)
            right[k, a, 0] += wide @ (b * side[own])
            if a:
                right[k, a, 1] += wide @ (e * side[own])
    if unit is None:
        gram[:, 1:, 1:] = gram[:, 1:, :1]
    return gram, right


def _linearised(
    base: Any, effect: Any, y: Floats, unit: float | None
) -> tuple[Floats, Floats, Floats, Floats]:
    """Return derivatives of the probability by base and effect, weights, and weighted working responses."""
    base, effect = base.astype(np.float64), effect.astype(np.float64)
    if unit is None:
        p = sigmoid(base + effect)
        slope = np.maximum(p * (1 - p), _LEAST_WEIGHT)
        return slope, slope, 1 / slope, base + effect + (y - p) / slope
    without = sigmoid(base)
    slope = np.maximum(without * (1 - without), _LEAST_WEIGHT)
    p = np.clip(without + unit * effect, _NEAREST * without, 1 - _NEAREST * (1 - without))
    weight = 1 / np.maximum(p * (1 - p), _LEAST_WEIGHT)
    return slope, np.full(len(slope), unit), weight, weight * (y - without + slope * base)


def sigmoid(score: Any) -> Any:
    """Return 1 / (1 + exp(−score))."""
    return 1 / (1 + np.exp(-score))
