"""Rows, prices and limits in words that finance and planners use: the same in terminal and report."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from couponry.instances.rows import Risk, Row
from couponry.instances.rules import Campaign

__all__ = [
    "Figures",
    "Numbers",
    "Step",
    "amount",
    "amount_words",
    "gain_words",
    "listed",
    "objective_words",
    "price_step",
    "price_words",
    "risk_words",
    "room_words",
]

_OBJECTIVES = {
    "value": "conversions won",
    "cost": "expected cost",
    "revenue": "extra revenue",
    "count": "coupons given",
}
_LARGEST_STEP = 1000.0
_PARITY_STEP = 0.01


class Numbers(Protocol):
    """How numbers are written: the report's, or plain :class:`Figures`."""

    def number(self, value: float | None, digits: int = 4) -> str:
        """Return a number with about so many significant digits."""
        ...

    def measure(self, name: str, value: float | None, digits: int = 4) -> str:
        """Return a number as its measure asks, amounts with their currency."""
        ...


@dataclass(frozen=True)
class Figures:
    """Plain text of numbers.

    Attributes
    ----------
    currency : str
        The campaign's; written behind amounts, or nowhere when empty.
    """

    currency: str = ""

    def number(self, value: float | None, digits: int = 4) -> str:
        """Return a number with about so many significant digits; no digit of its whole part is lost."""
        if value is None or not math.isfinite(value):
            return "–"
        decimals = max(0, digits - 1 - math.floor(math.log10(abs(value)))) if value else 0
        text = f"{value:,.{min(decimals, 12)}f}"
        return text.rstrip("0").rstrip(".") if "." in text else text

    def measure(self, name: str, value: float | None, digits: int = 4) -> str:
        """Return a number; cost and revenue with the currency, to the cent below 1,000."""
        if not (name == "cost" or name.startswith("revenue")):
            return self.number(value, digits)
        if value is not None and math.isfinite(value) and abs(value) >= 1:
            value = round(value, 2 if abs(value) < 1000 else 0)
            digits = 5
        return f"{self.number(value, digits)} {self.currency}".strip()


@dataclass(frozen=True)
class Step:
    """A little more, or less, of a limit.

    Attributes
    ----------
    size : float
        In the rule's own unit.
    gain : float
        What it is worth in the objective, at the present price; not negative.
    words : str
        All this in a sentence.
    """

    size: float
    gain: float
    words: str


def amount(number: float) -> str:
    """Return a number as a person writes it: thousands apart, four figures that matter."""
    if not math.isfinite(number):
        return "no limit"
    if number == int(number) and abs(number) < 1e15:
        return f"{int(number):,}"
    digits = max(0, 3 - math.floor(math.log10(abs(number)))) if number else 0
    return f"{number:,.{min(digits, 12)}f}"


def listed(names: Sequence[str]) -> str:
    """Return names as a list that is read out: ``a, b and c``."""
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]


def objective_words(measure: str) -> str:
    """Return a measure as the objective is spoken of: ``conversions won``."""
    return _OBJECTIVES.get(measure, measure.replace("_", " "))


def gain_words(campaign: Campaign, gain: float, numbers: Numbers) -> str:
    """Return what a better objective means: ``win about 12.3 more conversions``."""
    much = numbers.measure(campaign.objective, gain, 3)
    if campaign.sense == "minimise":
        return f"save about {much} of {objective_words(campaign.objective)}"
    if campaign.objective == "value":
        return f"win about {much} more conversions"
    return f"bring about {much} more {objective_words(campaign.objective)}"


def amount_words(kind: str, measure: str, value: float, numbers: Numbers) -> str:
    """Return a number of a rule in its own unit; a head count per hundred, since a share is small."""
    if kind == "parity" and measure.startswith("count"):
        return f"{numbers.number(100 * value, 3)} per 100"
    return numbers.measure(measure, value)


def price_step(
    kind: str,
    measure: str,
    price: float,
    limits: tuple[float, float],
    campaign: Campaign,
    numbers: Numbers,
    reach: float | None = None,
) -> Step:
    """Return what a small step of a binding limit would bring.

    Parameters
    ----------
    kind, measure : str
        Of the row.
    price : float
        What one more unit of the binding side does to the objective; not zero.
    limits : (float, float)
        Lower and upper.
    reach : float, optional
        How far the limit can give way at about this price, where that is known: it is told, and the step
        is no longer.
    """
    upper = bool(price > 0) == (campaign.sense == "maximise")
    size = _PARITY_STEP if kind == "parity" and measure.startswith("count") else _round_step(limits[upper])
    if reach is not None and 0 < reach < size:
        size = 10.0 ** math.floor(math.log10(reach))
    gain = abs(price) * size
    step = amount_words(kind, measure, size, numbers)
    change = f"Allowing {step} more" if upper else f"Asking {step} less"
    if kind == "parity":
        change = f"Allowing {step} more of a difference"
    elif kind == "return_floor":
        change = f"Asking {step} less of return"
    elif kind == "budget":
        change = f"{step} more"
    words = f"{change} would {gain_words(campaign, gain, numbers)}"
    if reach is not None:
        way = "more" if upper or kind == "parity" else "less"
        words += _reach_words(kind, measure, reach, limits[upper], way, numbers)
    return Step(size, gain, f"{words}.")


def _reach_words(kind: str, measure: str, reach: float, limit: float, way: str, numbers: Numbers) -> str:
    if math.isinf(reach):
        return f", however much {way}"
    if reach <= 1e-9 * max(1.0, abs(limit)):
        return ", but the price changes with the first step"
    # Three figures: the range is where a price has moved by a tenth, not a cliff.
    rounded = float(f"{reach:.3g}")
    return f", up to about {amount_words(kind, measure, rounded, numbers)} {way}"


def room_words(
    kind: str, measure: str, activity: float, limits: tuple[float, float], numbers: Numbers
) -> str:
    """Return how far a limit that costs nothing is away."""
    lower, upper = limits
    below, above = upper - activity, activity - lower
    nearer, side = (below, "limit") if below <= above else (above, "floor")
    if not math.isfinite(nearer):
        return "No limit."
    if nearer <= 0:
        return f"At its {side}, which costs nothing."
    room = amount_words(kind, measure, nearer, numbers)
    return f"Has room: {room} {'below its limit' if side == 'limit' else 'above its floor'}."


def price_words(
    row: Row, campaign: Campaign, activity: float, price: float, reach: float | None = None
) -> str:
    """Return what a row's limit is worth, or how much room it has, as a sentence.

    Parameters
    ----------
    activity, price, reach : float
        In the rule's own unit; ``reach`` as for :func:`price_step`.
    """
    numbers, limits = Figures(campaign.currency), row.limits
    if price == 0:
        return room_words(row.kind, row.measure, activity, limits, numbers)
    return price_step(row.kind, row.measure, price, limits, campaign, numbers, reach).words


def risk_words(risk: Risk, expected: float, deviation: float, currency: str) -> str:
    """Return what is expected of a random spend and how far it may stray, as a sentence of its own."""
    numbers = Figures(currency)
    return (
        f" {numbers.measure('cost', expected)} expected, standard deviation {numbers.number(deviation)}, "
        f"overspent with a probability of at most {risk.probability:g}."
    )


def _round_step(limit: float) -> float:
    """Return a power of ten that is small beside a limit: at most 1,000, and a tenth of it."""
    if not math.isfinite(limit) or limit == 0:
        return 1.0
    return float(min(_LARGEST_STEP, 10.0 ** math.floor(math.log10(abs(limit) / 10))))
