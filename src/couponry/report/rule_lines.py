"""Every rule as a reader meets it: what the plan does, what is allowed, how full it is, what it is worth."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from couponry.instances.rows import Row
from couponry.instances.rules import ReturnFloor
from couponry.report.allocation import Allocation
from couponry.report.formats import Formats
from couponry.solver.solution import Solution
from couponry.solver.words import Step, price_step, room_words

__all__ = ["Bar", "RuleLine", "rule_lines"]

_TOUCHING = 1e-6
_NOISE = 1e-9


@dataclass(frozen=True)
class Bar:
    """How full a rule is, drawn on a track from 0 to 1.

    Attributes
    ----------
    start, end : float
        Ends of the filled part; equal where only the dot is drawn.
    dot : float or None
        Where the plan stands, for a rule with a negative side.
    marks : tuple of float
        The limits.
    words : str
        The same for those who do not see it.
    """

    start: float
    end: float
    dot: float | None
    marks: tuple[float, ...]
    words: str


@dataclass(frozen=True)
class RuleLine:
    """One row of the program.

    Attributes
    ----------
    name, kind, scope, measure : str
    activity, lower, upper, price : float
        As in :attr:`couponry.solver.Solution.prices`.
    state : {"broken", "binding", "room"}
        Binding where a little more or less of the limit would change the plan.
    step : Step or None
        What a little more of a binding limit would bring.
    worth : str
        That, or how much room there is, in words.
    note : str
        What the numbers alone do not say, such as the return that a return floor compares.
    bar : Bar or None
    """

    name: str
    kind: str
    scope: str
    measure: str
    activity: float
    lower: float
    upper: float
    price: float
    state: str
    step: Step | None
    worth: str
    note: str
    bar: Bar | None


def rule_lines(solution: Solution, allocation: Allocation, formats: Formats) -> list[RuleLine]:
    """Return one line a row of the program, in the program's order."""
    rows = {row.name: row for row in allocation.instance.program.rows}
    records: list[dict[str, Any]] = solution.prices.to_dict("records")  # type: ignore[assignment]
    return [
        _line(record, rows.get(record["name"]), solution.value, allocation, formats) for record in records
    ]


def _line(
    record: dict[str, Any], row: Row | None, value: float, allocation: Allocation, formats: Formats
) -> RuleLine:
    instance = allocation.instance
    kind, measure = record["rule"], record["measure"]
    activity, lower, upper, price = (float(record[key]) for key in ("activity", "lower", "upper", "price"))
    limits = (lower, upper)
    note, bar = "", _bar(activity, lower, upper)
    rule = instance.rules[row.rule] if row is not None and row.rule >= 0 else None
    if row is not None and isinstance(rule, ReturnFloor):
        earned = _return(row, rule.ratio, allocation)
        if earned is not None:
            asked = formats.number(rule.ratio)
            note = f"Earns {formats.number(earned)} a unit of cost; at least {asked} is asked."
            bar = _bar(earned, rule.ratio, math.inf)
    if row is not None and row.risk is not None:
        often = f"{row.risk.probability:g}"
        note = f"Expected cost and what chance adds: overspent with a probability of at most {often}."
    state = _state(activity, limits, price, value)
    step = (
        price_step(kind, measure, price, limits, instance.campaign, formats) if state == "binding" else None
    )
    return RuleLine(
        name=record["name"],
        kind=kind,
        scope=record["scope"],
        measure=measure,
        activity=activity,
        lower=lower,
        upper=upper,
        price=price,
        state=state,
        step=step,
        worth=step.words if step else room_words(kind, measure, activity, limits, formats),
        note=note,
        bar=bar,
    )


def _state(activity: float, limits: tuple[float, float], price: float, value: float) -> str:
    """Tell a binding row from one with room; a price that is rounding noise is none."""
    lower, upper = limits
    for excess, limit in ((activity - upper, upper), (lower - activity, lower)):
        if math.isfinite(limit) and excess > _TOUCHING * max(1.0, abs(limit)):
            return "broken"
    largest = max((abs(limit) for limit in limits if math.isfinite(limit)), default=0.0)
    return "binding" if abs(price) * max(1.0, largest) > _NOISE * max(1.0, abs(value)) else "room"


def _return(row: Row, ratio: float, allocation: Allocation) -> float | None:
    """Return revenue a unit of cost over the pairs that a return floor speaks of."""
    revenue = row.terms[0]
    classes = allocation.instance.program.classes.codes[allocation.user]
    weight = revenue.users[classes] * revenue.coupons[allocation.coupon]
    cost = float(weight @ allocation.measures["cost"])
    return float(weight @ allocation.measures["revenue"]) / cost if cost > 0 and ratio > 0 else None


def _bar(activity: float, lower: float, upper: float) -> Bar | None:
    limits = [limit for limit in (lower, upper) if math.isfinite(limit)]
    if not math.isfinite(activity) or not limits:
        return None
    low, high = min(0.0, activity, *limits), max(0.0, activity, *limits)
    if low < 0 < high and math.isfinite(lower) and math.isfinite(upper):
        margin = 0.06 * (high - low)
        low, high = low - margin, high + margin
    if high <= low or (len(limits) == 1 and limits[0] == 0):
        return None

    def place(number: float) -> float:
        return (number - low) / (high - low)

    marks = tuple(place(limit) for limit in limits)
    words = _bar_words(activity, lower, upper)
    if low < 0:
        return Bar(place(activity), place(activity), place(activity), marks, words)
    return Bar(0.0, place(activity), None, marks, words)


def _bar_words(activity: float, lower: float, upper: float) -> str:
    if math.isfinite(lower) and math.isfinite(upper) and upper > lower:
        return (
            f"{100 * (activity - lower) / (upper - lower):.0f} % of the way from the lower to the upper limit"
        )
    limit = upper if math.isfinite(upper) else lower
    if limit == 0:
        return "exactly at zero" if activity == 0 else "away from zero"
    return f"{100 * activity / limit:.0f} % of the {'limit' if math.isfinite(upper) else 'floor'}"
