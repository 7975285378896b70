"""Pairs that no plan can hold, since each of them alone breaks a rule.

Under a budget of nothing, or of less than the dearest coupon costs, prices would have to be out of all
proportion to say so: L falls without end as the price of the budget grows, while fractions of such pairs fit.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from couponry.instances.program import Program
from couponry.instances.rows import COUNT, Row
from couponry.solver.mends import pair_use
from couponry.solver.prices import PriceBook
from couponry.solver.scale import RowScale

__all__ = ["without_impossible"]

# Rows with room for more pairs of common size than this are not looked at: it would take a pass over all.
ROOMY = 1000.0
# A pair is beyond a limit by more than rounding.
BEYOND = 1e-9


def without_impossible(program: Program, book: PriceBook, scale: RowScale) -> Program | None:
    """Return the program without the pairs that alone break a row, or None where there are none.

    Parameters
    ----------
    program : Program
    book : PriceBook
    scale : RowScale

    Notes
    -----
    Rows of which some pairs take less than nothing are not looked at: these make room for others.
    """
    impossible = np.zeros(program.columns["value"].shape, bool)
    upper = book.inward[1]
    for k in np.flatnonzero(np.isfinite(upper) & (upper < ROOMY * scale.coefficient)):
        row, limit = program.rows[k], max(float(upper[k]), 0.0)
        limit += BEYOND * (limit + float(scale.coefficient[k]))
        if _largest(program, row) > limit and _never_below_nothing(program, row):
            impossible |= pair_use(program, row) > limit
    # Those that are frozen are given, and what is left of the limits is without them.
    impossible[program.frozen.user, program.frozen.place] = False
    if not impossible.any():
        return None
    value = np.where(impossible, np.nan, program.columns["value"])
    return replace(
        program, columns={**program.columns, "value": value.astype(program.columns["value"].dtype)}
    )


def _largest(program: Program, row: Row) -> float:
    """Return what a pair takes of a row at most, or more."""
    most = [
        1.0
        if t.measure == COUNT
        else float(np.fmax.reduce(program.columns[t.measure], axis=None, initial=0.0))
        for t in row.terms
    ]
    return sum(float(t.weights().max(initial=0.0)) * m for t, m in zip(row.terms, most, strict=True))


def _never_below_nothing(program: Program, row: Row) -> bool:
    """Whether no pair takes less than nothing of a row."""
    for term in row.terms:
        if (term.weights() < 0).any():
            return False
        if term.measure != COUNT and (program.columns[term.measure] < 0).any():
            return False
    return True
