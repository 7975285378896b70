"""The optimum of the linear program that leaves one row free, near the minimiser of its dual.

At the minimiser some users are torn, and only fractions of their choices keep all rows. These fractions are
a small linear program over the exchanges that lose least (:mod:`couponry.solver.polish` moves prices by it).
Here it says what the optimum takes of a row that is not asked for anything, such as one whose price is held.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from couponry.solver.clock import Clock
from couponry.solver.engine import Demand, Exchanges, Settled
from couponry.solver.exchange_program import exchange
from couponry.solver.local import LocalEngine
from couponry.solver.prices import PriceBook
from couponry.solver.scale import RowScale
from couponry.solver.scarce import Rare, joined

__all__ = ["Fractions", "fractions_near"]

# Exchanges that the linear program takes; the window of losses in which they are looked for first.
FEWEST, A_ROW = 1000, 16
WINDOW, WIDER, WIDENINGS = 1e-3, 8.0, 8
# What it costs to break a row, in what users are worth: only where the minimiser was not quite met.
BROKEN = 1e3


@dataclass(frozen=True)
class Fractions:
    """An optimum of the linear program over a few exchanges.

    Attributes
    ----------
    activity : float
        What it takes of the free row; frozen pairs are not counted.
    multipliers : ndarray of float64, shape (K,)
        Its prices, 0 for the free row.
    gap : float
        By how much L at the former prices is above its value: 0 where they are the minimiser.
    """

    activity: float
    multipliers: np.ndarray
    gap: float


def fractions_near(
    settled: Settled,
    held: PriceBook,
    book: PriceBook,
    multipliers: np.ndarray,
    row: int,
    scale: RowScale,
    clock: Clock,
) -> Fractions:
    """Solve the linear program over the exchanges nearest to some prices.

    Parameters
    ----------
    settled : Settled
        Who is settled at the prices.
    held : PriceBook
        Of all rows but the free one, whose price is part of its scores.
    book : PriceBook
        Of all rows.
    multipliers : ndarray of float64, shape (K,)
        0 for the free row.
    row : int
        The free one.
    scale : RowScale
        Of all rows.
    clock : Clock
    """
    others = np.delete(multipliers, row)
    demand, near = _nearest(settled, held, others, max(FEWEST, A_ROW * book.n_rows), scale)
    activity = book.activity({m: table + settled.tables[m] for m, table in demand.tables.items()})
    lower, upper = book.lower.copy(), book.upper.copy()
    lower[row], upper[row] = -np.inf, np.inf
    dear = np.full(book.n_rows, BROKEN * scale.objective) / scale.coefficient
    found = exchange(
        near,
        book,
        scale,
        clock,
        cost=near.loss + near.worth(settled.core, book.changes(multipliers)),
        room=(lower - activity, upper - activity),
        breaking=(dear, dear),
    )
    prices = found.multipliers.copy()
    prices[row] = 0.0
    # L less what the choices are worth before they are exchanged is λ·(limits − activity).
    slack = book.linear(multipliers) - float(multipliers @ activity)
    taken = float(activity[row] + found.share @ book.basis.coefficients(near)[:, row])
    return Fractions(taken, book.clip(prices), slack + found.lost)


def _nearest(
    settled: Settled, held: PriceBook, multipliers: np.ndarray, wanted: int, scale: RowScale
) -> tuple[Demand, Exchanges]:
    """Return what users take, and the exchanges that lose least, with some for rows few of these move."""
    engine, scores = LocalEngine(settled.core), held.scores(multipliers)
    width = WINDOW * scale.objective
    for _ in range(WIDENINGS):
        demand, near = engine.exchanges(scores, width)
        if len(near.loss) >= wanted:
            break
        width *= WIDER
    order = np.argpartition(near.loss, wanted - 1)[:wanted] if len(near.loss) > wanted else slice(None)
    near = near.take(order)
    activity = held.activity({m: table + settled.tables[m] for m, table in demand.tables.items()})
    rare = Rare.of(engine, held, multipliers, activity, near)
    return demand, joined(near, rare.exchanges(multipliers))
