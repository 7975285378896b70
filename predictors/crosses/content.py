"""Content-based response: a coupon's effect is what its attributes mean to the user's interests, and no more.

References
----------
.. [1] Pazzani, M. J., & Billsus, D. (2007). Content-based recommendation systems. The Adaptive Web, 325-341.
   https://doi.org/10.1007/978-3-540-72079-9_10
.. [2] Kennedy, E. H. (2023). Towards optimal doubly robust estimation of heterogeneous causal effects.
   Electronic Journal of Statistics, 17(2), 3008-3049. https://doi.org/10.1214/23-EJS2157
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from couponry.instances.progress import Progress, Report
from couponry.predictors.base_learners.linear import Linear
from couponry.predictors.conversion import ConversionLearner
from couponry.predictors.learner import TrainingRows, folds_by_user
from couponry.predictors.meta_learners.base import as_probabilities
from couponry.predictors.meta_learners.dr import DRLearner
from couponry.predictors.state import State

__all__ = ["ContentResponse"]

Floats = npt.NDArray[np.float64]
Inputs = npt.NDArray[np.float32]

_PENALTIES = tuple(10.0**power for power in range(7))
_AVERAGE = 10.0  # the constant of users and of coupons is hardly penalised


class ContentResponse(ConversionLearner):
    """uplift(x, j) = (1, x)ᵀ W (1, c_j): user features × attributes, all coupons in one regression [1]_.

    The target of a row and coupon is its doubly robust score [2]_, so that the same W is learnt from every
    row and coupon, and nothing is known of a coupon but its attributes: a new one is answered as others
    are.
    The ridge penalty of W is chosen by cross-validation.

    Parameters
    ----------
    seed, error_folds : int
        See :class:`~couponry.predictors.conversion.ConversionLearner`.
    folds : int
        Folds of users, of the outcome models and of the choice of the penalty.
    base_options : mapping, optional
        Of the linear outcome models.
    """

    name = "content"
    from_attributes = True

    def __init__(
        self,
        *,
        seed: int = 0,
        folds: int = 3,
        base_options: Mapping[str, Any] | None = None,
        error_folds: int = 0,
    ) -> None:
        super().__init__(seed=seed, error_folds=error_folds)
        self.scorer = DRLearner("sklearn", seed=seed, base_options=base_options, folds=folds)

    def learn(self, rows: TrainingRows, progress: Report | None = None) -> None:
        """Score all rows under every coupon, then regress the scores."""
        scores = self.scorer.scores(rows, progress)
        control = rows.arm == -1
        self.without = Linear(logistic=True).fit(rows.x[control], rows.conversion[control])
        self.middle = rows.coupons.astype(np.float64).mean(axis=0) if rows.arms else np.zeros(0)
        use = np.ones(rows.n, dtype=np.bool_) if rows.kept is None else rows.kept.all(axis=1)
        x, z = _with_constant(rows.x[use]), self._attributes(rows.coupons)
        target = scores[use, 1:] - scores[use, :1]
        fold = folds_by_user(rows.user[use], self.scorer.folds, self.seed)
        self.penalty = _best_penalty(x, z, target, fold)
        self.crosses = _kronecker_ridge(x, z, target, [self.penalty])[0]
        if progress:
            progress(Progress("training", 1, 1, "effects by attribute"))

    def _attributes(self, coupons: npt.NDArray[np.floating]) -> Floats:
        return _with_constant(coupons - self.middle)

    def probability(self, x: Inputs, known: npt.NDArray[np.int64], coupons: Inputs) -> Floats:
        """Return the probability under none and S coupons, known or new."""
        uplift = _with_constant(x) @ self.crosses @ self._attributes(coupons).T
        return as_probabilities(self.without.predict(x), uplift)

    def report(self) -> dict[str, Any]:
        """Return the penalty that was chosen."""
        return {"learner": self.name, "penalty": self.penalty}

    def learnt(self) -> State:
        """Return W and the model of users without a coupon."""
        state = State({"penalty": self.penalty}, {"crosses": self.crosses, "middle": self.middle})
        state.put("without", self.without.state())
        return state

    def relearn(self, state: State) -> None:
        """Take back what :meth:`learnt` gave."""
        self.penalty = state.facts["penalty"]
        self.crosses, self.middle = state.arrays["crosses"], state.arrays["middle"]
        self.without = Linear.from_state(state.part("without"))


def _with_constant(x: npt.NDArray[np.floating]) -> Floats:
    return np.column_stack([np.full(len(x), _AVERAGE), x]).astype(np.float64)


def _kronecker_ridge(x: Floats, z: Floats, target: Floats, penalties: list[float]) -> list[Floats]:
    """Return W that minimises ‖target − x W zᵀ‖² + penalty ‖W‖², for every penalty.

    The normal equations are a Kronecker product, which the eigenvectors of xᵀx and zᵀz make diagonal.
    """
    own, turn = np.linalg.eigh(x.T @ x)
    other, turn_z = np.linalg.eigh(z.T @ z)
    right = turn.T @ (x.T @ target @ z) @ turn_z
    weight = np.maximum(own, 0.0)[:, None] * np.maximum(other, 0.0)
    return [turn @ (right / (weight + penalty)) @ turn_z.T for penalty in penalties]


def _best_penalty(x: Floats, z: Floats, target: Floats, fold: npt.NDArray[np.int64]) -> float:
    loss = np.zeros(len(_PENALTIES))
    for k in np.unique(fold):
        out = fold != k
        found = _kronecker_ridge(x[out], z, target[out], list(_PENALTIES))
        for i, crosses in enumerate(found):
            loss[i] += float(((target[~out] - x[~out] @ crosses @ z.T) ** 2).sum())
    return _PENALTIES[int(np.argmin(loss))]
