"""Rows whose activity can only be a whole number of some amount.

A count is a whole number. So is, in steps of the price, the cost of messages that all cost the same: a budget
of 576 at 0.1 a message is a limit of 5,760 messages. Limits on such rows can be rounded inwards, which loses
no plan and makes the bound tighter.
"""

from __future__ import annotations

import math

import numpy as np

from couponry.instances.blocks import Block
from couponry.instances.exact_limits import exact
from couponry.instances.program import BlockProgram
from couponry.instances.rows import CHANGED, COUNT, KEPT, Row

__all__ = ["grains", "objective_grain", "round_inwards"]

PROBE = 4096


def grains(program: BlockProgram) -> np.ndarray:
    """Return the step of each row's activity, float64 ``(K,)``; 0 where it can be anything."""
    constant: dict[str, np.ndarray | None] = {}
    return np.array([_grain(program, row, constant) for row in program.rows], dtype=np.float64)


def objective_grain(program: BlockProgram) -> float:
    """Return the step of the objective; 0 where it can be anything."""
    if program.objective == COUNT:
        return 1.0
    for block in program.blocks(PROBE):
        usable = ~np.isnan(block.columns["value"])
        if block.coupon is not None:
            usable &= block.coupon >= 0
        numbers = block.columns[program.objective][usable]
        if (numbers != np.round(numbers)).any():  # seen after a few users nearly always
            return 0.0
    return 1.0


def _grain(program: BlockProgram, row: Row, constant: dict[str, np.ndarray | None]) -> float:
    if all(term.measure in (COUNT, KEPT, CHANGED) for term in row.terms):
        whole = all(bool((term.weights() == np.round(term.weights())).all()) for term in row.terms)
        return 1.0 if whole else 0.0
    if len(row.terms) > 1:
        return 0.0
    (term,) = row.terms
    if term.measure not in constant:
        constant[term.measure] = _constant(program, term.measure)
    each = constant[term.measure]
    if each is None:
        return 0.0
    steps = np.unique(np.abs(term.weights() * each)[term.weights() != 0])
    return float(steps[0]) if len(steps) == 1 and math.isfinite(steps[0]) else 0.0


def _constant(program: BlockProgram, measure: str) -> np.ndarray | None:
    """Return what each coupon has of a measure, ``(J,)``, where it is the same for all users; else None."""
    low, high = np.full(program.n_coupons, np.inf), np.full(program.n_coupons, -np.inf)
    for block in program.blocks(PROBE):
        _widen(low, high, block, block.columns[measure])
        if (low < high).any():  # seen after a few users nearly always
            return None
    return np.where(low <= high, low, 0.0)


def _widen(low: np.ndarray, high: np.ndarray, block: Block, numbers: np.ndarray) -> None:
    """Widen the range of a measure over each coupon's eligible pairs by those of a block."""
    value = block.columns["value"]
    usable = ~np.isnan(value) if block.coupon is None else ~np.isnan(value) & (block.coupon >= 0)
    if block.coupon is None:
        np.minimum(low, np.min(numbers, axis=0, where=usable, initial=np.inf), out=low)
        np.maximum(high, np.max(numbers, axis=0, where=usable, initial=-np.inf), out=high)
    else:
        coupon = block.coupon[usable]
        np.minimum.at(low, coupon, numbers[usable])
        np.maximum.at(high, coupon, numbers[usable])


def round_inwards(lower: np.ndarray, upper: np.ndarray, grain: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return limits moved inwards to the nearest whole number of grains.

    A limit that a whole number misses by less than a billionth part is taken to be met by it.
    """
    tight_lower, tight_upper = lower.copy(), upper.copy()
    for k in np.flatnonzero(grain > 0):
        step = exact(grain[k])
        if math.isfinite(lower[k]):
            units = exact(lower[k]) / step
            slack = 0 if grain[k] == 1 else abs(units) / 10**9
            tight_lower[k] = float(step * math.ceil(units - slack))
        if math.isfinite(upper[k]):
            units = exact(upper[k]) / step
            slack = 0 if grain[k] == 1 else abs(units) / 10**9
            tight_upper[k] = float(step * math.floor(units + slack))
    return tight_lower, tight_upper
