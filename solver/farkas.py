"""Multipliers that prove that no plan exists (Farkas 1902, 10.1515/crll.1902.124.1)."""

from __future__ import annotations

import numpy as np

from couponry.solver.bound import dual_bound
from couponry.solver.local import LocalEngine
from couponry.solver.prices import PriceBook

__all__ = ["prove_by_prices"]


def prove_by_prices(engine: LocalEngine, book: PriceBook, multipliers: np.ndarray) -> np.ndarray | None:
    """Return multipliers that prove that no plan exists, or None.

    With the objective switched off, L₀(λ) bounds Σ_k λ_k⁺(u_k − activity) + λ_k⁻(activity − l_k) over all
    plans from above; were some plan feasible that sum would be at least 0, so L₀(λ) < 0 is a proof.

    Parameters
    ----------
    multipliers : ndarray of float64, shape (K,)
        Candidates; small ones are dropped where the proof holds without them.
    """
    rows_alone = PriceBook(book.program, with_objective=False, frozen=book.frozen_sums)
    largest = np.abs(multipliers).max(initial=0.0)
    if largest == 0:
        return None
    if not _below_zero(engine, rows_alone, multipliers):
        return None
    for floor in (1e-1, 1e-2, 1e-4, 0.0):
        candidate = _drop_small(rows_alone, multipliers, floor)
        if _below_zero(engine, rows_alone, candidate):
            return _thin(engine, rows_alone, candidate)
    return None


def _drop_small(book: PriceBook, multipliers: np.ndarray, floor: float) -> np.ndarray:
    """Keep the multipliers whose limits weigh at least ``floor`` of the heaviest."""
    weights = np.array(
        [max(np.abs(t.weights()).max(initial=0.0) for t in row.terms) for row in book.program.rows]
    )
    pull = np.abs(multipliers) * weights
    return np.where(pull >= floor * pull.max(initial=0.0), multipliers, 0.0)


def _below_zero(engine: LocalEngine, book: PriceBook, multipliers: np.ndarray) -> bool:
    return dual_bound(engine, book, multipliers) < 0


def _thin(engine: LocalEngine, book: PriceBook, multipliers: np.ndarray) -> np.ndarray:
    """Drop every row without which the proof still holds."""
    thin = multipliers.copy()
    for k in np.argsort(np.abs(multipliers)):
        if thin[k] != 0 and np.count_nonzero(thin) > 1:
            without = thin.copy()
            without[k] = 0.0
            if _below_zero(engine, book, without):
                thin = without
    return thin
