"""Boosted trees over users and coupons together, one forest a fold of the rows.

A coupon enters by its attributes, an indicator of its own and one that any coupon was given, so that what is
learnt of one coupon counts for those alike. Each booster has not seen one fold of the users: there it judges
honestly; elsewhere all are averaged.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import numpy.typing as npt

from couponry.predictors.base_learners.trees import Trees
from couponry.predictors.stack.walk import Walk, read_trees
from couponry.predictors.state import State

__all__ = ["Boosted"]

Floats = npt.NDArray[np.float64]

_MOST_ROWS = 300_000
_CHUNK = 20_000


class Boosted:
    """P(conversion | user, arm) by gradient-boosted trees.

    Parameters
    ----------
    seed : int
    trees : int
    """

    def __init__(self, seed: int = 0, trees: int = 80) -> None:
        self.seed = seed
        self.trees = trees
        self._walks: tuple[npt.NDArray[np.float32], list[Walk]] | None = None

    def fit(
        self,
        x: npt.NDArray[np.float32],
        arm: npt.NDArray[np.int32],
        y: Floats,
        attributes: npt.NDArray[np.float32],
        fold: npt.NDArray[np.int64],
    ) -> Self:
        """Grow a booster without each fold, on at most 300,000 rows.

        Parameters
        ----------
        x : ndarray of float32, shape (n, d)
        arm : ndarray of int32, shape (n,)
            −1 for none.
        y : ndarray of float64, shape (n,)
        attributes : ndarray of float32, shape (J, c)
        fold : ndarray of int64, shape (n,)
        """
        table = _arms(np.arange(len(attributes)), attributes, len(attributes))
        rng = np.random.default_rng(self.seed)
        self.boosters = []
        for k in range(int(fold.max()) + 1):
            rows = np.flatnonzero(fold != k)
            if len(rows) > _MOST_ROWS:
                rows = np.sort(rng.permutation(rows)[:_MOST_ROWS])
            booster = Trees(logistic=True, seed=self.seed + k, **self._options(len(rows)))
            self.boosters.append(booster.fit(np.hstack([x[rows], table[arm[rows] + 1]]), y[rows]))
        self.coupons = len(attributes)
        self._read()
        return self

    def _options(self, rows: int) -> dict[str, Any]:
        leaves = int(np.clip(rows // 5000, 6, 16))
        return {"trees": self.trees, "leaves": leaves, "learning_rate": 0.08}

    def predict(
        self, x: npt.NDArray[np.float32], known: npt.NDArray[np.int64], attributes: npt.NDArray[np.float32]
    ) -> Floats:
        """Return probabilities under none and S coupons, new ones (−1) by attributes, ``(n, S + 1)``."""
        table = _arms(known, attributes, self.coupons)
        held = self._walks
        if held is None or not np.array_equal(held[0], table):  # users come in many batches
            held = self._walks = table, [Walk(trees, table, x.shape[1]) for trees in self._trees]
        return np.asarray(np.mean([_sigmoid(walk(x)) for walk in held[1]], axis=0))

    def _read(self) -> None:
        self._walks = None
        self._trees = [read_trees([booster.state().texts["trees"]]) for booster in self.boosters]

    def unseen(
        self, x: npt.NDArray[np.float32], attributes: npt.NDArray[np.float32], fold: npt.NDArray[np.int64]
    ) -> Floats:
        """Return the training rows' probabilities by the booster without their fold, ``(n, J + 1)``."""
        table = _arms(np.arange(self.coupons), attributes, self.coupons)
        out = np.empty((len(x), self.coupons + 1))
        for k, trees in enumerate(self._trees):
            walk = Walk(trees, table, x.shape[1])
            rows = np.flatnonzero(fold == k)
            for first in range(0, len(rows), _CHUNK):
                some = rows[first : first + _CHUNK]
                out[some] = _sigmoid(walk(x[some]))
        return out

    def state(self) -> State:
        """Return the trees."""
        state = State({"seed": self.seed, "trees": self.trees, "coupons": self.coupons})
        state.put_all("boosters", [booster.state() for booster in self.boosters])
        return state

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Take back what :meth:`state` gave."""
        model = cls(int(state.facts["seed"]), int(state.facts["trees"]))
        model.coupons = int(state.facts["coupons"])
        model.boosters = [Trees.from_state(part) for part in state.parts("boosters")]
        model._read()
        return model


def _arms(
    known: npt.NDArray[np.int64], attributes: npt.NDArray[np.float32], coupons: int
) -> npt.NDArray[np.float32]:
    """Return what trees see of none and of S coupons, ``(S + 1, c + J + 1)``; none is all noughts."""
    own = np.zeros((len(known), coupons), np.float32)
    old = np.flatnonzero(known >= 0)
    own[old, known[old]] = 1
    given = np.hstack([attributes, own, np.ones((len(known), 1), np.float32)])
    return np.vstack([np.zeros((1, given.shape[1]), np.float32), given])


def _sigmoid(score: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-score)))
