"""Sums of a plan's measures by class and coupon, in twice the usual precision."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from couponry.instances.program import BlockProgram
from couponry.instances.rows import COUNT
from couponry.solver.kernels import tallying

__all__ = ["ExactTables"]


@dataclass(frozen=True)
class ExactTables:
    """Measure → ``(C, J)`` twice: ``high + low`` is the sum to about 32 digits; counts have no low part.

    So a sum over any classes and coupons, rounded once, is what ``math.fsum`` makes of the single pairs.
    """

    high: dict[str, np.ndarray]
    low: dict[str, np.ndarray]

    @classmethod
    def of(cls, program: BlockProgram) -> ExactTables:
        """Return sums of nothing."""
        shape = (program.n_classes, program.n_coupons)
        return cls(
            {measure: np.zeros(shape) for measure in program.measures},
            {measure: np.zeros(shape) for measure in program.measures if measure != COUNT},
        )

    def copy(self) -> ExactTables:
        """Return the same sums, to be added to."""
        return ExactTables(*({m: t.copy() for m, t in part.items()} for part in (self.high, self.low)))

    def add(self, other: ExactTables) -> None:
        """Add other sums to these."""
        for measure, table in other.high.items():
            if measure in self.low:
                tallying.add_exactly(self.high[measure], self.low[measure], table, other.low[measure])
            else:
                self.high[measure][...] += table

    def add_pairs(self, classes: np.ndarray, coupon: np.ndarray, columns: dict[str, np.ndarray]) -> None:
        """Add single pairs: their classes, coupons and measures, ``(P,)`` each."""
        taken = np.zeros((len(classes), 1), np.int32)
        list_of = coupon.astype(np.int32)[:, None]
        tallying.tally_count(taken, classes, list_of, False, self.high[COUNT])
        for measure, low in self.low.items():
            column = columns[measure][:, None]
            tallying.tally_exactly(taken, column, classes, list_of, False, self.high[measure], low)

    def numbers(self, measure: str, cells: np.ndarray) -> list[float]:
        """Return numbers whose exact sum is the measure's over some cells, bool ``(C, J)``."""
        numbers = self.high[measure][cells]
        if measure in self.low:
            numbers = np.concatenate([numbers, self.low[measure][cells]])
        found: list[float] = numbers[numbers != 0].tolist()
        return found

    def total(self, measure: str) -> float:
        """Return the sum of a measure over everything, rounded once."""
        return math.fsum(self.numbers(measure, np.ones(self.high[measure].shape, bool)))
