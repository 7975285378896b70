"""The integer program over given pairs, in HiGHS: the whole of a small instance, or a core."""

from __future__ import annotations

import math

import highspy
import numpy as np

from couponry.instances.program import Program
from couponry.solver.choice_rows import PairRows, choice_rows
from couponry.solver.clock import Clock
from couponry.solver.engine import Pairs
from couponry.solver.feasibility import pair_columns
from couponry.solver.highs import Answer, Sparse, new_highs, pass_model, solve_integer
from couponry.solver.prices import PriceBook

__all__ = ["PairProgram", "eligible_pairs"]


def eligible_pairs(program: Program, users: np.ndarray) -> Pairs:
    """Return every eligible pair of the given users."""
    usable = ~np.isnan(program.columns["value"][users])
    if program.coupon is not None:
        usable &= program.coupon[users] >= 0
    usable &= (program.choices.max_coupons[users] > 0)[:, None]
    row, place = np.nonzero(usable)
    return Pairs(users[row], place)


# More than HiGHS's feasibility tolerance, in the scaled rows that it sees.
TOLERATED = 4e-9


class PairProgram:
    """Maximise the objective over given pairs, within what is left of each row.

    Parameters
    ----------
    program : Program
    book : PriceBook
    pairs : Pairs
        The pairs to decide on.
    used : ndarray of float64, shape (K,)
        Activity of every row that is spent already by users outside the pairs.

    Attributes
    ----------
    added : tuple of str
        Names of what a back end's own model asks beyond the program.
    presolve : {"choose", "off"}
        HiGHS's option; a search without it is another search.
    restart : bool
        Whether HiGHS may begin anew with what it learnt; for a short search that takes as long as it does.
    """

    added: tuple[str, ...] = ()
    presolve = "choose"
    restart = True

    def __init__(self, program: Program, book: PriceBook, pairs: Pairs, used: np.ndarray) -> None:
        self.program, self.book, self.pairs = program, book, pairs
        classes, coupon, columns = pair_columns(program, pairs)
        self.coefficients = book.coefficients(columns, classes, coupon)
        self.objective = (
            program.sense * columns.get(program.objective, np.ones(len(classes)))
            if book.with_objective
            else np.zeros(len(classes))
        )
        lower, upper = book.inward
        self.lower, self.upper = lower - used, upper - used
        self.choice: PairRows = choice_rows(program.choices, pairs.user, coupon, columns.get("cost"))
        self.row_scale = 1.0 / np.maximum(np.abs(self.coefficients).max(axis=1, initial=0.0), 1e-300)
        self.row_scale[~(np.abs(self.coefficients) > 0).any(axis=1)] = 1.0
        size = np.abs(self.objective[self.objective != 0])
        self.objective_scale = 1.0 / float(np.mean(size)) if len(size) else 1.0
        self.margin = np.zeros(len(self.lower))
        self.forbidden: list[np.ndarray] = []

    def forbid(self, picked: Pairs) -> None:
        """Rule out one choice of pairs, which a tolerance took for feasible."""
        self.forbidden.append(self._among(picked))

    def make_room(self, excess: np.ndarray) -> None:
        """Narrow every row that a tolerance let be broken, beyond what the tolerance can hide."""
        enough = np.maximum(np.maximum(4 * self.margin, 2 * excess), TOLERATED / self.row_scale)
        self.margin = np.where(excess > 0, enough, self.margin)

    def _among(self, picked: Pairs) -> np.ndarray:
        """Return which of the program's pairs are picked, bool ``(P,)``."""
        places = self.program.columns["value"].shape[1]
        own, wanted = (pairs.user * places + pairs.place for pairs in (self.pairs, picked))
        return np.isin(own, wanted)

    def hopeless(self) -> bool:
        """Whether some row cannot be met by any choice of these pairs, whatever the other rows."""
        most = np.where(self.coefficients > 0, self.coefficients, 0).sum(axis=1)
        least = np.where(self.coefficients < 0, self.coefficients, 0).sum(axis=1)
        slack = 1e-9 * (1 + np.abs(most) + np.abs(least))
        return bool(((most < self.lower - slack) | (least > self.upper + slack)).any())

    def solve(
        self,
        clock: Clock,
        *,
        nodes: int | None = None,
        abs_gap: float = 0.0,
        target: float | None = None,
        start: Pairs | None = None,
    ) -> tuple[Pairs | None, Answer]:
        """Solve for the best choice of pairs.

        Parameters
        ----------
        clock : Clock
        nodes : int, optional
            Most nodes of the search.
        abs_gap : float
            Stop when proven within this much of the best, in units of the objective.
        target : float, optional
            Stop at a choice at least as good.
        start : Pairs, optional
            A choice to start from; those of its pairs that are not among the program's are left out.

        Returns
        -------
        Pairs or None
            The pairs chosen, None where none was found.
        Answer
            As HiGHS gave it, its bound turned into units of the objective.
        """
        highs = new_highs(clock)
        self._pass(highs)
        highs.setOptionValue("mip_allow_restart", self.restart)
        answer = solve_integer(
            highs,
            clock,
            nodes=nodes,
            abs_gap=abs_gap * self.objective_scale,
            start=None if start is None else self._among(start),
            target=-math.inf if target is None else -target * self.objective_scale,
        )
        return self._picked(answer), self._in_units(answer)

    def least_change(self, clock: Clock, row: int, side: str, *, nodes: int) -> float | None:
        """Return the least by which one side, as written, must give way for a plan to exist, or None."""
        highs = new_highs(clock)
        self._pass(highs, slack=(row, -1.0 if side == "upper" else 1.0))
        answer = solve_integer(highs, clock, nodes=nodes, abs_gap=1e-7)
        if answer.x is None or not answer.optimal:
            return None
        lower, upper = self.book.inward
        rounded = lower[row] - self.book.lower[row] if side == "lower" else self.book.upper[row] - upper[row]
        return max(0.0, float(answer.x[-1] / self.row_scale[row]) - float(rounded))

    def _pass(self, highs: highspy.Highs, slack: tuple[int, float] | None = None) -> None:
        """Hand the model over, scaled; with a slack (row, sign) its use is minimised, not the objective."""
        row, pair = np.nonzero(self.coefficients)
        rows, columns, values = (
            [row, self.choice.row + len(self.lower)],
            [pair, self.choice.pair],
            [self.coefficients[row, pair] * self.row_scale[row], self.choice.value],
        )
        n = len(self.objective)
        cost, upper = -self.objective * self.objective_scale, np.ones(n)
        first = len(self.lower) + len(self.choice.upper)
        for cut, taken in enumerate(self.forbidden):
            rows.append(np.full(n, first + cut))
            columns.append(np.arange(n))
            values.append(np.where(taken, 1.0, -1.0))
        if slack is not None:
            rows.append(np.array([slack[0]]))
            columns.append(np.array([n]))
            values.append(np.array([slack[1]]))
            cost, upper = np.append(np.zeros(n), 1.0), np.append(upper, np.inf)
        matrix = Sparse.of(np.concatenate(rows), np.concatenate(columns), np.concatenate(values), len(cost))
        own = np.concatenate([self.choice.upper, [float(taken.sum()) - 1 for taken in self.forbidden]])
        lower_side = np.concatenate([(self.lower + self.margin) * self.row_scale, np.full(len(own), -np.inf)])
        upper_side = np.concatenate([(self.upper - self.margin) * self.row_scale, own])
        highs.setOptionValue("presolve", self.presolve)
        pass_model(highs, cost, upper, lower_side, upper_side, matrix, integers=n)

    def _picked(self, answer: Answer) -> Pairs | None:
        if answer.x is None:
            return None
        taken = answer.x[: len(self.objective)] > 0.5
        return Pairs(self.pairs.user[taken], self.pairs.place[taken])

    def _in_units(self, answer: Answer) -> Answer:
        return Answer(answer.x, -answer.bound / self.objective_scale, answer.infeasible, answer.optimal)
