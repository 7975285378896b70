"""Time a solve against linear programs of the same instance, all in one run on one machine.

    python benchmarks/solver.py --users 20000 --coupons 10

Our answer is an integer plan with a proven gap; the peers, HiGHS's interior point method and (where OR-Tools
is installed) PDLP, solve the relaxation alone. No solver's own bound is believed: each is recomputed from its
multipliers in numpy. A machine that does other things meanwhile blurs seconds; ratios suffer less. Kernels
are compiled before the clock starts.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass

import highspy
import numpy as np
import scipy.sparse as sp

import couponry as cp
from couponry.instances.generators import DEFAULT_RULES, RULE_NAMES, draw_instance

# The relaxation below knows one coupon a user, and no cap on money.
RULES = tuple(name for name in RULE_NAMES if name not in ("user_cap", "exclusion"))


@dataclass(frozen=True)
class Relaxation:
    """max v·x with lower ≤ A x ≤ upper and at most one coupon a user; one column an eligible pair."""

    objective: np.ndarray
    matrix: sp.csc_array
    lower: np.ndarray
    upper: np.ndarray
    user: np.ndarray
    users: int

    @classmethod
    def of(cls, instance: cp.Instance) -> Relaxation:
        """Write out an instance's rows over its pairs."""
        program = instance.program
        user, place = np.nonzero(~np.isnan(program.columns["value"]))
        coupon = place if program.coupon is None else program.coupon[user, place]
        group = program.classes.codes[user]
        rows = [
            sum(
                term.users[group]
                * term.coupons[coupon]
                * measure_of(program.columns, term.measure, user, place)
                for term in row.terms
            )
            for row in program.rows
        ]
        return cls(
            program.columns["value"][user, place].astype(np.float64),
            sp.csc_array(np.array(rows)),
            np.array([row.lower for row in program.rows]),
            np.array([row.upper for row in program.rows]),
            user,
            program.n_users,
        )

    @property
    def whole_matrix(self) -> sp.csc_array:
        """The rules' rows, and below them one row a user."""
        pairs = len(self.user)
        own = sp.csc_array((np.ones(pairs), (self.user, np.arange(pairs))), shape=(self.users, pairs))
        return sp.csc_array(sp.vstack([self.matrix, own]))

    def bound(self, multipliers: np.ndarray) -> float:
        """Return L(λ), which no plan exceeds whatever λ is; multipliers of absent sides are dropped."""
        kept = np.where(np.isfinite(self.upper), multipliers, np.minimum(multipliers, 0))
        kept = np.where(np.isfinite(self.lower), kept, np.maximum(kept, 0))
        best = np.zeros(self.users)
        np.maximum.at(best, self.user, self.objective - self.matrix.T @ kept)
        sides = np.where(kept > 0, self.upper, self.lower)
        return float(best.sum() + (kept[kept != 0] * sides[kept != 0]).sum())


@dataclass(frozen=True)
class Timed:
    """What one solver took and gave."""

    solver: str
    seconds: float
    value: float
    bound: float


def measure_of(columns: dict[str, np.ndarray], name: str, user: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Return a measure of every pair as float64."""
    return columns[name][user, place].astype(np.float64) if name in columns else np.ones(len(user))


def ours(instance: cp.Instance, relaxation: Relaxation, gap: float) -> Timed:
    """Time ``couponry.solve``; its plan is verified outside the clock."""
    start = time.perf_counter()
    solution = cp.solve(instance, gap=gap)
    seconds = time.perf_counter() - start
    finding = cp.verify(instance, solution.plan, solution.certificate)
    assert finding.ok, finding.words()
    return Timed("couponry", seconds, solution.value, relaxation.bound(solution.certificate.multipliers))


def highs_ipm(relaxation: Relaxation) -> Timed:
    """Time HiGHS's interior point method with crossover."""
    matrix = relaxation.whole_matrix
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = matrix.shape[1], matrix.shape[0]
    model.col_cost_ = -relaxation.objective
    model.col_lower_, model.col_upper_ = np.zeros(matrix.shape[1]), np.full(matrix.shape[1], np.inf)
    model.row_lower_ = np.concatenate([relaxation.lower, np.full(relaxation.users, -np.inf)])
    model.row_upper_ = np.concatenate([relaxation.upper, np.ones(relaxation.users)])
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
    multipliers = -np.array(highs.getSolution().row_dual)[: len(relaxation.lower)]
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
    program.constraint_matrix = sp.csc_matrix(relaxation.whole_matrix)
    program.constraint_lower_bounds = np.concatenate([relaxation.lower, np.full(relaxation.users, -np.inf)])
    program.constraint_upper_bounds = np.concatenate([relaxation.upper, np.ones(relaxation.users)])
    program.variable_lower_bounds = np.zeros(len(relaxation.objective))
    program.variable_upper_bounds = np.full(len(relaxation.objective), np.inf)
    settings = solvers_pb2.PrimalDualHybridGradientParams()
    criteria = settings.termination_criteria.simple_optimality_criteria
    criteria.eps_optimal_relative = criteria.eps_optimal_absolute = 1e-6
    settings.num_threads = 2
    start = time.perf_counter()
    answer = backend.primal_dual_hybrid_gradient(program, settings)
    seconds = time.perf_counter() - start
    multipliers = -answer.dual_solution[: len(relaxation.lower)]
    value = float(relaxation.objective @ answer.primal_solution)
    return Timed("OR-Tools PDLP 1e-6", seconds, value, relaxation.bound(multipliers))


def table(rows: list[Timed]) -> str:
    """Return the figures, everything but seconds relative to the best bound, seconds also to ours."""
    own, best = rows[0], min(row.bound for row in rows)
    lines = [f"{'solver':<20}{'seconds':>9}{'× ours':>8}{'value':>16}{'bound':>16}{'bound above best':>18}"]
    lines += [
        f"{row.solver:<20}{row.seconds:>9.2f}{row.seconds / own.seconds:>8.1f}{row.value:>16.6f}"
        f"{row.bound:>16.6f}{(row.bound - best) / best:>18.1e}"
        for row in rows
    ]
    lines.append(f"our integer plan is within {(best - own.value) / best:.1e} of the best bound")
    return "\n".join(lines)


def main() -> None:
    """Draw an instance, solve it with everything here, print one table."""
    asked = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    asked.add_argument("--users", type=int, default=20_000)
    asked.add_argument("--coupons", type=int, default=10)
    asked.add_argument("--seed", type=int, default=0)
    asked.add_argument("--gap", type=float, default=1e-6)
    asked.add_argument("--rules", nargs="+", default=list(DEFAULT_RULES), choices=RULES)
    given = asked.parse_args()
    cp.solve(draw_instance(2_000, 5, rules=given.rules), method="priced")
    instance = draw_instance(given.users, given.coupons, seed=given.seed, rules=given.rules)
    relaxation = Relaxation.of(instance)
    size = f"{given.users:,} users × {given.coupons} coupons, {len(relaxation.lower)} rows"
    print(f"{size}: {', '.join(given.rules)}; couponry to a gap of {given.gap:g}")
    timed = [ours(instance, relaxation, given.gap), highs_ipm(relaxation), pdlp(relaxation)]
    print(table([row for row in timed if row is not None]))


if __name__ == "__main__":
    main()
