"""Groups of alike users (k-means).

References
----------
.. [1] Arthur, D., & Vassilvitskii, S. (2007). k-means++: The advantages of careful seeding. Proceedings of
   the 18th ACM-SIAM Symposium on Discrete Algorithms, 1027-1035. https://doi.org/10.5555/1283383.1283494
"""

from __future__ import annotations

from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from couponry.predictors.features import FeatureEncoder
from couponry.predictors.state import State

__all__ = ["Segments"]


class Segments:
    """k-means [1]_ over standardised profile columns.

    Parameters
    ----------
    segments : int
        Groups; fewer where training has fewer distinct users.
    seed : int

    Attributes
    ----------
    centres : ndarray of float32, shape (k, d)
        Of the largest group first.
    """

    def __init__(self, segments: int = 5, seed: int = 0) -> None:
        self.segments = segments
        self.seed = seed
        self.centres: npt.NDArray[np.float32] = np.zeros((0, 0), dtype=np.float32)
        self.encoder = FeatureEncoder()

    def fit(self, columns: pd.DataFrame) -> Self:
        """Learn the groups from the profile columns of training users."""
        from sklearn.cluster import KMeans

        money = {name: "money" for name in ("money", "money an order") if name in columns}
        # Scores say again what recency, frequency and money say.
        again = [n for n in columns.columns if n == "rfm" or str(n).endswith(" score")]
        numbers = columns.drop(columns=again)
        self.encoder = FeatureEncoder(money).fit(numbers)
        x = self.encoder.encode(numbers)
        groups = min(self.segments, len(np.unique(x, axis=0)))
        found = KMeans(groups, n_init=10, random_state=self.seed).fit(x)
        size = np.bincount(found.labels_, minlength=groups)
        self.centres = found.cluster_centers_[np.argsort(-size, kind="stable")].astype(np.float32)
        return self

    def column(self, columns: pd.DataFrame) -> pd.Series:
        """Return every user's group, ``"group 1"`` being the largest of training."""
        from sklearn.metrics import pairwise_distances_argmin

        nearest = pairwise_distances_argmin(self.encoder.encode(columns), self.centres)
        return pd.Series([f"group {k + 1}" for k in nearest], name="segment")

    def state(self) -> State:
        """Return what was learnt."""
        state = State({}, {"centres": self.centres})
        state.put("encoder", self.encoder.state())
        return state

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Take back what :meth:`state` gave."""
        own = cls(len(state.arrays["centres"]))
        own.centres = state.arrays["centres"]
        own.encoder = FeatureEncoder.from_state(state.part("encoder"))
        return own
