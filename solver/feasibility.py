"""Whether a plan keeps every row, in sums that are exactly rounded."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from couponry.instances.exact_limits import exact
from couponry.instances.program import BlockProgram, Program
from couponry.instances.rows import COUNT, Row
from couponry.solver.engine import Pairs
from couponry.solver.exact_sums import ExactTables
from couponry.solver.frozen import with_frozen
from couponry.solver.row_sums import row_sums, sums_of_row

__all__ = ["excesses", "excesses_of_sums", "over_money", "pair_columns"]

# A row further than this share of all its terms from its limits is kept: floats err by far less.
SURE = 1e-9


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
    Frozen pairs count too, whether or not they are among the given ones.
    """
    classes, coupon, columns = pair_columns(program, with_frozen(program, pairs))
    kept = _surely_kept(program, classes, coupon, columns, outside)
    return np.array(
        [
            0.0 if sure else _excess(row, classes, coupon, columns, outside)
            for row, sure in zip(program.rows, kept, strict=True)
        ]
    )


def excesses_of_sums(program: BlockProgram, sums: ExactTables) -> np.ndarray:
    """Return what :func:`excesses` does, of a whole plan's sums."""
    beyond = ([_beyond(row, activity) for activity in sums_of_row(row, sums)] for row in program.rows)
    return np.array([min(excess, key=abs) for excess in beyond])


def _surely_kept(
    program: Program,
    classes: np.ndarray,
    coupon: np.ndarray,
    columns: dict[str, np.ndarray],
    outside: ExactTables | None,
) -> np.ndarray:
    """Return which rows are so far from their limits that sums of floats can tell, bool ``(K,)``."""
    shape, cell = (program.n_classes, program.n_coupons), classes * program.n_coupons + coupon
    sums: dict[str, tuple[np.ndarray, np.ndarray]] = {}

    def of(measure: str) -> tuple[np.ndarray, np.ndarray]:
        """Return a measure's sums by class and coupon, and those of its sizes."""
        if measure not in sums:
            weights = None if measure == COUNT else columns[measure]
            parts = [weights, None if weights is None else np.abs(weights)]
            both = [np.bincount(cell, part, minlength=shape[0] * shape[1]).reshape(shape) for part in parts]
            others = 0.0 if outside is None else outside.high[measure]
            sums[measure] = both[0] + others, both[1] + np.abs(others)
        return sums[measure]

    kept = np.zeros(len(program.rows), bool)
    for k, row in enumerate(program.rows):
        if row.risk is not None:
            continue
        activity = size = 0.0
        for term in row.terms:
            table, sizes = of(term.measure)
            activity += float(term.users @ table @ term.coupons)
            size += float(np.abs(term.users) @ sizes @ np.abs(term.coupons))
        ends = [abs(limit) for limit in (row.lower, row.upper) if math.isfinite(limit)]
        room = SURE * (size + sum(ends))
        kept[k] = row.lower + room < activity < row.upper - room
    return kept


def _excess(
    row: Row,
    classes: np.ndarray,
    coupon: np.ndarray,
    columns: dict[str, np.ndarray],
    outside: ExactTables | None,
) -> float:
    sums = row_sums(row, classes, coupon, columns, outside)
    return min((_beyond(row, activity) for activity in sums), key=abs)


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
