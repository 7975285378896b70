"""Multipliers that prove that no plan exists (Farkas 1902, 10.1515/crll.1902.124.1)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from couponry.solver.bound import dual_bound
from couponry.solver.local import LocalEngine
from couponry.solver.prices import PriceBook

__all__ = ["prove_by_prices"]


# Users on whom rows are tried that a proof may do without; the share of its depth that it must keep there.
FEW, DEPTH = 50_000, 0.1


def prove_by_prices(
    engine: LocalEngine, book: PriceBook, multipliers: np.ndarray, *, seed: int = 0, ask_few: bool = False
) -> np.ndarray | None:
    """Return multipliers that prove that no plan exists, or None.

    With the objective switched off, L₀(λ) bounds Σ_k λ_k⁺(u_k − activity) + λ_k⁻(activity − l_k) over all
    plans from above; were some plan feasible that sum would be at least 0, so L₀(λ) < 0 is a proof.

    Parameters
    ----------
    multipliers : ndarray of float64, shape (K,)
        Candidates; small ones are dropped where the proof holds without them.
    seed : int
        Of the sample on which that is tried.
    ask_few : bool
        Ask all users only where the sample says that there is a proof: for passes that are dear.
    """
    rows_alone = PriceBook(book.program, with_objective=False, frozen=book.frozen_sums)
    if np.abs(multipliers).max(initial=0.0) == 0:
        return None

    def proves(candidate: np.ndarray) -> bool:
        return dual_bound(engine, rows_alone, candidate) < 0

    program = engine.program
    ask_few = ask_few and program.n_users > 2 * FEW
    if not ask_few and not proves(multipliers):
        return None
    if program.n_users <= 2 * FEW:
        return _thinned(rows_alone, multipliers, proves)
    users = program.sampler(seed, FEW).users(FEW)
    few, share = LocalEngine(program.take(users)), len(users) / program.n_users

    def depth(candidate: np.ndarray) -> float:
        total = few.demand(rows_alone.scores(candidate)).total
        return -(total + share * (rows_alone.linear(candidate) + rows_alone.constant))

    enough = DEPTH * depth(multipliers)
    if ask_few and (enough <= 0 or not proves(multipliers)):
        return None
    if enough > 0:
        thin = _thinned(rows_alone, multipliers, lambda candidate: depth(candidate) > enough)
        if proves(thin):
            return thin
    return _thinned(rows_alone, multipliers, proves)


def _thinned(book: PriceBook, multipliers: np.ndarray, proves: Callable[[np.ndarray], bool]) -> np.ndarray:
    """Return as few of the multipliers as prove."""
    for floor in (1e-1, 1e-2, 1e-4):
        candidate = _drop_small(book, multipliers, floor)
        if proves(candidate):
            break
    else:
        candidate = multipliers
    thin = candidate.copy()
    for k in np.argsort(np.abs(candidate)):
        if thin[k] != 0 and np.count_nonzero(thin) > 1:
            without = thin.copy()
            without[k] = 0.0
            if proves(without):
                thin = without
    return thin


def _drop_small(book: PriceBook, multipliers: np.ndarray, floor: float) -> np.ndarray:
    """Keep the multipliers whose limits weigh at least ``floor`` of the heaviest."""
    weights = np.array(
        [max(np.abs(t.weights()).max(initial=0.0) for t in row.terms) for row in book.program.rows]
    )
    pull = np.abs(multipliers) * weights
    return np.where(pull >= floor * pull.max(initial=0.0), multipliers, 0.0)
