"""The fairest fractional plan in one convex program, by CVXPY with Clarabel, or SCS where that fails."""

from __future__ import annotations

import math
from typing import Any

import cvxpy as cvx
import numpy as np

from couponry.instances.errors import BackendError, require_extra
from couponry.solver.backends.cvxpy import Sides, fractions, run
from couponry.solver.backends.linear import LinearProgram
from couponry.solver.clock import Clock
from couponry.solver.fair_groups import Groups
from couponry.solver.power_mean import Fairness
from couponry.solver.prices import PriceBook

__all__ = ["fractional_optimum"]

FIRST_ORDER, MOST_STEPS = 1e-7, 50_000


def fractional_optimum(
    groups: Groups, fairness: Fairness, clock: Clock
) -> tuple[np.ndarray | None, np.ndarray]:
    """Return the groups' totals ``(G,)`` in the fairest fractional plan, and weights that prove it.

    Totals are None where the time was over before.

    Raises
    ------
    BackendError
        If CVXPY or the solver under it fails.
    """
    program = groups.instance.program
    problem = LinearProgram.of(program, PriceBook(program), np.arange(program.n_users))
    x = fractions(problem)
    per_head, unit = _per_head(groups, problem, x)
    level = cvx.Variable()
    least = per_head >= level
    constraints = Sides(problem, x).constraints
    if math.isinf(fairness.alpha):
        asked = cvx.Problem(cvx.Maximize(level), [*constraints, least])
    else:
        asked = cvx.Problem(cvx.Maximize(_utility(per_head, fairness)), constraints)
    options: dict[str, Any] = {} if clock.time_limit is None else {"time_limit": max(clock.left(), 0.1)}
    try:
        run(asked, cvx.CLARABEL, **options)
    except BackendError:
        # A logarithm can fail it. A first-order method is slower and exact enough: any weights prove a bound.
        left = {} if clock.time_limit is None else {"time_limit_secs": max(clock.left(), 0.1)}
        run(asked, cvx.SCS, eps=FIRST_ORDER, max_iters=MOST_STEPS, **left)
    if x.value is None:
        if asked.status == cvx.USER_LIMIT or clock.stopped_by is not None:
            return None, np.ones(len(groups.sizes))
        raise BackendError(f"CVXPY answers {asked.status!r}, but there is a plan")
    totals = np.asarray(per_head.value, dtype=np.float64) * unit * groups.sizes
    if math.isinf(fairness.alpha):
        return totals, np.maximum(np.asarray(least.dual_value).reshape(-1), 0.0) / groups.sizes
    return totals, fairness.gradient(np.maximum(totals, 1e-9 * totals.max()))


def _per_head(groups: Groups, problem: LinearProgram, x: cvx.Variable) -> tuple[Any, float]:
    """Return the measure per head in each group, in a unit that makes numbers near one, and the unit."""
    pairs = problem.pairs
    numbers = groups.numbers()[pairs.user, pairs.place]
    unit = float(np.abs(numbers).mean()) or 1.0
    group = groups.codes[pairs.user]
    shape = (len(groups.sizes), len(numbers))
    sums = require_extra("scipy.sparse", "models").csr_array(
        (numbers / unit / groups.sizes[group], (group, np.arange(len(numbers)))), shape=shape
    )
    return sums @ x, unit


def _utility(per_head: Any, fairness: Fairness) -> Any:
    share = fairness.sizes / fairness.n
    if fairness.alpha == 0:
        return share @ per_head
    if fairness.alpha == 1:
        return share @ cvx.log(per_head)  # type: ignore[attr-defined]
    power = 1 - fairness.alpha
    return (share @ cvx.power(per_head, power)) / power  # type: ignore[attr-defined]
