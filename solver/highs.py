"""HiGHS behind one door: sparse models in, ordinary results and exceptions out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np

from couponry.instances.errors import BackendError
from couponry.solver.clock import Clock

__all__ = ["Answer", "Sparse", "new_highs", "pass_model", "run", "solve_integer"]


LAST_SECOND = 1.0


@dataclass(frozen=True)
class Sparse:
    """A matrix by columns, as HiGHS takes it."""

    start: np.ndarray
    index: np.ndarray
    value: np.ndarray

    @classmethod
    def of(cls, row: np.ndarray, column: np.ndarray, value: np.ndarray, columns: int) -> Sparse:
        """Sort entries (row, column, value) into columns; zeros are left out."""
        keep = value != 0
        row, column, value = row[keep], column[keep], value[keep]
        order = np.lexsort((row, column))
        start = np.searchsorted(column[order], np.arange(columns + 1))
        return cls(start.astype(np.int32), row[order].astype(np.int32), value[order].astype(np.float64))


@dataclass(frozen=True)
class Answer:
    """What an integer program answered.

    Attributes
    ----------
    x : ndarray of float64, or None
        The best point found.
    bound : float
        HiGHS's own bound on the (minimised) objective.
    infeasible, optimal : bool
        What HiGHS claims.
    """

    x: np.ndarray | None
    bound: float
    infeasible: bool
    optimal: bool


def new_highs(clock: Clock | None = None) -> highspy.Highs:
    """Return a silent, single-threaded HiGHS with tight tolerances that stops when the clock says so."""
    highs = highspy.Highs()
    for name, value in {
        "output_flag": False,
        "threads": 1,
        "parallel": "off",
        "random_seed": 0,
        "primal_feasibility_tolerance": 1e-9,
        "dual_feasibility_tolerance": 1e-9,
        "mip_feasibility_tolerance": 1e-9,
    }.items():
        highs.setOptionValue(name, value)
    if clock is not None and clock.cancel is not None:

        def interrupt(event: Any) -> None:
            if clock.stopped_by is not None:
                event.interrupt()

        highs.cbSimplexInterrupt.subscribe(interrupt)
        highs.cbIpmInterrupt.subscribe(interrupt)
        highs.cbMipInterrupt.subscribe(interrupt)
    return highs


def run(highs: highspy.Highs) -> highspy.HighsModelStatus:
    """Run HiGHS.

    Raises
    ------
    BackendError
        If HiGHS reports an error of its own.
    """
    if highs.run() == highspy.HighsStatus.kError:
        status = highs.modelStatusToString(highs.getModelStatus())
        raise BackendError(f"HiGHS failed: {status}")
    return highs.getModelStatus()


def pass_model(
    highs: highspy.Highs,
    cost: np.ndarray,
    upper: np.ndarray,
    row_lower: np.ndarray,
    row_upper: np.ndarray,
    matrix: Sparse,
    *,
    integers: int = 0,
    free: int = 0,
) -> None:
    """Hand over min cost·x, row_lower ≤ A x ≤ row_upper, 0 ≤ x ≤ upper.

    The first ``integers`` of x are whole, the last ``free`` may be below 0.
    """
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = len(cost), len(row_lower)
    lower = np.concatenate([np.zeros(len(cost) - free), np.full(free, -np.inf)])
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = cost, lower, upper
    lp.row_lower_, lp.row_upper_ = row_lower, row_upper
    lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = matrix.start, matrix.index, matrix.value
    if integers:
        whole, real = highspy.HighsVarType.kInteger, highspy.HighsVarType.kContinuous
        lp.integrality_ = [whole] * integers + [real] * (len(cost) - integers)
    if highs.passModel(lp) == highspy.HighsStatus.kError:
        raise BackendError("HiGHS refused the model")


def solve_integer(
    highs: highspy.Highs,
    clock: Clock,
    *,
    nodes: int | None = None,
    abs_gap: float = 0.0,
    target: float = -np.inf,
    start: np.ndarray | None = None,
) -> Answer:
    """Run branch and bound.

    Parameters
    ----------
    highs : highspy.Highs
        With an integer model passed.
    clock : Clock
        Its time left is HiGHS's too, but for a last second in which to find some plan.
    nodes : int, optional
        Most nodes.
    abs_gap : float
        Stop when incumbent and bound are this near.
    target : float
        Stop at an incumbent at least as good.
    start : ndarray of bool, shape (n,), optional
        A point to start from.
    """
    if clock.time_limit is not None:
        highs.setOptionValue("time_limit", max(clock.left(), LAST_SECOND) + highs.getRunTime())
    if nodes is not None:
        highs.setOptionValue("mip_max_nodes", nodes)
    highs.setOptionValue("mip_rel_gap", 0.0)
    highs.setOptionValue("mip_abs_gap", float(abs_gap))
    if np.isfinite(target):
        highs.setOptionValue("objective_target", float(target))
    if start is not None:
        solution = highspy.HighsSolution()
        solution.col_value = start.astype(np.float64).tolist()
        highs.setSolution(solution)
    status = run(highs)
    info = highs.getInfo()
    found = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    x = np.array(highs.getSolution().col_value) if found else None
    infeasible = status == highspy.HighsModelStatus.kInfeasible
    optimal = status == highspy.HighsModelStatus.kOptimal
    return Answer(x, float(info.mip_dual_bound), infeasible, optimal)
