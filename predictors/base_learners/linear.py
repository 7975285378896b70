"""Linear models (scikit-learn): ridge regression, and logistic regression with a ridge penalty."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from couponry.instances.errors import require_extra
from couponry.predictors.features import Layout
from couponry.predictors.state import State

__all__ = ["Linear"]


class Linear:
    """A ridge penalty on standardised columns; for targets in [0, 1] the logit is linear.

    Parameters
    ----------
    logistic : bool
    seed : int
        Not needed: the fit is a convex problem.
    penalty : float
        Weight of ½‖coefficients‖² against the sum of the rows' losses.
    """

    layout: ClassVar[Layout] = "standard"
    finds_crosses: ClassVar[bool] = False

    def __init__(self, logistic: bool, *, seed: int = 0, penalty: float = 10.0) -> None:
        self.logistic = logistic
        self.seed = seed
        self.penalty = penalty
        self._sklearn = require_extra("sklearn.linear_model", "predict")

    def fit(
        self,
        x: Any,
        y: npt.NDArray[np.float64],
        weight: npt.NDArray[np.float64] | None = None,
        categorical: tuple[int, ...] = (),
    ) -> Self:
        """Fit the coefficients; ``x`` may be a sparse matrix."""
        if self.logistic and y.min() == y.max():
            # All alike: no logit fits exactly, the constant does.
            self.coefficients, self.intercept = np.zeros(x.shape[1]), float(_logit(y[0]))
        elif self.logistic:
            self._fit_logistic(x, y, weight)
        else:
            model = self._sklearn.Ridge(alpha=self.penalty).fit(x, y, sample_weight=weight)
            self.coefficients, self.intercept = np.asarray(model.coef_, np.float64), float(model.intercept_)
        return self

    def _fit_logistic(
        self, x: Any, y: npt.NDArray[np.float64], weight: npt.NDArray[np.float64] | None
    ) -> None:
        weight = np.ones(len(y)) if weight is None else weight
        rows, label, part = _as_labels(y, weight)
        model = self._sklearn.LogisticRegression(C=1 / self.penalty, max_iter=1000, tol=1e-5)
        model.fit(x if rows is None else x[rows], label, sample_weight=part)
        self.coefficients, self.intercept = model.coef_[0].astype(np.float64), float(model.intercept_[0])

    def predict(self, x: Any) -> npt.NDArray[np.float64]:
        """Return the mean of every row."""
        score = np.asarray(x @ self.coefficients, dtype=np.float64) + self.intercept
        return 1 / (1 + np.exp(-score)) if self.logistic else score

    def state(self) -> State:
        """Return the coefficients, intercept last."""
        return State(
            {"logistic": self.logistic}, {"coefficients": np.append(self.coefficients, self.intercept)}
        )

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Take back what :meth:`state` gave."""
        learner = cls(bool(state.facts["logistic"]))
        learner.coefficients = state.arrays["coefficients"][:-1]
        learner.intercept = float(state.arrays["coefficients"][-1])
        return learner


def _as_labels(
    y: npt.NDArray[np.float64], weight: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.int64] | None, npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Return rows, labels and weights such that a target of 0.3 counts as 0.3 of a one and 0.7 of a zero."""
    if np.isin(y, (0.0, 1.0)).all():
        return None, y.astype(np.int64), weight
    rows = np.tile(np.arange(len(y)), 2)
    label = np.repeat([1, 0], len(y))
    return rows, label, np.concatenate([weight * y, weight * (1 - y)])


def _logit(share: float) -> float:
    bounded = min(max(share, 1e-9), 1 - 1e-9)
    return float(np.log(bounded / (1 - bounded)))
