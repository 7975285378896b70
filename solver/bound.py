"""The bound that multipliers prove."""

from __future__ import annotations

import math

import numpy as np

from couponry.solver.local import LocalEngine
from couponry.solver.prices import PriceBook

__all__ = ["dual_bound", "proven_bound"]


def dual_bound(engine: LocalEngine, book: PriceBook, multipliers: np.ndarray) -> float:
    """Return L(λ) with its rounding error on top: no plan's ``sense · objective`` is above it.

    Infinite where a multiplier prices a side that is not there.
    """
    if not math.isfinite(book.linear(multipliers)):
        return math.inf
    demand = engine.demand(book.scores(multipliers), with_error=True)
    return proven_bound(book, multipliers, demand.total, demand.error)


def proven_bound(book: PriceBook, multipliers: np.ndarray, total: float, error: float) -> float:
    """Return L(λ) with its rounding error on top, given the users' total and the error of it."""
    linear = book.linear(multipliers) + book.constant
    if not math.isfinite(linear):
        return math.inf
    # The products λ u are rounded once each; their exact sum and the last additions once more.
    rounding = np.finfo(np.float64).eps * (book.n_rows + 4) * book.linear_size(multipliers)
    additions = 4 * np.finfo(np.float64).eps * (abs(total) + abs(linear))
    return float(total + linear + error + rounding + additions)
