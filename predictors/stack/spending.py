"""What a conversion costs, user by coupon: whether this user redeems this coupon.

:class:`~couponry.predictors.amounts.AmountModel` lets arms share what a converted user costs. Here every
coupon has a part of its own, a hierarchical logit (:mod:`.hierarchical`) of the amount as a share of the
coupon's largest. Its weight is the slope of unseen amounts on the difference between the two.
"""

from __future__ import annotations

from typing import Self

import numpy as np
import numpy.typing as npt

from couponry.predictors.amounts import AmountModel
from couponry.predictors.learner import TrainingRows
from couponry.predictors.stack.hierarchical import FEW, HierarchicalLogit
from couponry.predictors.stack.shares import shares
from couponry.predictors.state import State

__all__ = ["Spending"]

Floats = npt.NDArray[np.float64]

_LEAST_ROWS, _LEAST_JUDGES, _MOST_ROWS, _MOST_COEFFICIENTS = 1000, 100, 200_000, 1200
_MOST_RATIO = 5.0


class Spending:
    """Expected cost of users and coupons.

    Parameters
    ----------
    seed : int
    """

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed
        self.crossed: HierarchicalLogit | None = None
        self.share = 0.0

    def fit(self, rows: TrainingRows, fold: npt.NDArray[np.int64]) -> Self:
        """Learn from all rows; the last fold weighs."""
        self.shared = self._shared(rows)
        strata = self.shared.strata
        self.most = np.ones(rows.arms)
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
        arm, cost, part = rows.arm[at], rows.cost[at], fold[at]
        judges = part == fold.max()
        if judges.sum() < _LEAST_JUDGES:
            return self
        crossed = HierarchicalLogit(most=_MOST_COEFFICIENTS)
        crossed.fit(rows.x[at], arm, cost / self.most[arm], rows.coupons, part)
        x, own = rows.x[at][judges], arm[judges]
        every = np.arange(len(own))
        told = crossed.unseen(x, part[judges])[every, own + 1] * self.most[own]
        usual = self._shared(rows.take(fold != fold.max())).given_conversion(x, np.arange(rows.arms))
        before = usual[every, own]
        level = np.maximum(strata.mean[own + 1, 1], 1e-9)
        residual, apart = (cost[judges] - before) / level, (told - before) / level
        (self.share,) = shares(residual, [apart], np.ones(len(own)), [0.0])
        self.crossed = crossed if self.share > 0.01 else None
        return self

    def _shared(self, rows: TrainingRows) -> AmountModel:
        model = AmountModel("lightgbm", seed=self.seed, not_negative=bool((rows.cost >= 0).all()))
        return model.fit(rows.x, rows.arm, rows.conversion, rows.cost, rows.arms)

    def _apart(
        self, x: npt.NDArray[np.float32], known: npt.NDArray[np.int64], attributes: npt.NDArray[np.float32]
    ) -> Floats:
        """Return how much more a conversion costs than the shared model says, new coupons nought."""
        assert self.crossed is not None
        told = self.crossed.probability(x, known, attributes)[:, 1:] * self.most[known]
        usual = self.shared.given_conversion(x, known)
        spoken = (known >= 0) & ~self.shared.strata.constant[known + 1, 1]
        return np.asarray(np.where(spoken, self.share * (told - usual), 0.0))

    def ratio(
        self, x: npt.NDArray[np.float32], known: npt.NDArray[np.int64], attributes: npt.NDArray[np.float32]
    ) -> Floats:
        """Return the part of a conversion's cost that is the user's with the coupon, about 1, ``(n, S)``.

        It is 1 for new coupons, and for those that cost nothing or always the same.
        """
        if self.crossed is None:
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
        if self.crossed is not None:
            fixed = np.where(known >= 0, ~np.isnan(self.shared.strata.fixed[known + 1]), True)
            more = conversion[:, 1:] * self._apart(x, known, attributes)
            cost[:, 1:] = np.maximum(cost[:, 1:] + np.where(fixed, 0.0, more), 0.0)
        return cost

    def state(self) -> State:
        """Return what was learnt."""
        state = State({"seed": self.seed, "share": self.share}, {"most": self.most})
        state.put("shared", self.shared.state())
        state.facts["crossed"] = self.crossed is not None
        if self.crossed is not None:
            state.put("crossed", self.crossed.state())
        return state

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Take back what :meth:`state` gave."""
        model = cls(int(state.facts["seed"]))
        model.share, model.most = float(state.facts["share"]), state.arrays["most"]
        model.shared = AmountModel.from_state(state.part("shared"))
        if state.facts["crossed"]:
            model.crossed = HierarchicalLogit.from_state(state.part("crossed"))
        return model
