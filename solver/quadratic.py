"""Minimise a convex quadratic plus what each multiplier pays for its row's limits."""

from __future__ import annotations

import numpy as np
from numba import njit

__all__ = ["minimise_quadratic"]

SWEEPS = 30
ROUNDS = 60
SETTLED = 1e-10


def minimise_quadratic(
    hessian: np.ndarray, slope: np.ndarray, start: np.ndarray, lower: np.ndarray, upper: np.ndarray
) -> np.ndarray:
    """Return the minimiser x of ½(x − x₀)ᵀH(x − x₀) + g·(x − x₀) + Σ_k (u_k x_k⁺ − l_k x_k⁻).

    Coordinates are moved one by one (each has a closed form; Tseng 2001, 10.1023/A:1017501703105), which
    finds out their signs; between sweeps all that are not at zero are moved together by linear solves (as
    Moré & Toraldo 1991, 10.1137/0801008). It ends where a sweep changes no sign.

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
    signs: np.ndarray | None = None
    for _ in range(ROUNDS):
        moved = _sweep(hessian, gradient, x, lower, upper, SWEEPS)
        known = signs is not None and np.array_equal(np.sign(x), signs)
        if moved <= SETTLED:
            break
        _move_together(hessian, gradient, x, lower, upper)
        signs = np.sign(x)
        if known:
            break
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
    """Go to the minimiser over the coordinates that are not at zero; those that would turn stop at zero."""
    while len(active := np.flatnonzero(x)) > 1:
        own = x[active]
        pull = gradient[active] + np.where(own > 0, upper[active], lower[active])
        try:
            step = -np.linalg.solve(hessian[np.ix_(active, active)], pull)
        except np.linalg.LinAlgError:
            return
        turns = np.sign(own + step) != np.sign(own)
        share = np.full(len(active), np.inf)
        share[turns] = -own[turns] / step[turns]
        first = min(1.0, float(share.min()))
        # Set, not added up to: a rest of 1e-17 on an absent side would be priced without limit.
        new = np.where(share <= first, 0.0, own + first * step)
        x[active] = new
        gradient += hessian[:, active] @ (new - own)
        if not turns.any():
            return
