"""The fairest mixture of plans that are known.

Maximises the concave F over mixtures of known totals by cutting planes (Kelley 1960, 10.1137/0108053): a cut
is a weighting w with F(V) ≤ w · V, so that all there is to solve are linear programs with a row a cut and a
column a plan. The multipliers of the cuts say by which weights the next plan should be looked for.
"""

from __future__ import annotations

import math

import highspy
import numpy as np

from couponry.instances.errors import BackendError
from couponry.solver.highs import Sparse, new_highs, pass_model, run
from couponry.solver.power_mean import Fairness

__all__ = ["Hull"]

CUTS = 200
PRECISION = 1e-10
STEPS = 60


class Hull:
    """Mixtures of known totals by group.

    Parameters
    ----------
    fairness : Fairness

    Attributes
    ----------
    best : ndarray of float64, shape (G,)
        The fairest mixture found.
    """

    def __init__(self, fairness: Fairness) -> None:
        self.fairness = fairness
        self.points: list[np.ndarray] = []
        self.cuts: list[np.ndarray] = []
        if math.isinf(fairness.alpha):
            self.cuts = list(np.diag(fairness.n / fairness.sizes))
        self.best = np.zeros(len(fairness.sizes))

    def add(self, totals: np.ndarray) -> None:
        """Add a plan's totals, ``(G,)``."""
        self.points.append(totals)
        if len(self.points) == 1 or self.fairness.value(totals) > self.fairness.value(self.best):
            self.best = totals

    def weights(self) -> np.ndarray:
        """Find the fairest mixture; return the weights at which no known plan is worth more than it."""
        if not self.cuts:
            self.cuts.append(self.fairness.gradient(self.best))
        weights = self.cuts[-1]
        for _ in range(CUTS):
            totals, level, weights = self._mixture()
            self.best = self._between(self.best, totals)
            if math.isinf(self.fairness.alpha):
                break
            reached = self.fairness.value(self.best)
            if level - reached <= PRECISION * max(abs(level), 1e-300):
                break
            # A cut in between is valid too, and stays away from the edge where slopes are infinite.
            self.cuts.append(self.fairness.gradient(0.5 * (self.best + np.maximum(totals, 0.0))))
            self.cuts.append(self.fairness.gradient(self.best))
        return self.fairness.normalised(np.maximum(weights, 0.0))

    def _mixture(self) -> tuple[np.ndarray, float, np.ndarray]:
        """Return the mixture that the cuts think the fairest, what they think of it, and their weights."""
        points = np.array(self.points)
        worth = np.array(self.cuts) @ points.T
        scale = float(np.abs(worth).max()) or 1.0
        cuts, count = worth.shape
        # Columns: each plan's share, and the level above the lowest that it could be.
        lowest = float(worth.min())
        row, column = np.indices((cuts, count)).reshape(2, -1)
        matrix = Sparse.of(
            np.concatenate([row, np.arange(cuts), np.full(count, cuts)]),
            np.concatenate([column, np.full(cuts, count), np.arange(count)]),
            np.concatenate([((worth - lowest) / scale).ravel(), -np.ones(cuts), np.ones(count)]),
            count + 1,
        )
        highs = new_highs()
        pass_model(
            highs,
            np.append(np.zeros(count), -1.0),
            np.append(np.ones(count), np.inf),
            np.append(np.zeros(cuts), 1.0),
            np.append(np.full(cuts, np.inf), 1.0),
            matrix,
        )
        if run(highs) != highspy.HighsModelStatus.kOptimal:
            raise BackendError("HiGHS did not solve the mixture of plans")
        solution = highs.getSolution()
        shares = np.array(solution.col_value)[:count]
        multipliers = np.maximum(np.array(solution.row_dual)[:cuts], 0.0)
        level = float((shares @ worth.T).min())
        return shares @ points, level, multipliers @ np.array(self.cuts)

    def _between(self, one: np.ndarray, other: np.ndarray) -> np.ndarray:
        """Return the fairest point between two, by golden section: F is concave."""
        ratio = (math.sqrt(5) - 1) / 2
        low, high = 0.0, 1.0
        left, right = high - ratio, low + ratio

        def at(step: float) -> float:
            return self.fairness.value(one + step * (other - one))

        at_left, at_right = at(left), at(right)
        for _ in range(STEPS):
            if at_left < at_right:
                low, left, at_left = left, right, at_right
                right = low + ratio * (high - low)
                at_right = at(right)
            else:
                high, right, at_right = right, left, at_left
                left = high - ratio * (high - low)
                at_left = at(left)
        candidates = [one + step * (other - one) for step in (0.0, 0.5 * (low + high), 1.0)]
        return max(candidates, key=self.fairness.value)
