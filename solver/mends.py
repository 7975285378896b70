"""By how much one row must give way for a plan to exist, all other rows as they are.

The question is a program of the same form: leave the row out, and ask for the plan that takes least of it
beyond its limit. So it is solved as any other, with a plan that shows what is enough and prices that prove
what is not: with the objective switched off and the row's own multiplier at one, no plan can do with a change
of less than −L₀(λ) (:mod:`couponry.solver.farkas`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from couponry.instances.program import Program
from couponry.instances.rows import COUNT, Row
from couponry.solver.bound import dual_bound
from couponry.solver.engine import Pairs
from couponry.solver.feasibility import excesses
from couponry.solver.grain import grains
from couponry.solver.local import LocalEngine
from couponry.solver.prices import PriceBook

__all__ = ["Found", "Mend", "Mender", "loosened", "pair_use"]

# What is asked for is called so; no response can be.
GIVEN_WAY = "given way"
# Counts are the same for thousands of users: so much of the objective, as a share, tells them apart.
TIE_BREAK, COUNT_TIE_BREAK = 1e-6, 1e-3
# Changes that differ by less than this share are one.
CLOSE = 1e-6


@dataclass(frozen=True)
class Found:
    """What solving a program came to.

    Attributes
    ----------
    pairs : Pairs or None
        A plan.
    multipliers : ndarray of float64, shape (K,)
        Of the bound, or of the proof that there is no plan.
    infeasible : bool
        Whether it is known that there is no plan.
    bound : float
        On ``sense · objective``.
    """

    pairs: Pairs | None
    multipliers: np.ndarray
    infeasible: bool
    bound: float


@dataclass(frozen=True)
class Mend:
    """A change of one side of a row, in the row's own scale.

    Attributes
    ----------
    enough : float
        With this much a plan exists; infinite where no plan exists with any, NaN where none was found.
    least : float
        With less none exists.
    """

    enough: float
    least: float

    @property
    def known(self) -> bool:
        """Whether what is enough is the least, or nothing is enough."""
        if not math.isfinite(self.enough):
            return math.isinf(self.enough)
        return self.enough - self.least <= CLOSE * max(1.0, self.enough)


class Mender:
    """Finds mends by solving.

    Parameters
    ----------
    program : Program
    solve : callable
        Solves a program of the same users.
    proof : ndarray of float64, shape (K,), or None
        Multipliers that prove that no plan exists: they, too, say which changes are not enough.
    """

    def __init__(
        self, program: Program, solve: Callable[[Program], Found], proof: np.ndarray | None = None
    ) -> None:
        self.program, self.solve, self.proof = program, solve, proof
        self.engine = LocalEngine(program)
        self.grain = grains(program)

    def of(self, k: int, side: str) -> Mend:
        """Return the change of one side of row ``k``."""
        sign = 1.0 if side == "upper" else -1.0
        found = self.solve(self._turned(k, sign))
        if found.infeasible:
            return Mend(math.inf, math.inf)
        least = self._proven(k, sign, found.multipliers)
        if found.pairs is None:
            return Mend(math.nan, least)
        enough = abs(float(excesses(self.program, found.pairs)[k]))
        return Mend(enough, min(max(least, self._to_a_step(k, side, least)), enough))

    def _to_a_step(self, k: int, side: str, change: float) -> float:
        """Return the change after which a row of whole steps is at the next of them."""
        step, limit = float(self.grain[k]), getattr(self.program.rows[k], side)
        if step == 0:
            return change
        if side == "upper":
            return float(step * math.ceil((limit + change) / step - CLOSE) - limit)
        return float(limit - step * math.floor((limit - change) / step + CLOSE))

    def _proven(self, k: int, sign: float, multipliers: np.ndarray) -> float:
        """Return the largest change that is proven not to be enough."""
        candidates = [multipliers]
        if self.proof is not None and self.proof[k] * sign > 0:
            candidates.append(self.proof / abs(self.proof[k]))
        rows_alone, least = self._inward_but(k), 0.0
        for candidate in candidates:
            priced = candidate.copy()
            priced[k] = sign
            least = max(least, -dual_bound(self.engine, rows_alone, priced))
        return least

    def _turned(self, k: int, sign: float) -> Program:
        """Return the program that asks for the least of ``sign`` times row ``k``, which it leaves free."""
        program = self.program
        use = -sign * pair_use(program, program.rows[k])
        worth = np.ones(use.shape) if program.objective == COUNT else program.columns[program.objective]
        counted = all(
            term.measure == COUNT or program.columns[term.measure].dtype.kind == "i"
            for term in program.rows[k].terms
        )
        share = COUNT_TIE_BREAK if counted else TIE_BREAK
        use += share * _mean_size(use) / _mean_size(worth) * program.sense * worth
        return replace(
            loosened(program, {k: math.inf}, upper=sign > 0, lower=sign < 0),
            objective=GIVEN_WAY,
            sense=1.0,
            columns={**program.columns, GIVEN_WAY: use},
        )

    def _inward_but(self, k: int) -> PriceBook:
        """Return rows alone, every limit but those of row ``k`` rounded inwards."""
        alone = PriceBook(self.program, with_objective=False)
        tight = alone.tightened()
        tight.lower, tight.upper = tight.lower.copy(), tight.upper.copy()
        tight.lower[k], tight.upper[k] = alone.lower[k], alone.upper[k]
        return tight


def loosened(program: Program, by: dict[int, float], *, upper: bool = True, lower: bool = True) -> Program:
    """Return the program with some rows' limits moved outwards, each by so much in its own scale."""
    rows: list[Row] = list(program.rows)
    for k, change in by.items():
        row = rows[k]
        rows[k] = replace(
            row,
            lower=row.lower - change if lower else row.lower,
            upper=row.upper + change if upper else row.upper,
        )
    return replace(program, rows=tuple(rows))


def pair_use(program: Program, row: Row) -> np.ndarray:
    """Return what every pair takes of a row, float64 ``(n, S)``; NaN where it is not eligible."""
    use = np.where(np.isnan(program.columns["value"]), np.nan, 0.0)
    for term in row.terms:
        users = term.users[program.classes.codes][:, None]
        coupons = term.coupons[None, :] if program.coupon is None else term.coupons[program.coupon]
        use += users * coupons * (1.0 if term.measure == COUNT else program.columns[term.measure])
    return use


def _mean_size(numbers: np.ndarray) -> float:
    size = np.abs(numbers[np.isfinite(numbers) & (numbers != 0)])
    return float(size.mean()) if len(size) else 1.0
