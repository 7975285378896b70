"""Sums of a plan that are rounded once, read as numbers and as the decimals that they print as."""

from __future__ import annotations

import math
from decimal import Context, Decimal
from fractions import Fraction

import numpy as np

from couponry.instances.exact_limits import exact
from couponry.instances.rows import COUNT, Risk, Row
from couponry.solver.exact_sums import ExactTables

__all__ = ["deviation_of_sums", "row_sums", "standard_deviation", "sums_of_row"]

_DIGITS = Context(prec=50)


def row_sums(
    row: Row,
    classes: np.ndarray,
    coupon: np.ndarray,
    columns: dict[str, np.ndarray],
    outside: ExactTables | None = None,
) -> tuple[Fraction, Fraction]:
    """Return a row's activity: from sums as they print once they are rounded, and as they are stored.

    What chance adds to a row at risk is part of it.

    Parameters
    ----------
    row : Row
    classes, coupon : ndarray of int, shape (P,)
        Of each given pair.
    columns : mapping from str to ndarray of float64, shape (P,)
        Measures of each given pair, without ``count``.
    outside : ExactTables, optional
        Sums of further pairs.
    """
    printed = stored = Fraction(0)
    for term in row.terms:
        weights = term.users[classes] * term.coupons[coupon]
        counts = np.zeros((0, 0)) if outside is None else outside.high[COUNT]
        cells = np.zeros((0, 0)) if outside is None else term.weights()
        counted = _counted(weights, cells, counts) if term.measure == COUNT else None
        if counted is not None:
            printed, stored = printed + counted, stored + counted
            continue
        seen = np.concatenate([weights, cells[counts != 0]])
        for weight in np.unique(seen[seen != 0]):
            inside = weights == weight
            numbers = inside[inside] if term.measure == COUNT else columns[term.measure][inside]
            others = [] if outside is None else outside.numbers(term.measure, cells == weight)
            total = math.fsum([*numbers.tolist(), *others])
            printed += exact(weight) * exact(total)
            stored += exact(weight) * Fraction(total)
    if row.risk is not None:
        chance = Fraction(row.risk.quantile) * standard_deviation(row.risk, classes, coupon, columns, outside)
        printed, stored = printed + chance, stored + chance
    return printed, stored


def _counted(weights: np.ndarray, cells: np.ndarray, counts: np.ndarray) -> int | None:
    """Return Σ weights of pairs and of counts by class and coupon, where floats add that up exactly."""
    if not ((weights == np.round(weights)).all() and (cells == np.round(cells)).all()):
        return None
    if np.abs(weights).sum() + (np.abs(cells) * counts).sum() >= 2.0**53:
        return None
    return int(weights.sum()) + int((cells * counts).sum())


def standard_deviation(
    risk: Risk,
    classes: np.ndarray,
    coupon: np.ndarray,
    columns: dict[str, np.ndarray],
    outside: ExactTables | None = None,
) -> Fraction:
    """Return √(Σ variance) of a row at risk over the given pairs and further sums, to 50 digits."""
    term = risk.variance
    numbers = columns[term.measure][term.users[classes] * term.coupons[coupon] > 0].tolist()
    if outside is not None:
        numbers += outside.numbers(term.measure, term.weights() > 0)
    return Fraction(_DIGITS.sqrt(Decimal(math.fsum(numbers))))


def deviation_of_sums(risk: Risk, sums: ExactTables) -> float:
    """Return the standard deviation of a row at risk of a whole plan's sums."""
    nobody = np.empty(0, np.int64)
    nothing = {risk.variance.measure: np.empty(0)}
    return float(standard_deviation(risk, nobody, nobody, nothing, sums))


def sums_of_row(row: Row, sums: ExactTables) -> tuple[Fraction, Fraction]:
    """Return what :func:`row_sums` does, of a whole plan's sums."""
    nobody, nothing = np.empty(0, np.int64), {measure: np.empty(0) for measure in sums.high}
    return row_sums(row, nobody, nobody, nothing, sums)
