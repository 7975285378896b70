"""The linear program over near ties: which exchanges are made, and what rows then cost.

Every exchange has a loss at some prices and changes the rows by something. All rows kept, the least is to be
lost:

    min Σ_e cost_e y_e  with  lower ≤ activity + Σ_e d_e y_e ≤ upper,  Σ y_e ≤ 1 a user,  0 ≤ y ≤ 1

A row may be broken at a price. A demand that many rows share, as parity does that of everybody, is a column
of its own, which keeps the program sparse.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from couponry.solver.clock import Clock
from couponry.solver.engine import Exchanges
from couponry.solver.highs import Sparse, new_highs, pass_model, run
from couponry.solver.prices import PriceBook
from couponry.solver.scale import RowScale

__all__ = ["Exchanged", "exchange"]

NOTHING = 1e-7


@dataclass(frozen=True)
class Exchanged:
    """The program's optimum.

    Attributes
    ----------
    share : ndarray of float64, shape (E,)
        How far each exchange is made.
    broken : ndarray of float64, shape (K,)
        By how much each row is broken.
    multipliers : ndarray of float64, shape (K,)
        The rows' prices.
    lost : float
        What is lost, broken rows included.
    """

    share: np.ndarray
    broken: np.ndarray
    multipliers: np.ndarray
    lost: float


def exchange(
    near: Exchanges,
    book: PriceBook,
    scale: RowScale,
    clock: Clock,
    *,
    cost: np.ndarray,
    room: tuple[np.ndarray, np.ndarray],
    breaking: tuple[np.ndarray, np.ndarray],
) -> Exchanged:
    """Solve the program.

    Parameters
    ----------
    near : Exchanges
    book : PriceBook
        Its rows, of which only the coefficients are used.
    scale : RowScale
    clock : Clock
    cost : ndarray of float64, shape (E,)
    room : tuple of two ndarrays, shape (K,) each
        How much each row must, and may, change.
    breaking : tuple of two ndarrays, shape (K,) each
        What a unit beyond the upper side costs, and one below the lower; infinite where that is ruled out.
    """
    k, e = book.n_rows, len(near.loss)
    owner, several = _shared(near.user)
    rows, signs = np.tile(np.arange(k), 2), np.repeat([-1.0, 1.0], k)
    edges = np.concatenate(breaking) * np.tile(scale.coefficient, 2) / scale.objective
    usable = np.flatnonzero(np.isfinite(edges))
    b, n = len(usable), int(owner.max(initial=-1)) + 1
    row, column, value, shared = book.basis.entries(near, 1.0 / scale.coefficient)
    # Rows of the shared demands stand after those of users, their columns after those of broken rows.
    matrix = Sparse.of(
        np.concatenate([np.where(row < k, row, row + n), k + owner, rows[usable]]),
        np.concatenate([np.where(column < e, column, column + b), several, e + np.arange(b)]),
        np.concatenate([value, np.ones(len(several)), signs[usable]]),
        e + b + shared,
    )
    highs = new_highs(clock)
    highs.setOptionValue("presolve", "off")  # it takes three times as long as the simplex
    pass_model(
        highs,
        np.concatenate([cost / scale.objective, edges[usable], np.zeros(shared)]),
        np.concatenate([np.ones(e), np.full(b + shared, np.inf)]),
        np.concatenate([room[0] / scale.coefficient, np.full(n, -np.inf), np.zeros(shared)]),
        np.concatenate([room[1] / scale.coefficient, np.ones(n), np.zeros(shared)]),
        matrix,
        free=shared,
    )
    run(highs)
    solution = highs.getSolution()
    x = np.array(solution.col_value)
    broken = np.zeros(k)
    np.add.at(broken, rows[usable], -signs[usable] * x[e : e + b])
    broken[np.abs(broken) < NOTHING] = 0.0
    return Exchanged(
        x[:e],
        broken * scale.coefficient,
        -np.array(solution.row_dual)[:k] * scale.objective / scale.coefficient,
        highs.getInfo().objective_function_value * scale.objective,
    )


def _shared(user: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return which exchanges are not alone their user's, and for each of these its user's number."""
    _, owner, count = np.unique(user, return_inverse=True, return_counts=True)
    several = np.flatnonzero(count[owner] > 1)
    return np.unique(owner[several], return_inverse=True)[1], several
