"""Matrix factorisation with biases: level(user, item) = μ + b_user + b_item + p_user · q_item.

References
----------
.. [1] Koren, Y., Bell, R., & Volinsky, C. (2009). Matrix factorization techniques for recommender systems.
   Computer, 42(8), 30-37. https://doi.org/10.1109/MC.2009.263
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import numpy.typing as npt

from couponry.instances.errors import InputError
from couponry.predictors.state import State

__all__ = ["MatrixFactors"]

Floats = npt.NDArray[np.float64]


class MatrixFactors:
    """Alternating least squares over all cells of log(1 + count) [1]_.

    A cell without a redemption is a zero, not a gap: that a user left an item is known. All weigh alike,
    so each half-step is one small linear system, and a new user's vector follows from her history at once.

    Parameters
    ----------
    rank : int
        Length of the vectors; at most the number of items.
    penalty : float
        Weight of the squared vectors and biases of a user, or of an item, against her cells.
    rounds : int
    seed : int
    """

    def __init__(self, rank: int = 8, penalty: float = 3.0, rounds: int = 15, seed: int = 0) -> None:
        if rank < 0 or rounds < 1:
            name, value = ("rank", rank) if rank < 0 else ("rounds", rounds)
            raise InputError("too small to factorise with", parameter=name, value=value)
        self.rank = rank
        self.penalty = penalty
        self.rounds = rounds
        self.seed = seed

    def fit(self, counts: Any) -> Self:
        """Learn from a sparse matrix ``(users, items)``."""
        level = counts.log1p()
        rank = min(self.rank, level.shape[1])
        self.mean = float(level.mean())
        self.item_bias = np.asarray(level.mean(axis=0)).ravel() - self.mean
        self.item_vectors = np.random.default_rng(self.seed).normal(0, 0.1, (level.shape[1], rank))
        for _ in range(self.rounds):
            vectors, bias = self._users(level)
            self._fit_items(level, vectors, bias)
        return self

    def _users(self, level: Any) -> tuple[Floats, Floats]:
        """Return vectors ``(n, rank)`` and biases ``(n,)`` of users by their levels."""
        side = np.column_stack([self.item_vectors, np.ones(len(self.item_bias))])
        right = level @ side - (self.mean + self.item_bias) @ side
        both = np.asarray(right @ np.linalg.inv(self._gram(side)), dtype=np.float64)
        return both[:, :-1], both[:, -1]

    def _fit_items(self, level: Any, vectors: Floats, bias: Floats) -> None:
        side = np.column_stack([vectors, np.ones(len(bias))])
        right = np.asarray(level.T @ side) - (self.mean + bias) @ side
        both = right @ np.linalg.inv(self._gram(side))
        self.item_vectors, self.item_bias = both[:, :-1], both[:, -1]

    def _gram(self, side: Floats) -> Floats:
        return side.T @ side + self.penalty * np.eye(side.shape[1])

    def users(self, counts: Any) -> tuple[Floats, Floats]:
        """Return vectors ``(n, rank)`` and biases ``(n,)`` of users by their histories, also of new ones."""
        return self._users(counts.log1p())

    def scores(self, counts: Any) -> Floats:
        """Return the expected level of users and items, float64 ``(n, items)``."""
        vectors, bias = self.users(counts)
        return self.mean + bias[:, None] + self.item_bias + vectors @ self.item_vectors.T

    def state(self) -> State:
        """Return what was learnt."""
        facts = {
            "rank": self.rank,
            "penalty": self.penalty,
            "rounds": self.rounds,
            "seed": self.seed,
            "mean": self.mean,
        }
        return State(facts, {"item_bias": self.item_bias, "item_vectors": self.item_vectors})

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Take back what :meth:`state` gave."""
        facts = dict(state.facts)
        mean = facts.pop("mean")
        found = cls(**facts)
        found.mean = mean
        found.item_bias, found.item_vectors = state.arrays["item_bias"], state.arrays["item_vectors"]
        return found
