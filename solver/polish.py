"""From prices near the minimiser to a vertex: one linear program over near ties.

Newton's method ends where L looks smooth no longer: rows are off by what some dozens of users take. Which of
the near ties turn is a linear program: every exchange has a loss at the prices and changes the rows by
something, and the loss must be least. Its multipliers are the better prices, and its solution splits no more
users than there are binding rows. It knows of single exchanges only, and of those that lose little, so it is
set up again at the new prices while L goes down.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from couponry.solver.clock import Clock
from couponry.solver.engine import Exchanges
from couponry.solver.exchange_program import exchange
from couponry.solver.local import LocalEngine
from couponry.solver.master import Box, CoreAnswer
from couponry.solver.prices import PriceBook, Tables
from couponry.solver.scale import RowScale
from couponry.solver.scarce import Rare, joined

__all__ = ["polish", "polished_with"]

# Exchanges that a linear program takes.
FEWEST, A_ROW = 1000, 16
MOVES = 8
# Prices may move as far as the window of exchanges lets one unit of a row move a user, or this share of it.
FIRST_BOX, NARROWER = 1.0, 0.3
# Another program is not worth its time where the last one won less than this share of L.
GAIN = 1e-11
WIDENINGS = 6
SPLIT = 1e-7


@dataclass(frozen=True)
class _Turned:
    """What a linear program made of the exchanges at a point.

    Attributes
    ----------
    multipliers : ndarray of float64, shape (K,)
    share : ndarray of float64, shape (E,)
        How far each exchange is made.
    broken : ndarray of float64, shape (K,)
        By how much each row is broken at the price of the box's edge.
    reached : float
        The program's optimum, which fractions of plans reach where no row is broken.
    """

    multipliers: np.ndarray
    share: np.ndarray
    broken: np.ndarray
    reached: float


@dataclass(frozen=True)
class _Point:
    """L at some prices, the rows' activity, and the nearest exchanges."""

    multipliers: np.ndarray
    value: float
    activity: np.ndarray
    near: Exchanges


def polished_with(book: PriceBook) -> int:
    """Return how many near ties a linear program takes."""
    return max(FEWEST, A_ROW * book.n_rows)


def polish(
    engine: LocalEngine,
    book: PriceBook,
    scale: RowScale,
    clock: Clock,
    taken: Tables,
    start: np.ndarray,
    reach: np.ndarray,
    width: float,
    rare: Rare | None = None,
) -> CoreAnswer | None:
    """Minimise L exactly, from a start nearby.

    Parameters
    ----------
    engine : LocalEngine
        Over the undecided users.
    taken : Tables
        What all others take.
    start : ndarray, shape (K,)
    reach : ndarray, shape (K,)
        Largest size of each multiplier.
    width : float
        A window of losses to begin with.
    rare : Rare, optional
        Users who move rows that so many near ties as a program takes do not move, where they are known.

    Returns
    -------
    CoreAnswer or None
        Its users are positions in the engine: those of the last program's exchanges. None where nothing
        was won.
    """
    wanted = polished_with(book)
    limits = Box(book.clip(-reach), book.clip(reach))
    point, width = _at(engine, book, taken, start, width, wanted)
    if rare is None:
        rare = Rare.of(engine, book, start, point.activity, point.near)
    point = replace(point, near=joined(point.near, rare.exchanges(point.multipliers)))
    best: tuple[_Point, _Turned, float] | None = None
    share = FIRST_BOX
    for _ in range(MOVES):
        furthest = float(point.near.loss[:wanted].max(initial=0.0))
        radius = share * rare.furthest(point.near, furthest) / scale.coefficient
        turned = _program(engine, book, scale, clock, point, limits, radius)
        other, width = _at(engine, book, taken, turned.multipliers, width, wanted)
        other = replace(other, near=joined(other.near, rare.exchanges(other.multipliers)))
        least = GAIN * abs(other.value)
        won = point.value - other.value
        # Fractions of plans reach what the program says: L is nowhere below that.
        optimal = other.value - turned.reached <= least and not turned.broken.any()
        if won > 0 or optimal:
            best, point = (point, turned, other.value), other
        else:
            share *= NARROWER
        if optimal or clock.stopped_by is not None or 0 <= won <= least:
            break
    return None if best is None else _answer(engine, book, *best)


def _at(
    engine: LocalEngine,
    book: PriceBook,
    taken: Tables,
    multipliers: np.ndarray,
    width: float,
    wanted: int,
) -> tuple[_Point, float]:
    """Return L and the nearest exchanges, and a window that holds enough of them."""
    scores = book.scores(multipliers)
    demand, near = engine.exchanges(scores, width)
    for _ in range(WIDENINGS):
        if len(near.loss) >= wanted:
            break
        width *= min(8.0, 1.3 * wanted / max(len(near.loss), 1))
        demand, near = engine.exchanges(scores, width)
    order = np.argpartition(near.loss, wanted - 1)[:wanted] if len(near.loss) > wanted else slice(None)
    near = near.take(order)
    activity = book.activity({m: table + taken[m] for m, table in demand.tables.items()})
    program = engine.program
    fixed = program.sense * float(taken[program.objective].sum()) if book.with_objective else 0.0
    outside = fixed - float(multipliers @ book.activity(taken))
    return _Point(multipliers, demand.total + outside + book.linear(multipliers), activity, near), width


def _program(
    engine: LocalEngine,
    book: PriceBook,
    scale: RowScale,
    clock: Clock,
    point: _Point,
    limits: Box,
    radius: np.ndarray,
) -> _Turned:
    """Choose among the exchanges: all rows kept or broken at the price of the box's edge, the least lost.

    An exchange costs its loss less what its changes of the rows are worth at the point's prices, so that the
    program's prices are the rows' whole prices.
    """
    near = point.near
    lower = np.clip(point.multipliers - radius, limits.lower, limits.upper)
    upper = np.clip(point.multipliers + radius, limits.lower, limits.upper)
    found = exchange(
        near,
        book,
        scale,
        clock,
        cost=near.loss + near.worth(engine.program, book.changes(point.multipliers)),
        room=(book.lower - point.activity, book.upper - point.activity),
        breaking=(upper, -lower),
    )
    chosen = point.value - book.linear(point.multipliers) + float(point.multipliers @ point.activity)
    multipliers = book.clip(np.clip(found.multipliers, lower, upper))
    return _Turned(multipliers, found.share, found.broken, chosen - found.lost)


def _answer(engine: LocalEngine, book: PriceBook, point: _Point, turned: _Turned, value: float) -> CoreAnswer:
    """Return the choices that the program's solution makes of the users whom it speaks of."""
    near, share = point.near, turned.share
    users, owner = np.unique(near.user, return_inverse=True)
    chosen = LocalEngine(engine.program, users).choices(book.scores(point.multipliers))[0]
    whole = share > 0.5
    out, into = whole & (near.place_out >= 0), whole & (near.place_in >= 0)
    chosen[owner[out], near.place_out[out]] = False
    chosen[owner[into], near.place_in[into]] = True
    split = np.zeros(len(users), bool)
    split[owner[(share > SPLIT) & (share < 1 - SPLIT)]] = True
    margin = np.full(len(users), np.inf)
    margin[split] = 0.0
    return CoreAnswer(turned.multipliers, value, turned.broken, users, chosen, split, margin)
