"""Multipliers fold into price tables.

With one multiplier λ_k a row, the coefficient that a measure m has in the reduced value of a pair is
``T_m[class, j] = sense·[m is the objective] − Σ_k λ_k u_k[class] v_k[j]`` over the rows' terms in m: a small
table, whatever the number of users or rows. The reduced value of a pair is Σ_m T_m[class, j]·m(i, j).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from couponry.instances.exact_limits import exact
from couponry.instances.program import BlockProgram
from couponry.solver.basis import Basis
from couponry.solver.exact_sums import ExactTables
from couponry.solver.frozen import frozen_sums, frozen_use
from couponry.solver.grain import grains, objective_grain, round_inwards

__all__ = ["PriceBook", "Tables"]

Tables = dict[str, np.ndarray]
# Multipliers below this are no prices: their products leave the range of floats.
NOTHING = 1e-290
# Rows that speak of more than this share of all users are wide.
WIDE = 1 / 40


@dataclass(frozen=True)
class _Stack:
    """The terms of all rows in one measure: users ``(T, C)``, coupons ``(T, J)``, row ``(T,)``."""

    users: np.ndarray
    coupons: np.ndarray
    row: np.ndarray

    @cached_property
    def repeats(self) -> bool:
        """Whether some row has several terms."""
        return len(np.unique(self.row)) < len(self.row)

    def folded(self, multipliers: np.ndarray) -> np.ndarray:
        """Return Σ over terms of multiplier × users' weight × coupons' weight, ``(C, J)``."""
        return np.asarray(self.users.T @ (self.coupons * multipliers[self.row, None]))


class PriceBook:
    """Goes between rows' multipliers and price tables.

    Parameters
    ----------
    program : BlockProgram
    with_objective : bool
        Without it every pair is worth nothing and only the rows count, as a proof of infeasibility needs.
    frozen : ExactTables, optional
        The frozen pairs' sums, where they are known already.

    Attributes
    ----------
    lower, upper : ndarray of float64, shape (K,)
        What frozen pairs leave of the rows' limits.
    frozen : tuple of Fraction
        What the frozen pairs use of each row.
    frozen_sums : ExactTables or None
        Of the frozen pairs; None where there are none.
    constant : float
        What the frozen pairs add to ``sense · objective``.
    """

    def __init__(
        self, program: BlockProgram, *, with_objective: bool = True, frozen: ExactTables | None = None
    ) -> None:
        self.program = program
        self.with_objective = with_objective
        self.frozen_sums = frozen_sums(program) if frozen is None else frozen
        self.frozen = frozen_use(program, self.frozen_sums)
        self.constant = 0.0
        if with_objective and self.frozen_sums is not None:
            self.constant = program.sense * self.frozen_sums.total(program.objective)
        self.lower = self._left_of([row.lower for row in program.rows])
        self.upper = self._left_of([row.upper for row in program.rows])
        self._stacks = {measure: self._stack(measure) for measure in program.measures}

    def _stack(self, measure: str) -> _Stack:
        picked = [
            (k, t) for k, row in enumerate(self.program.rows) for t in row.terms if t.measure == measure
        ]
        return _Stack(
            np.array([t.users for _, t in picked]).reshape(len(picked), self.program.n_classes),
            np.array([t.coupons for _, t in picked]).reshape(len(picked), self.program.n_coupons),
            np.array([k for k, _ in picked], dtype=np.intp),
        )

    def _left_of(self, limits: Iterable[float]) -> np.ndarray:
        """Return limits less what the frozen pairs use, float64 ``(K,)``, each rounded once."""
        return np.array(
            [
                float(exact(limit) - used) if used and math.isfinite(limit) else limit
                for limit, used in zip(limits, self.frozen, strict=True)
            ],
            dtype=np.float64,
        )

    @property
    def n_rows(self) -> int:
        """Number of rows, K."""
        return len(self.lower)

    @cached_property
    def basis(self) -> Basis:
        """The rows as combinations of simple demands."""
        return Basis.of(self.program)

    @property
    def objective(self) -> Tables:
        """The objective alone, as tables."""
        return self.scores(np.zeros(self.n_rows))

    def scores(self, multipliers: np.ndarray) -> Tables:
        """Return T, measure → ``(C, J)``; a table of zeros is left out, save that of ``value``."""
        tables: Tables = {}
        for measure, stack in self._stacks.items():
            table = stack.folded(-multipliers)
            if self.with_objective and measure == self.program.objective:
                table = table + self.program.sense
            if measure == "value" or table.any():
                tables[measure] = np.ascontiguousarray(table)
        return tables

    def changes(self, multipliers: np.ndarray) -> Tables:
        """Return by how much T changes when the multipliers change by so much, measure → ``(C, J)``."""
        return {
            measure: stack.folded(-multipliers)
            for measure, stack in self._stacks.items()
            if multipliers[stack.row].any()
        }

    def radius(self, box: np.ndarray) -> Tables:
        """Return by how much each entry of T can change while λ_k moves by at most ``box[k]``."""
        return {
            measure: np.ascontiguousarray((np.abs(stack.users).T * box[stack.row]) @ np.abs(stack.coupons))
            for measure, stack in self._stacks.items()
            if box[stack.row].any()
        }

    def activity(self, demand: Tables) -> np.ndarray:
        """Return every row's activity, ``(K,)``, from the demand tables."""
        activity = np.zeros(self.n_rows)
        for measure, stack in self._stacks.items():
            if len(stack.row):
                sums = ((stack.users @ demand[measure]) * stack.coupons).sum(axis=1)
                np.add.at(activity, stack.row, sums)
        return activity

    def coefficients(self, measure_values: Tables, classes: np.ndarray, coupons: np.ndarray) -> np.ndarray:
        """Return rows' coefficients of single pairs, ``(K, P)``.

        Parameters
        ----------
        measure_values : Tables
            Measure → ``(P,)``; ``count`` may be absent.
        classes, coupons : ndarray of int, shape (P,)
        """
        matrix = np.zeros((self.n_rows, len(classes)))
        for measure, stack in self._stacks.items():
            if not len(stack.row):
                continue
            weights = stack.users[:, classes] * stack.coupons[:, coupons]
            if measure in measure_values:
                weights *= measure_values[measure]
            if stack.repeats:
                np.add.at(matrix, stack.row, weights)
            else:  # ten times as fast
                matrix[stack.row] += weights
        return matrix

    def linear(self, multipliers: np.ndarray) -> float:
        """Return Σ u λ⁺ − l λ⁻; infinite where a multiplier prices a side that is not there."""
        used = np.where(multipliers > 0, self.upper, self.lower)
        priced = multipliers != 0
        return math.fsum(multipliers[priced] * used[priced]) if np.isfinite(used[priced]).all() else math.inf

    @cached_property
    def grain(self) -> np.ndarray:
        """Step of each row's activity, ``(K,)``; 0 where it can be anything."""
        return grains(self.program)

    @cached_property
    def objective_grain(self) -> float:
        """Step of the objective; 0 where it can be anything."""
        return objective_grain(self.program) if self.with_objective else 0.0

    @cached_property
    def inward(self) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper sides, each ``(K,)``, rounded inwards where activity is a whole number of steps."""
        rows = self.program.rows
        lower, upper = (np.array([getattr(row, side) for row in rows]) for side in ("lower", "upper"))
        lower, upper = round_inwards(lower, upper, self.grain)
        return self._left_of(lower), self._left_of(upper)

    def wide(self, sizes: np.ndarray) -> np.ndarray:
        """Which rows speak of a good share of all users, bool ``(K,)``.

        A weight on one group and a small one on all others speaks of the group: what counts is the number of
        users of equal weight that would have the same (Σ|w|)² / Σw² (the participation ratio).

        Parameters
        ----------
        sizes : ndarray of int64, shape (C,)
            Users of every class.
        """
        wide = np.zeros(self.n_rows, bool)
        for stack in self._stacks.values():
            weight = np.abs(stack.users)
            same = (weight @ sizes) ** 2 / np.maximum(weight**2 @ sizes, NOTHING)
            np.logical_or.at(wide, stack.row, same >= WIDE * sizes.sum())
        return wide

    def with_limits(self, program: BlockProgram) -> PriceBook:
        """Return the book of a program that differs in its limits alone, and has no frozen pairs."""
        book = copy(self)
        _ = book.__dict__.pop("inward", None)
        book.program = program
        book.lower = np.array([row.lower for row in program.rows])
        book.upper = np.array([row.upper for row in program.rows])
        return book

    def tightened(self) -> PriceBook:
        """Return the same book with every limit rounded inwards."""
        book = copy(self)
        book.lower, book.upper = self.inward
        return book

    def rounding_gain(self, multipliers: np.ndarray) -> float:
        """Return by how much L(λ) falls with limits rounded inwards, which loses no plan."""
        lower, upper = self.inward
        priced_up = (multipliers > 0) & np.isfinite(self.upper)
        priced_down = (multipliers < 0) & np.isfinite(self.lower)
        gain = np.concatenate(
            [
                multipliers[priced_up] * (self.upper[priced_up] - upper[priced_up]),
                multipliers[priced_down] * (self.lower[priced_down] - lower[priced_down]),
            ]
        )
        return max(0.0, math.fsum(gain) * (1 - 1e-12))

    def tight(self, bound: float, multipliers: np.ndarray) -> float:
        """Return what a bound L(λ) becomes as limits and objective can only be whole numbers of steps.

        A sum of whole numbers is one, so what is beyond the last of them below the bound is no plan's value.
        """
        bound -= self.rounding_gain(multipliers)
        if self.objective_grain == 0 or not math.isfinite(bound):
            return bound
        own = bound - self.constant  # of the pairs that are not frozen
        return min(bound, math.floor(own * (1 + 1e-12) + 1e-9) + self.constant)

    def linear_size(self, multipliers: np.ndarray) -> float:
        """Return Σ |terms| of :meth:`linear`, to bound its rounding error by.

        What the frozen pairs use counts twice: sums of a plan are rounded with them.
        """
        priced = multipliers != 0
        used = np.where(multipliers > 0, self.upper, self.lower)[priced]
        frozen = np.array([float(abs(use)) for use in self.frozen])[priced]
        return float((np.abs(multipliers[priced]) * (np.abs(used) + 2 * frozen)).sum() + abs(self.constant))

    def clip(self, multipliers: np.ndarray) -> np.ndarray:
        """Return the multipliers, zero where the side is absent or the multiplier next to nothing."""
        multipliers = np.where(np.abs(multipliers) < NOTHING, 0.0, multipliers)
        clipped = np.where(np.isfinite(self.upper), multipliers, np.minimum(multipliers, 0.0))
        return np.where(np.isfinite(self.lower), clipped, np.maximum(clipped, 0.0))
