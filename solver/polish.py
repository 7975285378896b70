"""From prices near the minimiser to the minimiser: linear programs over a few hundred users.

Newton's method ends where L looks smooth no longer. From there the minimiser is a vertex: a box of prices
that leaves some hundreds of users undecided is searched exactly (:mod:`couponry.solver.master`), and moved
while the answer lies at its edge, which is rarely more than a few times.
"""

from __future__ import annotations

import numpy as np

from couponry.solver.boxes import edges, next_radius, within
from couponry.solver.clock import Clock
from couponry.solver.local import LocalEngine
from couponry.solver.master import Box, CoreAnswer, Master
from couponry.solver.prices import PriceBook, Tables
from couponry.solver.scale import RowScale

__all__ = ["polish"]

# Users that a linear program takes. With more priced rows it takes seconds to win next to nothing.
MOST_UNDECIDED, MOST_PRICED = 900, 120
MOVES, NARROWINGS = 10, 15
LEAST_NARROWING = 0.02
FIRST_RADIUS = 3e-3
# Another box is not worth its time where the last one won less than this share of L.
GAIN = 1e-11


def polish(
    engine: LocalEngine,
    book: PriceBook,
    scale: RowScale,
    clock: Clock,
    settled: Tables,
    start: np.ndarray,
    reach: np.ndarray,
) -> CoreAnswer | None:
    """Minimise L exactly, from a start nearby.

    Parameters
    ----------
    engine : LocalEngine
        Over the undecided users.
    settled : Tables
        What all others take.
    start : ndarray, shape (K,)
    reach : ndarray, shape (K,)
        Largest size of each multiplier.

    Returns
    -------
    CoreAnswer or None
        Its users are positions in the engine. None where too many are undecided in any box (users alike),
        or too many rows are priced.
    """
    limits = Box(book.clip(-reach), book.clip(reach))
    multipliers = start
    radius = FIRST_RADIUS * (np.abs(start) + 0.1 * scale.price)
    answer: CoreAnswer | None = None
    if np.count_nonzero(start) > MOST_PRICED:
        return None
    for _ in range(MOVES):
        narrowed = _narrowed(engine, book, multipliers, radius)
        if narrowed is None:
            break
        radius, undecided, inside = narrowed
        taken = {measure: table + settled[measure] for measure, table in inside.items()}
        box = within(limits, multipliers - radius, multipliers + radius)
        master = Master(engine.program, book, undecided, taken, 1.0, scale, clock)
        last, answer = answer, master.minimise(multipliers, box, book.radius(radius))
        at_edge = edges(answer.broken, box, limits)
        won = np.inf if last is None else last.value - answer.value
        if not at_edge.any() or won < GAIN * abs(answer.value) or clock.stopped_by is not None:
            break
        radius = next_radius(radius, np.abs(answer.multipliers - multipliers), at_edge, scale, reach)
        multipliers = answer.multipliers
    return answer


def _narrowed(
    engine: LocalEngine, book: PriceBook, multipliers: np.ndarray, radius: np.ndarray
) -> tuple[np.ndarray, np.ndarray, Tables] | None:
    """Return a radius that leaves few enough users undecided, these users, and what the others take."""
    scores = book.scores(multipliers)
    for _ in range(NARROWINGS):
        answer = engine.settle(scores, book.radius(radius))
        found = len(answer.undecided)
        if found <= MOST_UNDECIDED:
            return radius, answer.undecided, answer.tables
        radius = radius * max(LEAST_NARROWING, 0.85 * MOST_UNDECIDED / found)
    return None
