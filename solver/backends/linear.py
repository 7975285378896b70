"""The linear relaxation over single pairs, as sparse entries."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from couponry.instances.program import Program
from couponry.solver.choice_rows import choice_rows
from couponry.solver.clock import Clock
from couponry.solver.engine import Pairs
from couponry.solver.feasibility import pair_columns
from couponry.solver.integer import eligible_pairs
from couponry.solver.prices import PriceBook

__all__ = ["LinearBackend", "LinearProgram", "Relaxed"]


@dataclass(frozen=True)
class Relaxed:
    """What a linear back end answers.

    Attributes
    ----------
    dual : ndarray of float64, shape (R,)
        What one more unit of each row's side is worth, in the program's scaled numbers; zeros without any.
        Where the back end says that no point keeps all rows, its proof of that.
    x : ndarray of float64, shape (P,), or None
        The fractional plan, up to the back end's tolerance.
    infeasible : bool
        What it claims.
    status : str
        In its own word.
    """

    dual: np.ndarray
    x: np.ndarray | None
    infeasible: bool
    status: str


class LinearBackend(Protocol):
    """A module that solves linear programs."""

    def solve_linear(self, problem: LinearProgram, clock: Clock, *, precision: float) -> Relaxed:
        """Solve to a relative precision, or stop when the clock says so."""
        ...


@dataclass(frozen=True)
class LinearProgram:
    """Maximise ``objective · x`` with ``lower ≤ A x ≤ upper`` and ``0 ≤ x ≤ 1``, one x an eligible pair.

    The program's rows stand first, each divided by its largest coefficient; below them are the users' own.

    Attributes
    ----------
    pairs : Pairs
    objective : ndarray of float64, shape (P,)
        Divided by the mean size of a pair's objective.
    row, column, value : ndarray
        The entries of A.
    lower, upper : ndarray of float64, shape (R,)
    row_scale : ndarray of float64, shape (K,)
    objective_scale : float
    """

    pairs: Pairs
    objective: np.ndarray
    row: np.ndarray
    column: np.ndarray
    value: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    row_scale: np.ndarray
    objective_scale: float

    @classmethod
    def of(
        cls, program: Program, book: PriceBook, users: np.ndarray, used: np.ndarray | None = None
    ) -> LinearProgram:
        """Write out the relaxation over some users.

        Parameters
        ----------
        program : Program
        book : PriceBook
            Its ``lower`` and ``upper`` are the rows' sides.
        users : ndarray of int
        used : ndarray of float64, shape (K,), optional
            What other users take of each row.
        """
        pairs = eligible_pairs(program, users)
        classes, coupon, columns = pair_columns(program, pairs)
        row, column, value, scale = _rule_entries(program, classes, coupon, columns)
        taken = np.zeros(book.n_rows) if used is None else used
        own = choice_rows(program.choices, pairs.user, coupon, columns.get("cost"))
        objective = program.sense * columns.get(program.objective, np.ones(len(coupon)))
        size = np.abs(objective[objective != 0])
        objective_scale = 1.0 / float(size.mean()) if len(size) else 1.0
        return cls(
            pairs,
            objective * objective_scale,
            np.concatenate([row, own.row + book.n_rows]),
            np.concatenate([column, own.pair]),
            np.concatenate([value, own.value]),
            np.concatenate([(book.lower - taken) * scale, np.full(len(own.upper), -np.inf)]),
            np.concatenate([(book.upper - taken) * scale, own.upper]),
            scale,
            objective_scale,
        )

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns, (R, P)."""
        return len(self.lower), len(self.objective)

    @cached_property
    def by_rows(self) -> np.ndarray:
        """The order that sorts the entries by row and then by column."""
        return np.lexsort((self.column, self.row))

    def multipliers(self, dual: np.ndarray) -> np.ndarray:
        """Return the rules' multipliers, ``(K,)`` in the rows' own scale, from a dual of the scaled rows."""
        found = np.where(np.isfinite(dual), dual, 0.0)
        return np.asarray(found[: len(self.row_scale)] * self.row_scale / self.objective_scale)


def _rule_entries(
    program: Program, classes: np.ndarray, coupon: np.ndarray, columns: dict[str, np.ndarray]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return the rows' entries (row, pair, value), scaled, and the scales ``(K,)``."""
    rows, pairs, values = [np.empty(0, np.int64)], [np.empty(0, np.int64)], [np.empty(0)]
    scale = np.ones(len(program.rows))
    for k, row in enumerate(program.rows):
        numbers = np.zeros(len(classes))
        for term in row.terms:
            weights = term.users[classes] * term.coupons[coupon]
            numbers += weights * columns[term.measure] if term.measure in columns else weights
        touched = np.flatnonzero(numbers)
        if len(touched):
            scale[k] = 1.0 / np.abs(numbers[touched]).max()
        rows.append(np.full(len(touched), k))
        pairs.append(touched)
        values.append(numbers[touched] * scale[k])
    return np.concatenate(rows), np.concatenate(pairs), np.concatenate(values), scale
