"""The linear relaxation of an instance, written out over its pairs, and peers that solve it.

Every rule is a row but a cap on money a user; a user's coupons are at most so many, and at most one of each
family that excludes each other. Where families are disjoint such rows describe whole choices exactly, so the
relaxation's optimum is the dual's.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import highspy
import numpy as np
import scipy.sparse as sp

import couponry as cp
from couponry.instances.program import Program
from couponry.solver.bound import dual_bound
from couponry.solver.choice_rows import choice_rows
from couponry.solver.integer import eligible_pairs
from couponry.solver.local import LocalEngine
from couponry.solver.prices import PriceBook

__all__ = ["Relaxation", "Timed", "highs_ipm", "pdlp"]


@dataclass(frozen=True)
class Relaxation:
    """max v·x with lower ≤ A x ≤ upper and 0 ≤ x ≤ 1; one column an eligible pair, the rules' rows first."""

    program: Program
    objective: np.ndarray
    matrix: sp.csc_array
    lower: np.ndarray
    upper: np.ndarray

    @classmethod
    def of(cls, instance: cp.Instance) -> Relaxation:
        """Write out an instance's program."""
        program = instance.program
        book = PriceBook(program)
        pairs = eligible_pairs(program, np.arange(program.n_users))
        coupon = pairs.place if program.coupon is None else program.coupon[pairs.user, pairs.place]
        columns = {m: a[pairs.user, pairs.place].astype(np.float64) for m, a in program.columns.items()}
        rules = [
            sp.csr_array(
                book.coefficients(
                    {m: c[part] for m, c in columns.items()},
                    program.classes.codes[pairs.user[part]],
                    coupon[part],
                )
            )
            for part in np.array_split(np.arange(len(coupon)), max(1, len(coupon) // 100_000))
        ]
        own = choice_rows(program.choices, pairs.user, coupon, columns.get("cost"))
        users = sp.csr_array((own.value, (own.row, own.pair)), shape=(len(own.upper), len(coupon)))
        return cls(
            program,
            columns[program.objective],
            sp.csc_array(sp.vstack([sp.hstack(rules), users])),
            np.concatenate([book.lower, np.full(len(own.upper), -np.inf)]),
            np.concatenate([book.upper, own.upper]),
        )

    @property
    def rules(self) -> int:
        """Number of the rules' rows, K."""
        return len(self.program.rows)

    def bound(self, multipliers: np.ndarray) -> float:
        """Return L(λ), which no plan exceeds whatever λ is; multipliers of absent sides are dropped."""
        book = PriceBook(self.program)
        return dual_bound(LocalEngine(self.program), book, book.clip(multipliers[: self.rules]))


@dataclass(frozen=True)
class Timed:
    """What a peer took and gave: seconds, its own objective, and the bound of its multipliers."""

    solver: str
    seconds: float
    value: float
    bound: float


def highs_ipm(relaxation: Relaxation) -> Timed:
    """Time HiGHS's interior point method with crossover."""
    matrix = relaxation.matrix
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = matrix.shape[1], matrix.shape[0]
    model.col_cost_ = -relaxation.objective
    model.col_lower_, model.col_upper_ = np.zeros(matrix.shape[1]), np.ones(matrix.shape[1])
    model.row_lower_, model.row_upper_ = relaxation.lower, relaxation.upper
    model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    model.a_matrix_.start_, model.a_matrix_.index_ = matrix.indptr, matrix.indices
    model.a_matrix_.value_ = matrix.data
    highs = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    highs.setOptionValue("solver", "ipm")
    highs.passModel(model)
    start = time.perf_counter()
    highs.run()
    seconds = time.perf_counter() - start
    multipliers = -np.array(highs.getSolution().row_dual)
    value = -highs.getInfo().objective_function_value
    return Timed("HiGHS IPM", seconds, value, relaxation.bound(multipliers))


def pdlp(relaxation: Relaxation) -> Timed | None:
    """Time OR-Tools PDLP to a relative tolerance of 1e-6; None where OR-Tools is not installed."""
    try:
        from ortools.pdlp import solvers_pb2
        from ortools.pdlp.python import pdlp as backend
    except ModuleNotFoundError:
        return None
    program = backend.QuadraticProgram()
    program.objective_vector = -relaxation.objective
    program.constraint_matrix = sp.csc_matrix(relaxation.matrix)
    program.constraint_lower_bounds = relaxation.lower
    program.constraint_upper_bounds = relaxation.upper
    program.variable_lower_bounds = np.zeros(len(relaxation.objective))
    program.variable_upper_bounds = np.ones(len(relaxation.objective))
    settings = solvers_pb2.PrimalDualHybridGradientParams()
    criteria = settings.termination_criteria.simple_optimality_criteria
    criteria.eps_optimal_relative = criteria.eps_optimal_absolute = 1e-6
    settings.num_threads = 2
    start = time.perf_counter()
    answer = backend.primal_dual_hybrid_gradient(program, settings)
    seconds = time.perf_counter() - start
    value = float(relaxation.objective @ answer.primal_solution)
    return Timed("OR-Tools PDLP 1e-6", seconds, value, relaxation.bound(-answer.dual_solution))
