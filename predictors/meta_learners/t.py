"""T-learner: a model of the outcome for each arm.

References
----------
.. [1] Künzel, S. R., Sekhon, J. S., Bickel, P. J., & Yu, B. (2019). Metalearners for estimating heterogeneous
   treatment effects using machine learning. PNAS, 116(10), 4156-4165. https://doi.org/10.1073/pnas.1804597116
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from couponry.instances.progress import Progress, Report
from couponry.predictors.base_learners.base import BaseLearner
from couponry.predictors.learner import TrainingRows
from couponry.predictors.meta_learners.base import Bases, MetaLearner
from couponry.predictors.state import State

__all__ = ["TLearner", "fit_by_arm", "predict_by_arm"]


class TLearner(MetaLearner):
    """A regression of the conversion on the features for each arm, none among them [1]_.

    Parameters are those of :class:`~couponry.predictors.meta_learners.base.MetaLearner`.
    """

    name = "t"

    def learn(self, rows: TrainingRows, progress: Report | None = None) -> None:
        """Learn each arm from its own rows."""
        self.models = fit_by_arm(self.bases, rows, np.arange(rows.n), progress)

    def by_arm(self, x: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """Return the probability under every arm, float64 ``(n, J + 1)``."""
        return predict_by_arm(self.models, x)

    def learnt(self) -> State:
        """Return what was learnt of conversions."""
        state = State()
        state.put_all("models", [model.state() for model in self.models])
        return state

    def relearn(self, state: State) -> None:
        """Take back what :meth:`learnt` gave."""
        self.models = self.bases.restored(state.parts("models"))


def fit_by_arm(
    bases: Bases, rows: TrainingRows, use: npt.NDArray[np.int64], progress: Report | None = None
) -> list[BaseLearner]:
    """Fit the conversion of every arm, none first, on those of the rows at ``use`` that were given it."""
    models = []
    for a in range(-1, rows.arms):
        own = use[rows.arm[use] == a]
        models.append(bases.probability().fit(rows.x[own], rows.conversion[own], None, rows.categorical))
        if progress:
            progress(Progress("training", a + 2, rows.arms + 1, "outcome by arm"))
    return models


def predict_by_arm(models: list[BaseLearner], x: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Return the probability under every arm, float64 ``(n, J + 1)``."""
    return np.column_stack([model.predict(x) for model in models])
