"""What a limit is worth, in words: a step small beside the limit, and what it would bring."""

from __future__ import annotations

import math
from dataclasses import dataclass

from couponry.instances.rules import Campaign
from couponry.report.formats import Formats

__all__ = ["Step", "amount_words", "gain_words", "objective_words", "price_step", "room_words"]

_OBJECTIVES = {
    "value": "conversions won",
    "cost": "expected cost",
    "revenue": "extra revenue",
    "count": "coupons given",
}
_LARGEST_STEP = 1000.0
_PARITY_STEP = 0.01


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


def objective_words(measure: str) -> str:
    """Return a measure as the objective is spoken of: ``conversions won``."""
    return _OBJECTIVES.get(measure, measure.replace("_", " "))


def gain_words(campaign: Campaign, gain: float, formats: Formats) -> str:
    """Return what a better objective means: ``win about 12.3 more conversions``."""
    amount = formats.measure(campaign.objective, gain, 3)
    if campaign.sense == "minimise":
        return f"save about {amount} of {objective_words(campaign.objective)}"
    if campaign.objective == "value":
        return f"win about {amount} more conversions"
    return f"bring about {amount} more {objective_words(campaign.objective)}"


def amount_words(kind: str, measure: str, value: float, formats: Formats) -> str:
    """Return a number of a rule in its own unit; a head count per hundred, since a share is small."""
    if kind == "parity" and measure.startswith("count"):
        return f"{formats.number(100 * value, 3)} per 100"
    return formats.measure(measure, value)


def price_step(
    kind: str, measure: str, price: float, limits: tuple[float, float], campaign: Campaign, formats: Formats
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
    """
    upper = (price > 0) == (campaign.sense == "maximise")
    size = _PARITY_STEP if kind == "parity" and measure.startswith("count") else _round_step(limits[upper])
    gain = abs(price) * size
    amount = amount_words(kind, measure, size, formats)
    change = f"Allowing {amount} more" if upper else f"Asking {amount} less"
    if kind == "parity":
        change = f"Allowing {amount} more of a difference"
    elif kind == "return_floor":
        change = f"Asking {amount} less of return"
    elif kind == "budget":
        change = f"{amount} more"
    return Step(size, gain, f"{change} would {gain_words(campaign, gain, formats)}.")


def room_words(
    kind: str, measure: str, activity: float, limits: tuple[float, float], formats: Formats
) -> str:
    """Return how far a limit that costs nothing is away."""
    lower, upper = limits
    below, above = upper - activity, activity - lower
    nearer, side = (below, "limit") if below <= above else (above, "floor")
    if not math.isfinite(nearer):
        return "No limit."
    if nearer <= 0:
        return f"At its {side}, which costs nothing."
    amount = amount_words(kind, measure, nearer, formats)
    return f"Has room: {amount} {'below its limit' if side == 'limit' else 'above its floor'}."


def _round_step(limit: float) -> float:
    """Return a power of ten that is small beside a limit: at most 1,000, and a tenth of it."""
    if not math.isfinite(limit) or limit == 0:
        return 1.0
    return float(min(_LARGEST_STEP, 10.0 ** math.floor(math.log10(abs(limit) / 10))))
