"""Rules looked at by class: whether whole numbers of users can meet them.

How many users of each class get each kind of coupon is a whole number. Where the two sides of a rule nearly
meet, no such numbers may meet all rules although fractions would, and a search over single users would try
their combinations without end. Here it is asked of the numbers alone:

- Parity is arithmetic (:mod:`couponry.solver.equal_shares`): few totals can be shared out that equally. A
  linear program over classes says between which totals the other rules leave room; rows about money enter it
  by what so many users take at least.
- Other narrow rows are left to a small integer program over classes, of rows about counts alone.

Both have an answer wherever there is a plan: if one has none, there is no plan; if both have, nothing is
said.
"""

from __future__ import annotations

import math
from collections.abc import Collection

import highspy
import numpy as np

from couponry.instances.program import Program
from couponry.solver.class_cells import Cells, LeastUse, is_count
from couponry.solver.clock import Clock
from couponry.solver.equal_shares import EqualShares
from couponry.solver.highs import Sparse, new_highs, pass_model, run, solve_integer
from couponry.solver.prices import PriceBook

__all__ = ["CountProgram"]

# A row is narrow if a step of one user is more than a tenth of what lies between its sides.
NARROW = 10.0
# Larger ones can take HiGHS longer than the search over users does.
MOST_ROWS = 60
MOST_CELLS = 1000
MOST_PAIRS = 5_000_000
MOST_TOTALS = 2_000_000
NODES = 1000
# Room at limits of money, as a share, and at totals: more than sums and HiGHS's tolerances can be off by.
ROOM = 1e-7
ROOM_OF_TOTALS = 1e-6


class CountProgram:
    """Numbers of users by class and kind of coupon, within all rows as far as these say something of them.

    Parameters
    ----------
    book : PriceBook
    cells : Cells

    Attributes
    ----------
    parities : list of EqualShares
        Those so narrow that not every total can be shared out.
    """

    def __init__(self, book: PriceBook, cells: Cells) -> None:
        self.book, self.cells = book, cells
        program = cells.program
        self.parities = [one for one in EqualShares.all_of(program, book) if one.narrow()]
        self.room, self.whole = cells.room()
        self.uses: list[tuple[int, float, list[LeastUse]]] = []
        if self.parities and program.n_users * program.places <= MOST_PAIRS:
            self.uses = [
                (k, sign, cells.least_uses(k, sign))
                for k, row in enumerate(program.rows)
                if not is_count(row)
                for sign, limit in ((1.0, row.upper), (-1.0, row.lower))
                if math.isfinite(limit)
            ]

    @classmethod
    def of(cls, program: Program, book: PriceBook) -> CountProgram | None:
        """Return the program where some row about counts is narrow, and where it is not too large."""
        rows = [k for k, row in enumerate(program.rows) if is_count(row)]
        width = book.inward[1] - book.inward[0]
        if len(rows) > MOST_ROWS or not any(_narrow(program, k, width[k]) for k in rows):
            return None
        cells = Cells.of(program)
        return None if cells.weights.shape[1] > MOST_CELLS else cls(book, cells)

    def impossible(self, clock: Clock, *, without: Collection[int] = ()) -> bool:
        """Return whether no whole numbers are within all rows, save some left out."""
        for parity in self.parities:
            if without and parity.rows[0] in without:
                continue
            totals = self.totals(clock, parity, without=without)
            if totals is not None and not parity.kept_at(totals).any():
                return True
        highs = new_highs(clock)
        _Model(self, without, money=False).hand_to(highs, np.zeros(len(self.room)), integers=True)
        return solve_integer(highs, clock, nodes=NODES).infeasible

    def totals(
        self, clock: Clock, parity: EqualShares, *, without: Collection[int] = ()
    ) -> np.ndarray | None:
        """Return the totals of a parity rule that fractions of users leave room for; None if not known."""
        cost = self.cells.weight(parity.counted(self.cells.program))
        model = _Model(self, without, money=True)
        ends = []
        for sign in (1.0, -1.0):
            highs = new_highs(clock)
            model.hand_to(highs, sign * cost, integers=False)
            status = run(highs)
            if status == highspy.HighsModelStatus.kInfeasible:
                return np.empty(0, np.int64)
            if status != highspy.HighsModelStatus.kOptimal:
                return None
            ends.append(sign * highs.getInfo().objective_function_value)
        room = ROOM_OF_TOTALS * (1.0 + abs(ends[1]))
        least, most = math.ceil(ends[0] - room), math.floor(ends[1] + room)
        return np.arange(max(0, least), most + 1) if most - least < MOST_TOTALS else None


def _narrow(program: Program, k: int, width: float) -> bool:
    step = max(float(np.abs(term.weights()).max(initial=0.0)) for term in program.rows[k].terms)
    return width < NARROW * step


def _size(numbers: np.ndarray) -> float:
    return float(np.abs(numbers).max(initial=0.0)) or 1.0


class _Model:
    """Columns: numbers of users in each cell, and what they take of money."""

    def __init__(self, counts: CountProgram, without: Collection[int], *, money: bool) -> None:
        self.counts = counts
        self.entries: list[tuple[np.ndarray, np.ndarray]] = []
        self.sides: list[tuple[float, float]] = []
        uses = [use for use in counts.uses if money and use[0] not in without]
        n_cells, kinds = len(counts.room), counts.cells.n_kinds
        self.width = n_cells * (1 + len(uses))
        for at, k in enumerate(counts.cells.counted.tolist()):
            if k not in without:
                weights = counts.cells.weights[at]
                cells, size = np.flatnonzero(weights), _size(weights)
                lower, upper = (float(side[k]) / size for side in counts.book.inward)
                self._row(cells, weights[cells] / size, lower, upper)
        for c, whole in enumerate(counts.whole.tolist()):
            self._row(c * kinds + np.arange(kinds), np.ones(kinds), -math.inf, whole)
        for at, (k, sign, least) in enumerate(uses):
            self._money(n_cells * (1 + at), k, sign, least)

    def _row(self, columns: np.ndarray, values: np.ndarray, lower: float, upper: float) -> None:
        self.entries.append((columns, values))
        self.sides.append((lower, upper))

    def _money(self, first: int, k: int, sign: float, least: list[LeastUse]) -> None:
        """Add what a row takes at least, and its limit.

        A column is what a cell takes beyond ``base``, which may be below 0, in units of ``size``.
        """
        room = self.counts.room
        size = max(_size(use.slope) for use in least)
        lowest = [
            float((use.at + np.minimum(use.slope, 0.0) * most).min())
            for use, most in zip(least, room, strict=False)
        ]
        base = np.minimum(0.0, lowest)
        for use in least:
            for slope, at in zip(use.slope, use.at, strict=True):
                columns = np.concatenate([first + use.cells, use.cells])
                values = np.repeat([1.0, -slope / size], len(use.cells))
                self._row(columns, values, (at - float(base[use.cells].sum())) / size, math.inf)
        lower, upper = (float(side[k]) for side in self.counts.book.inward)
        limit = upper if sign > 0 else -lower
        limit += ROOM * max(abs(limit), size) - float(base.sum())
        self._row(first + np.arange(len(room)), np.ones(len(room)), -math.inf, limit / size)

    def hand_to(self, highs: highspy.Highs, cost: np.ndarray, *, integers: bool) -> None:
        """Pass the model that minimises a cost of the numbers of users."""
        n_cells = len(self.counts.room)
        costs, most = np.zeros(self.width), np.full(self.width, np.inf)
        costs[:n_cells], most[:n_cells] = cost, self.counts.room
        row = np.repeat(np.arange(len(self.entries)), [len(columns) for columns, _ in self.entries])
        matrix = Sparse.of(
            row,
            np.concatenate([columns for columns, _ in self.entries]),
            np.concatenate([values for _, values in self.entries]),
            self.width,
        )
        lower, upper = np.array(self.sides).T
        pass_model(highs, costs, most, lower, upper, matrix, integers=n_cells if integers else 0)
