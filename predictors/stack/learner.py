"""The default model: a hierarchical logistic response, and a causal forest of what it leaves over.

The logistic model (:mod:`.hierarchical`) has few words, lines and bends, and is hard to fool with few rows.
The forest (:mod:`.forest`) is grown on its residuals, every row judged by a model that has not seen it, so it
finds thresholds and combinations; how much of it to believe is read off the trees that have not seen a row,
by the R-loss [1]_. With few rows next to nothing of it is believed, with many nearly all: no setting depends
on the data at hand.

References
----------
.. [1] Nie, X., & Wager, S. (2021). Quasi-oracle estimation of heterogeneous treatment effects. Biometrika,
   108(2), 299-319. https://doi.org/10.1093/biomet/asaa076
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import numpy.typing as npt

from couponry.instances.progress import Progress, Report
from couponry.predictors.amounts import AmountModel
from couponry.predictors.features import Layout
from couponry.predictors.learner import Outcomes, TrainingRows, folds_by_user
from couponry.predictors.parameters import Parameters
from couponry.predictors.stack.forest import Forest, ForestSettings
from couponry.predictors.stack.hierarchical import HierarchicalLogit
from couponry.predictors.state import State

__all__ = ["StackLearner"]

Floats = npt.NDArray[np.float64]

_MOST_WEIGHT = 10.0
_PRIOR_TRUST, _PRIOR_PRECISION = 0.5, 4.0
_FOREST_ROWS = 300_000


class StackLearner(Parameters):
    """Hierarchical logistic response and causal forest.

    Parameters
    ----------
    seed : int
        Of folds and trees.
    folds : int
        Folds of users for the residuals that the forest is grown on.
    trees : int
        Of the forest; 0 for none.
    """

    layout: Layout = "standard"
    from_attributes: bool = True

    def __init__(self, *, seed: int = 0, folds: int = 5, trees: int = 100) -> None:
        self.seed = seed
        self.folds = folds
        self.trees = trees

    def fit(self, rows: TrainingRows, progress: Report | None = None) -> Self:
        """Learn conversions, costs and revenue."""
        self.menu = rows.coupons
        fold = folds_by_user(rows.user, self.folds, self.seed)
        self.logit = HierarchicalLogit().fit(rows.x, rows.arm, rows.conversion, rows.coupons, fold)
        _tell(progress, 1, "logistic response")
        self.trust = 0.0
        self.forest: Forest | None = None
        if self.trees:
            self._grow(rows, fold)
            _tell(progress, 2, "causal forest")
        self.cost, self.revenue = (self._amount(rows, amount) for amount in (rows.cost, rows.revenue))
        _tell(progress, 3, "money")
        return self

    def _grow(self, rows: TrainingRows, fold: npt.NDArray[np.int64]) -> None:
        """Grow the forest on residuals, at most 300,000 of them, and find how much of it to believe."""
        some = np.arange(rows.n)
        if rows.n > _FOREST_ROWS:
            some = np.sort(np.random.default_rng(self.seed).permutation(rows.n)[:_FOREST_ROWS])
        x, arm = rows.x[some], rows.arm[some]
        expected = self.logit.unseen(x, fold[some])
        residual = rows.conversion[some] - expected[np.arange(len(some)), arm + 1]
        share = np.bincount(arm + 1, minlength=rows.arms + 1) / len(some)
        weight = np.minimum(share[arm + 1] / rows.propensity[some], _MOST_WEIGHT)
        self.forest = Forest(self.seed, ForestSettings(trees=self.trees))
        effect = self.forest.fit(x, arm, residual, weight, rows.arms)
        self.trust = _trust(residual, _less_average(effect, arm, share), weight)

    def _amount(self, rows: TrainingRows, amount: Floats) -> AmountModel:
        model = AmountModel("lightgbm", seed=self.seed, not_negative=bool((amount >= 0).all()))
        return model.fit(rows.x, rows.arm, rows.conversion, amount, rows.arms)

    def predict(
        self, x: npt.NDArray[np.float32], known: npt.NDArray[np.int64], coupons: npt.NDArray[np.float32]
    ) -> Outcomes:
        """Return the outcomes of users under none and S coupons, new ones (−1) by their attributes."""
        probability, error = self.logit.predict(x, known, coupons)
        if self.forest is not None and self.trust:
            more = self.forest.predict(x)
            new = np.where(
                known[None, :] >= 0, more[:, np.maximum(known, 0)], more.mean(axis=1, keepdims=True)
            )
            probability[:, 1:] = np.clip(probability[:, 1:] + self.trust * new, 0.0, 1.0)
        cost, revenue = (
            model.predict(x, probability, known, model.strata.select_or_guess(known, coupons, self.menu))
            for model in (self.cost, self.revenue)
        )
        return Outcomes(probability, cost, revenue, error)

    def report(self) -> dict[str, Any]:
        """Return what the evidence found, and how much of the forest is believed."""
        variance = dict(zip(self.logit.names, self.logit.variance.tolist(), strict=True))
        return {"variance": variance, "trees": self.trees, "trust_in_forest": self.trust}

    def state(self) -> State:
        """Return what was learnt."""
        grown = self.forest is not None
        facts = {"parameters": self.get_params(), "trust": self.trust, "grown": grown}
        state = State(facts, {"menu": self.menu})
        state.put("logit", self.logit.state())
        if self.forest is not None:
            state.put("trees", self.forest.state())
        state.put("cost", self.cost.state())
        state.put("revenue", self.revenue.state())
        return state

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Take back what :meth:`state` gave."""
        learner = cls(**state.facts["parameters"])
        learner.menu, learner.trust = state.arrays["menu"], float(state.facts["trust"])
        learner.logit = HierarchicalLogit.from_state(state.part("logit"))
        learner.forest = Forest.from_state(state.part("trees")) if state.facts["grown"] else None
        learner.cost = AmountModel.from_state(state.part("cost"))
        learner.revenue = AmountModel.from_state(state.part("revenue"))
        return learner


def _less_average(effect: Floats, arm: npt.NDArray[np.int32], share: Floats) -> Floats:
    """Return the effect of each row's arm less that of an arm drawn by its share, ``(n,)``."""
    whole = np.column_stack([np.zeros(len(effect)), effect])
    return np.asarray(whole[np.arange(len(arm)), arm + 1] - whole @ share)


def _trust(residual: Floats, told: Floats, weight: Floats) -> float:
    """Return the slope of residuals on what the forest told of them, drawn towards a half, in [0, 1]."""
    size = float((weight * told * told).sum())
    if size <= 0:
        return 0.0
    noise = float(np.average(residual**2, weights=weight))
    precision = size / noise
    slope = float((weight * told * residual).sum()) / size
    drawn = (precision * slope + _PRIOR_PRECISION * _PRIOR_TRUST) / (precision + _PRIOR_PRECISION)
    return float(np.clip(drawn, 0.0, 1.0))


def _tell(progress: Report | None, done: float, words: str) -> None:
    if progress:
        progress(Progress("training", done, 3.0, words))
