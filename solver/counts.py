"""Rules about counts alone, looked at by class: whether whole numbers of users can meet them.

How many users of each class get each coupon is a whole number. Where the two sides of a rule nearly meet, no
such numbers may meet all rules although fractions would, and a search over single users would try their
combinations without end. A program over classes answers at once. It leaves out who the users are and every
rule about money: if it has no answer, there is no plan; if it has one, nothing is said.
"""

from __future__ import annotations

import numpy as np

from couponry.instances.program import Program
from couponry.instances.rows import COUNT
from couponry.solver.clock import Clock
from couponry.solver.highs import Sparse, new_highs, pass_model, solve_integer
from couponry.solver.prices import PriceBook

__all__ = ["counts_clash"]

# A row is narrow if a step of one user is more than a tenth of what lies between its sides.
NARROW = 10.0
# Larger ones can take HiGHS longer than the search over users does.
MOST_ROWS = 60
MOST_COLUMNS = 1000
NODES = 1000


def counts_clash(program: Program, book: PriceBook, clock: Clock) -> bool:
    """Return whether no whole numbers of users can meet the rules about counts.

    Looked for where some rule's two sides nearly meet; else False at once.
    """
    rows = [k for k, row in enumerate(program.rows) if all(term.measure == COUNT for term in row.terms)]
    lower, upper = book.inward[0][rows], book.inward[1][rows]
    if len(rows) > MOST_ROWS or not any(
        _narrow(program, k, upper[at] - lower[at]) for at, k in enumerate(rows)
    ):
        return False
    weights = np.array([sum(term.weights() for term in program.rows[k].terms) for k in rows])
    # Coupons that no row tells apart are one.
    kinds, kind = np.unique(weights.reshape(-1, program.n_coupons), axis=1, return_inverse=True)
    if program.n_classes * kinds.shape[1] > MOST_COLUMNS:
        return False
    return _impossible(kinds.reshape(len(rows), -1), *_room(program, kind.ravel()), lower, upper, clock)


def _narrow(program: Program, k: int, width: float) -> bool:
    step = max(float(np.abs(term.weights()).max(initial=0.0)) for term in program.rows[k].terms)
    return width < NARROW * step


def _room(program: Program, kind: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return how many units of each kind of coupon each class can take, ``(C, P)``, and in all, ``(C,)``."""
    usable = ~np.isnan(program.columns["value"])
    if program.coupon is not None:
        usable &= program.coupon >= 0
    most, codes, classes = program.choices.max_coupons, program.classes.codes, program.n_classes
    each = []
    for p in range(int(kind.max()) + 1):
        inside = usable & (kind[None, :] == p if program.coupon is None else kind[program.coupon] == p)
        each.append(np.bincount(codes, np.minimum(inside.sum(axis=1), most), minlength=classes))
    whole = np.bincount(codes, np.minimum(usable.sum(axis=1), most), minlength=classes)
    return np.column_stack(each), whole


def _impossible(
    weights: np.ndarray,
    room: np.ndarray,
    whole: np.ndarray,
    lower: np.ndarray,
    upper: np.ndarray,
    clock: Clock,
) -> bool:
    """Return whether HiGHS finds that no whole numbers, one a class and kind, are within all rows."""
    scale = 1.0 / np.maximum(np.abs(weights).max(axis=1, initial=0.0), 1e-300)
    row, column = np.nonzero(weights)
    classes, kinds = room.shape
    cells = np.arange(classes * kinds)
    matrix = Sparse.of(
        np.concatenate([row, len(weights) + cells // kinds]),
        np.concatenate([column, cells]),
        np.concatenate([weights[row, column] * scale[row], np.ones(len(cells))]),
        len(cells),
    )
    highs = new_highs(clock)
    pass_model(
        highs,
        np.zeros(len(cells)),
        room.ravel().astype(np.float64),
        np.concatenate([lower * scale, np.full(classes, -np.inf)]),
        np.concatenate([upper * scale, whole.astype(np.float64)]),
        matrix,
        integers=len(cells),
    )
    return solve_integer(highs, clock, nodes=NODES).infeasible
