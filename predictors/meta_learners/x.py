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

_ALIKE = 1e-6


class XLearner(MetaLearner):
    """Effects imputed on both groups and averaged by the propensity [1]_, one coupon after another.

    A model of one group's outcome answers only for the other group's rows, so none has seen what it
    answers for. Where the propensity differs between users and is told or estimated, a regression of it
    answers for new users.

    Parameters are those of :class:`~couponry.predictors.meta_learners.base.MetaLearner`.
    """

    name = "x"

    def learn(self, rows: TrainingRows, progress: Report | None = None) -> None:
        """Learn outcomes by arm, then effects on the treated and on the untreated of every coupon."""
        outcome = fit_by_arm(self.bases, rows, np.arange(rows.n), progress)
        self.without = outcome[0]
        self.on_treated: list[BaseLearner] = []
        self.on_control: list[BaseLearner] = []
        self.chance: list[BaseLearner] = []
        self.share = np.empty(rows.arms)
        for j in range(rows.arms):
            own = rows.take((rows.arm == j) & rows.learn_from(j))
            control = rows.take((rows.arm == -1) & rows.learn_from(j))
            won = own.conversion - self.without.predict(own.x)
            missed = outcome[j + 1].predict(control.x) - control.conversion
            self.on_treated.append(self.bases.effect().fit(own.x, won, None, rows.categorical))
            self.on_control.append(self.bases.effect().fit(control.x, missed, None, rows.categorical))
            self.share[j] = own.n / (own.n + control.n)
            self._learn_chance(rows, j)
            if progress:
                progress(Progress("training", j + 1, rows.arms, "effect by coupon"))

    def _learn_chance(self, rows: TrainingRows, coupon: int) -> None:
        """Learn the propensity of a coupon among it and none, where it differs between users."""
        chance = rows.pair_propensity(coupon)
        if chance is not None and np.ptp(chance) > _ALIKE:
            self.chance.append(self.bases.probability().fit(rows.x, chance, None, rows.categorical))

    def by_arm(self, x: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """Return the probability under every arm, float64 ``(n, J + 1)``."""
        treated = np.column_stack([model.predict(x) for model in self.on_treated])
        control = np.column_stack([model.predict(x) for model in self.on_control])
        share = np.broadcast_to(self.share, treated.shape)
        if len(self.chance) == len(self.on_treated):
            share = np.column_stack([model.predict(x) for model in self.chance])
        return as_probabilities(self.without.predict(x), share * control + (1 - share) * treated)

    def learnt(self) -> State:
        """Return what was learnt of conversions."""
        state = State(arrays={"share": self.share})
        state.put("without", self.without.state())
        state.put_all("on_treated", [model.state() for model in self.on_treated])
        state.put_all("on_control", [model.state() for model in self.on_control])
        state.put_all("chance", [model.state() for model in self.chance])
        return state

    def relearn(self, state: State) -> None:
        """Take back what :meth:`learnt` gave."""
        self.share = state.arrays["share"]
        self.without = self.bases.kind.from_state(state.part("without"))
        self.on_treated = self.bases.restored(state.parts("on_treated"))
        self.on_control = self.bases.restored(state.parts("on_control"))
        self.chance = self.bases.restored(state.parts("chance"))
