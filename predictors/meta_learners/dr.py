"""DR-learner: a regression of doubly robust scores, outcome models cross-fitted.

References
----------
.. [1] Kennedy, E. H. (2023). Towards optimal doubly robust estimation of heterogeneous causal effects.
   Electronic Journal of Statistics, 17(2), 3008-3049. https://doi.org/10.1214/23-EJS2157
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from couponry.instances.progress import Progress, Report
from couponry.predictors.learner import TrainingRows, folds_by_user
from couponry.predictors.meta_learners.base import MetaLearner, as_probabilities
from couponry.predictors.meta_learners.t import fit_by_arm, predict_by_arm
from couponry.predictors.state import State

__all__ = ["DRLearner"]


class DRLearner(MetaLearner):
    """Regress, for every coupon, the doubly robust score on the features [1]_.

    With μ from models fitted on other folds, e the propensity of the given arm A, and ψ_a = μ_a +
    1{A=a}(y − μ_a)/e, the score of coupon j is ψ_j − ψ_none; its mean given the features is the uplift
    when either μ or e is right.

    Parameters
    ----------
    base, seed, base_options, error_folds
        Those of :class:`~couponry.predictors.meta_learners.base.MetaLearner`.
    folds : int
        Folds of users for μ.
    least_propensity : float
        Smaller propensities count as this one: a little bias for much less variance.
    """

    name = "dr"

    def __init__(
        self,
        base: str = "lightgbm",
        *,
        seed: int = 0,
        base_options: Mapping[str, Any] | None = None,
        folds: int = 3,
        least_propensity: float = 0.01,
        error_folds: int = 0,
    ) -> None:
        super().__init__(base, seed=seed, base_options=base_options, error_folds=error_folds)
        self.folds = folds
        self.least_propensity = least_propensity

    def learn(self, rows: TrainingRows, progress: Report | None = None) -> None:
        """Cross-fit outcomes, then learn every coupon's effect from all rows that overlap."""
        scores = self.scores(rows, progress)
        control = np.flatnonzero(rows.arm == -1)
        self.without = self.bases.probability().fit(
            rows.x[control], rows.conversion[control], None, rows.categorical
        )
        self.effects = []
        for j in range(rows.arms):
            own = rows.learn_from(j)
            score = (scores[:, j + 1] - scores[:, 0])[own]
            self.effects.append(self.bases.effect().fit(rows.x[own], score, None, rows.categorical))
            if progress:
                progress(Progress("training", j + 1, rows.arms, "effect by coupon"))

    def scores(self, rows: TrainingRows, progress: Report | None = None) -> npt.NDArray[np.float64]:
        """Return the doubly robust score ψ of every row and arm, none first, float64 ``(n, J + 1)``."""
        fold = folds_by_user(rows.user, self.folds, self.bases.seed)
        scores = np.empty((rows.n, rows.arms + 1))
        for k in range(self.folds):
            models = fit_by_arm(self.bases, rows, np.flatnonzero(fold != k))
            scores[fold == k] = predict_by_arm(models, rows.x[fold == k])
            if progress:
                progress(Progress("training", k + 1, self.folds, "outcome by fold"))
        each, given = np.arange(rows.n), rows.arm + 1
        propensity = np.maximum(rows.propensity, self.least_propensity)
        scores[each, given] += (rows.conversion - scores[each, given]) / propensity
        return scores

    def by_arm(self, x: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """Return the probability under every arm, float64 ``(n, J + 1)``."""
        uplift = np.column_stack([model.predict(x) for model in self.effects])
        return as_probabilities(self.without.predict(x), uplift)

    def learnt(self) -> State:
        """Return what was learnt of conversions."""
        state = State()
        state.put("without", self.without.state())
        state.put_all("effects", [model.state() for model in self.effects])
        return state

    def relearn(self, state: State) -> None:
        """Take back what :meth:`learnt` gave."""
        self.without = self.bases.kind.from_state(state.part("without"))
        self.effects = self.bases.restored(state.parts("effects"))
