"""The default model: a hierarchical logistic response and boosted trees, weighed by rows that neither saw.

The logistic model (:mod:`.hierarchical`) has few words, lines and bends, and is hard to fool with few rows;
boosted trees (:mod:`.boosted`) find thresholds and combinations. Both are cross-fitted on the same folds of
users. The trees' share of the effect is the slope of the logistic model's residuals on the difference between
the two, the R-loss [1]_ of a convex combination, drawn towards a tenth: with few rows that prior
decides, with many the rows do, and no setting depends on the data at hand. What is left is calibrated as a
line [2]_: penalties and averaging shrink effects about their coupon's mean, and unseen rows tell by how much,
believed as far as they are sure (:mod:`.stretch`).

References
----------
.. [1] Nie, X., & Wager, S. (2021). Quasi-oracle estimation of heterogeneous treatment effects. Biometrika,
   108(2), 299-319. https://doi.org/10.1093/biomet/asaa076
.. [2] Chernozhukov, V., Demirer, M., Duflo, E., & Fernandez-Val, I. (2018). Generic machine learning
   inference on heterogeneous treatment effects in randomized experiments. NBER working paper 24678.
   https://doi.org/10.3386/w24678
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
from couponry.predictors.stack.boosted import Boosted
from couponry.predictors.stack.hierarchical import HierarchicalLogit
from couponry.predictors.stack.stretch import Stretch
from couponry.predictors.state import State

__all__ = ["StackLearner"]

Floats = npt.NDArray[np.float64]

_MOST_WEIGHT = 10.0
_PRIOR_SHARE, _PRIOR_PRECISION = 0.1, 16.0
_JUDGED = 200_000


class StackLearner(Parameters):
    """Hierarchical logistic response and boosted trees.

    Parameters
    ----------
    seed : int
        Of folds and trees.
    folds : int
        Folds of users.
    trees : int
        Of a booster; 0 for none.
    """

    layout: Layout = "standard"
    from_attributes: bool = True

    def __init__(self, *, seed: int = 0, folds: int = 3, trees: int = 80) -> None:
        self.seed = seed
        self.folds = folds
        self.trees = trees

    def fit(self, rows: TrainingRows, progress: Report | None = None) -> Self:
        """Learn conversions, costs and revenue."""
        self.menu = rows.coupons
        fold = folds_by_user(rows.user, self.folds, self.seed)
        self.logit = HierarchicalLogit().fit(rows.x, rows.arm, rows.conversion, rows.coupons, fold)
        _tell(progress, 1, "logistic response")
        self.share = 0.0
        self.boosted: Boosted | None = None
        if self.trees:
            self.boosted = Boosted(self.seed, self.trees).fit(
                rows.x, rows.arm, rows.conversion, rows.coupons, fold
            )
        self._judge(rows, fold)
        _tell(progress, 2, "boosted trees")
        self.cost, self.revenue = (self._amount(rows, amount) for amount in (rows.cost, rows.revenue))
        _tell(progress, 3, "money")
        return self

    def _judge(self, rows: TrainingRows, fold: npt.NDArray[np.int64]) -> None:
        """Find the trees' share and the stretch of effects on at most 200,000 rows."""
        some = np.arange(rows.n)
        if rows.n > _JUDGED:
            some = np.sort(np.random.default_rng(self.seed).permutation(rows.n)[:_JUDGED])
        x, arm, y = rows.x[some], rows.arm[some], rows.conversion[some]
        told = self.logit.unseen(x, fold[some])
        arms = np.bincount(arm + 1, minlength=rows.arms + 1) / len(some)
        weight = np.minimum(arms[arm + 1] / rows.propensity[some], _MOST_WEIGHT)
        if self.boosted is not None:
            more = self.boosted.unseen(x, rows.coupons, fold[some])
            residual = y - told[np.arange(len(some)), arm + 1]
            difference = (more - more[:, :1]) - (told - told[:, :1])
            aside = _whatever_the_arm(told, difference, arms)
            own = _of_arm(difference, arm, aside)
            self.share = _slope(residual, own, weight, _PRIOR_SHARE, (0.0, 1.0))
            told[:, 1:] += self.share * difference[:, 1:]
        self.stretch = Stretch.of(told, arm, y, weight)

    def _amount(self, rows: TrainingRows, amount: Floats) -> AmountModel:
        model = AmountModel("lightgbm", seed=self.seed, not_negative=bool((amount >= 0).all()))
        return model.fit(rows.x, rows.arm, rows.conversion, amount, rows.arms)

    def predict(
        self, x: npt.NDArray[np.float32], known: npt.NDArray[np.int64], coupons: npt.NDArray[np.float32]
    ) -> Outcomes:
        """Return the outcomes of users under none and S coupons, new ones (−1) by their attributes."""
        probability, error = self.logit.predict(x, known, coupons)
        if self.boosted is not None and self.share:
            more = self.boosted.predict(x, known, coupons)
            own, other = probability[:, 1:] - probability[:, :1], more[:, 1:] - more[:, :1]
            effect = (1 - self.share) * own + self.share * other
            probability[:, 1:] = probability[:, :1] + effect
        probability, error = self.stretch.apply(probability, error, known)
        cost, revenue = (
            model.predict(x, probability, known, coupons, self.menu) for model in (self.cost, self.revenue)
        )
        return Outcomes(probability, cost, revenue, error)

    def report(self) -> dict[str, Any]:
        """Return what the evidence found, and the trees' share of the effect."""
        variance = dict(zip(self.logit.names, self.logit.variance.tolist(), strict=True))
        return {
            "variance": variance,
            "trees": self.trees,
            "share_of_trees": self.share,
            "stretch": self.stretch.factor,
        }

    def state(self) -> State:
        """Return what was learnt."""
        grown = self.boosted is not None
        facts = {"share": self.share, "grown": grown}
        state = State(
            facts | {"parameters": self.get_params()}, {"menu": self.menu, "middle": self.stretch.middle}
        )
        state.facts["stretch"] = self.stretch.factor
        state.put("logit", self.logit.state())
        if self.boosted is not None:
            state.put("boosted", self.boosted.state())
        state.put("cost", self.cost.state())
        state.put("revenue", self.revenue.state())
        return state

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Take back what :meth:`state` gave."""
        learner = cls(**state.facts["parameters"])
        learner.menu, learner.share = state.arrays["menu"], float(state.facts["share"])
        learner.stretch = Stretch(float(state.facts["stretch"]), state.arrays["middle"])
        learner.logit = HierarchicalLogit.from_state(state.part("logit"))
        learner.boosted = Boosted.from_state(state.part("boosted")) if state.facts["grown"] else None
        learner.cost = AmountModel.from_state(state.part("cost"))
        learner.revenue = AmountModel.from_state(state.part("revenue"))
        return learner


def _whatever_the_arm(told: Floats, difference: Floats, arms: Floats) -> Floats:
    """Return what is known of a user whatever the arm: level, risk and mean effects, ``(n, 5)``."""
    risk = told[:, 0]
    return np.column_stack(
        [np.ones(len(told)), risk, risk**2, (told - told[:, :1]) @ arms, difference @ arms]
    )


def _of_arm(effect: Floats, arm: npt.NDArray[np.int32], aside: Floats) -> Floats:
    """Return the effect of each row's arm, less what a regression on ``aside`` says of it, ``(n,)``.

    Where arms were not drawn alike for everyone, what is left does not stand for who the users are.
    """
    own = effect[np.arange(len(arm)), arm + 1]
    return np.asarray(own - aside @ np.linalg.lstsq(aside, own, rcond=None)[0])


def _slope(
    residual: Floats, told: Floats, weight: Floats, prior: float, within: tuple[float, float]
) -> float:
    """Return the slope of residuals on what is told of them, drawn towards a prior, within bounds."""
    size = float((weight * told * told).sum())
    noise = float(np.average(residual**2, weights=weight))
    if size <= 0 or noise <= 0:
        return prior
    precision = size / noise
    slope = float((weight * told * residual).sum()) / size
    drawn = (precision * slope + _PRIOR_PRECISION * prior) / (precision + _PRIOR_PRECISION)
    return float(np.clip(drawn, *within))


def _tell(progress: Report | None, done: float, words: str) -> None:
    if progress:
        progress(Progress("training", done, 3.0, words))
