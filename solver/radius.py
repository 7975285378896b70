"""How far prices found on a sample may be from those of the population.

A sample holds every class in its share. Its gradient differs from the population's by chance alone, with a
variance within classes that the sample itself shows; through the curvature it becomes a variance of prices
(the delta method of M-estimation, Huber 1967). What matters to a user is how far the *tables* may be off:
rows' prices are strongly correlated, and their errors largely cancel there. So a few draws of the prices'
error are folded into tables, and their size is the radius.
"""

from __future__ import annotations

import numpy as np

from couponry.solver.basis import Basis
from couponry.solver.engine import Exchanges
from couponry.solver.kernels.moments import class_scatter, second_moments
from couponry.solver.local import LocalEngine
from couponry.solver.prices import PriceBook, Tables

__all__ = ["class_variance", "moments", "table_radius"]

DRAWS = 24
SLACK = 4.0
DAMPING = 1e-3
# Users who show the variance; more would hardly show it better.
FEW = 20_000
NOBODY = np.empty(0, np.int64)


def moments(basis: Basis, near: Exchanges, weight: np.ndarray, unit: np.ndarray) -> np.ndarray:
    """Return Σ weight · d dᵀ over exchanges, d in the rows' natural units, ``(K, K)``."""
    sums = np.zeros((len(basis.measure),) * 2)
    second_moments(
        near.classes,
        near.entering,
        near.leaving,
        near.measures_in,
        near.measures_out,
        weight,
        basis.measure,
        basis.users,
        basis.coupons,
        basis.start,
        basis.member,
        sums,
    )
    rows = basis.combine * unit[:, None]
    return np.asarray(rows @ (sums + np.tril(sums, -1).T) @ rows.T)


def table_radius(
    engine: LocalEngine,
    book: PriceBook,
    multipliers: np.ndarray,
    hessian: np.ndarray,
    unit: np.ndarray,
    *,
    share: float,
    times: float,
    seed: int,
) -> Tables:
    """Return how far each table entry may move from the sample's minimiser to the population's.

    Parameters
    ----------
    engine : LocalEngine
        Over the sample.
    multipliers : ndarray, shape (K,)
        The sample's minimiser.
    hessian : ndarray, shape (K, K)
        Curvature there, in multipliers of natural size.
    unit : ndarray, shape (K,)
        Natural sizes of the multipliers.
    share : float
        Part of the population that the sample is.
    times : float
        Standard deviations.
    seed : int
        Of the draws.
    """
    x = multipliers / unit
    activity = book.activity(engine.demand(book.scores(multipliers)).tables) * unit
    n = engine.n_users
    few = engine if n <= FEW else LocalEngine(engine.program, np.arange(FEW) * n // FEW)
    variance = class_variance(few, book.basis, book.scores(multipliers), unit) * (n / few.n_users)
    room = np.minimum(book.upper * share * unit - activity, activity - book.lower * share * unit)
    # A row that is slack by more than chance explains keeps its price of zero.
    live = np.flatnonzero((x != 0) | (room < SLACK * np.sqrt(np.maximum(np.diag(variance), 0.0))))
    if not len(live):
        return {}
    size, axes = np.linalg.eigh(variance[np.ix_(live, live)])
    curve = hessian[np.ix_(live, live)]
    error = np.linalg.solve(
        curve + DAMPING * np.diag(np.diag(curve)), axes * np.sqrt(np.maximum(size, 0.0) * (1 - share))
    )
    rng = np.random.default_rng(seed)
    squares: Tables = {}
    for _ in range(DRAWS):
        move = np.zeros(len(x))
        move[live] = error @ rng.standard_normal(len(live))
        for measure, table in book.changes(move * unit).items():
            squares[measure] = squares.get(measure, 0.0) + table**2
    return {measure: times * np.sqrt(total / DRAWS) for measure, total in squares.items()}


def class_variance(engine: LocalEngine, basis: Basis, scores: Tables, unit: np.ndarray) -> np.ndarray:
    """Return the variance of the rows' activity where as many users are drawn of every class, ``(K, K)``."""
    pairs = engine.assign(scores, NOBODY).pairs
    codes = engine.in_core.classes.codes
    order = np.argsort(codes[pairs.user], kind="stable")
    user, place = pairs.user[order], pairs.place[order]
    nothing = np.full(len(user), -1, np.int32)
    program = engine.in_core
    taken = Exchanges.of(
        program, program.everybody, user, nothing, place.astype(np.int32), np.zeros(len(user))
    )
    sums = np.zeros((len(basis.measure),) * 2)
    class_scatter(
        user,
        taken.classes,
        taken.entering,
        taken.measures_in,
        np.bincount(codes, minlength=program.n_classes),
        basis.measure,
        basis.users,
        basis.coupons,
        basis.start,
        basis.member,
        sums,
    )
    rows = basis.combine * unit[:, None]
    return np.asarray(rows @ (sums + np.tril(sums, -1).T) @ rows.T)
