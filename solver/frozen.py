"""Frozen pairs: every plan holds them, the search does not see them.

Their users may get nothing in the search (``choices.max_coupons`` is 0 there), every row's limits are what
the frozen pairs leave of them, and the objective gets what they are worth as a constant. Pairs that the
search handles are without them; sums that judge a plan, and the plan that is handed out, are with them.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from couponry.instances.program import BlockProgram, Program
from couponry.solver.exact_sums import ExactTables
from couponry.solver.row_sums import sums_of_row

if TYPE_CHECKING:
    from couponry.solver.engine import Pairs

__all__ = ["frozen_sums", "frozen_use", "with_frozen"]


def frozen_sums(program: BlockProgram) -> ExactTables | None:
    """Return the frozen pairs' exact sums by class and coupon; None where there are none.

    Of users who are read block by block this takes a reading of those who are frozen.
    """
    if not len(program.frozen):
        return None
    sums = ExactTables.of(program)
    for pairs in program.frozen_pairs():
        sums.add_pairs(*pairs)
    return sums


def frozen_use(program: BlockProgram, sums: ExactTables | None) -> tuple[Fraction, ...]:
    """Return what the frozen pairs use of each row, ``(K,)``, as the decimals that the sums print as."""
    if sums is None:
        return (Fraction(0),) * len(program.rows)
    return tuple(sums_of_row(row, sums)[0] for row in program.rows)


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
