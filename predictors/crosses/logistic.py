"""Logistic response σ(Σ_j θ_j f_j(user, coupon)); crosses are shrunk by how alike coupons are.

References
----------
.. [1] Evgeniou, T., Micchelli, C. A., & Pontil, M. (2005). Learning multiple tasks with kernel methods.
   Journal of Machine Learning Research, 6, 615-637.
.. [2] Gelman, A., & Hill, J. (2007). Data analysis using regression and multilevel/hierarchical models.
   Cambridge University Press. https://doi.org/10.1017/CBO9780511790942
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from couponry.instances.errors import require_extra
from couponry.instances.progress import Progress, Report
from couponry.predictors.conversion import ConversionLearner
from couponry.predictors.crosses.kernel import MIXES, CouponKernel
from couponry.predictors.learner import TrainingRows, folds_by_user
from couponry.predictors.state import State

__all__ = ["LogisticResponse"]

Floats = npt.NDArray[np.float64]
Inputs = npt.NDArray[np.float32]

_AVERAGE = 5.0  # how much wider than that of a cross is the prior of a coupon's average effect
_SEARCH_ROWS = 30_000  # a prior's width does not hang on the number of rows
_PENALTIES = (3000.0, 300.0, 30.0, 3.0)  # strong first, each fit starting at the former's answer


class LogisticResponse(ConversionLearner):
    """logit P(y = 1 | x, j) = β·(1, x) + b_j·(1, x), where none has b = 0.

    f_j are the features of the user, a sign that any coupon was given, the attributes of the coupon, its
    name, and the crosses of all of these with the user's features. β has a ridge penalty; b_j, a coefficient
    for each coupon and feature, that of a hierarchical prior [1]_ [2]_ (:mod:`.kernel`). How strong the
    crosses' penalty is, and how much of it is shared, is chosen by the log loss of a third of the users.

    Parameters
    ----------
    seed, error_folds : int
        See :class:`~couponry.predictors.conversion.ConversionLearner`.
    penalty : float
        Weight of ½‖β‖² against the sum of the rows' losses.
    cross_penalty : float, optional
        The same of the crosses; chosen among 3, 30, 300, 3000 if not given.
    """

    name = "logistic"
    from_attributes = True

    def __init__(
        self,
        *,
        seed: int = 0,
        penalty: float = 10.0,
        cross_penalty: float | None = None,
        error_folds: int = 0,
    ) -> None:
        super().__init__(seed=seed, error_folds=error_folds)
        self.penalty = penalty
        self.cross_penalty = cross_penalty

    def learn(self, rows: TrainingRows, progress: Report | None = None) -> None:
        """Choose the crosses' penalty, then fit all rows."""
        self.chosen, mix = self._choose(rows, progress)
        self.kernel = CouponKernel.of(rows.coupons, mix)
        fitted = _fit(_Design.of(rows), self.kernel.root(), self.penalty, self.chosen)
        self.base, self.effects = fitted.base, fitted.effects

    def _choose(
        self, rows: TrainingRows, progress: Report | None
    ) -> tuple[float, tuple[float, float, float]]:
        some = np.sort(np.random.default_rng(self.seed).permutation(rows.n)[:_SEARCH_ROWS])
        rows = rows.take(some)
        held = folds_by_user(rows.user, 3, self.seed) == 0
        seen, judge = _Design.of(rows.take(~held)), _Design.of(rows.take(held))
        penalties = _PENALTIES if self.cross_penalty is None else (self.cross_penalty,)
        tried = []
        for step, mix in enumerate(MIXES):
            root, fitted = CouponKernel.of(rows.coupons, mix).root(), None
            for penalty in penalties:
                fitted = _fit(seen, root, self.penalty, penalty, fitted)
                tried.append((judge.loss(fitted.base, fitted.effects)[0], penalty, mix))
            if progress:
                progress(Progress("training", step + 1, len(MIXES), "penalty of crosses"))
        _, penalty, mix = min(tried)
        return penalty, mix

    def probability(self, x: Inputs, known: npt.NDArray[np.int64], coupons: Inputs) -> Floats:
        """Return the probability under none and S coupons; new ones from their attributes."""
        full = np.column_stack([np.ones(len(x)), x])
        effects = self.kernel.weights(known, coupons) @ self.effects
        base = (full @ self.base)[:, None]
        return 1 / (1 + np.exp(-np.hstack([base, base + full @ effects.T])))

    def report(self) -> dict[str, Any]:
        """Return the penalty that was chosen and how coupons share."""
        return {"learner": self.name, "cross_penalty": self.chosen, "mix": list(self.kernel.mix)}

    def learnt(self) -> State:
        """Return coefficients and kernel."""
        state = State({"chosen": self.chosen}, {"base": self.base, "effects": self.effects})
        state.put("kernel", self.kernel.state())
        return state

    def relearn(self, state: State) -> None:
        """Take back what :meth:`learnt` gave."""
        self.chosen = state.facts["chosen"]
        self.base, self.effects = state.arrays["base"], state.arrays["effects"]
        self.kernel = CouponKernel.from_state(state.part("kernel"))


@dataclass(frozen=True)
class _Design:
    """Rows in order of their arm, so that every arm is one block."""

    x: Floats
    y: Floats
    edges: npt.NDArray[np.int64]

    @classmethod
    def of(cls, rows: TrainingRows) -> _Design:
        order = np.argsort(rows.arm, kind="stable")
        edges = np.searchsorted(rows.arm[order], np.arange(-1, rows.arms + 1))
        x = np.column_stack([np.ones(rows.n), rows.x[order]])
        return cls(x, rows.conversion[order], edges)

    def loss(self, base: Floats, effects: Floats) -> tuple[float, Floats]:
        """Return the sum of log losses, and its gradient by the coefficients of every arm, ``(J + 1, d)``."""
        total, slopes = 0.0, np.empty((len(effects) + 1, self.x.shape[1]))
        for a in range(len(slopes)):
            block = slice(self.edges[a], self.edges[a + 1])
            x, y = self.x[block], self.y[block]
            score = x @ (base if a == 0 else base + effects[a - 1])
            total += float(np.logaddexp(0.0, score).sum() - y @ score)
            slopes[a] = (1 / (1 + np.exp(-score)) - y) @ x
        return total, slopes


@dataclass(frozen=True)
class _Coefficients:
    base: Floats
    effects: Floats
    raw: Floats


def _fit(
    design: _Design, root: Floats, penalty: float, cross_penalty: float, start: _Coefficients | None = None
) -> _Coefficients:
    """Minimise the penalised loss; effects are A·U with a plain ridge penalty on U, A Aᵀ being the kernel."""
    optimise = require_extra("scipy.optimize", "predict")
    width, arms = design.x.shape[1], len(root)
    scale = np.ones(width)
    scale[0] = _AVERAGE
    ridge = np.full(width, penalty)
    ridge[0] = 0.0

    def objective(raw: Floats) -> tuple[float, Floats]:
        base, inner = raw[:width], raw[width:].reshape(arms, width)
        loss, slopes = design.loss(base, (root @ inner) * scale)
        loss += 0.5 * float(ridge @ base**2) + 0.5 * cross_penalty * float((inner**2).sum())
        by_inner = root.T @ (slopes[1:] * scale) + cross_penalty * inner
        return loss, np.concatenate([slopes.sum(axis=0) + ridge * base, by_inner.ravel()])

    first = np.zeros(width * (arms + 1)) if start is None else start.raw
    # Stopped at a fall of 1e-8 of the loss: far finer than what rows can tell.
    found = optimise.minimize(
        objective, first, jac=True, method="L-BFGS-B", options={"maxiter": 300, "ftol": 1e-8, "gtol": 1e-4}
    ).x
    return _Coefficients(found[:width], (root @ found[width:].reshape(arms, width)) * scale, found)
