"""The result in a few numbers and two sentences: what was won, and what is proven."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from couponry.instances.instance import Instance
from couponry.instances.rules import Campaign, Target
from couponry.report.allocation import Allocation
from couponry.report.formats import Formats, plural
from couponry.solver.solution import Solution, Status
from couponry.solver.words import objective_words

__all__ = ["Figure", "figures", "headline", "proof_words"]

_REACH = {
    "value": "win {side} than {amount} conversions",
    "cost": "cost {side} than {amount}",
    "revenue": "bring {side} than {amount} of extra revenue",
    "count": "give {side} than {amount} coupons",
}


@dataclass(frozen=True)
class Figure:
    """One headline number.

    Attributes
    ----------
    label : str
    value : float
        NaN where it has no meaning, such as a cost per conversion without conversions.
    style : {"number", "money", "percent", "count"}
    note : str
    """

    label: str
    value: float
    style: Literal["number", "money", "percent", "count"]
    note: str = ""

    def text(self, formats: Formats) -> str:
        """Return the number as people read it."""
        if self.style == "money":
            return formats.money(self.value)
        if self.style == "percent":
            return formats.percent(self.value)
        return formats.count(self.value) if self.style == "count" else formats.number(self.value)


def figures(campaign: Campaign, solution: Solution, allocation: Allocation) -> list[Figure]:
    """Return the headline numbers, the objective's first."""
    value, cost = allocation.measures["value"].sum(), allocation.measures["cost"].sum()
    users = len(allocation.instance.users)
    won = Figure("Conversions won", value, "number", "expected, beyond those without coupons")
    spent = Figure("Expected cost", cost, "money", "of every redemption")
    listed = [spent, won] if campaign.objective == "cost" else [won, spent]
    listed.append(Figure("Cost per conversion", _over(cost, value), "money", "won, on average"))
    if "revenue" in allocation.measures:
        revenue = allocation.measures["revenue"].sum()
        listed.append(Figure("Extra revenue", revenue, "money", "expected, beyond that without coupons"))
        listed.append(Figure("Return", _over(revenue, cost), "number", "extra revenue a unit of cost"))
    reached = allocation.reached
    listed.append(Figure("Users reached", reached, "count", f"{reached / users:.1%} of {users:,}"))
    listed.append(Figure("Coupons given", len(allocation), "count", f"{len(allocation) / users:.3g} a user"))
    frozen = allocation.frozen
    if frozen.given:
        note = f"{frozen.given:,} {plural(frozen.given, 'coupon')} given before, part of the above"
        listed.append(Figure("Spent by frozen coupons", frozen.cost, "money", note))
    if campaign.objective not in _REACH:
        name = objective_words(campaign.objective)
        listed.insert(0, Figure(name[:1].upper() + name[1:], solution.value, "number", "the objective"))
    listed.append(Figure("Gap to the best possible", solution.gap, "percent", "proven"))
    return listed


def headline(instance: Instance, solution: Solution, allocation: Allocation | None, formats: Formats) -> str:
    """Return the result in one sentence."""
    campaign = instance.campaign
    if allocation is None:
        if solution.status is Status.INFEASIBLE:
            return "The rules contradict each other: no plan can meet all of them."
        return "No plan was found before the solve stopped."
    won = f"{formats.number(allocation.measures['value'].sum())} more conversions"
    cost = formats.money(allocation.measures["cost"].sum())
    users = f"{formats.count(allocation.reached)} of {formats.count(len(instance.users))} users"
    if (campaign.objective, campaign.sense) == ("value", "maximise"):
        return f"{won} expected for {cost}, with coupons for {users}."
    if (campaign.objective, campaign.sense) == ("cost", "minimise"):
        return f"{cost} is the least money found for {_asked(instance, formats)}, with coupons for {users}."
    extreme = "most" if campaign.sense == "maximise" else "least"
    reached = formats.measure(campaign.objective, solution.value)
    return (
        f"{reached}: the {extreme} {objective_words(campaign.objective)} found, "
        f"with {won} expected for {cost} and coupons for {users}."
    )


def proof_words(campaign: Campaign, solution: Solution, formats: Formats) -> str:
    """Say in one sentence what the bound proves."""
    measure = campaign.objective
    if solution.gap <= 1e-12:
        return "Proven: no other plan within these rules does better."
    if not math.isfinite(solution.bound):
        return "Nothing is proven about how much better another plan could be."
    more, short = ("more", "short of") if campaign.sense == "maximise" else ("less", "above")
    reach = _REACH.get(measure, "have {side} than {amount} " + objective_words(measure))
    distance = formats.measure(measure, abs(solution.bound - solution.value), 2)
    best = reach.format(side=more, amount=formats.measure(measure, solution.bound))
    return (
        f"Proven: no plan within these rules can {best}; "
        f"this one is at most {distance} ({formats.percent(solution.gap, 2)}) {short} that."
    )


def _asked(instance: Instance, formats: Formats) -> str:
    """Return in words what a plan of least cost is for."""
    targets = [
        f"at least {formats.measure(rule.measure, rule.at_least)} {objective_words(rule.measure)}"
        for rule in instance.rules
        if isinstance(rule, Target)
    ]
    return " and ".join(targets) or "what the rules ask"


def _over(above: float, below: float) -> float:
    return above / below if below > 0 else math.nan
