"""The integer program over groups of users who are exactly alike: how many of each group get what.

Its size depends on how many kinds of users there are, not on how many users. Its linear relaxation has the
same optimum as that of the users themselves, so the multipliers of its rows are those of the dual.
"""

from __future__ import annotations

import math

import highspy
import numpy as np

from couponry.instances.program import Program
from couponry.solver.alike import Alike
from couponry.solver.clock import Clock
from couponry.solver.engine import Pairs
from couponry.solver.feasibility import excesses, over_money, pair_columns
from couponry.solver.group_choice import GroupColumns, group_columns
from couponry.solver.highs import Answer, Sparse, new_highs, pass_model, run, solve_integer
from couponry.solver.prices import PriceBook

__all__ = ["MOST_COLUMNS", "MergedProgram"]

MOST_COLUMNS = 3000
FEW_COLUMNS = 300
MOST_TIMES = 10
# How often a plan that only HiGHS's tolerance allowed is answered by room at the rows it breaks.
ROOM = 4
# More than HiGHS's feasibility tolerance, in the scaled rows that it sees.
TOLERATED = 4e-9


class MergedProgram:
    """Maximise the objective over numbers of users, one column a pair or a choice of a group.

    Parameters
    ----------
    program : Program
    book : PriceBook
    columns : GroupColumns
    """

    def __init__(self, program: Program, book: PriceBook, columns: GroupColumns) -> None:
        self.program, self.book, self.columns = program, book, columns
        pairs, column = columns.members()
        classes, coupon, measures = pair_columns(program, pairs)
        each = book.coefficients(measures, classes, coupon)
        worth = program.sense * measures.get(program.objective, np.ones(len(column)))
        self.coefficients = np.zeros((book.n_rows, len(columns)))
        np.add.at(self.coefficients.T, column, each.T)
        self.objective = np.bincount(column, worth, minlength=len(columns))
        largest = np.abs(self.coefficients).max(axis=1, initial=0.0)
        self.row_scale = 1.0 / np.where(largest > 0, largest, 1.0)
        size = np.abs(self.objective[self.objective != 0])
        self.objective_scale = 1.0 / float(np.mean(size)) if len(size) else 1.0
        self.margin = np.zeros(book.n_rows)

    @classmethod
    def of(cls, program: Program, book: PriceBook, alike: Alike | None) -> MergedProgram | None:
        """Return the program of some groups; None where there are no groups, or too many columns."""
        columns = None if alike is None else group_columns(program, alike, MOST_COLUMNS)
        return None if columns is None else cls(program, book, columns)

    def multipliers(self, clock: Clock) -> np.ndarray | None:
        """Return the multipliers at the linear relaxation's optimum; None where it has none."""
        highs = new_highs(clock)
        self._pass(highs, self.book.lower, self.book.upper, integers=0)
        if run(highs) != highspy.HighsModelStatus.kOptimal:
            return None
        dual = np.array(highs.getSolution().row_dual)[: self.book.n_rows]
        return self.book.clip(-dual * self.row_scale / self.objective_scale)

    def solve(self, clock: Clock, *, nodes: int | None, abs_gap: float) -> tuple[Pairs | None, Answer]:
        """Solve, and again with room where a tolerance let a row be broken.

        Parameters
        ----------
        clock : Clock
        nodes : int or None
            Most nodes of each search, where the columns are as many as there may be; more where they are few.
        abs_gap : float
            Where columns are many: stop when proven within this much of the best. Few are searched out.

        Returns
        -------
        Pairs or None
            A plan that keeps every row exactly.
        Answer
            As HiGHS gave it for the rows as they are, its bound turned into units of the objective.
        """
        first: Answer | None = None
        if nodes is not None:
            nodes *= min(MOST_TIMES, max(1, MOST_COLUMNS // len(self.columns)))
        allowed = 0.0 if len(self.columns) <= FEW_COLUMNS else abs_gap * self.objective_scale
        for _ in range(1 + ROOM):
            highs = new_highs(clock)
            lower, upper = self.book.inward
            self._pass(highs, lower + self.margin, upper - self.margin, integers=len(self.columns))
            answer = solve_integer(highs, clock, nodes=nodes, abs_gap=allowed)
            first = first or answer
            if answer.x is None:
                break
            plan = self.columns.deal(np.round(answer.x).astype(np.int64))
            excess = np.abs(excesses(self.program, plan))
            if not excess.any() and not len(over_money(self.program, plan)):
                exact = not self.margin.any() and first.optimal
                return plan, self._in_units(first, optimal=exact)
            if clock.stopped_by is not None:
                break
            enough = np.maximum(np.maximum(4 * self.margin, 2 * excess), TOLERATED / self.row_scale)
            self.margin = np.where(excess > 0, enough, self.margin)
        assert first is not None
        return None, self._in_units(first, optimal=False)

    def _in_units(self, answer: Answer, *, optimal: bool) -> Answer:
        return Answer(answer.x, -answer.bound / self.objective_scale, answer.infeasible, optimal)

    def _pass(self, highs: highspy.Highs, lower: np.ndarray, upper: np.ndarray, *, integers: int) -> None:
        row, column = np.nonzero(self.coefficients)
        values = self.coefficients[row, column] * self.row_scale[row]
        own = self.columns
        matrix = Sparse.of(
            np.concatenate([row, own.row + self.book.n_rows]),
            np.concatenate([column, own.column]),
            np.concatenate([values, np.ones(len(own.row))]),
            len(own),
        )
        pass_model(
            highs,
            -self.objective * self.objective_scale,
            own.most,
            np.concatenate([lower * self.row_scale, np.full(len(own.upper), -math.inf)]),
            np.concatenate([upper * self.row_scale, own.upper]),
            matrix,
            integers=integers,
        )
