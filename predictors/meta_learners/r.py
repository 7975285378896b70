"""R-learner: effects that explain what is left of the outcome by what is left of the assignment.

References
----------
.. [1] Nie, X., & Wager, S. (2021). Quasi-oracle estimation of heterogeneous treatment effects. Biometrika,
   108(2), 299-319. https://doi.org/10.1093/biomet/asaa076
.. [2] Robinson, P. M. (1988). Root-N-consistent semiparametric regression. Econometrica, 56(4), 931-954.
   https://doi.org/10.2307/1912705
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from couponry.instances.progress import Progress, Report
from couponry.predictors.learner import TrainingRows, folds_by_user
from couponry.predictors.meta_learners.base import MetaLearner, as_probabilities
from couponry.predictors.state import State

__all__ = ["RLearner"]

_LEAST_SHARE = 0.01

Floats = npt.NDArray[np.float64]


class RLearner(MetaLearner):
    """Minimise Robinson's loss [2]_ for every coupon against none [1]_.

    Among the rows of one coupon and of none, with W whether it was given, m(x) = E[y | x] and e(x) = P(W | x)
    from models that have not seen the row, the uplift τ minimises

        Σ (y − m(x) − (W − e(x)) τ(x))²,

    which is a regression of (y − m)/(W − e) with weights (W − e)².

    Parameters
    ----------
    base, seed, base_options, error_folds
        Those of :class:`~couponry.predictors.meta_learners.base.MetaLearner`.
    folds : int
        Folds of users for m, and for e where the log does not tell it.
    """

    name = "r"

    def __init__(
        self,
        base: str = "lightgbm",
        *,
        seed: int = 0,
        base_options: Mapping[str, Any] | None = None,
        folds: int = 3,
        error_folds: int = 0,
    ) -> None:
        super().__init__(base, seed=seed, base_options=base_options, error_folds=error_folds)
        self.folds = folds

    def learn(self, rows: TrainingRows, progress: Report | None = None) -> None:
        """Learn one coupon after another."""
        control = rows.arm == -1
        self.without = self.bases.probability().fit(
            rows.x[control], rows.conversion[control], None, rows.categorical
        )
        self.effects = []
        for j in range(rows.arms):
            pair = rows.take((control | (rows.arm == j)) & rows.learn_from(j))
            target, weight = self.residuals(pair, j)
            self.effects.append(self.bases.effect().fit(pair.x, target, weight, rows.categorical))
            if progress:
                progress(Progress("training", j + 1, rows.arms, "effect by coupon"))

    def residuals(self, pair: TrainingRows, coupon: int) -> tuple[Floats, Floats]:
        """Return (y − m)/(W − e) and the weights (W − e)², of mean 1, of rows of one coupon and none."""
        given = (pair.arm == coupon).astype(np.float64)
        fold = folds_by_user(pair.user, self.folds, self.bases.seed)
        expected = self._cross_fitted(pair, pair.conversion, fold)
        share = pair.pair_propensity(coupon)
        if share is None:
            share = np.clip(self._cross_fitted(pair, given, fold), _LEAST_SHARE, 1 - _LEAST_SHARE)
        left = given - share
        return (pair.conversion - expected) / left, left**2 / np.mean(left**2)

    def _cross_fitted(self, rows: TrainingRows, target: Floats, fold: npt.NDArray[np.int64]) -> Floats:
        found = np.empty(rows.n)
        for k in range(self.folds):
            out = fold != k
            model = self.bases.probability().fit(rows.x[out], target[out], None, rows.categorical)
            found[~out] = model.predict(rows.x[~out])
        return found

    def by_arm(self, x: npt.NDArray[np.float32]) -> Floats:
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
