"""Minimise a convex quadratic plus what each multiplier pays for its row's limits."""

from __future__ import annotations

import numpy as np
from numba import njit

__all__ = ["minimise_quadratic"]

SWEEPS = 30
ROUNDS = 12
SETTLED = 1e-10


def minimise_quadratic(
    hessian: np.ndarray, slope: np.ndarray, start: np.ndarray, lower: np.ndarray, upper: np.ndarray
) -> np.ndarray:
    """Return the minimiser x of ½(x − x₀)ᵀH(x − x₀) + g·(x − x₀) + Σ_k (u_k x_k⁺ − l_k x_k⁻).

    Coordinates are moved one by one (each has a closed form; Tseng 2001, 10.1023/A:1017501703105), and
    between sweeps all that are not at zero are moved together by a linear solve.

    Parameters
    ----------
    hessian : ndarray of float64, shape (K, K)
        Positive definite.
    slope : ndarray of float64, shape (K,)
    start : ndarray of float64, shape (K,)
        x₀, at zero wherever the side that it would price is not there.
    lower, upper : ndarray of float64, shape (K,)
        Limits, infinite where there is no side: x is 0 or of the other sign there.
    """
    x = start.copy()
    gradient = slope.copy()
    for _ in range(ROUNDS):
        moved = _sweep(hessian, gradient, x, lower, upper, SWEEPS)
        if moved <= SETTLED:
            break
        _move_together(hessian, gradient, x, lower, upper)
    return x


@njit(cache=True)
def _sweep(hessian, gradient, x, lower, upper, sweeps):  # type: ignore[no-untyped-def]
    """Move each coordinate to its best place in turn; return the largest relative move of the last sweep."""
    largest = 0.0
    for _ in range(sweeps):
        largest = 0.0
        for k in range(len(x)):
            curve = hessian[k, k]
            free = x[k] - gradient[k] / curve
            new = 0.0
            if free - upper[k] / curve > 0.0:
                new = free - upper[k] / curve
            elif free - lower[k] / curve < 0.0:
                new = free - lower[k] / curve
            step = new - x[k]
            if step != 0.0:
                x[k] = new
                for t in range(len(x)):
                    gradient[t] += hessian[t, k] * step
                largest = max(largest, abs(step) / (abs(new) + abs(step)))
        if largest < 1e-10:
            break
    return largest


def _move_together(
    hessian: np.ndarray, gradient: np.ndarray, x: np.ndarray, lower: np.ndarray, upper: np.ndarray
) -> None:
    """Go to the minimiser over the coordinates that are not at zero, or as far as all keep their signs."""
    active = np.flatnonzero(x)
    if len(active) < 2:
        return
    pull = gradient[active] + np.where(x[active] > 0, upper[active], lower[active])
    try:
        step = -np.linalg.solve(hessian[np.ix_(active, active)], pull)
    except np.linalg.LinAlgError:
        return
    turns = (step != 0) & (np.sign(x[active] + step) != np.sign(x[active]))
    share = float(min(1.0, (-x[active][turns] / step[turns]).min(initial=1.0)))
    x[active] += share * step
    x[active[turns][np.isclose(-x[active][turns], 0.0, atol=0.0)]] = 0.0
    gradient += hessian[:, active] @ (share * step)
