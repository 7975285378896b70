"""Whether a plan keeps every row, in sums that are exactly rounded."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from couponry.instances.exact_limits import exact
from couponry.instances.program import Program
from couponry.instances.rows import Row
from couponry.solver.engine import Pairs
from couponry.solver.exact_sums import ExactTables
from couponry.solver.frozen import with_frozen
from couponry.solver.row_sums import row_sums

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
    Frozen pairs count too, whether or not they are among the given ones.
    """
    classes, coupon, columns = pair_columns(program, with_frozen(program, pairs))
    return np.array([_excess(row, classes, coupon, columns, outside) for row in program.rows])


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
