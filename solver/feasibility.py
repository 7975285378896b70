"""Whether a plan keeps every row, in sums that are exactly rounded."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from couponry.instances.program import Program, exact
from couponry.instances.rows import COUNT, Row
from couponry.solver.engine import Pairs
from couponry.solver.exact_sums import ExactTables

__all__ = ["excesses", "over_money", "pair_columns"]


def pair_columns(program: Program, pairs: Pairs) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Return the class, the coupon and the measures (float64) of given pairs."""
    coupon = pairs.place if program.coupon is None else program.coupon[pairs.user, pairs.place]
    columns = {m: a[pairs.user, pairs.place].astype(np.float64) for m, a in program.columns.items()}
    return program.classes.codes[pairs.user], coupon, columns


def excesses(program: Program, pairs: Pairs, outside: ExactTables | None = None) -> np.ndarray:
    """Return by how much each row is broken, float64 ``(K,)`` in the row's own scale; 0 where it is kept.

    Parameters
    ----------
    program : Program
    pairs : Pairs
        A plan, or its part that lies in the program.
    outside : ExactTables, optional
        Sums of the plan's other part.

    Notes
    -----
    Positive beyond the upper side, negative below the lower. Sums of money are rounded once
    (:func:`math.fsum`); weights and limits are taken as the decimals that they print as. A sum is read both
    as the decimal that it prints as and as the binary number that it is: a row is broken if it is in both.
    """
    classes, coupon, columns = pair_columns(program, pairs)
    return np.array([_excess(row, classes, coupon, columns, outside) for row in program.rows])


def _excess(
    row: Row,
    classes: np.ndarray,
    coupon: np.ndarray,
    columns: dict[str, np.ndarray],
    outside: ExactTables | None,
) -> float:
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
    return min((_beyond(row, activity) for activity in (printed, stored)), key=abs)


def _counted(weights: np.ndarray, cells: np.ndarray, counts: np.ndarray) -> int | None:
    """Return Σ weights of pairs and of counts by class and coupon, where floats add that up exactly."""
    if not ((weights == np.round(weights)).all() and (cells == np.round(cells)).all()):
        return None
    if np.abs(weights).sum() + (np.abs(cells) * counts).sum() >= 2.0**53:
        return None
    return int(weights.sum()) + int((cells * counts).sum())


def _beyond(row: Row, activity: Fraction) -> float:
    spoken_of = float(activity / Fraction(row.unit))
    if spoken_of > row.upper / row.unit:
        return float(activity - exact(row.upper))
    if spoken_of < row.lower / row.unit:
        return float(activity - exact(row.lower))
    return 0.0


def over_money(program: Program, pairs: Pairs) -> np.ndarray:
    """Return the users whose coupons together cost more than the cap on money."""
    if not math.isfinite(program.choices.money):
        return np.empty(0, np.int64)
    cost = program.columns["cost"][pairs.user, pairs.place].astype(np.float64)
    users, first = np.unique(pairs.user, return_index=True)
    sums = np.add.reduceat(cost, first) if len(first) else np.empty(0)
    near = np.flatnonzero(sums > program.choices.money * (1 - 1e-12))
    return np.array(
        [users[g] for g in near if math.fsum(cost[pairs.user == users[g]]) > program.choices.money],
        dtype=np.int64,
    )
