"""Newton's method on the dual of a few users: their near ties are its curvature.

L is piecewise linear, but over many users its kinks lie so dense that it behaves as a smooth function: where
prices move, those users change their mind whose best choice was nearly matched by another. Each such near tie
within a window adds d dᵀ / window to the curvature, d being the change of the rows' activity. The window
shrinks with the steps. The model's minimum over the signs that rows allow is found exactly; steps are damped
until L itself goes down (Levenberg 1944; Marquardt 1963, 10.1137/0111030).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from couponry.solver.clock import Clock
from couponry.solver.engine import Exchanges
from couponry.solver.local import LocalEngine
from couponry.solver.prices import PriceBook, Tables
from couponry.solver.quadratic import minimise_quadratic
from couponry.solver.radius import moments
from couponry.solver.scale import RowScale

__all__ = ["Newton", "NewtonAnswer"]

ITERATIONS = 60
# Steps refused one after another: how many end the search, and how many where the first of them had promised
# no more than so many times the precision.
REJECTIONS, VAIN_REJECTIONS, VAIN = 12, 3, 25.0
FIRST_DAMPING = 1e-3
# Near ties that a window should hold: enough for a curvature, few enough to be quick.
FEWEST_TIES, TIES_A_ROW, MOST_TIES, MOST_A_ROW = 400, 24, 12_000, 60


@dataclass(frozen=True)
class NewtonAnswer:
    """Where the search ended.

    Attributes
    ----------
    multipliers : ndarray of float64, shape (K,)
    value : float
        L there, over these users and the settled ones.
    activity : ndarray of float64, shape (K,)
    hessian : ndarray of float64, shape (K, K)
        Curvature in multipliers of natural size.
    width : float
        The last window.
    converged : bool
        Whether no better point was in reach; else the iterations or the time ran out.
    tables : Tables
        What these users take there.
    near : Exchanges
        The near ties there.
    share : float
        Share of the population that L speaks of.
    """

    multipliers: np.ndarray
    value: float
    activity: np.ndarray
    hessian: np.ndarray
    width: float
    converged: bool
    tables: Tables
    near: Exchanges
    share: float


@dataclass(frozen=True)
class _Point:
    """L and its model at some multipliers (of natural size)."""

    x: np.ndarray
    value: float
    activity: np.ndarray
    tables: Tables
    near: Exchanges


class Newton:
    """Minimise L over some users.

    Parameters
    ----------
    engine : LocalEngine
        Over these users.
    book : PriceBook
    scale : RowScale
    clock : Clock
    settled : Tables
        What others take whatever the price; may be empty.
    share : float
        Share of the population that is present: the rows' limits are scaled by it.
    reach : ndarray of float64, shape (K,)
        Largest size of each multiplier.
    """

    def __init__(
        self,
        engine: LocalEngine,
        book: PriceBook,
        scale: RowScale,
        clock: Clock,
        *,
        settled: Tables,
        share: float,
        reach: np.ndarray,
    ) -> None:
        self.engine, self.book, self.clock, self.share = engine, book, clock, share
        self.unit = scale.price
        self.one_user = scale.coefficient * self.unit
        self.lower, self.upper = book.lower * share * self.unit, book.upper * share * self.unit
        self.settled_activity = book.activity(settled) if settled else np.zeros(book.n_rows)
        self.settled_value = (
            engine.program.sense * float(settled[engine.program.objective].sum())
            if settled and book.with_objective
            else 0.0
        )
        self.reach = reach / self.unit
        self.objective = scale.objective
        self.few = max(FEWEST_TIES, TIES_A_ROW * book.n_rows)
        self.many = max(MOST_TIES, MOST_A_ROW * book.n_rows)

    def minimise(
        self,
        start: np.ndarray,
        *,
        width: float | None = None,
        precision: float = 1e-9,
        astray: Callable[[np.ndarray], bool] | None = None,
    ) -> NewtonAnswer:
        """Minimise L from a start.

        Parameters
        ----------
        start : ndarray, shape (K,)
        width : float, optional
            First window; by default the natural size of the objective.
        precision : float
            Stop where the model promises less than this share of L.
        astray : callable, optional
            Stop at multipliers of which this is true.
        """
        width = self.objective if width is None else width
        point = self._at(self.book.clip(start) / self.unit, width)
        width = self._fitting(point.near, width)
        damping, rejected, converged, hoped = FIRST_DAMPING, 0, False, 0.0
        hessian = self._hessian(point.near, width)
        for _ in range(ITERATIONS):
            x = self._model_minimum(point, hessian, damping)
            step = x - point.x
            promised = self._promised(point, hessian, step)
            if promised <= precision * abs(point.value):
                converged = True
                break
            hoped = promised if rejected == 0 else hoped
            other = self._at(x, max(width, 2.0 * self._spread(point.near, step)))
            won = point.value - other.value
            if won > 0.05 * promised:
                rejected = 0
                damping = damping / 4 if won > 0.5 * promised else damping
                width = self._fitting(other.near, max(0.3 * width, 1.5 * self._spread(other.near, step)))
                point, hessian = other, self._hessian(other.near, width)
                if astray is not None and astray(point.x * self.unit):
                    break
            else:
                rejected += 1
                damping = max(10 * damping, 0.05)
                point = other if won > 0 else point
            vain = hoped <= VAIN * precision * abs(point.value)
            converged = rejected >= (VAIN_REJECTIONS if vain else REJECTIONS)
            if converged or self.clock.stopped_by is not None:
                break
        return NewtonAnswer(
            point.x * self.unit,
            point.value,
            point.activity,
            hessian,
            width,
            converged,
            point.tables,
            point.near,
            self.share,
        )

    def leave_out(self, rows: np.ndarray) -> None:
        """Leave rows without a price, bool ``(K,)``."""
        self.lower, self.upper = np.where(rows, -np.inf, self.lower), np.where(rows, np.inf, self.upper)

    def step(self, found: NewtonAnswer) -> np.ndarray:
        """Return a sample's multipliers after one step by these users' slope and the sample's curvature."""
        x = found.multipliers / self.unit
        tables = self.engine.demand(self.book.scores(found.multipliers)).tables
        activity = self.settled_activity + self.book.activity(tables)
        point = _Point(x, math.nan, activity, tables, found.near)
        hessian = found.hessian * (self.share / found.share)
        return np.asarray(self._model_minimum(point, hessian, FIRST_DAMPING) * self.unit)

    def _at(self, x: np.ndarray, width: float) -> _Point:
        demand, near = self.engine.exchanges(self.book.scores(x * self.unit), width)
        activity = self.settled_activity + self.book.activity(demand.tables)
        fixed = self.settled_value - float((x * self.unit) @ self.settled_activity)
        limits = np.where(x > 0, self.upper, np.where(x < 0, self.lower, 0.0))
        value = demand.total + fixed + float(x @ np.where(x == 0, 0.0, limits))
        return _Point(x, value, activity, demand.tables, near)

    def _fitting(self, near: Exchanges, width: float) -> float:
        """Return a window that holds neither too few nor too many of the near ties seen."""
        n = len(near.loss)
        inside = int((near.loss < width).sum())
        if self.few <= inside <= self.many or n == 0:
            return width
        wanted = min(self.few if inside < self.few else self.many, n) - 1
        return float(max(np.partition(near.loss, wanted)[wanted], 1e-12 * self.objective))

    def _spread(self, near: Exchanges, step: np.ndarray) -> float:
        """Return how far a step moves typical near ties."""
        if not len(near.loss):
            return 0.0
        few = slice(None, None, max(1, len(near.loss) // 2000))
        tables = self.book.changes(step * self.unit)
        moved = near.worth(self.engine.program, tables, few)
        return float(np.sqrt(np.mean(moved**2)))

    def _hessian(self, near: Exchanges, width: float) -> np.ndarray:
        """Return the curvature in multipliers of natural size, ``(K, K)``."""
        inside = near.loss < width
        weight = np.where(inside, 1.0 - near.loss / width, 0.0) / width
        near, weight = near.take(inside), weight[inside]
        hessian = moments(self.book.basis, near, weight, self.unit)
        # A row without a near tie in the window has at least that of one user.
        floor = 0.1 * self.one_user**2 / width
        hessian[np.diag_indices_from(hessian)] += np.where(np.diag(hessian) < floor, floor, 0.0)
        return np.asarray(hessian)

    def _model_minimum(self, point: _Point, hessian: np.ndarray, damping: float) -> np.ndarray:
        damped = hessian + damping * np.diag(np.diag(hessian))
        x = minimise_quadratic(damped, -point.activity * self.unit, point.x, self.lower, self.upper)
        return np.asarray(np.clip(x, -self.reach, self.reach))

    def _promised(self, point: _Point, hessian: np.ndarray, step: np.ndarray) -> float:
        """Return by how much the model says that L falls."""

        def limits(x: np.ndarray) -> float:
            used = np.where(x > 0, self.upper, self.lower)
            return math.fsum(x[x != 0] * used[x != 0])

        linear = -float((point.activity * self.unit) @ step) + limits(point.x + step) - limits(point.x)
        return -(linear + 0.5 * float(step @ hessian @ step))
