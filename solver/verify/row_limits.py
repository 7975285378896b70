"""Limits of rows, tightened where only multiples of some step can be reached.

A count is a whole number, and so is, in steps of their price, the cost of messages that all cost the same.
"""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor

import numpy as np

from couponry.solver.verify.measures import Measures
from couponry.solver.verify.requirements import Groups, Requirement, written

__all__ = ["row_limit"]

_BLOCK = 10_000
_MOST_STEPS = 2.0**50  # beyond it a float cannot tell one step from the next


def row_limit(groups: Groups, requirement: Requirement, *, upper: bool) -> Fraction:
    """Return a limit that no plan which keeps the requirement exceeds, in the row's scale.

    Parameters
    ----------
    groups : Groups
    requirement : Requirement
    upper : bool
        Which side; it must be there.
    """
    limit = requirement.upper if upper else requirement.lower
    assert limit is not None
    base = requirement.base * requirement.scale
    written_limit = written(limit) * requirement.scale - base
    step = _step(groups, requirement)
    if step == 0 or abs(written_limit) > _MOST_STEPS * step:
        return written_limit
    sign = 1 if upper else -1
    # One sum is rounded once; where several go into an activity, either reading of them may be the lesser.
    readings = [Fraction(step)] if len(requirement.parts) == 1 else [Fraction(step), written(step)]
    last = [_last(limit, requirement.scale, reading, sign) for reading in readings]
    return Fraction(step) * sign * max(sign * steps for steps in last) - base


def _last(limit: float, scale: int, step: Fraction, sign: int) -> int:
    """Return the last number of steps that is within a limit, once it is rounded as the judge rounds it."""
    exact = written(limit) * scale / step
    last = floor(exact) if sign > 0 else ceil(exact)
    while sign * float((last + sign) * step / scale) <= sign * limit:
        last += sign
    return last


def _step(groups: Groups, requirement: Requirement) -> float:
    """Return a step of which the row's activity is a whole multiple in every plan; 0 where there is none."""
    measures = {part.measure for part in requirement.parts}
    if len(measures) > 1 or any(
        (p.coefficient * requirement.scale).denominator > 1 for p in requirement.parts
    ):
        return 0.0
    (measure,) = measures
    if measure == "count" or measure.startswith(("kept ", "changed ")):
        return 1.0
    members = np.logical_or.reduce([part.groups for part in requirement.parts])
    coupons = np.logical_or.reduce([part.coupons for part in requirement.parts])
    return _common_size(groups, measure, members, coupons)


def _common_size(groups: Groups, measure: str, members: np.ndarray, coupons: np.ndarray) -> float:
    """Return the one absolute value other than 0 that a measure has in scope, 0 where there are more."""
    common = 0.0
    for piece in groups.pieces():
        measures, users = Measures(piece.instance), members[piece.group]
        for first in range(0, len(users), _BLOCK):
            last = min(first + _BLOCK, len(users))
            coupon = measures.coupons_of_block(first, last)
            inside = users[first:last, None] & (coupon >= 0) & coupons[np.maximum(coupon, 0)]
            inside &= ~np.isnan(measures.of_block("value", first, last))
            sizes = np.unique(np.append(np.abs(measures.of_block(measure, first, last)[inside]), common))
            sizes = sizes[sizes > 0]
            if len(sizes) > 1:
                return 0.0
            common = float(sizes.sum())
    return common
