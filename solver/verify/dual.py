"""The dual function, recomputed from the rules' definitions, with a bound on its rounding error.

::

    L(λ) = Σ_i max_{x ∈ X_i} Σ_j x_j (c_ij − Σ_k λ_k a_kij) + Σ_k (u_k λ_k⁺ − l_k λ_k⁻)

No plan that keeps the rules is worth more than L(λ), whatever λ is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from couponry.solver.verify.choices import Block, best_choices
from couponry.solver.verify.frozen import read_frozen
from couponry.solver.verify.measures import Measures
from couponry.solver.verify.population import Judged, Piece, places
from couponry.solver.verify.requirements import Groups, Requirement
from couponry.solver.verify.row_limits import row_limit
from couponry.solver.verify.user_limits import UserLimits, read_user_limits

__all__ = ["DualValue", "dual_value", "missing_side"]

_UNIT = 2.0**-53
_ENTRIES = 2_000_000


@dataclass(frozen=True, slots=True)
class DualValue:
    """L(λ) of the program turned to maximising, and how far rounding may have moved it."""

    value: float
    error: float


@dataclass(frozen=True)
class _Price:
    """One measure's prices, and the sum of the absolute values that they were added up from."""

    table: np.ndarray
    size: np.ndarray


def missing_side(requirement: Requirement, multiplier: float) -> str | None:
    """Return the side that a multiplier prices where the requirement has none: the bound is infinite then."""
    if multiplier > 0 and requirement.upper is None:
        return "upper"
    if multiplier < 0 and requirement.lower is None:
        return "lower"
    return None


def dual_value(
    instance: Judged,
    groups: Groups,
    requirements: list[Requirement],
    multipliers: Mapping[str, float],
    *,
    objective: bool = True,
) -> DualValue:
    """Return L(λ); for a campaign that minimises, that of its objective times −1.

    Parameters
    ----------
    instance : Instance
    groups : Groups
    requirements : list of Requirement
    multipliers : mapping from a requirement's name to λ
        Finite, and each on a side that is there; a requirement without one has λ = 0.
    objective : bool
        False leaves the objective out, which makes a value below 0 a proof that no plan exists.
    """
    chosen = [(r, multipliers.get(r.name, 0.0)) for r in requirements if multipliers.get(r.name, 0.0) != 0]
    prices = _price_tables(chosen, len(groups.sizes), len(instance.coupons))
    linear = sum(
        (Fraction(price) * row_limit(groups, r, upper=price > 0) for r, price in chosen),
        Fraction(0),
    )
    sense = (1.0 if instance.campaign.sense == "maximise" else -1.0) if objective else 0.0
    worth, size, whole = _sum_of_choices(groups, prices, sense)
    value = float(Fraction(worth) + linear)
    parts = sum(len(r.parts) for r, _ in chosen)
    # Every addition and product rounds once; sums of a plan are judged after rounding, which is two more.
    operations = parts + 2 * len(prices) + places(instance) + 12
    error = operations * _UNIT * (size * 1.01 + abs(value))
    if objective and whole and math.isfinite(value + error):
        most = float(math.floor(value + error))  # whole numbers add up to whole numbers
        if most < value - error:
            return DualValue(most, 0.0)
    return DualValue(value, error)


def _price_tables(chosen: list[tuple[Requirement, float]], groups: int, coupons: int) -> dict[str, _Price]:
    """Fold multipliers into one table a measure, each ``(G, J)``."""
    prices: dict[str, _Price] = {}
    for requirement, multiplier in chosen:
        for part in requirement.parts:
            price = prices.setdefault(
                part.measure, _Price(np.zeros((groups, coupons)), np.zeros((groups, coupons)))
            )
            where = np.ix_(part.groups, part.coupons)
            one = float(Fraction(multiplier) * requirement.scale * part.coefficient)
            price.table[where] += one
            price.size[where] += abs(one)
    return prices


def _sum_of_choices(groups: Groups, prices: dict[str, _Price], sense: float) -> tuple[float, float, bool]:
    """Return Σ_i max over X_i, a bound on the absolute values that went into any user's choice, and one more.

    A frozen user has one choice. The last says whether all eligible pairs' objective is a whole number.
    """
    best, sizes, whole = [], [], True
    for piece in groups.pieces():
        instance = piece.instance
        measures, limits, frozen = Measures(instance), read_user_limits(instance), read_frozen(instance)
        limits.most[frozen.user] = 0
        users, wide = instance.response.shape
        step = max(1, _ENTRIES // max(1, wide))
        for first in range(0, users, step):
            last = min(users, first + step)
            block, size = _block(piece, prices, sense, measures, limits, first, last)
            whole = whole and _all_whole(piece, measures, first, last)
            stays = frozen.within(first, last)
            best.append(math.fsum([*best_choices(block, limits).tolist(), *block.worth[stays].tolist()]))
            sizes.append(float((size * np.minimum(block.most, wide)).sum() + size[stays[0]].sum()))
    return math.fsum(best), math.fsum(sizes), whole


def _all_whole(piece: Piece, measures: Measures, first: int, last: int) -> bool:
    """Whether the objective of a block's eligible pairs is a whole number each."""
    objective = piece.instance.campaign.objective
    if objective == "count":
        return True
    numbers = measures.of_block(objective, first, last)
    given = ~np.isnan(measures.of_block("value", first, last)) & (measures.coupons_of_block(first, last) >= 0)
    return bool((numbers[given] == np.round(numbers[given])).all())


def _block(
    piece: Piece,
    prices: dict[str, _Price],
    sense: float,
    measures: Measures,
    limits: UserLimits,
    first: int,
    last: int,
) -> tuple[Block, np.ndarray]:
    """Return a block's priced worths, and each user's greatest sum of absolute values."""
    instance = piece.instance
    coupon = measures.coupons_of_block(first, last)
    dense = instance.response.coupon is None
    eligible = ~np.isnan(measures.of_block("value", first, last)) & (coupon >= 0)
    own = piece.group[first:last]
    worth = np.zeros(eligible.shape)
    if sense:
        objective = instance.campaign.objective
        worth += sense if objective == "count" else sense * measures.of_block(objective, first, last)
    size = np.abs(worth)
    with np.errstate(invalid="ignore", over="ignore"):  # what is not eligible may hold anything
        for measure, price in prices.items():
            at = (own,) if dense else (own[:, None], np.maximum(coupon, 0))
            if measure == "count":
                worth -= price.table[at]
                size += price.size[at]
            else:
                numbers = measures.of_block(measure, first, last)
                worth -= price.table[at] * numbers
                size += price.size[at] * np.abs(numbers)
    cost = measures.of_block("cost", first, last) if math.isfinite(limits.money) else worth
    block = Block(np.where(eligible, worth, -np.inf), cost, coupon, limits.most[first:last])
    return block, np.where(eligible, size, 0.0).max(axis=1, initial=0.0)
