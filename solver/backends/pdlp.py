"""The linear relaxation by OR-Tools PDLP (Applegate et al. 2021, 10.48550/arXiv.2106.04756).

Its tolerance is relative to the norm of all sides together, so neither its objective nor its claims are read:
its multipliers are, and what they prove is computed afresh.
"""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

import numpy as np
from ortools.math_opt import model_pb2
from ortools.math_opt.python import mathopt
from ortools.util.python import solve_interrupter

from couponry.instances.errors import BackendError
from couponry.solver.backends.linear import LinearProgram, Relaxed
from couponry.solver.backends.watch import stopped_with
from couponry.solver.clock import Clock

__all__ = ["solve_linear"]

FINEST = 1e-9
"""PDLP hardly reaches more."""


def solve_linear(problem: LinearProgram, clock: Clock, *, precision: float) -> Relaxed:
    """Solve to a relative precision of the objective, or stop when the clock says so.

    Raises
    ------
    BackendError
        If PDLP fails.
    """
    settings = mathopt.SolveParameters(threads=1)
    criteria = settings.pdlp.termination_criteria.simple_optimality_criteria
    criteria.eps_optimal_relative = criteria.eps_optimal_absolute = max(precision, FINEST)
    if clock.time_limit is not None:
        settings.time_limit = timedelta(seconds=max(clock.left(), 0.1))
    interrupter = solve_interrupter.SolveInterrupter()
    try:
        model = mathopt.Model.from_model_proto(_proto(problem))
        with stopped_with(clock, interrupter.interrupt):
            result = mathopt.solve(model, mathopt.SolverType.PDLP, params=settings, interrupter=interrupter)
    except (RuntimeError, ValueError) as error:
        raise BackendError(f"PDLP failed: {error}") from error
    return _read(problem, result)


def _proto(problem: LinearProgram) -> model_pb2.ModelProto:
    rows, columns = problem.shape
    proto = model_pb2.ModelProto()
    proto.variables.ids.extend(range(columns))
    proto.variables.lower_bounds.extend([0.0] * columns)
    proto.variables.upper_bounds.extend([1.0] * columns)
    proto.variables.integers.extend([False] * columns)
    proto.objective.maximize = True
    priced = np.flatnonzero(problem.objective)
    proto.objective.linear_coefficients.ids.extend(priced.tolist())
    proto.objective.linear_coefficients.values.extend(problem.objective[priced].tolist())
    proto.linear_constraints.ids.extend(range(rows))
    proto.linear_constraints.lower_bounds.extend(problem.lower.tolist())
    proto.linear_constraints.upper_bounds.extend(problem.upper.tolist())
    order = problem.by_rows
    order = order[problem.value[order] != 0]
    matrix = proto.linear_constraint_matrix
    matrix.row_ids.extend(problem.row[order].tolist())
    matrix.column_ids.extend(problem.column[order].tolist())
    matrix.coefficients.extend(problem.value[order].tolist())
    return proto


def _read(problem: LinearProgram, result: mathopt.SolveResult) -> Relaxed:
    reason = result.termination.reason
    infeasible = reason in (
        mathopt.TerminationReason.INFEASIBLE,
        mathopt.TerminationReason.INFEASIBLE_OR_UNBOUNDED,
    )
    if reason in (mathopt.TerminationReason.OTHER_ERROR, mathopt.TerminationReason.NUMERICAL_ERROR):
        raise BackendError(f"PDLP failed: {result.termination.detail or reason.name}")
    rows, columns = problem.shape
    dual, x = np.zeros(rows), None
    if infeasible and result.dual_rays:
        dual = _dense(result.dual_rays[0].dual_values, rows)
    elif result.solutions:
        first = result.solutions[0]
        if first.dual_solution is not None:
            dual = _dense(first.dual_solution.dual_values, rows)
        if first.primal_solution is not None:
            x = _dense(first.primal_solution.variable_values, columns)
    return Relaxed(dual, x, infeasible, reason.name.lower())


def _dense(values: dict[Any, float], size: int) -> np.ndarray:
    dense = np.zeros(size)
    for key, number in values.items():
        dense[key.id] = number if math.isfinite(number) else 0.0
    return dense
