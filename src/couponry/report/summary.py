"""The figures of a report, once for the page and the workbook alike."""

from __future__ import annotations

import math
from dataclasses import dataclass

from couponry.instances.instance import Instance
from couponry.instances.rules import Campaign
from couponry.report.allocation import Allocation, CouponShare
from couponry.report.formats import Formats
from couponry.report.headline import Figure, figures, headline, proof_words
from couponry.report.rule_lines import RuleLine, rule_lines
from couponry.report.user_rules import UserRule, user_rules
from couponry.solver.solution import Solution, Status

__all__ = ["BudgetLine", "Summary", "summarise"]

_STATUS = {
    Status.OPTIMAL: "Best possible plan",
    Status.FEASIBLE: "Valid plan, not proven best",
    Status.INFEASIBLE: "No plan can meet all rules",
    Status.NO_SOLUTION: "No plan was found",
}


@dataclass(frozen=True)
class BudgetLine:
    """A budget: how much there is, how much is used, what a little more would buy.

    Attributes
    ----------
    rule : RuleLine
    step : float
        A little more, in the budget's own unit.
    gain : float
        What ``step`` more is worth in the objective, at the present price.
    words : str
    """

    rule: RuleLine
    step: float
    gain: float
    words: str

    @property
    def used(self) -> float:
        """Share of the amount that the plan uses; NaN for an amount of zero."""
        return self.rule.activity / self.rule.upper if self.rule.upper else math.nan


@dataclass(frozen=True)
class Summary:
    """What a planner and finance want to know first.

    Attributes
    ----------
    title : str
    formats : Formats
    status, stopped : str
        What was found and why the solve stopped, in words.
    headline : str
        The result in one sentence.
    certificate : str
        How far from the best possible it can be, in one sentence.
    figures : list of Figure
    budgets : list of BudgetLine
    rules : list of RuleLine
        Budgets included.
    user_rules : list of UserRule
    coupons : list of CouponShare
    has_plan : bool
    """

    title: str
    formats: Formats
    status: str
    stopped: str
    headline: str
    certificate: str
    figures: list[Figure]
    budgets: list[BudgetLine]
    rules: list[RuleLine]
    user_rules: list[UserRule]
    coupons: list[CouponShare]
    has_plan: bool


def summarise(
    instance: Instance, solution: Solution, allocation: Allocation | None, *, title: str | None = None
) -> Summary:
    """Return the figures of a solution; those of a plan are empty where ``allocation`` is None."""
    formats = Formats(instance.campaign.currency)
    has_plan = allocation is not None
    rules = rule_lines(solution, allocation, formats) if allocation is not None else []
    return Summary(
        title=title or _title(instance.campaign),
        formats=formats,
        status=_STATUS[solution.status],
        stopped=solution.stopped_by.words,
        headline=headline(instance, solution, allocation, formats),
        certificate=proof_words(instance.campaign, solution, formats) if has_plan else "",
        figures=figures(instance.campaign, solution, allocation) if allocation is not None else [],
        budgets=[_budget(line, instance.campaign, formats) for line in rules if line.kind == "budget"],
        rules=rules,
        user_rules=user_rules(allocation, formats) if allocation is not None else [],
        coupons=allocation.by_coupon() if allocation is not None else [],
        has_plan=has_plan,
    )


def _title(campaign: Campaign) -> str:
    return f"{campaign.name[:1].upper()}{campaign.name[1:]}: coupon plan"


def _budget(line: RuleLine, campaign: Campaign, formats: Formats) -> BudgetLine:
    if line.step is None:
        idle = "More would change nothing: other rules, or a lack of worthwhile coupons, limit the plan."
        return BudgetLine(line, 0.0, 0.0, idle)
    words = line.step.words.removesuffix(".") + ", as long as the price stays what it is."
    if campaign.objective == "value" and line.measure == "cost":
        words += f" The next conversion costs about {formats.money(1 / abs(line.price))}."
    return BudgetLine(line, line.step.size, line.step.gain, words)
