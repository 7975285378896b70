"""What a search for a fair plan finds, and hands back."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from couponry.instances.instance import Instance
from couponry.instances.plan_pairs import plan_pairs
from couponry.solver.clock import Clock
from couponry.solver.engine import Pairs
from couponry.solver.fair_groups import Groups
from couponry.solver.power_mean import Fairness
from couponry.solver.prices import PriceBook
from couponry.solver.result import build_solution, relative_gap
from couponry.solver.rounding import plan_value
from couponry.solver.solution import Certificate, Infeasibility, Solution, Status, StoppedBy

__all__ = ["FairPlan", "FairSearch", "build_fair_plan", "weighted_solution"]


@dataclass(frozen=True)
class FairPlan:
    """A plan that is fair between the groups of a segment, with the proof of how fair it could be.

    Attributes
    ----------
    status : Status
    stopped_by : StoppedBy
    segment, measure : str
    alpha : float
    value : float
        The plan's equal-share equivalent: the total that would be as fair, and as much, were every head given
        the same. Users times the power mean of order 1 − α of the measure per head; NaN without a plan.
    bound : float
        No plan's equal-share equivalent is above it.
    gap : float
        ``|bound − value| / max(1, |bound|)``; infinite without a plan.
    utility, utility_bound : float
        Σ_g n_g U_α(z_g) of the plan, and of the bound; for α = ∞ the least per head.
    fractional : float
        Equal-share equivalent of the fairest mixture of plans that was found: what the plan was rounded from,
        or its own where it was not rounded.
    plan : pyarrow.Table
        ``user_id, coupon_id, value, cost``.
    segments : pandas.DataFrame
        One row a group: ``segment, users, total, per_head, fractional_per_head, weight``. ``weight`` is what
        one more unit of the measure in this group counts in the weighted sum that proves the bound.
    weighted : Instance or None
        The instance whose objective is that weighted sum.
    certificate : Certificate or None
        Proves a bound on ``weighted``'s objective, and so on fairness: check it by
        ``verify(fair.weighted, fair.plan, fair.certificate)``.
    infeasibility : Infeasibility or None
    stats : dict
        ``method, solves, seconds, bound_source``.
    """

    status: Status
    stopped_by: StoppedBy
    segment: str
    measure: str
    alpha: float
    value: float
    bound: float
    gap: float
    utility: float
    utility_bound: float
    fractional: float
    plan: pa.Table
    segments: pd.DataFrame
    weighted: Instance | None = None
    certificate: Certificate | None = None
    infeasibility: Infeasibility | None = None
    stats: dict[str, Any] = field(default_factory=dict)


class FairSearch:
    """The best plan, bound and mixture so far.

    Parameters
    ----------
    fairness : Fairness
    method : str
    """

    def __init__(self, fairness: Fairness, method: str) -> None:
        self.fairness, self.method = fairness, method
        self.value, self.bound, self.level = math.nan, math.inf, math.nan
        self.totals = self.mixture = np.full(len(fairness.sizes), math.nan)
        self.plan: pa.Table | None = None
        self.weights: np.ndarray | None = None
        self.proof: tuple[Instance, Solution] | None = None
        self.plans = self.solves = 0

    def keep(self, totals: np.ndarray, plan: pa.Table) -> None:
        """Keep a plan if it is the fairest so far."""
        self.plans += 1
        value = self.fairness.value(totals)
        if self.plan is None or value > self.value:
            self.value, self.totals, self.plan = value, totals, plan

    def prove(self, weights: np.ndarray, weighted: Instance, solution: Solution, safe: float) -> None:
        """Keep a bound on a weighted sum, whose weights are normalised, if it is the tightest so far."""
        bound = solution.bound + safe * abs(solution.bound)
        if bound < self.bound:
            self.bound, self.weights, self.proof = bound, weights, (weighted, solution)

    def fractional(self, level: float, mixture: np.ndarray) -> None:
        """Note the fairest mixture."""
        self.level, self.mixture = level, mixture


def build_fair_plan(groups: Groups, found: FairSearch, first: Solution, stopped_by: StoppedBy) -> FairPlan:
    """Put the answer together; ``first`` says why where there is no plan."""
    fairness = found.fairness
    if found.plan is None:
        status = first.status if first.infeasibility is not None else Status.NO_SOLUTION
    else:
        status = Status.OPTIMAL if stopped_by is StoppedBy.GAP else Status.FEASIBLE
    weighted, proof = found.proof if found.proof is not None else (None, None)
    nothing = np.full(len(groups.sizes), math.nan)
    table = pd.DataFrame(
        {
            groups.segment: pd.Series(list(groups.labels), dtype=object),
            "users": groups.sizes.astype(np.int64),
            "total": found.totals,
            "per_head": found.totals / groups.sizes,
            "fractional_per_head": found.mixture / groups.sizes,
            "weight": nothing if found.weights is None else found.weights,
        }
    )
    return FairPlan(
        status=status,
        stopped_by=stopped_by,
        segment=groups.segment,
        measure=groups.measure,
        alpha=fairness.alpha,
        value=found.value,
        bound=found.bound,
        gap=relative_gap(found.value, found.bound),
        utility=fairness.utility(found.value) if not math.isnan(found.value) else math.nan,
        utility_bound=fairness.utility(found.bound),
        fractional=found.level,
        plan=first.plan if found.plan is None else found.plan,
        segments=table,
        weighted=weighted,
        certificate=None if proof is None else proof.certificate,
        infeasibility=first.infeasibility,
        stats={
            "method": found.method,
            "solves": found.solves,
            "bound_source": None if proof is None else proof.stats["bound_source"],
        },
    )


def weighted_solution(fair: FairPlan) -> Solution:
    """Return a fair plan as a solution of the weighted instance, for whatever takes a solution.

    Its value and bound are of the weighted sum, which is never below the equal-share equivalent.

    Parameters
    ----------
    fair : FairPlan
        With a plan and a proof.
    """
    assert fair.weighted is not None
    assert fair.certificate is not None
    program = fair.weighted.program
    user, place = plan_pairs(fair.weighted, fair.plan)
    # Frozen pairs stand in the plan, and are added again by whoever counts it.
    own = ~np.isin(user, program.frozen.user)
    order = np.lexsort((place[own], user[own]))
    pairs = Pairs(user[own][order], place[own][order])
    return build_solution(
        fair.weighted,
        PriceBook(program),
        status=fair.status,
        stopped_by=fair.stopped_by,
        pairs=pairs,
        value=plan_value(program, pairs),
        bound=fair.bound,
        certificate=fair.certificate,
        clock=Clock(),
        stats=dict(fair.stats),
    )
