"""The whole integer program in OR-Tools CP-SAT.

CP-SAT computes in whole numbers; :mod:`couponry.solver.backends.whole_numbers` says how ours become such.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from ortools.sat.python import cp_model

from couponry.instances.errors import BackendError
from couponry.instances.program import Program
from couponry.solver.backends.watch import stopped_with
from couponry.solver.backends.whole_numbers import WholeRow, whole_objective, whole_row
from couponry.solver.clock import Clock
from couponry.solver.engine import Pairs
from couponry.solver.highs import LAST_SECOND, Answer
from couponry.solver.integer import PairProgram
from couponry.solver.prices import PriceBook

__all__ = ["CpSatProgram", "whole_program"]


def whole_program(program: Program, book: PriceBook, pairs: Pairs, *, seed: int, model: Any) -> PairProgram:
    """Return the program over all pairs, to be solved by CP-SAT."""
    del model
    return CpSatProgram(program, book, pairs, seed)


class CpSatProgram(PairProgram):
    """The same program, searched by CP-SAT with one worker, so that a seed gives one plan.

    Parameters
    ----------
    program : Program
    book : PriceBook
    pairs : Pairs
    seed : int
    """

    def __init__(self, program: Program, book: PriceBook, pairs: Pairs, seed: int) -> None:
        super().__init__(program, book, pairs, np.zeros(book.n_rows))
        self.seed = seed

    def solve(
        self,
        clock: Clock,
        *,
        nodes: int | None = None,
        abs_gap: float = 0.0,
        target: float | None = None,
        start: Pairs | None = None,
    ) -> tuple[Pairs | None, Answer]:
        """Solve for the best choice of pairs; ``nodes`` and ``target`` are HiGHS's alone."""
        assert nodes is None, "CP-SAT has no nodes to limit"
        assert target is None, "CP-SAT stops at no target"
        model, take = self._model()
        objective, scale = whole_objective(self.objective)
        model.maximize(cp_model.LinearExpr.weighted_sum(take, objective))
        if start is not None:
            for variable, taken in zip(take, self._among(start), strict=True):
                model.add_hint(variable, bool(taken))
        solver = cp_model.CpSolver()
        settings = solver.parameters
        settings.num_workers, settings.random_seed = 1, self.seed % 2**31
        # Rows over everybody: without all of them in its linear program CP-SAT hardly closes the gap.
        settings.linearization_level = 2
        settings.relative_gap_limit, settings.absolute_gap_limit = 0.0, abs_gap * scale
        if clock.time_limit is not None:
            settings.max_time_in_seconds = max(clock.left(), LAST_SECOND)
        with stopped_with(clock, solver.stop_search):
            status = solver.solve(model)
        return self._read(solver, status, model, take, scale)

    def _model(self) -> tuple[cp_model.CpModel, list[cp_model.IntVar]]:
        model = cp_model.CpModel()
        take = [model.new_bool_var("") for _ in range(len(self.objective))]
        for k in range(len(self.lower)):
            nonzero = np.flatnonzero(self.coefficients[k])
            row = whole_row(
                self.coefficients[k, nonzero], self.lower[k] + self.margin[k], self.upper[k] - self.margin[k]
            )
            _add(model, [take[p] for p in nonzero], row)
        self._add_choices(model, take)
        for taken in self.forbidden:
            model.add_bool_or(
                [variable.negated() if t else variable for variable, t in zip(take, taken, strict=True)]
            )
        return model, take

    def _add_choices(self, model: cp_model.CpModel, take: list[cp_model.IntVar]) -> None:
        """Add every user's own rows: at most so many, one of each family, and the cap on money."""
        order = np.argsort(self.choice.row, kind="stable")
        rows, first = np.unique(self.choice.row[order], return_index=True)
        for k, entries in zip(rows, np.split(order, first[1:]), strict=True):
            variables = [take[p] for p in self.choice.pair[entries]]
            values, upper = self.choice.value[entries], float(self.choice.upper[k])
            if upper == 1 and (values == 1).all():
                model.add_at_most_one(variables)
            else:
                _add(model, variables, whole_row(values, -math.inf, upper))

    def _read(
        self,
        solver: cp_model.CpSolver,
        status: Any,
        model: cp_model.CpModel,
        take: list[cp_model.IntVar],
        scale: float,
    ) -> tuple[Pairs | None, Answer]:
        if status == cp_model.MODEL_INVALID:
            raise BackendError(f"CP-SAT refused the model: {model.validate()}")
        found = status in (cp_model.OPTIMAL, cp_model.FEASIBLE)
        taken = np.array([solver.boolean_value(v) for v in take], dtype=bool) if found else None
        answer = Answer(
            None if taken is None else taken.astype(np.float64),
            solver.best_objective_bound / scale if found else math.inf,
            status == cp_model.INFEASIBLE,
            status == cp_model.OPTIMAL,
        )
        return (None if taken is None else Pairs(self.pairs.user[taken], self.pairs.place[taken])), answer


def _add(model: cp_model.CpModel, variables: list[cp_model.IntVar], row: WholeRow) -> None:
    """Add the sides of a row; where both have the same coefficients, as one constraint."""
    if not variables:
        if (row.lower is not None and row.lower > 0) or (row.upper is not None and row.upper < 0):
            model.add_bool_or([])
        return
    if row.upper is not None and row.lower is not None and row.at_most is row.at_least:
        activity = cp_model.LinearExpr.weighted_sum(variables, row.at_most)
        if row.lower > row.upper:
            model.add_bool_or([])
        else:
            model.add_linear_constraint(activity, row.lower, row.upper)
        return
    if row.upper is not None:
        model.add(cp_model.LinearExpr.weighted_sum(variables, row.at_most) <= row.upper)
    if row.lower is not None:
        model.add(cp_model.LinearExpr.weighted_sum(variables, row.at_least) >= row.lower)
