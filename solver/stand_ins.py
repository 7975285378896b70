"""Linear stand-ins for budgets at risk.

A budget at risk is Σ μ x + z √V ≤ amount with V = Σ σ² x, which is not linear. Of √V

- a *tangent*, √V ≤ V / (2 t) + t / 2, is never below it, and is equal at V = t²: a row that only plans within
  the budget keep;
- a *chord*, √V ≥ (V + a b) / (a + b) where a² ≤ V ≤ b², is never above it there, and is equal at both ends: a
  row that all plans within the budget keep whose deviation √V lies between a and b. Without an upper end it
  is √V ≥ a.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from couponry.instances.program import BlockProgram
from couponry.instances.rows import Risk, Row

if TYPE_CHECKING:
    from couponry.instances.instance import Instance
    from couponry.solver.solution import Certificate

__all__ = ["Box", "at_tangents", "chord_program", "rows_at_risk", "tangent_program", "variance_name"]

Box = Mapping[int, tuple[float, float]]
"""Position of each row at risk → least and most standard deviation."""

AnyProgram = TypeVar("AnyProgram", bound=BlockProgram)
_EPS = float(np.finfo(np.float64).eps)


def rows_at_risk(program: BlockProgram) -> tuple[int, ...]:
    """Return the positions of the rows at risk."""
    return tuple(k for k, row in enumerate(program.rows) if row.risk is not None)


def variance_name(row: Row) -> str:
    """Return what the row that limits a row's variance is called."""
    return f"variance of {row.name}"


def tangent_program(program: AnyProgram, deviations: Mapping[int, float]) -> AnyProgram:
    """Return the program with every row at risk replaced by its tangent: its plans keep the rules.

    Parameters
    ----------
    program : BlockProgram
    deviations : mapping from int to float
        Row → standard deviation t, above 0, where it is touched.
    """
    rows = list(program.rows)
    for k, t in deviations.items():
        rows[k] = _tangent(rows[k], t)
    return program.with_rows(tuple(rows))


def at_tangents(instance: Instance, certificate: Certificate) -> Instance:
    """Return the instance as the certificate's multipliers price it: with tangents for its rows at risk."""
    program = instance.program
    touched = {
        k: certificate.deviations[program.rows[k].name]
        for k in rows_at_risk(program)
        if program.rows[k].name in certificate.deviations
    }
    return instance.with_program(tangent_program(program, touched)) if touched else instance


def chord_program(program: AnyProgram, box: Box) -> AnyProgram:
    """Return the program with every row at risk replaced by its chord, and its variance limited to the box.

    All plans of the program whose deviations lie within the box keep it.
    """
    rows, limits = list(program.rows), []
    for k, (low, high) in box.items():
        limits += _variance_rows(rows[k], low, high)
        rows[k] = _chord(rows[k], low, high)
    return program.with_rows((*rows, *limits))


def _tangent(row: Row, t: float) -> Row:
    z = _risk(row).quantile
    # A hair within, so that no rounding lets a plan out of the budget.
    hair = 8 * _EPS * (abs(row.upper) + z * t)
    return _linear(row, z / (2 * t), row.upper - z * t / 2 - hair)


def _chord(row: Row, low: float, high: float) -> Row:
    z = _risk(row).quantile
    hair = 8 * _EPS * (abs(row.upper) + z * low)
    if math.isinf(high):
        return _linear(row, 0.0, row.upper - z * low + hair)
    return _linear(row, z / (low + high), row.upper - z * low * high / (low + high) + hair)


def _linear(row: Row, slope: float, upper: float) -> Row:
    """Return the row with ``slope`` times its variance as a further term."""
    variance = _risk(row).variance
    term = replace(variance, coupons=slope * variance.coupons)
    return replace(row, terms=(*row.terms, term) if slope else row.terms, upper=upper, risk=None)


def _variance_rows(row: Row, low: float, high: float) -> list[Row]:
    variance, name = _risk(row).variance, variance_name(row)
    lower = low * low * (1 - 4 * _EPS) if low > 0 else -math.inf
    upper = high * high * (1 + 4 * _EPS)
    if math.isinf(lower) and math.isinf(upper):
        return []
    return [Row(name, row.kind, row.rule, variance.measure, (variance,), lower, upper, scope=row.scope)]


def _risk(row: Row) -> Risk:
    assert row.risk is not None, row.name
    return row.risk
