"""The default model: hierarchical responses and boosted trees, weighed by rows that none of them saw.

The linear models (:mod:`.hierarchical`) have few words, lines and bends, and are hard to fool with few rows.
One adds effects to the logit; a second to the probability. Boosted trees (:mod:`.boosted`) find thresholds
and combinations in who converts, others (:mod:`.effect_trees`) in what coupons add. All are cross-fitted on
the same folds of users. Shares of the effect are slopes of the logistic model's residuals on the differences
from it (:mod:`.shares`), the R-loss [1]_ of a convex combination. They are drawn towards a tenth for trees
and a quarter for the additive model, towards nought where there are at most three coupons, which are mostly
small trials: with few rows that prior decides, with many the rows do, and no setting depends on the data.

A plan compares value with cost, so both must know the same: where users redeem coupons differently
(:mod:`.spending`), effects may grow with what a conversion costs, by a slope that unseen rows tell. What is
left is calibrated as a line [2]_: penalties and averaging shrink effects about their coupon's mean, and
unseen rows tell by how much, believed as far as they are sure (:mod:`.stretch`).

References
----------
.. [1] Nie, X., & Wager, S. (2021). Quasi-oracle estimation of heterogeneous treatment effects. Biometrika,
   108(2), 299-319. https://doi.org/10.1093/biomet/asaa076
.. [2] Chernozhukov, V., Demirer, M., Duflo, E., & Fernandez-Val, I. (2018). Generic machine learning
   inference on heterogeneous treatment effects in randomized experiments. NBER working paper 24678.
   https://doi.org/10.3386/w24678
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from couponry.instances.progress import Progress, Report
from couponry.predictors.amounts import AmountModel
from couponry.predictors.features import Layout
from couponry.predictors.learner import Outcomes, TrainingRows, check_rows, folds_by_user
from couponry.predictors.parameter_kinds import Whole
from couponry.predictors.parameters import Parameters
from couponry.predictors.stack.boosted import Boosted
from couponry.predictors.stack.effect_trees import EffectTrees
from couponry.predictors.stack.hierarchical import FEW, HierarchicalLogit
from couponry.predictors.stack.shares import of_arm, shares, whatever_the_arm
from couponry.predictors.stack.spending import Spending
from couponry.predictors.stack.stretch import Stretch
from couponry.predictors.state import State

__all__ = ["StackLearner"]

Floats = npt.NDArray[np.float64]

_FOLDS, _FOLDS_OF_FEW = 3, 6
_IDLE = 0.2  # share of folds that may grow no trees of effects
_MOST_WEIGHT = 10.0
# Of the additive model, of trees of effects and of boosted ones, before unseen rows speak.
_PRIOR_SHARES, _PRIOR_SHARES_OF_FEW = (0.25, 0.1, 0.1), (0.0, 0.0, 0.0)
_JUDGED, _ANSWERED = 200_000, 20_000
_MOST_ROWS, _FEWER_COEFFICIENTS = 300_000, 1200  # of the additive model
_MOST_CELLS = 9_000_000  # rows times features that trees of effects learn from
_LEAST_VARIANCE = 0.003


class StackLearner(Parameters):
    """Hierarchical responses and boosted trees.

    Parameters
    ----------
    seed : int
        Of folds and trees.
    folds : int, optional
        Folds of users; absent, six where there are at most three coupons and 300,000 rows, else three.
    trees : int
        Of a booster; 0 for no trees at all.
    """

    layout: Layout = "standard"
    from_attributes: bool = True
    parameter_kinds: ClassVar = {"trees": Whole(0)}

    def __init__(self, *, seed: int = 0, folds: int | None = None, trees: int = 80) -> None:
        self.seed = seed
        self.folds = folds
        self.trees = trees

    def fit(self, rows: TrainingRows, progress: Report | None = None) -> Self:
        """Learn conversions, costs and revenue."""
        check_rows(rows)
        self.menu = rows.coupons
        small = rows.arms <= FEW and rows.n <= _MOST_ROWS
        fold = folds_by_user(rows.user, self.folds or (_FOLDS_OF_FEW if small else _FOLDS), self.seed)
        self.logit = HierarchicalLogit().fit(rows.x, rows.arm, rows.conversion, rows.coupons, fold)
        some = np.arange(rows.n)
        if rows.n > _MOST_ROWS:
            some = np.sort(np.random.default_rng(self.seed).permutation(rows.n)[:_MOST_ROWS])
        part = rows.take(some)
        self.additive = HierarchicalLogit(additive=True, most=_FEWER_COEFFICIENTS)
        self.additive.fit(part.x, part.arm, part.conversion, part.coupons, fold[some])
        self.effects: EffectTrees | None = None
        self._grow(part, fold[some])
        _tell(progress, 1, "logistic response")
        self.boosted: Boosted | None = None
        if self.trees:
            self.boosted = Boosted(self.seed, self.trees).fit(
                rows.x, rows.arm, rows.conversion, rows.coupons, fold
            )
        _tell(progress, 2, "boosted trees")
        self.cost = Spending(self.seed, self.trees).fit(rows, fold)
        self._judge(rows, fold)
        self.revenue = self._amount(rows, rows.revenue)
        _tell(progress, 3, "money")
        return self

    def _grow(self, rows: TrainingRows, fold: npt.NDArray[np.int64]) -> None:
        """Grow trees of effects from where the additive model ends, on as many rows as time allows."""
        most = max(1, _MOST_CELLS // max(1, rows.x.shape[1]))
        if not self.trees or rows.x.shape[1] == 0:
            return
        if rows.n > most:
            some = np.sort(np.random.default_rng(self.seed + 1).permutation(rows.n)[:most])
            rows, fold = rows.take(some), fold[some]
        start = self.additive.unseen(rows.x, fold)
        grown = EffectTrees().fit(rows.x, rows.arm, rows.conversion, start, fold)
        # Without trees it says "no differences", which is no news, but a share would follow its noise.
        idle = grown.folds - len(np.unique(grown.forest.fold))
        self.effects = grown if idle <= grown.folds * _IDLE else None

    def _judge(self, rows: TrainingRows, fold: npt.NDArray[np.int64]) -> None:
        """Find the models' shares, how effects grow with cost, and their stretch, on at most 200,000 rows."""
        some = np.arange(rows.n)
        if len(some) > _JUDGED:
            some = np.sort(np.random.default_rng(self.seed).permutation(some)[:_JUDGED])
        x, arm, y = rows.x[some], rows.arm[some], rows.conversion[some]
        told = self.logit.unseen(x, fold[some])
        self.ahead = np.zeros(rows.arms)
        arms = np.bincount(arm + 1, minlength=rows.arms + 1) / len(some)
        weight = drawn = np.minimum(arms[arm + 1] / rows.propensity[some], _MOST_WEIGHT)
        others = [self.additive.unseen(x, fold[some])]
        if self.effects is not None:
            others.append(self.effects.unseen(x, others[0], fold[some]))
        if self.boosted is not None:
            others.append(self.boosted.unseen(x, rows.coupons, fold[some]))
            # A few trees draw coupons' means together; the logistic model draws them as far as chance goes.
            means = [(p[:, 1:] - p[:, :1]).mean(axis=0) for p in (others[-1], told)]
            self.ahead = means[1] - means[0]
            others[-1][:, 1:] += self.ahead
        chosen = told[np.arange(len(some)), arm + 1]
        residual = y - chosen
        if rows.arms > FEW:
            # Rare outcomes tell more, and a plan weighs an effect by a cost that grows with the risk.
            weight = weight / np.maximum(chosen * (1 - chosen), _LEAST_VARIANCE)
            weight /= weight.mean()
        differences = [(more - more[:, :1]) - (told - told[:, :1]) for more in others]
        own = [of_arm(d, arm, whatever_the_arm(told, d, arms)) for d in differences]
        priors = _PRIOR_SHARES if rows.arms > FEW else _PRIOR_SHARES_OF_FEW
        there = [model is not None for model in (self.additive, self.effects, self.boosted)]
        found = shares(
            residual, own, weight, [p for p, is_there in zip(priors, there, strict=True) if is_there]
        )
        given = [found.pop(0) if is_there else 0.0 for is_there in there]
        self.share_additive, self.share_effects, self.share = given
        told = self._mixed(told, others)
        self.together = 0.0
        if self.cost.is_own:
            every = np.arange(rows.arms)
            more = np.hstack([np.zeros((len(some), 1)), self._redeemed(told, x, every, rows.coupons)])
            grows = of_arm(more, arm, whatever_the_arm(told, more, arms))
            residual = y - told[np.arange(len(some)), arm + 1]
            (self.together,) = shares(residual, [grows], weight, [0.0])
            told[:, 1:] += self.together * more[:, 1:]
        seen = np.arange(0, len(some), max(1, len(some) // _ANSWERED))
        answers, _ = self._before_stretch(x[seen], np.arange(rows.arms), rows.coupons)
        self.stretch = Stretch.of(told, arm, y, drawn, answers, seen, apart=rows.arms > FEW)

    def _mixed(self, told: Floats, others: list[Floats]) -> Floats:
        """Return the weighted effects of all models on the base of all but boosted outcomes."""
        linear = 1 - self.share_additive - self.share_effects - self.share
        effect, base = linear * (told[:, 1:] - told[:, :1]), linear * told[:, :1]
        boosted = [self.boosted is not None and k == len(others) - 1 for k in range(len(others))]
        for more, share, last in zip(others, self._of_others(), boosted, strict=True):
            effect += share * (more[:, 1:] - more[:, :1])
            base += 0.0 if last else share * more[:, :1]
        base = base / (1 - self.share) if self.share < 1 else told[:, :1]
        return np.hstack([base, base + effect])

    def _redeemed(
        self,
        probability: Floats,
        x: npt.NDArray[np.float32],
        known: npt.NDArray[np.int64],
        coupons: npt.NDArray[np.float32],
    ) -> Floats:
        """Return what effects would gain if they grew with what a conversion costs, ``(n, S)``."""
        ratio = self.cost.ratio(x, known, coupons)
        return np.asarray((probability[:, 1:] - probability[:, :1]) * (ratio - 1))

    def _of_others(self) -> list[float]:
        models = (self.additive, self.effects, self.boosted)
        shares_ = (self.share_additive, self.share_effects, self.share)
        return [share for model, share in zip(models, shares_, strict=True) if model is not None]

    def _amount(self, rows: TrainingRows, amount: Floats) -> AmountModel:
        model = AmountModel("lightgbm", seed=self.seed, not_negative=bool((amount >= 0).all()))
        return model.fit(rows.x, rows.arm, rows.conversion, amount, rows.arms)

    def predict(
        self, x: npt.NDArray[np.float32], known: npt.NDArray[np.int64], coupons: npt.NDArray[np.float32]
    ) -> Outcomes:
        """Return the outcomes of users under none and S coupons, new ones (−1) by their attributes."""
        asked = len(known)
        if self.stretch.shared != self.stretch.own:  # it looks at the whole menu
            more = np.setdiff1d(np.arange(len(self.menu)), known)
            known, coupons = np.append(known, more), np.vstack([coupons, self.menu[more]])
        probability, error = self._before_stretch(x, known, coupons)
        probability, error = self.stretch.apply(probability, error, known)
        probability, error = probability[:, : asked + 1], error[:, :asked]
        known, coupons = known[:asked], coupons[:asked]
        cost, revenue = (
            model.predict(x, probability, known, coupons, self.menu) for model in (self.cost, self.revenue)
        )
        return Outcomes(probability, cost, revenue, error)

    def _before_stretch(
        self, x: npt.NDArray[np.float32], known: npt.NDArray[np.int64], coupons: npt.NDArray[np.float32]
    ) -> tuple[Floats, Floats]:
        """Return probabilities under none and S coupons, ``(n, S + 1)``, and errors of effects, ``(n, S)``."""
        with ThreadPoolExecutor(1) as beside:  # compiled code, as long as all the rest together
            trees = beside.submit(self._by_boosted, x, known, coupons)
            probability, error = self.logit.predict(x, known, coupons)
            others = []
            asked = self.share_additive or self.share_effects
            others.append(self.additive.probability(x, known, coupons) if asked else probability)
            if self.effects is not None:
                made = self.additive.made_of(known, coupons)
                base = others[0][:, 0]
                others.append(self.effects.predict(x, base, made) if self.share_effects else probability)
            by_boosted = trees.result()
        if self.boosted is not None:
            others.append(probability if by_boosted is None else by_boosted)
        probability = self._mixed(probability, others)
        if self.together:
            probability[:, 1:] += self.together * self._redeemed(probability, x, known, coupons)
        return probability, error

    def _by_boosted(
        self, x: npt.NDArray[np.float32], known: npt.NDArray[np.int64], coupons: npt.NDArray[np.float32]
    ) -> Floats | None:
        """Return what boosted trees tell, or None where they have no share."""
        if self.boosted is None or not self.share:
            return None
        told = self.boosted.predict(x, known, coupons)
        told[:, 1:] += np.where(known >= 0, self.ahead[known], self.ahead.mean())
        return told

    def report(self) -> dict[str, Any]:
        """Return what the evidence found, and the trees' share of the effect."""
        variance = dict(zip(self.logit.names, self.logit.variance.tolist(), strict=True))
        return {
            "variance": variance,
            "belief_in_correlation": self.logit.belief,
            "trees": self.trees,
            "share_of_trees": self.share,
            "share_of_additive": self.share_additive,
            "share_of_effect_trees": self.share_effects,
            "share_of_own_costs": self.cost.share,
            "effect_with_cost": self.together,
            "share_of_trees_of_costs": self.cost.share_of_trees,
            "stretch": [self.stretch.shared, self.stretch.own],
        }

    def state(self) -> State:
        """Return what was learnt."""
        grown = self.boosted is not None
        facts = {"share": self.share, "share_additive": self.share_additive, "grown": grown}
        facts["together"], facts["share_effects"] = self.together, self.share_effects
        facts["effects"] = self.effects is not None
        state = State(
            facts | {"parameters": self.get_params()},
            {"menu": self.menu, "middle": self.stretch.middle, "ahead": self.ahead},
        )
        state.facts["stretch"] = [self.stretch.shared, self.stretch.own]
        state.put("logit", self.logit.state())
        state.put("additive", self.additive.state())
        if self.effects is not None:
            state.put("trees_of_effects", self.effects.state())
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
        learner.stretch = Stretch(*map(float, state.facts["stretch"]), state.arrays["middle"])
        learner.ahead = state.arrays["ahead"]
        learner.share_additive = float(state.facts["share_additive"])
        learner.share_effects = float(state.facts["share_effects"])
        learner.together = float(state.facts["together"])
        learner.logit = HierarchicalLogit.from_state(state.part("logit"))
        learner.additive = HierarchicalLogit.from_state(state.part("additive"))
        effects = state.facts["effects"]
        learner.effects = EffectTrees.from_state(state.part("trees_of_effects")) if effects else None
        learner.boosted = Boosted.from_state(state.part("boosted")) if state.facts["grown"] else None
        learner.cost = Spending.from_state(state.part("cost"))
        learner.revenue = AmountModel.from_state(state.part("revenue"))
        return learner


def _tell(progress: Report | None, done: float, words: str) -> None:
    if progress:
        progress(Progress("training", done, 3.0, words))
