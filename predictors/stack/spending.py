"""What a conversion costs, user by coupon: whether this user redeems this coupon.

:class:`~couponry.predictors.amounts.AmountModel` lets arms share what a converted user costs. Here every
coupon has a part of its own, told by a hierarchical logit (:mod:`.hierarchical`) and by boosted trees over
users and coupons (:mod:`.boosted`). The logit's outcome is the amount as a share of the coupon's largest,
mostly redeemed or not; that of trees has one mean under all coupons, so that no split is spent on levels.
Their weights are the slopes of unseen amounts on the differences from what arms share (:mod:`.shares`).
"""

from __future__ import annotations

from typing import Self

import numpy as np
import numpy.typing as npt

from couponry.predictors.amounts import AmountModel
from couponry.predictors.learner import TrainingRows
from couponry.predictors.stack.boosted import Boosted
from couponry.predictors.stack.hierarchical import FEW, HierarchicalLogit
from couponry.predictors.stack.shares import shares
from couponry.predictors.state import State

__all__ = ["Spending"]

Floats = npt.NDArray[np.float64]

_LEAST_ROWS, _MOST_ROWS, _MOST_COEFFICIENTS = 1000, 200_000, 1200
_LEAST_SHARE = 0.01
_MOST_RATIO = 5.0


class Spending:
    """Expected cost of users and coupons.

    Parameters
    ----------
    seed : int
    trees : int
        Of a booster; 0 for none.
    """

    def __init__(self, seed: int = 0, trees: int = 80) -> None:
        self.seed = seed
        self.trees = trees
        self.crossed: HierarchicalLogit | None = None
        self.boosted: Boosted | None = None
        self.share = self.share_of_trees = 0.0

    def fit(self, rows: TrainingRows, fold: npt.NDArray[np.int64]) -> Self:
        """Learn from all rows; each fold weighs what was learnt from the others."""
        self.shared = self._shared(rows)
        strata = self.shared.strata
        self.most, self.unit = np.ones((2, rows.arms))
        there = (rows.arm >= 0) & (rows.conversion > 0) & (rows.cost >= 0)
        there[there] = ~strata.constant[rows.arm[there] + 1, 1]
        if rows.arms <= FEW or (rows.cost < 0).any() or there.sum() < _LEAST_ROWS:
            return self
        at = np.flatnonzero(there)
        # Of a coupon whose amounts vary one is above 0, if not among the rows drawn.
        for j in np.unique(rows.arm[at]):
            self.most[j] = rows.cost[at][rows.arm[at] == j].max()
        if len(at) > _MOST_ROWS:
            at = np.sort(np.random.default_rng(self.seed).permutation(at)[:_MOST_ROWS])
        self._cross(rows.take(at), fold[at])
        return self

    def _cross(self, rows: TrainingRows, fold: npt.NDArray[np.int64]) -> None:
        """Learn what converted rows cost by user and coupon, and how far that is to be believed."""
        x, arm, cost = rows.x, rows.arm, rows.cost
        usual = self._shared_unseen(rows, fold)
        level = np.maximum(self.shared.strata.mean[1:, 1], 1e-9)
        crossed = HierarchicalLogit(most=_MOST_COEFFICIENTS)
        crossed.fit(x, arm, cost / self.most[arm], rows.coupons, fold)
        told = [crossed.unseen(x, fold)[:, 1:] * self.most]
        if self.trees:
            self.unit = level * float((cost / level[arm]).max())
            boosted = Boosted(self.seed, self.trees)
            boosted.fit(x, arm, cost / self.unit[arm], rows.coupons, fold)
            told.append(boosted.unseen(x, rows.coupons, fold)[:, 1:] * self.unit)
        apart = [(one[np.arange(rows.n), arm] - usual) / level[arm] for one in told]
        found = shares((cost - usual) / level[arm], apart, np.ones(rows.n), [0.0] * len(apart))
        self.share, self.share_of_trees = found[0], found[-1] if self.trees else 0.0
        self.crossed = crossed if self.share > _LEAST_SHARE else None
        self.boosted = boosted if self.share_of_trees > _LEAST_SHARE else None

    def _shared_unseen(self, rows: TrainingRows, fold: npt.NDArray[np.int64]) -> Floats:
        """Return what converted rows cost by the shared model without their fold."""
        usual = np.empty(rows.n)
        for k in np.unique(fold):
            own = np.flatnonzero(fold == k)
            every = self._shared(rows.take(fold != k)).given_conversion(rows.x[own], np.arange(rows.arms))
            usual[own] = every[np.arange(len(own)), rows.arm[own]]
        return usual

    @property
    def is_own(self) -> bool:
        """Whether a conversion's cost hangs on user and coupon together."""
        return self.crossed is not None or self.boosted is not None

    def _shared(self, rows: TrainingRows) -> AmountModel:
        model = AmountModel("lightgbm", seed=self.seed, not_negative=bool((rows.cost >= 0).all()))
        return model.fit(rows.x, rows.arm, rows.conversion, rows.cost, rows.arms)

    def _apart(
        self, x: npt.NDArray[np.float32], known: npt.NDArray[np.int64], attributes: npt.NDArray[np.float32]
    ) -> Floats:
        """Return how much more a conversion costs than the shared model says, new coupons nought."""
        usual = self.shared.given_conversion(x, known)
        apart = np.zeros_like(usual)
        if self.crossed is not None:
            told = self.crossed.probability(x, known, attributes)[:, 1:]
            apart += self.share * (told * self.most[known] - usual)
        if self.boosted is not None:
            told = self.boosted.predict(x, known, attributes)[:, 1:]
            apart += self.share_of_trees * (told * self.unit[known] - usual)
        spoken = (known >= 0) & ~self.shared.strata.constant[known + 1, 1]
        return np.where(spoken, apart, 0.0)

    def ratio(
        self, x: npt.NDArray[np.float32], known: npt.NDArray[np.int64], attributes: npt.NDArray[np.float32]
    ) -> Floats:
        """Return the part of a conversion's cost that is the user's with the coupon, about 1, ``(n, S)``.

        It is 1 for new coupons, and for those that cost nothing or always the same.
        """
        if not self.is_own:
            return np.ones((len(x), len(known)))
        strata = self.shared.strata
        level = strata.mean[known + 1, 1]
        varies = (known >= 0) & ~strata.constant[known + 1, 1] & (level > 0)
        ratio = self.shared.given_conversion(x, known) + self._apart(x, known, attributes)
        ratio /= np.where(varies, level, 1.0)
        return np.asarray(np.where(varies, np.clip(ratio, 0.0, _MOST_RATIO), 1.0))

    def predict(
        self,
        x: npt.NDArray[np.float32],
        conversion: npt.NDArray[np.floating],
        known: npt.NDArray[np.int64],
        attributes: npt.NDArray[np.float32],
        menu: npt.NDArray[np.floating],
    ) -> Floats:
        """Return E[cost] under none and S coupons, asked as :meth:`AmountModel.predict`.

        New coupons cost what their attributes say.
        """
        cost = self.shared.predict(x, conversion, known, attributes, menu)
        if self.is_own:
            fixed = np.where(known >= 0, ~np.isnan(self.shared.strata.fixed[known + 1]), True)
            more = conversion[:, 1:] * self._apart(x, known, attributes)
            cost[:, 1:] = np.maximum(cost[:, 1:] + np.where(fixed, 0.0, more), 0.0)
        return cost

    def state(self) -> State:
        """Return what was learnt."""
        state = State(
            {"seed": self.seed, "trees": self.trees, "share": self.share},
            {"most": self.most, "unit": self.unit},
        )
        state.facts["share_of_trees"] = self.share_of_trees
        state.put("shared", self.shared.state())
        for name, model in (("crossed", self.crossed), ("boosted", self.boosted)):
            state.facts[name] = model is not None
            if model is not None:
                state.put(name, model.state())
        return state

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Take back what :meth:`state` gave."""
        model = cls(int(state.facts["seed"]), int(state.facts["trees"]))
        model.share, model.most, model.unit = (
            float(state.facts["share"]),
            state.arrays["most"],
            state.arrays["unit"],
        )
        model.share_of_trees = float(state.facts["share_of_trees"])
        model.shared = AmountModel.from_state(state.part("shared"))
        if state.facts["crossed"]:
            model.crossed = HierarchicalLogit.from_state(state.part("crossed"))
        if state.facts["boosted"]:
            model.boosted = Boosted.from_state(state.part("boosted"))
        return model
