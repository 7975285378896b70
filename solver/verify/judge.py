"""Holding a plan against every rule, in exact arithmetic."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa

from couponry.instances.instance import Instance
from couponry.solver.verify.certificate import StatesBound, check_certificate
from couponry.solver.verify.chance import square_root
from couponry.solver.verify.findings import Verification, Violation, number
from couponry.solver.verify.frozen import broken_freeze, read_frozen
from couponry.solver.verify.measures import Measures
from couponry.solver.verify.plan import Pairs, read_pairs
from couponry.solver.verify.requirements import Groups, Part, Requirement, read_requirements, written
from couponry.solver.verify.user_limits import broken_user_limits, read_user_limits

__all__ = ["verify"]


def verify(
    instance: Instance, plan: pa.Table, certificate: StatesBound | Mapping[str, Any] | None = None
) -> Verification:
    """Check a plan against every rule, and a certificate against what its multipliers prove.

    Parameters
    ----------
    instance : Instance
    plan : pyarrow.Table
        ``user_id`` and ``coupon_id``, one row a given coupon; ``value`` and ``cost``, where they are there,
        must be the instance's own.
    certificate : Certificate or mapping, optional
        ``solution.certificate``, or what ``certificate.json`` holds.

    Returns
    -------
    Verification

    Raises
    ------
    InputError
        Where the instance's own rules name what it does not have. A bad plan or certificate raises nothing:
        what is wrong with it is reported.

    Notes
    -----
    What a rule speaks of (a sum, a sum per head, a difference of such) is worked out in fractions, rounded
    once, and compared with the number that was written: an excess of one unit in the last place fails. It is
    worked out from the numbers as they are stored, and from the decimals that their rounded sums print as;
    what breaks a rule in both is refused. A pair that is not eligible is reported and left out of the sums; a
    pair that is given twice counts twice.
    """
    pairs, violations = read_pairs(instance, plan)
    measures = Measures(instance)
    groups = Groups(instance)
    requirements = read_requirements(instance, groups)
    sums = _Sums(measures, groups, pairs)
    cost = measures.of_pairs("cost", pairs.user, pairs.place, pairs.coupon)
    violations += broken_freeze(instance, read_frozen(instance), pairs)
    violations += broken_user_limits(instance, read_user_limits(instance), pairs, cost)
    for requirement in requirements:
        violations += _broken(requirement, sums)
    value = sums.over_all(instance.campaign.objective)
    check = None
    if certificate is not None:
        check, wrong = check_certificate(instance, certificate, value, plan_valid=not violations)
        violations += wrong
    return Verification(
        ok=not violations,
        value=value,
        cost=math.fsum(cost.tolist()),
        given=plan.num_rows,
        violations=tuple(violations),
        certificate=check,
    )


class _Sums:
    """Exact sums of measures over a plan's pairs."""

    def __init__(self, measures: Measures, groups: Groups, pairs: Pairs) -> None:
        self._measures = measures
        self._group = groups.of_user[pairs.user]
        self._pairs = pairs
        self._numbers: dict[str, np.ndarray] = {}
        self._known: dict[tuple[str, bytes, bytes], Fraction] = {}

    def _of_pairs(self, measure: str) -> np.ndarray:
        if measure not in self._numbers:
            pairs = self._pairs
            self._numbers[measure] = self._measures.of_pairs(measure, pairs.user, pairs.place, pairs.coupon)
        return self._numbers[measure]

    def over_all(self, measure: str) -> float:
        """Return Σ measure over the whole plan, rounded once."""
        return math.fsum(self._of_pairs(measure).tolist())

    def over(self, part: Part) -> Fraction:
        """Return Σ measure over a part's users and coupons."""
        key = (part.measure, part.groups.tobytes(), part.coupons.tobytes())
        if key not in self._known:
            chosen = part.groups[self._group] & part.coupons[self._pairs.coupon]
            if part.measure == "count":
                self._known[key] = Fraction(int(np.count_nonzero(chosen)))
            else:
                self._known[key] = _exact_sum(self._of_pairs(part.measure)[chosen].tolist())
        return self._known[key]


def _exact_sum(numbers: list[float]) -> Fraction:
    """Return a sum without any rounding, by rounded sums of what the former ones left over."""
    total = Fraction(0)
    left = list(numbers)
    while rounded := math.fsum(left):
        total += Fraction(rounded)
        left.append(-rounded)
    return total


def _broken(requirement: Requirement, sums: _Sums) -> list[Violation]:
    # Printed decimals are what people write (3.3 is 1.1 × 3), stored numbers are multiples of each other.
    readings = [_beyond(requirement, sums, read) for read in (_as_printed, Fraction)]
    if any(excess == 0 for _, _, excess in readings):
        return []
    activity, limit, excess = readings[0]
    side, much = ("most", "much") if excess > 0 else ("least", "little")
    words = (
        f"{requirement.name}: {requirement.of} is {number(activity)}, "
        f"at {side} {number(limit)} allowed: {number(abs(excess))} too {much}."
    )
    return [Violation(requirement.name, requirement.of, activity, limit, abs(excess), words)]


def _as_printed(exact: Fraction) -> Fraction:
    """Return a sum as it prints once it is rounded."""
    return written(float(exact))


def _beyond(
    requirement: Requirement, sums: _Sums, read: Callable[[Fraction], Fraction]
) -> tuple[float, float, float]:
    """Return the activity, the limit that it breaks, and by how much it is above (+) or below (−) it."""
    exact = sum((part.coefficient * read(sums.over(part)) for part in requirement.parts), requirement.base)
    if requirement.chance is not None:
        exact += Fraction(requirement.quantile) * square_root(sums.over(requirement.chance))
    activity = float(exact)
    for limit, wrong in ((requirement.upper, 1), (requirement.lower, -1)):
        if limit is not None and wrong * activity > wrong * limit:
            return activity, limit, float(exact - written(limit))
    return activity, 0.0, 0.0
