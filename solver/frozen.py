"""Frozen pairs: every plan holds them, the search does not see them.

Their users may get nothing in the search (``choices.max_coupons`` is 0 there), every row's limits are what
the frozen pairs leave of them, and the objective gets what they are worth as a constant. Pairs that the
search handles are without them; sums that judge a plan, and the plan that is handed out, are with them.
"""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from couponry.instances.program import BlockProgram, Program
from couponry.instances.rows import COUNT
from couponry.solver.exact_sums import ExactTables
from couponry.solver.row_sums import row_sums

if TYPE_CHECKING:
    from couponry.solver.engine import Pairs

__all__ = ["frozen_sums", "frozen_use", "frozen_value", "with_frozen"]


def frozen_use(program: BlockProgram) -> tuple[Fraction, ...]:
    """Return what the frozen pairs use of each row, ``(K,)``, as the decimals that the sums print as."""
    if not len(program.frozen):
        return (Fraction(0),) * len(program.rows)
    assert isinstance(program, Program)  # one that is read block by block has no frozen pairs
    user, place = program.frozen.user, program.frozen.place
    coupon = place if program.coupon is None else program.coupon[user, place]
    columns = {m: a[user, place].astype(np.float64) for m, a in program.columns.items()}
    return tuple(row_sums(row, program.classes.codes[user], coupon, columns)[0] for row in program.rows)


def frozen_sums(program: BlockProgram) -> ExactTables:
    """Return the frozen pairs' exact sums by class and coupon."""
    sums = ExactTables.of(program)
    if not len(program.frozen):
        return sums
    assert isinstance(program, Program)
    user, place = program.frozen.user, program.frozen.place
    coupon = place if program.coupon is None else program.coupon[user, place]
    columns = {m: a[user, place].astype(np.float64) for m, a in program.columns.items()}
    sums.add_pairs(program.classes.codes[user], coupon, columns)
    return sums


def frozen_value(program: BlockProgram) -> float:
    """Return the objective of the frozen pairs in its own direction, their sum rounded once."""
    if program.objective == COUNT or not len(program.frozen):
        return float(len(program.frozen))
    assert isinstance(program, Program)
    numbers = program.columns[program.objective][program.frozen.user, program.frozen.place]
    return math.fsum(numbers.astype(np.float64))


def with_frozen(program: Program, pairs: Pairs) -> Pairs:
    """Return the whole plan: the given pairs and the frozen ones, in the users' order.

    Pairs of frozen users that are among the given ones already are not doubled.
    """
    frozen = program.frozen
    if not len(frozen):
        return pairs
    others = ~np.isin(pairs.user, frozen.user)
    user = np.concatenate([pairs.user[others], frozen.user])
    place = np.concatenate([pairs.place[others], frozen.place])
    order = np.lexsort((place, user))
    return replace(pairs, user=user[order], place=place[order])
