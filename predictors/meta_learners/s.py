"""S-learner: one model of the outcome with the arm among its inputs.

References
----------
.. [1] Künzel, S. R., Sekhon, J. S., Bickel, P. J., & Yu, B. (2019). Metalearners for estimating heterogeneous
   treatment effects using machine learning. PNAS, 116(10), 4156-4165. https://doi.org/10.1073/pnas.1804597116
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from couponry.instances.errors import require_extra
from couponry.instances.progress import Report
from couponry.predictors.learner import TrainingRows
from couponry.predictors.meta_learners.base import MetaLearner
from couponry.predictors.state import State

__all__ = ["SLearner"]


class SLearner(MetaLearner):
    """One regression of the conversion on features and arm [1]_.

    Boosted trees see the arm as one more category, a forest as an indicator of every coupon. A linear model
    sees these and a second copy of the features for each coupon, so that effects may differ between users;
    its penalty shrinks these differences towards one effect for all.

    Parameters are those of :class:`~couponry.predictors.meta_learners.base.MetaLearner`.
    """

    name = "s"

    def learn(self, rows: TrainingRows, progress: Report | None = None) -> None:
        """Learn from all rows together."""
        self.arms = rows.arms
        x = self._with_arm(rows.x, rows.arm)
        categorical = (*rows.categorical, x.shape[1] - 1) if self._as_code else ()
        self.model = self.bases.probability().fit(x, rows.conversion, None, categorical)

    def by_arm(self, x: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """Return the probability under every arm, float64 ``(n, J + 1)``."""
        columns = [
            self.model.predict(self._with_arm(x, np.full(len(x), a, np.int32))) for a in range(-1, self.arms)
        ]
        return np.column_stack(columns)

    @property
    def _as_code(self) -> bool:
        return self.bases.kind.layout == "raw"

    def _with_arm(self, x: npt.NDArray[np.float32], arm: npt.NDArray[np.int32]) -> Any:
        if self._as_code:
            return np.column_stack([x, arm + 1]).astype(np.float32)
        if self.bases.kind.finds_crosses:
            return np.hstack([x, arm[:, None] == np.arange(self.arms)]).astype(np.float32)
        sparse = require_extra("scipy.sparse", "predict")
        given = np.flatnonzero(arm >= 0)
        indicator = sparse.csr_matrix(
            (np.ones(len(given), np.float32), (given, arm[given])), shape=(len(x), self.arms)
        )
        width = x.shape[1]
        column = (arm[given].astype(np.int64)[:, None] * width + np.arange(width)).ravel()
        copies = sparse.csr_matrix(
            (x[given].ravel(), (np.repeat(given, width), column)), shape=(len(x), self.arms * width)
        )
        return sparse.hstack([sparse.csr_matrix(x), indicator, copies]).tocsr()

    def learnt(self) -> State:
        """Return what was learnt of conversions."""
        state = State({"arms": self.arms})
        state.put("model", self.model.state())
        return state

    def relearn(self, state: State) -> None:
        """Take back what :meth:`learnt` gave."""
        self.arms = int(state.facts["arms"])
        self.model = self.bases.kind.from_state(state.part("model"))
