"""User neighbours: under every arm, what the users most alike did who were given it; a baseline.

References
----------
.. [1] Herlocker, J. L., Konstan, J. A., Borchers, A., & Riedl, J. (1999). An algorithmic framework for
   performing collaborative filtering. SIGIR, 230-237. https://doi.org/10.1145/312624.312682
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from couponry.instances.errors import InputError
from couponry.instances.progress import Report
from couponry.predictors.conversion import ConversionLearner
from couponry.predictors.learner import TrainingRows
from couponry.predictors.state import State

__all__ = ["UserNeighbours"]

Floats = npt.NDArray[np.float64]
Inputs = npt.NDArray[np.float32]

_USERS_AT_ONCE = 2000


class UserNeighbours(ConversionLearner):
    """P(y = 1 | x, arm): conversions of the arm's rows nearest by cosine, weighted by it [1]_.

    What is alike is read off all features, those from past redemptions among them
    (:class:`~couponry.predictors.collaborative.columns.CollaborativeColumns`).

    Parameters
    ----------
    seed, error_folds : int
        See :class:`~couponry.predictors.conversion.ConversionLearner`.
    neighbours : int
        Rows of each arm that are asked.
    shrink : float
        Weight of the arm's average beside them.
    references : int
        Rows of each arm that are kept, drawn by lot: each user is compared with all of them.
    """

    name = "neighbours"

    def __init__(
        self,
        *,
        seed: int = 0,
        neighbours: int = 200,
        shrink: float = 20.0,
        references: int = 4000,
        error_folds: int = 0,
    ) -> None:
        super().__init__(seed=seed, error_folds=error_folds)
        if references < neighbours:
            raise InputError(
                "there must be as many references as neighbours",
                parameter="neighbours",
                value=neighbours,
                mend=f"Give a number from 1 to {references}",
            )
        self.neighbours = neighbours
        self.shrink = shrink
        self.references = references

    def learn(self, rows: TrainingRows, progress: Report | None = None) -> None:
        """Keep some rows of every arm."""
        draw = np.random.default_rng(self.seed)
        self.rows: list[Inputs] = []
        self.outcomes: list[Floats] = []
        self.average = np.empty(rows.arms + 1)
        for a in range(-1, rows.arms):
            own = np.flatnonzero(rows.arm == a)
            kept = np.sort(draw.permutation(own)[: self.references])
            self.rows.append(_unit(rows.x[kept]))
            self.outcomes.append(rows.conversion[kept])
            self.average[a + 1] = rows.conversion[own].mean()

    def probability(self, x: Inputs, known: npt.NDArray[np.int64], coupons: Inputs) -> Floats:
        """Return the probability under none and the coupons at ``known``; attributes are not used."""
        arms = np.append(0, known + 1)
        found = np.empty((len(x), len(arms)))
        for first in range(0, len(x), _USERS_AT_ONCE):
            batch = slice(first, first + _USERS_AT_ONCE)
            asked = _unit(x[batch])
            for column, a in enumerate(arms):
                found[batch, column] = self._answer(asked, int(a))
        return found

    def _answer(self, asked: Inputs, arm: int) -> Floats:
        alike = asked @ self.rows[arm].T
        count = min(self.neighbours, alike.shape[1])
        near = np.argpartition(-alike, count - 1, axis=1)[:, :count]
        weight = np.maximum(np.take_along_axis(alike, near, axis=1), 0.0).astype(np.float64)
        total = (weight * self.outcomes[arm][near]).sum(axis=1) + self.shrink * self.average[arm]
        return np.asarray(total / (weight.sum(axis=1) + self.shrink), dtype=np.float64)

    def learnt(self) -> State:
        """Return the rows that were kept."""
        arrays: dict[str, npt.NDArray[Any]] = {"average": self.average}
        for a, (rows, outcomes) in enumerate(zip(self.rows, self.outcomes, strict=True)):
            arrays |= {f"rows {a}": rows, f"outcomes {a}": outcomes}
        return State(arrays=arrays)

    def relearn(self, state: State) -> None:
        """Take back what :meth:`learnt` gave."""
        self.average = state.arrays["average"]
        self.rows = [state.arrays[f"rows {a}"] for a in range(len(self.average))]
        self.outcomes = [state.arrays[f"outcomes {a}"] for a in range(len(self.average))]


def _unit(x: Inputs) -> Inputs:
    """Return rows of length 1, so that products are cosines."""
    length = np.sqrt((x**2).sum(axis=1, keepdims=True))
    return np.asarray(x / np.maximum(length, 1e-12), dtype=np.float32)
