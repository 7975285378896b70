"""A bound that is proven cell by cell: plans cut by the deviations of their random spends."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from couponry.solver.verify.chords import Range, chords, covers
from couponry.solver.verify.dual import DualValue, dual_value, missing_side
from couponry.solver.verify.findings import Violation, enumerated
from couponry.solver.verify.population import Judged
from couponry.solver.verify.requirements import Groups, Requirement

__all__ = ["CellClaim", "StatesCell", "read_cell", "value_over_cells"]


class StatesCell(Protocol):
    """A cell of a certificate."""

    @property
    def deviations(self) -> Mapping[str, tuple[float, float]]:
        """Row at risk → least and most standard deviation."""
        ...

    @property
    def multipliers(self) -> Mapping[str, float]:
        """λ by name of the cell's rows."""
        ...

    @property
    def infeasible(self) -> bool:
        """Whether the multipliers are said to prove that the cell holds no plan."""
        ...


@dataclass(frozen=True)
class CellClaim:
    """A cell, whatever form it came in."""

    deviations: dict[str, Range]
    multipliers: dict[str, float]
    infeasible: bool


def read_cell(cell: StatesCell | Mapping[str, Any]) -> CellClaim:
    """Return a cell of a certificate, or of what ``certificate.json`` holds: there no upper end is ``null``.

    Raises
    ------
    KeyError, TypeError, ValueError
        If it is neither.
    """
    if isinstance(cell, Mapping):
        deviations, multipliers = dict(cell["deviations"]), dict(cell["multipliers"])
        infeasible = bool(cell["infeasible"])
    else:
        deviations, multipliers = dict(cell.deviations), dict(cell.multipliers)
        infeasible = cell.infeasible
    return CellClaim(
        {
            name: Range(float(low), math.inf if high is None else float(high))
            for name, (low, high) in deviations.items()
        },
        {str(name): float(m) for name, m in multipliers.items()},
        infeasible,
    )


def value_over_cells(
    instance: Judged, groups: Groups, requirements: list[Requirement], cells: tuple[CellClaim, ...]
) -> tuple[DualValue, list[Violation]]:
    """Return the worst of the cells' bounds, and what is wrong with the cells.

    The value is infinite where the cells do not hold every plan or one of them proves nothing, and −inf where
    all are proven to hold no plan.
    """
    risky = [requirement.name for requirement in requirements if requirement.chance is not None]
    if any(set(cell.deviations) != set(risky) for cell in cells):
        return _nothing("its cells speak of other rows than those at risk")
    if any(not 0 <= side.low < side.high for cell in cells for side in cell.deviations.values()):
        return _nothing("a cell's least deviation is not below its most")
    if not covers([cell.deviations for cell in cells], risky):
        return _nothing("its cells do not hold every plan")
    worst = DualValue(-math.inf, 0.0)
    for cell in cells:
        value = _value(instance, groups, requirements, cell)
        if isinstance(value, str):
            return _nothing(value)
        if value.value + value.error > worst.value + worst.error:
            worst = value
    return worst, []


def _value(
    instance: Judged, groups: Groups, requirements: list[Requirement], cell: CellClaim
) -> DualValue | str:
    """Return what a cell's multipliers prove, or what is wrong with them."""
    own: list[Requirement] = []
    for requirement in requirements:
        risky = requirement.chance is not None
        own += chords(requirement, cell.deviations[requirement.name]) if risky else [requirement]
    by_name = {requirement.name: requirement for requirement in own}
    unknown = [name for name in cell.multipliers if name not in by_name]
    if unknown:
        return f"a cell names rows that the rules do not make: {enumerated(unknown)}"
    for name, multiplier in cell.multipliers.items():
        if not math.isfinite(multiplier) or missing_side(by_name[name], multiplier):
            return f"a cell's multiplier {multiplier} of {name} proves no bound"
    value = dual_value(instance, groups, own, cell.multipliers, objective=not cell.infeasible)
    if not cell.infeasible:
        return value
    if value.value + value.error < 0:
        return DualValue(-math.inf, 0.0)
    return "a cell is said to hold no plan, which its multipliers do not prove"


def _nothing(problem: str) -> tuple[DualValue, list[Violation]]:
    words = f"certificate: {problem}."
    return DualValue(math.inf, 0.0), [Violation("certificate", "cells", math.nan, math.nan, math.nan, words)]
