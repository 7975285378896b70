"""What a rule costs to keep: the best objective without it, less that with it, both proven."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from couponry.instances.coupons import Coupons
from couponry.instances.errors import InputError
from couponry.instances.one_blas_thread import one_blas_thread
from couponry.instances.rules import UserCap
from couponry.solver.edits import find_rule, rule_labels
from couponry.solver.price_range import price_ranges
from couponry.solver.solution_files import check_same_rows
from couponry.solver.solve import solve
from couponry.solver.words import Figures, gain_words

if TYPE_CHECKING:
    from couponry.instances.instance import Instance
    from couponry.instances.rules import Campaign
    from couponry.solver.solution import Solution

__all__ = ["RuleExplanation", "explain_rule", "without_rule"]


@dataclass(frozen=True)
class RuleExplanation:
    """What keeping a rule costs.

    Attributes
    ----------
    rule : str
        What the rule is called.
    campaign : Campaign
        Names the objective and its direction.
    value : float
        The objective of the plan with the rule.
    without : Solution
        Of the instance without the rule.
    cost : float
        By how much the plan without the rule is the better one: at least 0, since the plan with the rule is
        one without it too. NaN where none was found in time.
    cost_least, cost_most : float
        What the cost is proven to lie between, whatever the plans' gaps.
    prices : pandas.DataFrame
        The rule's rows with their prices and ranges, as :func:`couponry.solver.price_range.price_ranges`
        gives them; none for a rule that binds one user at a time.
    """

    rule: str
    campaign: Campaign
    value: float
    without: Solution
    cost: float
    cost_least: float
    cost_most: float
    prices: pd.DataFrame

    @property
    def words(self) -> str:
        """All this in a few sentences."""
        return " ".join([self._cost_words(), *self._price_words()])

    def _cost_words(self) -> str:
        if math.isnan(self.cost):
            return f"No plan without {self.rule!r} was found: {self.without.stopped_by.words}"
        numbers = Figures(self.campaign.currency)

        def told(number: float) -> str:
            return numbers.measure(self.campaign.objective, number)

        if self.cost_most <= 1e-6 * max(1.0, abs(self.value)):
            return f"{self.rule!r} costs nothing: without it the best plan is no better."
        words = f"Without {self.rule!r} the plan would {gain_words(self.campaign, self.cost, numbers)}"
        better = self.value + self.cost * (1 if self.campaign.sense == "maximise" else -1)
        words += f": {told(better)} instead of {told(self.value)}"
        least, most = told(self.cost_least), told(self.cost_most)
        if least == most:
            return f"{words}."
        return f"{words}. What the rule costs is proven to lie between {least} and {most}."

    def _price_words(self) -> list[str]:
        priced = self.prices[self.prices["price"] != 0]
        if not len(self.prices):
            return []
        if not len(priced):
            return ["None of its limits binds."]
        if len(self.prices) == 1:
            return list(priced["words"])
        return [f"{row['name']}: {row['words']}" for row in priced.to_dict("records")]


@one_blas_thread
def explain_rule(
    instance: Instance, solution: Solution, rule: str, *, tolerance: float = 0.1, **options: Any
) -> RuleExplanation:
    """Say what a rule costs to keep, and how far its prices hold.

    Parameters
    ----------
    instance : Instance
    solution : Solution
        Of this instance.
    rule : str
        The rule's name, its kind where there is one of that kind, the name of one of its rows, or
        ``"stock C3"`` for the menu's stock of a coupon.
    tolerance : float
        As for :func:`couponry.solver.price_range.price_ranges`.
    **options
        Of :func:`couponry.solver.solve`, for the solve without the rule, which starts from the solution.

    Returns
    -------
    RuleExplanation

    Raises
    ------
    InputError
        If there is no such rule, or the solution has no plan or was made for other rules.

    Notes
    -----
    Without a user cap a user may get any number of coupons; whom ``max_coupons`` limits keeps that limit.
    """
    check_same_rows(instance, solution.certificate)
    if math.isnan(solution.value):
        raise InputError("the solution has no plan to explain", mend="Mend the rules and solve again")
    label, rows, freed = without_rule(instance, rule)
    without = solve(freed, start=solution, **options)
    watched = {key: options[key] for key in ("seed", "progress", "cancel") if key in options}
    prices = price_ranges(instance, solution, rows=rows, tolerance=tolerance, **watched)
    sense = instance.program.sense
    gained = sense * (without.value - solution.value)
    return RuleExplanation(
        rule=label,
        campaign=instance.campaign,
        value=solution.value,
        without=without,
        cost=float(np.maximum(gained, 0.0)),
        cost_least=max(0.0, float(np.nan_to_num(sense * (without.value - solution.bound)))),
        cost_most=max(0.0, sense * (without.bound - solution.value)),
        prices=prices,
    )


def without_rule(instance: Instance, rule: str) -> tuple[str, list[str], Instance]:
    """Return what a rule is called, the names of its rows, and the instance without it.

    Raises
    ------
    InputError
        If there is no such rule, or several are meant.
    """
    rows = instance.program.rows
    named = next((row for row in rows if row.name == rule), None)
    if named is not None and named.rule < 0:
        return named.name, [named.name], _without_stock(instance, named.name.removeprefix("stock "))
    position = find_rule(instance, rule) if named is None else named.rule
    rules = list(instance.rules)
    if isinstance(rules[position], UserCap):
        rules[position] = UserCap(coupons=len(instance.coupons))
    else:
        del rules[position]
    own = [row.name for row in rows if row.rule == position]
    return rule_labels(instance)[position], own, replace(instance, rules=tuple(rules))


def _without_stock(instance: Instance, coupon_id: str) -> Instance:
    """Return the instance without a coupon's stock and minimum in the menu."""
    table, row = instance.coupons.table.copy(), instance.coupons.position(coupon_id)
    for column in ("stock", "minimum"):
        if column in table:
            table[column] = table[column].astype(np.float64).where(np.arange(len(table)) != row)
    return replace(instance, coupons=Coupons(table))
