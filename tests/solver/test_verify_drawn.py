"""The judge beside the plain reading of every rule, on drawn instances."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.brute_force import Reading, best_plan, decimal, plan_table
from tests.drawn import instances, plans
from tests.solver.judged import (
    table,
)

from couponry.instances import (
    Instance,
)
from couponry.solver.verify import verify, verify_infeasible
from couponry.solver.verify.dual import dual_value
from couponry.solver.verify.requirements import Groups, read_requirements

DRAWN = settings(max_examples=150, deadline=None, derandomize=True)


@DRAWN
@given(st.data())
def test_judge_agrees_with_the_plain_reading(data: st.DataObject) -> None:
    """A drawn plan is accepted exactly if the rules' definitions, read plainly, are kept."""
    instance = data.draw(instances())
    reading = Reading(instance)
    if data.draw(st.booleans()):
        pairs = data.draw(plans(instance))
    else:
        pairs = data.draw(st.sets(st.sampled_from(sorted(reading.place)))) if reading.place else set()
    assert verify(instance, plan_table(instance, sorted(pairs))).ok is reading.keeps(pairs)


@DRAWN
@given(instances())
def test_best_plan_by_brute_force_is_accepted(instance: Instance) -> None:
    """The optimum by brute force keeps every rule, and has the value that the judge computes."""
    best = best_plan(instance)
    if best is not None:
        found = verify(instance, best.plan)
        assert found.ok, found.words()
        assert found.value == best.value


@DRAWN
@given(st.data())
def test_any_multipliers_bound_every_plan(data: st.DataObject) -> None:
    """Whatever the multipliers, no plan by brute force is better than the recomputed bound."""
    instance = data.draw(instances())
    multipliers = {
        row.name: data.draw(st.sampled_from(_sides(row.lower, row.upper))) for row in instance.program.rows
    }
    sense = 1.0 if instance.campaign.sense == "maximise" else -1.0
    best = best_plan(instance)
    found = verify(instance, table([]), {"multipliers": multipliers, "certificate_bound": None})
    assert [v for v in found.violations if v.rule == "certificate"] == []
    assert found.certificate is not None
    if best is not None:
        assert sense * best.value <= sense * found.certificate.bound
        assert not verify_infeasible(instance, multipliers).proven


@DRAWN
@given(st.data())
def test_dual_function_is_within_its_rounding_error(data: st.DataObject) -> None:
    """The dual function differs from that in fractions by no more than it says, or is made whole."""
    instance = data.draw(instances())
    groups = Groups(instance)
    requirements = read_requirements(instance, groups)
    rows = instance.program.rows
    assert [requirement.name for requirement in requirements] == [row.name for row in rows]
    multipliers = {row.name: data.draw(st.sampled_from(_sides(row.lower, row.upper))) for row in rows}
    dual = dual_value(instance, groups, requirements, multipliers)
    exact = exact_dual(instance, [multipliers[row.name] for row in rows])
    if dual.value != math.floor(exact) or not _whole_objective(instance):
        assert abs(Fraction(dual.value) - exact) <= Fraction(dual.error) <= 1e-11


def _whole_objective(instance: Instance) -> bool:
    """Whether every eligible pair's objective is a whole number."""
    program = instance.program
    numbers = program.columns.get(program.objective, np.ones(1))
    return bool((np.isnan(numbers) | (numbers == np.round(numbers))).all())


def exact_dual(instance: Instance, multipliers: list[float]) -> Fraction:
    """Return L(λ) in fractions, every user's choices tried."""
    reading = Reading(instance)
    sense = 1 if instance.campaign.sense == "maximise" else -1
    worth = {
        pair: sense * Fraction(reading.number(instance.campaign.objective, pair)) for pair in reading.place
    }
    total = Fraction(0)
    limits = [limit for limit in reading.limits if limit[1:] != (None, None)]
    for (terms, lower, upper), row, multiplier in zip(
        limits, instance.program.rows, multipliers, strict=True
    ):
        limit = upper if multiplier > 0 else lower
        if limit is None:
            continue
        scale = int(row.unit) if row.kind == "parity" else terms[0][0].denominator
        sizes = {abs(reading.number(measure, pair)) for _, measure, over in terms for pair in over} - {0.0}
        sizes |= {1.0} if terms[0][1] == "count" else set()
        whole = len({measure for _, measure, _ in terms}) == 1 == len(sizes)
        if whole and all((coefficient * scale).denominator == 1 for coefficient, _, _ in terms):
            readings = (Fraction,) if len(terms) == 1 else (Fraction, decimal)
            last = [last_step(limit, scale, sizes, read, multiplier > 0) for read in readings]
            total += Fraction(multiplier) * (max(last) if multiplier > 0 else min(last))
        else:
            total += Fraction(multiplier) * decimal(limit) * scale
        for coefficient, measure, over in terms:
            for pair in over:
                number = Fraction(reading.number(measure, pair))
                worth[pair] -= Fraction(multiplier) * scale * coefficient * number
    for i in range(len(reading.users)):
        total += max(sum((worth[i, j] for j in coupons), Fraction(0)) for coupons in reading.choices(i))
    return total


def last_step(limit: float, scale: int, sizes: set[float], read: Any, upper: bool) -> Fraction:
    """Return the last multiple of the one size whose share of ``scale``, rounded, is within a limit."""
    (size,) = sizes
    start = round(limit * scale / size)
    multiples = [steps * read(size) for steps in range(start - 2, start + 3)]
    if upper:
        return Fraction(size) * max(m / read(size) for m in multiples if float(m / scale) <= limit)
    return Fraction(size) * min(m / read(size) for m in multiples if float(m / scale) >= limit)


def _sides(lower: float, upper: float) -> list[float]:
    """Return multipliers of the sides that are there."""
    found = [0.0]
    found += [0.3, 1.7] if math.isfinite(upper) else []
    return found + ([-0.3, -1.7] if math.isfinite(lower) else [])
