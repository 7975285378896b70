"""Holding a plan against every rule, in exact arithmetic."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from couponry.instances.instance import Instance
from couponry.instances.streamed import StreamedInstance
from couponry.solver.verify.certificate import StatesBound, check_certificate
from couponry.solver.verify.chance import square_root
from couponry.solver.verify.findings import Verification, Violation, merged, number
from couponry.solver.verify.frozen import broken_freeze, read_frozen
from couponry.solver.verify.measures import Measures
from couponry.solver.verify.plan import Pairs, read_pairs
from couponry.solver.verify.plan_rows import PlanRows
from couponry.solver.verify.population import Judged
from couponry.solver.verify.requirements import Groups, Part, Requirement, read_requirements, written
from couponry.solver.verify.user_limits import broken_user_limits, read_user_limits

__all__ = ["verify", "verify_streamed"]


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
    return _judge(instance, lambda _: (plan, 0), plan.num_rows, certificate, list)


def verify_streamed(
    instance: StreamedInstance,
    plan: str | Path,
    certificate: StatesBound | Mapping[str, Any] | None = None,
) -> Verification:
    """Check a plan as :func:`verify` does, users and plan read a piece at a time.

    Parameters
    ----------
    instance : StreamedInstance
    plan : str or Path
        A Parquet file with the plan's rows in the order of the users, or a directory with ``plan.parquet``.
        Where the order is another, what comes after is reported as not judged.
    certificate : Certificate or mapping, optional

    Returns
    -------
    Verification

    Raises
    ------
    InputError
        If the plan's file or a shard cannot be read, and as :func:`verify` does.

    Notes
    -----
    Sums stay exact: they are added up as fractions. A user who stands twice is refused where both rows are
    read at one time only.
    """
    with PlanRows(plan) as rows:
        return _judge(instance, rows.of, rows.total, certificate, rows.left_over)


def _judge(
    instance: Judged,
    plan_of: Callable[[Instance], tuple[pa.Table, int]],
    given: int,
    certificate: StatesBound | Mapping[str, Any] | None,
    left_over: Callable[[], list[Violation]],
) -> Verification:
    """Judge piece by piece; ``plan_of`` gives a piece's rows of the plan, and which row is the first."""
    groups = Groups(instance)
    requirements = read_requirements(instance, groups)
    sums = _Sums(requirements, [instance.campaign.objective, "cost"])
    found: list[Violation] = []
    for piece in groups.pieces():
        pairs, wrong = read_pairs(piece.instance, *plan_of(piece.instance))
        measures = Measures(piece.instance)
        sums.add(measures, piece.group, pairs)
        cost = measures.of_pairs("cost", pairs.user, pairs.place, pairs.coupon)
        wrong += broken_freeze(piece.instance, read_frozen(piece.instance), pairs)
        wrong += broken_user_limits(piece.instance, read_user_limits(piece.instance), pairs, cost)
        found = merged([*found, *wrong])
    violations = [*found, *left_over()]
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
        cost=sums.over_all("cost"),
        given=given,
        violations=tuple(violations),
        certificate=check,
    )


class _Sums:
    """Exact sums of measures over a plan's pairs, added up piece by piece.

    Parameters
    ----------
    requirements : list of Requirement
        Whose parts are summed.
    measures : list of str
        Those that are summed over the whole plan, too.
    """

    def __init__(self, requirements: list[Requirement], measures: list[str]) -> None:
        parts = [part for requirement in requirements for part in requirement.parts]
        parts += [requirement.chance for requirement in requirements if requirement.chance is not None]
        self._parts = {_key(part): part for part in parts}
        self._sums = dict.fromkeys(self._parts, Fraction(0))
        self._whole = dict.fromkeys(measures, Fraction(0))

    def add(self, measures: Measures, group: np.ndarray, pairs: Pairs) -> None:
        """Add some users' pairs; ``group`` is that of every user."""
        numbers = {
            name: measures.of_pairs(name, pairs.user, pairs.place, pairs.coupon)
            for name in {*self._whole, *(part.measure for part in self._parts.values())}
        }
        own = group[pairs.user]
        for name in self._whole:
            self._whole[name] += _exact_sum(numbers[name].tolist())
        for key, part in self._parts.items():
            chosen = part.groups[own] & part.coupons[pairs.coupon]
            if part.measure == "count":
                self._sums[key] += int(np.count_nonzero(chosen))
            else:
                self._sums[key] += _exact_sum(numbers[part.measure][chosen].tolist())

    def over_all(self, measure: str) -> float:
        """Return Σ measure over the whole plan, rounded once."""
        return float(self._whole[measure])

    def over(self, part: Part) -> Fraction:
        """Return Σ measure over a part's users and coupons."""
        return self._sums[_key(part)]


def _key(part: Part) -> tuple[str, bytes, bytes]:
    return part.measure, part.groups.tobytes(), part.coupons.tobytes()


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
