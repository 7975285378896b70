"""Natural sizes of rows and objective, so that solvers see numbers near one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from couponry.instances.program import Program
from couponry.solver.prices import PriceBook

__all__ = ["RowScale", "measure_scale"]


@dataclass(frozen=True)
class RowScale:
    """Natural sizes, so that HiGHS sees numbers near one.

    Attributes
    ----------
    coefficient : ndarray of float64, shape (K,)
        Mean size of a row's coefficients.
    objective : float
        Mean size of a pair's objective.
    """

    coefficient: np.ndarray
    objective: float

    @property
    def price(self) -> np.ndarray:
        """Natural size of each multiplier."""
        return self.objective / self.coefficient


def measure_scale(program: Program, book: PriceBook, users: np.ndarray) -> RowScale:
    """Return the natural sizes of rows and objective, seen on some users."""
    value = program.columns["value"][users]
    usable = ~np.isnan(value) if program.coupon is None else ~np.isnan(value) & (program.coupon[users] >= 0)
    row, place = np.nonzero(usable)
    user = users[row]
    coupon = place if program.coupon is None else program.coupon[user, place]
    columns = {m: a[user, place].astype(np.float64) for m, a in program.columns.items()}
    sums, counts = np.zeros(book.n_rows), np.zeros(book.n_rows)
    for part in np.array_split(np.arange(len(user)), max(1, len(user) // 20_000)):
        matrix = np.abs(
            book.coefficients(
                {m: c[part] for m, c in columns.items()}, program.classes.codes[user[part]], coupon[part]
            )
        )
        sums += matrix.sum(axis=1)
        counts += (matrix > 0).sum(axis=1)
    size = np.divide(sums, counts, out=np.zeros_like(sums), where=counts > 0)
    weights = np.array([max(np.abs(t.weights()).max(initial=0.0) for t in row.terms) for row in program.rows])
    size = np.where(size > 0, size, np.where(weights > 0, weights, 1.0))
    objective = np.abs(columns.get(program.objective, np.ones(len(user))))
    objective = objective[objective > 0]
    return RowScale(size, float(objective.mean()) if len(objective) else 1.0)
