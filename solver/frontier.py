"""The best objective as a function of the budget: its table, proven curve, knee and words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from couponry.instances.errors import InputError, did_you_mean
from couponry.instances.instance import Instance
from couponry.instances.one_blas_thread import one_blas_thread
from couponry.instances.progress import Cancel, Report
from couponry.instances.rules import Budget
from couponry.solver.budget_halves import solve_budgets
from couponry.solver.budget_points import Point
from couponry.solver.knee import knee
from couponry.solver.result import relative_gap
from couponry.solver.stand_ins import rows_at_risk
from couponry.solver.words import Figures, gain_words, objective_words

if TYPE_CHECKING:
    from couponry.instances.rules import Campaign
    from couponry.solver.figures import Figure

__all__ = ["Frontier", "frontier", "varied_budget"]

COLUMNS = (
    "budget",
    "status",
    "value",
    "bound",
    "gap",
    "spend",
    "given",
    "price",
    "marginal",
    "cost",
    "value_per_cost",
    "revenue",
    "revenue_per_cost",
    "roi",
)


@dataclass(frozen=True)
class Frontier:
    """Points of the frontier.

    Attributes
    ----------
    rule : int
        Position of the budget in ``instance.rules``.
    budget : float
        The instance's own amount.
    table : pandas.DataFrame
        One row a budget, ascending; a budget under which no plan exists has NaNs. Columns:

        ``budget, status, value, bound, gap``
            The bound is the least of what all points' prices prove for this budget, so it is concave in it
            (convex where the objective is minimised), save where a search made it tighter still.
        ``spend, given``
            What the plan takes of the budget, and the coupons it gives.
        ``price``
            What one more unit of the budget is worth here, by prices.
        ``marginal``
            What a unit more won on the way from the row before, by the difference of their plans.
        ``cost, value_per_cost``
            Expected cost of the plan, all of it; conversions for each unit of it.
        ``revenue, revenue_per_cost, roi``
            Where the response has revenue: Σ revenue of the plan, revenue for each unit of cost, and
            (revenue − cost) / cost. Else NaN.
    lines : ndarray of float64, shape (P, 3)
        Of each solved point: budget, proven bound, and its slope in the budget. Each proves a bound for
        every budget. None where a budget is at risk.
    campaign : Campaign
        Names objective, direction and currency.
    name, measure : str
        Of the budget.
    """

    rule: int
    budget: float
    table: pd.DataFrame
    lines: np.ndarray
    campaign: Campaign
    name: str
    measure: str

    @property
    def objective(self) -> str:
        """The measure that is optimised."""
        return self.campaign.objective

    @property
    def sense(self) -> float:
        """+1 where the objective is maximised, −1 where it is minimised."""
        return 1.0 if self.campaign.sense == "maximise" else -1.0

    @property
    def currency(self) -> str:
        """The campaign's currency."""
        return self.campaign.currency

    @property
    def unit(self) -> str:
        """The unit of the budget."""
        return self.currency if self.measure in ("cost", "revenue") else self.measure

    @property
    def knee(self) -> float | None:
        """The budget beyond which more money wins markedly less, or None where the curve has no such point.

        It is the point of the bound's curve that is furthest from the chord between its ends, once both axes
        are scaled to 1: the knee of a concave curve by Satopaa, Albrecht, Irwin and Raghavan, Finding a
        "kneedle" in a haystack, 2011, 10.1109/ICDCSW.2011.20. It is one of the budgets tried, and depends on
        where the first and last of them lie.
        """
        drawn = self.table[self.table["value"].notna()]
        at = knee(drawn["budget"].to_numpy(), self.sense * drawn["bound"].to_numpy())
        return None if at is None else float(drawn["budget"].iloc[at])

    def bound_at(self, budget: float) -> float:
        """Return what no plan can exceed at any budget, also one that was not tried."""
        if not len(self.lines):
            return self.sense * math.inf
        at, bound, slope = self.lines.T
        proven = bound + slope * (budget - at)
        rounding = 8 * np.finfo(np.float64).eps * (np.abs(bound) + np.abs(slope) * (np.abs(at) + abs(budget)))
        return float(self.sense * np.min(self.sense * proven + np.where(budget == at, 0.0, rounding)))

    @property
    def words(self) -> str:
        """The ends of the curve and its knee, in a few sentences."""
        drawn = self.table[self.table["value"].notna()]
        numbers = Figures(self.currency)
        if not len(drawn):
            return "No plan exists under any of these budgets."
        first, last = drawn.iloc[0], drawn.iloc[-1]

        def money(amount: float) -> str:
            return numbers.measure(self.measure, amount)

        def reached(value: float) -> str:
            return numbers.measure(self.objective, value)

        words = (
            f"From {money(first['budget'])} to {money(last['budget'])}, {objective_words(self.objective)} "
        )
        words += f"go from {reached(first['value'])} to {reached(last['value'])}."
        missing = self.table[self.table["status"] == "infeasible"]
        if len(missing):
            words += f" Under {money(missing['budget'].iloc[-1])} there is no plan."
        if self.knee is not None:
            at = drawn[drawn["budget"] == self.knee].iloc[0]
            words += f" The knee is at {money(self.knee)}: there one more unit would "
            words += f"{gain_words(self.campaign, abs(at['price']), numbers)}."
        if last["price"] == 0:
            enough = drawn.loc[drawn["price"] == 0, "spend"].iloc[0]
            words += f" Beyond {money(enough)} more is worth nothing."
        return words

    def figure(self) -> Figure:
        """Draw the curve with its bound and knee, and below it what one more unit of money wins.

        Raises
        ------
        InputError
            If no budget has a plan.
        MissingExtraError
            If matplotlib is not installed.
        """
        from couponry.solver.figures import frontier_figure

        return frontier_figure(self)


@one_blas_thread
def frontier(
    instance: Instance,
    budgets: Sequence[float] | None = None,
    *,
    points: int = 11,
    rule: int | None = None,
    gap: float = 1e-4,
    seed: int = 0,
    progress: Report | None = None,
    cancel: Cancel | None = None,
) -> Frontier:
    """Solve for the best objective at each of several budgets.

    Parameters
    ----------
    instance : Instance
    budgets : sequence of float, optional
        Amounts; by default ``points`` of them between a quarter and twice the instance's own.
    points : int
        At least 2; used where ``budgets`` is not given.
    rule : int, optional
        Position in ``instance.rules`` of the budget that is varied; by default the first that speaks of all
        coupons and users, or else the first.
    gap : float
        As for :func:`couponry.solver.solve`.
    seed : int
    progress : callable, optional
    cancel : Cancel, optional
        Once it is set, the points found so far are handed back; of many budgets some of the whole range.

    Returns
    -------
    Frontier

    Raises
    ------
    InputError
        If there is no budget to vary, or an amount is negative or not finite.

    Notes
    -----
    Once more money is worth nothing, the last plan stands for all larger budgets without a further solve.
    """
    position = varied_budget(instance, rule)
    varied = instance.rules[position]
    assert isinstance(varied, Budget)
    amounts = _amounts(varied.amount, budgets, points)
    found = solve_budgets(instance, position, amounts, gap=gap, seed=seed, progress=progress, cancel=cancel)
    return _put_together(instance, varied, position, found)


def _put_together(instance: Instance, varied: Budget, position: int, points: list[Point]) -> Frontier:
    # Of budgets at risk, prices prove a bound for their own budget alone.
    linear = not rows_at_risk(instance.program)
    lines = list(dict.fromkeys(p.line for p in points if linear and p.line is not None))
    whole = Frontier(
        rule=position,
        budget=varied.amount,
        table=pd.DataFrame(),
        lines=np.array(lines, dtype=np.float64).reshape(-1, 3),
        campaign=instance.campaign,
        name=varied.name or "budget",
        measure=varied.measure,
    )
    records: list[dict[str, Any]] = []
    for point in points:
        record = _record(instance, point, whole)
        records.append(_no_worse(record, records[-1], instance) if records else record)
    table = pd.DataFrame.from_records(records, columns=[name for name in COLUMNS if name != "marginal"])
    steps = table["budget"].diff()
    marginal = table["value"].diff() / steps.where(steps > 0)
    table.insert(COLUMNS.index("marginal"), "marginal", whole.sense * marginal)
    return replace(whole, table=table)


def _no_worse(record: dict[str, Any], before: dict[str, Any], instance: Instance) -> dict[str, Any]:
    """Keep the plan of the smaller budget where, within the gap, it is the better one: it fits here too."""
    sense = instance.program.sense
    if math.isnan(before["value"]) or sense * record["value"] >= sense * before["value"]:
        return record
    own = ("budget", "status", "bound", "gap", "price")
    kept = {name: value for name, value in before.items() if name not in own}
    return {**record, **kept, "gap": relative_gap(before["value"], record["bound"])}


def varied_budget(instance: Instance, rule: int | None = None) -> int:
    """Return which rule a frontier varies: the one given, or the first budget of all, or the first budget.

    Raises
    ------
    InputError
        If there is no budget, or the rule given is none.
    """
    budgets = [k for k, r in enumerate(instance.rules) if isinstance(r, Budget)]
    if not budgets:
        raise InputError("there is no budget to vary", mend="Add a [[budget]] to the instance's rules")
    if rule is None:
        whole = [k for k in budgets if instance.rules[k].coupons is None and instance.rules[k].users is None]  # type: ignore[union-attr]
        return (whole or budgets)[0]
    if rule not in budgets:
        raise InputError("this rule is not a budget", value=rule, mend=did_you_mean(rule, budgets))
    return rule


def _amounts(own: float, budgets: Sequence[float] | None, points: int) -> list[float]:
    if budgets is None:
        if points < 2:
            raise InputError("a frontier needs at least 2 points", value=points)
        return [float(amount) for amount in own * np.linspace(0.25, 2.0, points)]
    for amount in budgets:
        if not (math.isfinite(amount) and amount >= 0):
            raise InputError("a budget must be a finite number of at least 0", value=amount)
    if not len(budgets):
        raise InputError("no budgets were given", mend="Give at least one amount")
    return sorted(float(amount) for amount in budgets)


def _record(instance: Instance, point: Point, whole: Frontier) -> dict[str, Any]:
    if math.isnan(point.value):
        bound = point.bound if math.isfinite(point.bound) else math.nan
        nothing = dict.fromkeys(COLUMNS, math.nan)
        return {**nothing, "budget": point.amount, "status": point.status.value, "bound": bound}
    bound, sense = whole.bound_at(point.amount), whole.sense
    if point.solved:  # what a search proved holds for its own budget alone
        bound = sense * min(sense * point.bound, sense * bound)
    # A proven bound is no worse than a plan, up to the rounding of sums.
    bound = sense * max(sense * bound, sense * point.value)
    return {
        "budget": point.amount,
        "status": point.status.value,
        "value": point.value,
        "bound": bound,
        "gap": relative_gap(point.value, bound),
        "spend": point.spend,
        "given": point.given,
        "price": point.price,
        **_returns(point.totals),
    }


def _returns(totals: dict[str, float]) -> dict[str, float]:
    """Return what a plan costs, wins and earns, and the ratios of these."""
    cost, value, revenue = totals["cost"], totals["value"], totals.get("revenue", math.nan)
    paid = cost if cost > 0 else math.nan
    return {
        "cost": cost,
        "value_per_cost": value / paid,
        "revenue": revenue,
        "revenue_per_cost": revenue / paid,
        "roi": (revenue - cost) / paid,
    }
