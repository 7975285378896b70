"""Linear requirements in place of a budget at risk, where the deviation of its spend is within limits."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise, product

from couponry.solver.verify.requirements import Requirement, written

__all__ = ["Range", "chords", "covers"]


@dataclass(frozen=True, slots=True)
class Range:
    """Limits of a standard deviation; ``high`` may be infinite."""

    low: float
    high: float


def chords(requirement: Requirement, within: Range) -> list[Requirement]:
    """Return linear requirements: plans that keep this one with a deviation within limits keep all of them.

    Between a and b the square root is nowhere below its chord, (V + a b) / (a + b); beyond a it is at least
    a.
    """
    assert requirement.chance is not None
    assert requirement.upper is not None
    z, low = Fraction(requirement.quantile), Fraction(within.low)
    variance, amount, parts = requirement.chance, written(requirement.upper), requirement.parts
    own = f"variance of {requirement.name}"
    lower = math.nextafter(float(low * low), 0.0) if low else None
    upper = None
    if math.isinf(within.high):
        amount -= z * low
    else:
        high = Fraction(within.high)
        upper = math.nextafter(float(high * high), math.inf)
        amount -= z * low * high / (low + high)
        parts = (*parts, replace(variance, coefficient=z / (low + high)))
    # Rounded up, where it must be rounded: a hair more room keeps every plan.
    limit = float(amount)
    if written(limit) < amount:
        limit = math.nextafter(limit, math.inf)
    spend = replace(requirement, parts=parts, upper=limit, chance=None)
    limits = Requirement(own, (variance,), lower, upper, f"variance of the {requirement.of}")
    return [spend] if lower is None and upper is None else [spend, limits]


def covers(boxes: list[Mapping[str, Range]], names: list[str]) -> bool:
    """Return whether boxes together hold every combination of deviations of at least 0.

    Each elementary part between neighbouring ends must lie in some box.
    """
    ends = [
        sorted({0.0, math.inf, *(end for box in boxes for end in (box[n].low, box[n].high))}) for n in names
    ]
    return all(
        any(
            all(box[n].low <= low and high <= box[n].high for n, (low, high) in zip(names, part, strict=True))
            for box in boxes
        )
        for part in product(*(list(pairwise(own)) for own in ends))
    )
