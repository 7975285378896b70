"""Gradient-boosted trees (LightGBM).

References
----------
.. [1] Ke, G., et al. (2017). LightGBM: a highly efficient gradient boosting decision tree. NeurIPS 30.
"""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from couponry.instances.errors import InputError, require_extra
from couponry.predictors.cores import spare_cores
from couponry.predictors.features import Layout
from couponry.predictors.state import State

__all__ = ["Trees"]

_LEAST_LEAF, _MOST_LEAF = 20, 200


class Trees:
    """LightGBM [1]_, deterministic.

    Parameters
    ----------
    logistic : bool
        Targets in [0, 1] under cross-entropy, else any target under squared error.
    seed : int
    trees, leaves : int
    learning_rate : float
    leaf_rows : int, optional
        Rows a leaf needs; by default a hundredth of all, between 20 and 200.
    """

    layout: ClassVar[Layout] = "raw"
    finds_crosses: ClassVar[bool] = True

    def __init__(
        self,
        logistic: bool,
        *,
        seed: int = 0,
        trees: int = 100,
        leaves: int = 8,
        learning_rate: float = 0.05,
        leaf_rows: int | None = None,
    ) -> None:
        self.logistic = logistic
        self.seed = seed
        self.trees = trees
        self.leaves = leaves
        self.learning_rate = learning_rate
        self.leaf_rows = leaf_rows
        self._lightgbm = require_extra("lightgbm", "predict")

    def fit(
        self,
        x: npt.NDArray[np.float32],
        y: npt.NDArray[np.float64],
        weight: npt.NDArray[np.float64] | None = None,
        categorical: tuple[int, ...] = (),
    ) -> Self:
        """Grow the trees."""
        data = self._lightgbm.Dataset(
            x, y, weight=weight, categorical_feature=list(categorical), params={"verbose": -1}
        )
        self._booster = self._lightgbm.train(self._options(len(y)), data, num_boost_round=self.trees)
        return self

    def _options(self, rows: int) -> dict[str, Any]:
        return {
            "objective": "cross_entropy" if self.logistic else "regression",
            "num_leaves": self.leaves,
            "learning_rate": self.learning_rate,
            "min_data_in_leaf": self.leaf_rows or int(np.clip(rows // 100, _LEAST_LEAF, _MOST_LEAF)),
            "min_data_per_group": 50,
            "cat_smooth": 20.0,
            "seed": self.seed,
            "num_threads": spare_cores(),
            "deterministic": True,
            "force_row_wise": True,
            "verbose": -1,
        }

    def predict(self, x: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """Return the mean of every row."""
        return np.asarray(self._booster.predict(x, num_threads=spare_cores()), dtype=np.float64)

    def state(self) -> State:
        """Return the trees in LightGBM's own text format."""
        return State({"logistic": self.logistic}, texts={"trees": self._booster.model_to_string()})

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Take back what :meth:`state` gave."""
        learner = cls(bool(state.facts["logistic"]))
        try:
            learner._booster = learner._lightgbm.Booster(model_str=state.texts["trees"])
        except learner._lightgbm.basic.LightGBMError as error:
            raise InputError(f"the trees of the model are damaged: {error}") from error
        return learner
