"""The linear relaxation as a CVXPY problem, solved by HiGHS through it."""

from __future__ import annotations

import warnings
from typing import Any

import cvxpy as cvx
import numpy as np

from couponry.instances.errors import BackendError, require_extra
from couponry.solver.backends.linear import LinearProgram, Relaxed
from couponry.solver.clock import Clock

__all__ = ["Sides", "fractions", "run", "solve_linear"]


class Sides:
    """The constraints of a linear program on CVXPY variables, and their duals.

    Parameters
    ----------
    problem : LinearProgram
    x : cvxpy.Variable, shape (P,)
    """

    def __init__(self, problem: LinearProgram, x: cvx.Variable) -> None:
        self.rows = problem.shape[0]
        sparse = require_extra("scipy.sparse", "models")
        matrix = sparse.csr_array((problem.value, (problem.row, problem.column)), shape=problem.shape)
        # Weights of a parity are numbers of users: a solver wants to see numbers near one.
        largest = abs(matrix).max(axis=1).toarray().reshape(-1)
        self.scale = 1.0 / np.where(largest > 0, largest, 1.0)
        matrix = sparse.csr_array(sparse.diags_array(self.scale) @ matrix)
        self.above = np.flatnonzero(np.isfinite(problem.upper))
        self.below = np.flatnonzero(np.isfinite(problem.lower))
        self.constraints: list[Any] = []
        for side, limit, sign in ((self.above, problem.upper, 1.0), (self.below, problem.lower, -1.0)):
            if len(side):
                limits = sign * self.scale[side] * limit[side]
                self.constraints.append((sign * matrix[side]) @ x <= limits)

    def dual(self) -> np.ndarray:
        """Return what one more unit of each row's side is worth, ``(R,)``."""
        dual = np.zeros(self.rows)
        held = iter(self.constraints)
        for side, sign in ((self.above, 1.0), (self.below, -1.0)):
            if len(side):
                values = next(held).dual_value
                if values is not None:
                    own = np.asarray(values, dtype=np.float64).reshape(-1)
                    dual[side] += sign * self.scale[side] * own
        return dual


def fractions(problem: LinearProgram) -> cvx.Variable:
    """Return the variables x, ``(P,)``, each between 0 and 1."""
    return cvx.Variable(problem.shape[1], bounds=[0, 1])


def run(asked: cvx.Problem, solver: str, **options: Any) -> None:
    """Solve a CVXPY problem; its status says what came of it.

    Raises
    ------
    BackendError
        If CVXPY or the solver under it fails.
    """
    try:
        with warnings.catch_warnings():
            # An answer cut short by the time limit is no surprise: nothing is read of it unchecked.
            warnings.filterwarnings("ignore", message="Solution may be inaccurate")
            asked.solve(solver=solver, **options)  # type: ignore[no-untyped-call]
    except (cvx.SolverError, ValueError) as error:
        raise BackendError(f"CVXPY failed: {error}") from error


def solve_linear(problem: LinearProgram, clock: Clock, *, precision: float) -> Relaxed:
    """Solve to a relative precision of the objective, or stop at the time limit.

    Raises
    ------
    BackendError
        If CVXPY or the solver under it fails.
    """
    x = fractions(problem)
    sides = Sides(problem, x)
    asked = cvx.Problem(cvx.Maximize(problem.objective @ x), sides.constraints)
    tolerance = min(1e-7, max(precision, 1e-10))
    options: dict[str, Any] = {
        "threads": 1,
        "random_seed": 0,
        "primal_feasibility_tolerance": tolerance,
        "dual_feasibility_tolerance": tolerance,
    }
    if clock.time_limit is not None:
        options["time_limit"] = max(clock.left(), 0.1)
    run(asked, cvx.HIGHS, **options)
    infeasible = asked.status in (
        cvx.INFEASIBLE,
        cvx.INFEASIBLE_INACCURATE,
        cvx.settings.INFEASIBLE_OR_UNBOUNDED,
    )
    if asked.status in (cvx.UNBOUNDED, cvx.UNBOUNDED_INACCURATE, cvx.SOLVER_ERROR):
        raise BackendError(f"CVXPY answers {asked.status!r}, which this program cannot be")
    found = None if infeasible or x.value is None else np.asarray(x.value, dtype=np.float64)
    dual = np.zeros(sides.rows) if found is None else sides.dual()
    return Relaxed(dual, found, infeasible, asked.status)
