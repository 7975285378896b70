"""Item neighbours: a user's affinity to an item from those that she took and that are taken alike.

References
----------
.. [1] Sarwar, B., Karypis, G., Konstan, J., & Riedl, J. (2001). Item-based collaborative filtering
   recommendation algorithms. WWW, 285-295. https://doi.org/10.1145/371920.372071
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import numpy.typing as npt

from couponry.predictors.state import State

__all__ = ["ItemNeighbours"]

Floats = npt.NDArray[np.float64]


class ItemNeighbours:
    """Cosine between items over log(1 + count), the nearest kept [1]_.

    Parameters
    ----------
    neighbours : int
        Other items that an item listens to.
    shrink : float
        Users in common as which a similarity of 0 counts: items that few took are alike by chance.
    """

    def __init__(self, neighbours: int = 20, shrink: float = 10.0) -> None:
        self.neighbours = neighbours
        self.shrink = shrink

    def fit(self, counts: Any) -> Self:
        """Learn how alike items are from a sparse matrix ``(users, items)``."""
        level = counts.log1p()
        product = np.asarray((level.T @ level).todense(), dtype=np.float64)
        length = np.sqrt(np.maximum(np.diag(product), 1e-12))
        taken = (counts > 0).astype(np.float64)
        common = np.asarray((taken.T @ taken).todense(), dtype=np.float64)
        alike = product / np.outer(length, length) * common / (common + self.shrink)
        np.fill_diagonal(alike, 0.0)  # what she took herself is no news of the others
        far = np.argsort(-alike, axis=1, kind="stable")[:, self.neighbours :]
        np.put_along_axis(alike, far, 0.0, axis=1)
        self.alike = alike
        return self

    def scores(self, counts: Any) -> Floats:
        """Return the affinity of users to items, float64 ``(n, items)``: the neighbours' mean level."""
        total = np.maximum(self.alike.sum(axis=1), 1e-12)
        found = np.asarray(counts.log1p() @ self.alike.T, dtype=np.float64)
        return np.asarray(found / total)

    def state(self) -> State:
        """Return what was learnt."""
        return State({"neighbours": self.neighbours, "shrink": self.shrink}, {"alike": self.alike})

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Take back what :meth:`state` gave."""
        found = cls(state.facts["neighbours"], state.facts["shrink"])
        found.alike = state.arrays["alike"]
        return found
