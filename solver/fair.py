"""Plans that are fair between segments: α-fairness and max-min of what each head gets.

Fairness is a concave function of the segments' totals (:mod:`couponry.solver.power_mean`), so at its optimum
it is touched by a weighted sum: some weight w_g on each segment turns the fair program into an ordinary one.
The weights are found by solving ordinary programs in turn, each giving a plan and a bound
(:mod:`couponry.solver.fair_hull` mixes the plans, its multipliers say by which weights to go on), or in one
convex program by CVXPY. A mixture of plans is no plan: the last solves therefore ask the weighted sum for its
best plan in which every segment has what the mixture gives it, but for a little. Max-min needs no mixture:
the highest floor that every segment can have is found by proofs that higher ones are too high.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from couponry.instances.errors import InputError, did_you_mean
from couponry.instances.instance import Instance
from couponry.instances.one_blas_thread import one_blas_thread
from couponry.instances.progress import Cancel, Report
from couponry.instances.rules import Target
from couponry.solver.backends import BACKENDS
from couponry.solver.bound import dual_bound
from couponry.solver.clock import Clock
from couponry.solver.fair_answer import FairPlan, FairSearch, build_fair_plan
from couponry.solver.fair_groups import Groups
from couponry.solver.fair_hull import Hull
from couponry.solver.local import LocalEngine
from couponry.solver.power_mean import Fairness
from couponry.solver.prices import PriceBook
from couponry.solver.result import relative_gap
from couponry.solver.solution import Certificate, Solution, StoppedBy
from couponry.solver.solve import solve

__all__ = ["FAIR_METHODS", "fair_plan"]

FAIR_METHODS = ("auto", "priced", "cvxpy")
ROUNDS = 60
TRIES = 3
WIDER = 4.0
OWN_GAP = 0.3
"""Of the gap asked for, what a weighted sum may leave."""
NOTHING = 1e-9
# Groups of fewer users are too coarse for floors; a solve with floors may take this share of the time left.
FEW_A_GROUP, OF_TIME, HALVINGS = 300, 0.5, 6
SAFE = 1e-12
"""Weights are normalised up to rounding; their bound is raised by this share."""


@one_blas_thread
def fair_plan(
    instance: Instance,
    *,
    segment: str,
    alpha: float = 1.0,
    measure: str = "value",
    method: str = "auto",
    gap: float = 1e-4,
    time_limit: float | None = None,
    seed: int = 0,
    progress: Report | None = None,
    cancel: Cancel | None = None,
) -> FairPlan:
    """Find the plan that is fairest between the groups of a segment, within all rules.

    Maximises Σ_g n_g U_α(z_g) over the groups of ``segment``, where z_g is the measure per head in group g,
    and proves how near to the fairest the plan is. The campaign's own objective plays no part.

    Parameters
    ----------
    instance : Instance
    segment : str
        Column of the users.
    alpha : float
        0 adds the measure up; 1 is proportional fairness (a group's loss of 1 % weighs as another's gain of
        1 %); ``math.inf`` maximises the least per head. From 0 on; any but 0 and infinity needs totals of at
        least 0 in every group.
    measure : str
    method : {"auto", "priced", "cvxpy"}
        How the weights are found: ``priced``, which is ``auto``, at any size; ``cvxpy`` in one convex program
        over all pairs, for small instances; it cannot be cancelled.
    gap : float
        Relative gap at which to stop.
    time_limit : float, optional
        Seconds, after which the fairest plan so far is handed back.
    seed : int
    progress : callable, optional
    cancel : Cancel, optional

    Returns
    -------
    FairPlan

    Raises
    ------
    InputError
        If there is no such segment or measure, or ``alpha`` needs a group above 0 that no plan brings there.
    MissingExtraError
        If CVXPY is asked for and not installed.
    """
    _check(alpha, method, cancel)
    clock = Clock(time_limit, cancel, progress)
    groups = Groups.of(instance, segment, measure)
    return _Fair(groups, Fairness(float(alpha), groups.sizes), method, gap, seed, clock).run()


def _check(alpha: float, method: str, cancel: Cancel | None) -> None:
    if not alpha >= 0:
        raise InputError(
            "alpha must be at least 0",
            parameter="alpha",
            value=alpha,
            mend="0 adds up, 1 is proportional fairness, math.inf the least per head",
        )
    if method not in FAIR_METHODS:
        raise InputError("unknown method", value=method, mend=did_you_mean(method, FAIR_METHODS))
    if method == "cvxpy":
        BACKENDS["cvxpy"].load()
        if cancel is not None:
            raise InputError(
                "method 'cvxpy' cannot be cancelled", parameter="cancel", mend="Leave it out, or use 'priced'"
            )


class _Fair:
    """One search for a fair plan."""

    def __init__(
        self, groups: Groups, fairness: Fairness, method: str, gap: float, seed: int, clock: Clock
    ) -> None:
        self.groups, self.fairness, self.method = groups, fairness, method
        self.gap, self.seed, self.clock = gap, seed, clock
        self.found = FairSearch(fairness, "cvxpy" if method == "cvxpy" else "priced")
        self.last: Solution | None = None

    def run(self) -> FairPlan:
        """Return the fairest plan found and its proof."""
        first = self._solve(np.ones(len(self.groups.sizes)))
        if first.infeasibility is not None or not self.found.plans:
            return build_fair_plan(self.groups, self.found, first, first.stopped_by)
        points = self._positive(first)
        with self.clock.phase("weights"):
            target = self._by_cvxpy() if self.method == "cvxpy" else self._by_floors(points)
        with self.clock.phase("plan"):
            self._round(target)
        return build_fair_plan(self.groups, self.found, first, self._why())

    def _why(self) -> StoppedBy:
        if relative_gap(self.found.value, self.found.bound) <= self.gap:
            return StoppedBy.GAP
        return self.clock.stopped_by or StoppedBy.NO_PROGRESS

    # -------------------------------------------------------------- weights

    def _solve(
        self,
        weights: np.ndarray,
        floors: np.ndarray | None = None,
        *,
        missing: float = 0.0,
        prove: bool = True,
    ) -> Solution:
        """Solve the weighted sum, with a floor under each group's total if asked; keep plan and bound.

        Parameters
        ----------
        weights : ndarray of float64, shape (G,)
        floors : ndarray of float64, shape (G,), optional
        missing : float
            Relative gap of the mixture: a plan need not be much nearer to the best than that.
        prove : bool
            Whether the weights can bound this fairness: weights of 0 need not.
        """
        if prove:
            weights = self.fairness.normalised(weights)
        weighted = self.groups.weighted(weights)
        rules = weighted.rules if floors is None else (*weighted.rules, *self._targets(floors))
        solution = solve(
            replace(weighted, rules=rules),
            method="priced",
            gap=max(OWN_GAP * self.gap, 0.1 * missing) if floors is None else self.gap,
            time_limit=self._seconds(1.0 if floors is None else OF_TIME),
            start=self.last,
            seed=self.seed,
            cancel=self.clock.cancel,
            explain_clashes=self.last is None,
        )
        self.found.solves += 1
        if floors is None and prove:
            self.found.prove(weights, weighted, solution, SAFE)
        if floors is None and solution.infeasibility is None:
            self.last = solution
        if not math.isnan(solution.value):
            self.found.keep(self.groups.totals(solution.plan), solution.plan)
        return solution

    def _seconds(self, share: float) -> float | None:
        """Return a share of the time left, where it is limited."""
        return None if self.clock.time_limit is None else max(share * self.clock.left(), 1e-3)

    def _targets(self, floors: np.ndarray) -> Iterator[Target]:
        for label, floor in zip(self.groups.labels, floors, strict=True):
            if math.isfinite(floor):
                yield Target(
                    at_least=float(floor),
                    measure=self.groups.measure,
                    users={self.groups.segment: [label]},  # type: ignore[list-item]
                    name=self._floor_name(label),
                )

    def _floor_name(self, label: object) -> str:
        return f"share of {self.groups.segment}={label}"

    def _positive(self, first: Solution) -> list[np.ndarray]:
        """Return totals of plans that mix to more than 0 in every group, where α needs that.

        They are looked for as the plan with the most for the worst-off group is.
        """
        totals = [self.groups.totals(first.plan)]
        if self.fairness.alpha == 0 or math.isinf(self.fairness.alpha) or (totals[0] > 0).all():
            return totals
        worst = Hull(Fairness(math.inf, self.groups.sizes))
        worst.add(totals[0])
        for _ in range(ROUNDS):
            weights = worst.weights()
            if (worst.best > 0).all() or self.clock.stopped_by is not None:
                break
            solution = self._solve(weights, prove=False)
            if solution.bound <= NOTHING * float(self.groups.typical() @ self.groups.sizes):
                raise self._never_positive(weights)
            if math.isnan(solution.value):
                break
            worst.add(self.groups.totals(solution.plan))
        return [worst.best, *worst.points] if (worst.best > 0).all() else []

    def _never_positive(self, weights: np.ndarray) -> InputError:
        names = ", ".join(str(self.groups.labels[g]) for g in np.flatnonzero(weights > 0))
        return InputError(
            f"no plan gives every group of {self.groups.segment!r} a {self.groups.measure} above 0, "
            f"which alpha = {self.fairness.alpha:g} needs; it fails at: {names}",
            parameter="alpha",
            value=self.fairness.alpha,
            mend="Use alpha = math.inf, or loosen the rules that keep coupons from them",
        )

    def _by_floors(self, points: list[np.ndarray]) -> np.ndarray | None:
        """Ask for the bound's floor under every group; where no plan has it, its proof is a better bound.

        So the floor comes down to the highest there is, as Newton's method for ratios does (Dinkelbach 1967,
        10.1287/mnsc.13.7.492). Where that is not fairness' aim, or whole plans are too coarse for it, plans
        are mixed.
        """
        sizes = self.groups.sizes
        if not math.isinf(self.fairness.alpha) or sizes.min() < FEW_A_GROUP:
            return self._by_prices(points)
        level, unreached, unknown = math.inf, math.inf, 0
        for step in range(ROUNDS):
            bound = self.found.bound
            level = min(level, bound)
            if not math.isfinite(level):
                break
            floors = level / sizes.sum() * sizes
            room = OWN_GAP * self.gap * np.abs(floors)
            self.clock.tell("fairness", step + 1, None, f"floor {level:,.6g}, bound {bound:,.6g}")
            # Floors make it fair; that everybody counts keeps the plan from a choice among many alike.
            solution = self._solve(np.ones(len(sizes)), floors - room)
            proof = solution.infeasibility
            if self._near_enough() or self.clock.stopped_by is not None:
                break
            if proof is not None and proof.multipliers is not None:
                priced = dict(zip(solution.certificate.names, np.abs(proof.multipliers), strict=True))
                weights = np.array([priced.get(self._floor_name(g), 0.0) for g in self.groups.labels])
                if not weights.any():
                    break
                self._prove_by(weights, solution)
                self._solve(weights)
                if self.found.bound > level - 0.1 * self.gap * max(1.0, abs(level)):
                    break
            else:  # a plan some way below, or nothing known of the floor: half-way between the two
                unknown += 1
                unreached = unreached if not math.isnan(solution.value) else level
                if unknown > HALVINGS:
                    break
            level = min(unreached, self.found.bound)
            level = level if unknown == 0 else 0.5 * (self.found.value + level)
        self.found.fractional(self.found.value, self.found.totals)
        if self._near_enough():
            return None
        return self._by_prices([*points, self.found.totals])

    def _near_enough(self) -> bool:
        return relative_gap(self.found.value, self.found.bound) <= self.gap

    def _prove_by(self, weights: np.ndarray, solution: Solution) -> None:
        """Take the bound that a proof against floors holds: its other rows price the weighted sum."""
        normalised = self.fairness.normalised(weights)
        weighted = self.groups.weighted(normalised)
        program, names = weighted.program, tuple(row.name for row in weighted.program.rows)
        known = dict(zip(solution.certificate.names, solution.certificate.multipliers, strict=True))
        multipliers = np.array([known.get(name, 0.0) for name in names]) * (normalised.sum() / weights.sum())
        bound = program.sense * dual_bound(LocalEngine(program), PriceBook(program), multipliers)
        proven = replace(
            solution,
            bound=bound,
            certificate=Certificate(names, multipliers, bound),
            stats=solution.stats | {"bound_source": "prices"},
        )
        self.found.prove(normalised, weighted, proven, SAFE)

    def _by_prices(self, points: list[np.ndarray]) -> np.ndarray | None:
        """Return the fairest mixture of plans, each the best by the weights that the others ask for."""
        if not points:
            return None
        hull = Hull(self.fairness)
        for point in points:
            hull.add(point)
        pure = True
        for step in range(ROUNDS):
            asked = hull.weights()
            best = self.found.weights
            # Between these and the weights of the best bound the bound falls faster (Wentges 1997,
            # 10.1016/S0969-6016(97)00001-4).
            weights = asked if pure or best is None else 0.5 * (asked + best)
            level = self.fairness.value(hull.best)
            self.found.fractional(level, hull.best)
            missing = relative_gap(level, self.found.bound)
            self.clock.tell(
                "fairness", step + 1, None, f"mixture {level:,.6g}, bound {self.found.bound:,.6g}"
            )
            if self.clock.stopped_by is not None or missing <= OWN_GAP * self.gap:
                break
            solution = self._solve(weights, missing=missing)
            if math.isnan(solution.value):
                break
            totals = self.groups.totals(solution.plan)
            gained = float(asked @ totals) > level + 0.05 * self.gap * max(1.0, abs(level))
            if pure and not gained:
                break
            pure = not gained
            hull.add(totals)
        return hull.best

    def _by_cvxpy(self) -> np.ndarray | None:
        """Return the totals of the fairest fractional plan, and prove by their weights that it is."""
        from couponry.solver.backends.fair_cvxpy import fractional_optimum

        totals, weights = fractional_optimum(self.groups, self.fairness, self.clock)
        if totals is None:
            return None
        self.found.fractional(self.fairness.value(totals), totals)
        self._solve(self.fairness.normalised(weights))
        return totals

    # ----------------------------------------------------------------- plan

    def _round(self, target: np.ndarray | None) -> None:
        """Look for a whole plan that gives every group nearly what the mixture does."""
        if target is None or self.found.weights is None or self.fairness.alpha == 0:
            return
        least = math.isinf(self.fairness.alpha)
        wanted = self.groups.sizes * (target / self.groups.sizes).min() if least else target
        weights = self.found.weights if least else self.fairness.gradient(target)
        # What whole plans cannot help: about a coupon's worth in each group.
        short = (0.3 * self.gap if least else 0.5 * math.sqrt(self.gap)) * np.abs(wanted)
        short += self.groups.typical()
        for _ in range(TRIES):
            stopped = self.clock.stopped_by is not None
            if stopped or relative_gap(self.found.value, self.found.bound) <= self.gap:
                break
            self._solve(weights, wanted - short)
            short *= WIDER
