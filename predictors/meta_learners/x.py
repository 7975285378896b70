"""X-learner: each group's outcome against what the other group's model expects of it.

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
from couponry.predictors.meta_learners.base import MetaLearner, as_probabilities
from couponry.predictors.meta_learners.t import fit_by_arm
from couponry.predictors.state import State

__all__ = ["XLearner"]


class XLearner(MetaLearner):
    """Effects imputed on both groups and averaged by their shares [1]_, one coupon after another.

    Parameters are those of :class:`~couponry.predictors.meta_learners.base.MetaLearner`.
    """

    name = "x"

    def learn(self, rows: TrainingRows, progress: Report | None = None) -> None:
        """Learn outcomes by arm, then effects on the treated and on the untreated of every coupon."""
        outcome = fit_by_arm(self.bases, rows, np.arange(rows.n), progress)
        self.without = outcome[0]
        control = np.flatnonzero(rows.arm == -1)
        self.on_treated: list[BaseLearner] = []
        self.on_control: list[BaseLearner] = []
        share = []
        for j in range(rows.arms):
            own = np.flatnonzero(rows.arm == j)
            won = rows.conversion[own] - self.without.predict(rows.x[own])
            missed = outcome[j + 1].predict(rows.x[control]) - rows.conversion[control]
            self.on_treated.append(self.bases.effect().fit(rows.x[own], won, None, rows.categorical))
            self.on_control.append(self.bases.effect().fit(rows.x[control], missed, None, rows.categorical))
            share.append(len(own) / (len(own) + len(control)))
            if progress:
                progress(Progress("training", j + 1, rows.arms, "effect by coupon"))
        self.share = np.array(share)

    def probability(self, x: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """Return the probability under every arm, float64 ``(n, J + 1)``."""
        treated = np.column_stack([model.predict(x) for model in self.on_treated])
        control = np.column_stack([model.predict(x) for model in self.on_control])
        return as_probabilities(self.without.predict(x), self.share * control + (1 - self.share) * treated)

    def learnt(self) -> State:
        """Return what was learnt of conversions."""
        state = State(arrays={"share": self.share})
        state.put("without", self.without.state())
        state.put_all("on_treated", [model.state() for model in self.on_treated])
        state.put_all("on_control", [model.state() for model in self.on_control])
        return state

    def relearn(self, state: State) -> None:
        """Take back what :meth:`learnt` gave."""
        self.share = state.arrays["share"]
        self.without = self.bases.kind.from_state(state.part("without"))
        self.on_treated = self.bases.restored(state.parts("on_treated"))
        self.on_control = self.bases.restored(state.parts("on_control"))
