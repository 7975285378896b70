"""At which limit a row's price would be a given one: the dual, read the other way round.

As a row's limit u moves, the best objective V(u) is concave and its slope is the row's price. So the limit
that belongs to a price p needs no search over limits: hold the row's multiplier at p, minimise the dual over
all other multipliers, and see how much of the row is taken there. One warm solve of the dual, no integer
program: by Newton's method where users are many (:mod:`couponry.solver.held_price`), else by boxes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from couponry.instances.program import Program
from couponry.solver.boxes import BoxSearch
from couponry.solver.clock import Clock
from couponry.solver.held_price import HeldPrice
from couponry.solver.local import LocalEngine
from couponry.solver.priced import REACH, SCALE_SAMPLE
from couponry.solver.prices import PriceBook
from couponry.solver.scale import measure_scale

__all__ = ["PricedLimit", "PricedLimits"]

# A price is far from that of the start where it differs by more than this part of it.
FAR = 0.35


@dataclass(frozen=True)
class PricedLimit:
    """The limit that belongs to a price.

    Attributes
    ----------
    limit : float
        In the row's own scale; NaN where the search was stopped before it was known.
    multipliers : ndarray of float64, shape (K,)
        Prices of all rows at that limit.
    """

    limit: float
    multipliers: np.ndarray


class PricedLimits:
    """Finds the limits of one row that belong to prices, all other rows as they are.

    Parameters
    ----------
    program : Program
        One that has a plan.
    row : int
        Position in ``program.rows``.
    start : ndarray of float64, shape (K,)
        Multipliers to start from, as of a solution's certificate.
    clock : Clock, optional
    seed : int
        Of the samples.
    """

    def __init__(
        self, program: Program, row: int, start: np.ndarray, *, clock: Clock | None = None, seed: int = 0
    ) -> None:
        self.program, self.row, self.clock, self.seed = program, row, clock or Clock(), seed
        self.start = np.array(start, dtype=np.float64)
        large = HeldPrice.fits(program) and self.clock.stopped_by is None
        self._held = HeldPrice(program, row, self.start, self.clock, seed) if large else None

    def at(self, price: float) -> PricedLimit:
        """Return the limit of a price: where limits from a to b have it, one of them.

        Parameters
        ----------
        price : float
            A multiplier in the row's own scale, not zero: positive of the upper side, negative of the lower.
        """
        found = None if self._held is None else self._held.at(price)
        answer = self._by_boxes(price) if found is None else PricedLimit(*found)
        self.start = answer.multipliers  # the next price is near by
        return answer

    @property
    def sampled(self) -> bool:
        """Whether :meth:`near` can tell something."""
        return self._held is not None

    def near(self, price: float) -> np.ndarray:
        """Return about what all prices are, shape ``(K,)``: a sample tells, at little cost."""
        assert self._held is not None
        return self._held.near(price)

    def _by_boxes(self, price: float) -> PricedLimit:
        program, row, side = self.program, self.row, math.copysign(1.0, price)
        # No plan meets this limit save one at the very edge, so the row costs as much as it is let.
        beyond = _least(program, row, side)
        lower, upper = (-math.inf, beyond) if side > 0 else (beyond, math.inf)
        rows = list(program.rows)
        rows[row] = replace(rows[row], lower=lower, upper=upper)
        changed = replace(program, rows=tuple(rows))
        book, engine = PriceBook(changed), LocalEngine(changed)
        sample = np.random.default_rng(self.seed).permutation(program.n_users)[:SCALE_SAMPLE]
        scale = measure_scale(changed, book, np.sort(sample))
        reach = REACH * scale.price
        reach[row] = abs(price)
        search = BoxSearch(changed, book, engine, scale, reach, self.clock, self.seed, elastic=True)
        held = self.start.copy()
        # From far away a small sample finds the way faster than boxes round the old prices do.
        far = abs(price - held[row]) > FAR * max(abs(held[row]), float(scale.price[row]))
        held[row] = price
        answer = search.run(None if far else held)
        known = answer.inside and not np.delete(answer.broken, row).any()
        limit = beyond + float(answer.broken[row]) if known else math.nan
        return PricedLimit(limit, answer.multipliers)


def _least(program: Program, row: int, side: float) -> float:
    """Return the least activity of a row that a plan can have, or the most for a lower side."""
    book = PriceBook(program, with_objective=False)
    alone = np.zeros(book.n_rows)
    alone[row] = side
    return float(book.frozen[row]) - side * LocalEngine(program).demand(book.scores(alone)).total
