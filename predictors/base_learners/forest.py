"""Random forests (scikit-learn).

References
----------
.. [1] Breiman, L. (2001). Random forests. Machine Learning, 45(1), 5-32.
   https://doi.org/10.1023/A:1010933404324
"""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numba
import numpy as np
import numpy.typing as npt

from couponry.instances.errors import require_extra
from couponry.predictors.cores import spare_cores
from couponry.predictors.features import Layout
from couponry.predictors.state import State

__all__ = ["Forest"]

_LEAST_LEAF, _MOST_LEAF = 10, 200
_ARRAYS = ("first", "left", "right", "feature", "threshold", "mean")


class Forest:
    """A forest of deep regression trees [1]_; a probability is the mean of zeros and ones.

    Parameters
    ----------
    logistic : bool
        Targets in [0, 1]; the mean of a leaf is one too, so nothing else differs.
    seed : int
    trees : int
    leaf_rows : int, optional
        Rows a leaf needs; by default a two-hundredth of all, between 10 and 200.
    columns : float
        Share of the columns tried at each split.
    """

    layout: ClassVar[Layout] = "standard"
    finds_crosses: ClassVar[bool] = True

    def __init__(
        self,
        logistic: bool,
        *,
        seed: int = 0,
        trees: int = 100,
        leaf_rows: int | None = None,
        columns: float = 0.5,
    ) -> None:
        self.logistic = logistic
        self.seed = seed
        self.trees = trees
        self.leaf_rows = leaf_rows
        self.columns = columns

    def fit(
        self,
        x: npt.NDArray[np.float32],
        y: npt.NDArray[np.float64],
        weight: npt.NDArray[np.float64] | None = None,
        categorical: tuple[int, ...] = (),
    ) -> Self:
        """Grow the trees and keep their nodes as arrays."""
        ensemble = require_extra("sklearn.ensemble", "predict")
        leaf = self.leaf_rows or int(np.clip(len(y) // 200, _LEAST_LEAF, _MOST_LEAF))
        grown = ensemble.RandomForestRegressor(
            self.trees,
            min_samples_leaf=min(leaf, max(1, len(y) // 2)),
            max_features=self.columns,
            random_state=self.seed,
            n_jobs=spare_cores(),
        ).fit(x, y, sample_weight=weight)
        trees = [one.tree_ for one in grown.estimators_]
        self.nodes = {
            "first": np.cumsum([0, *(tree.node_count for tree in trees)], dtype=np.int64),
            "left": _joined([tree.children_left for tree in trees], np.int32),
            "right": _joined([tree.children_right for tree in trees], np.int32),
            "feature": _joined([tree.feature for tree in trees], np.int32),
            "threshold": _joined([tree.threshold for tree in trees], np.float64),
            "mean": _joined([tree.value[:, 0, 0] for tree in trees], np.float64),
        }
        return self

    def predict(self, x: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """Return the trees' mean for every row."""
        found: npt.NDArray[np.float64] = _fall(
            np.ascontiguousarray(x, dtype=np.float32), *(self.nodes[name] for name in _ARRAYS)
        )
        return found

    def state(self) -> State:
        """Return every tree's nodes, one tree after another."""
        return State({"logistic": self.logistic}, dict(self.nodes))

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Take back what :meth:`state` gave."""
        learner = cls(bool(state.facts["logistic"]))
        learner.nodes = {name: state.arrays[name] for name in _ARRAYS}
        return learner


def _joined(parts: list[Any], dtype: Any) -> npt.NDArray[Any]:
    return np.concatenate(parts).astype(dtype)


@numba.njit(cache=True)
def _fall(
    x: npt.NDArray[np.float32],
    first: npt.NDArray[np.int64],
    left: npt.NDArray[np.int32],
    right: npt.NDArray[np.int32],
    feature: npt.NDArray[np.int32],
    threshold: npt.NDArray[np.float64],
    mean: npt.NDArray[np.float64],
) -> npt.NDArray[np.float64]:
    """Let every row fall through every tree; always in the same order, so that sums are the same."""
    total = np.zeros(len(x))
    for tree in range(len(first) - 1):
        root = first[tree]
        for i in range(len(x)):
            node = root
            while left[node] >= 0:
                below = np.float64(x[i, feature[node]]) <= threshold[node]
                node = root + (left[node] if below else right[node])
            total[i] += mean[node]
    return total / (len(first) - 1)
