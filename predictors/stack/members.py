"""The models whose effects the default model weighs, cross-fitted on the same folds of users.

The linear models (:mod:`.hierarchical`) have few words, lines and bends, and are hard to fool with few rows.
One adds effects to the logit; a second to the probability. Boosted trees (:mod:`.boosted`) find thresholds
and combinations in who converts, others (:mod:`.effect_trees`) in what coupons add.
"""

from __future__ import annotations

from typing import Self

import numpy as np
import numpy.typing as npt

from couponry.predictors.beside import beside
from couponry.predictors.learner import TrainingRows
from couponry.predictors.stack.boosted import Boosted
from couponry.predictors.stack.effect_trees import EffectTrees
from couponry.predictors.stack.hierarchical import HierarchicalLogit
from couponry.predictors.state import State

__all__ = ["MOST_ROWS", "OTHERS", "Members"]

Floats = npt.NDArray[np.float64]
Floats32 = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

OTHERS = ("additive", "effect_trees", "trees")  # beside the logistic model
MOST_ROWS = 300_000  # of the additive model
_FEWER_COEFFICIENTS = 1200
_MOST_CELLS = 9_000_000  # rows times features that trees of effects learn from
_IDLE = 0.2  # share of folds that may grow no trees of effects


class Members:
    """A logistic model, an additive one, trees of effects and boosted trees.

    Parameters
    ----------
    seed : int
    trees : int
        Of a booster; 0 for no trees at all.
    """

    def __init__(self, seed: int, trees: int) -> None:
        self.seed = seed
        self.trees = trees
        self.effects: EffectTrees | None = None
        self.boosted: Boosted | None = None

    def fit(self, rows: TrainingRows, fold: Ints) -> Self:
        """Learn all but :meth:`boost`'s trees from all rows, and without each fold for :meth:`unseen`."""
        self.logit = HierarchicalLogit().fit(rows.x, rows.arm, rows.conversion, rows.coupons, fold)
        some = np.arange(rows.n)
        if rows.n > MOST_ROWS:
            some = np.sort(np.random.default_rng(self.seed).permutation(rows.n)[:MOST_ROWS])
        part = rows.take(some)
        self.additive = HierarchicalLogit(additive=True, most=_FEWER_COEFFICIENTS)
        self.additive.fit(part.x, part.arm, part.conversion, part.coupons, fold[some])
        self._grow(part, fold[some])
        return self

    def boost(self, rows: TrainingRows, fold: Ints) -> None:
        """Boost trees on conversions, without each fold; may run beside :meth:`fit`."""
        if self.trees:
            self.boosted = Boosted(self.seed, self.trees).fit(
                rows.x, rows.arm, rows.conversion, rows.coupons, fold
            )

    def _grow(self, rows: TrainingRows, fold: Ints) -> None:
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

    def unseen(self, x: Floats32, coupons: Floats32, fold: Ints) -> tuple[Floats, dict[str, Floats]]:
        """Return training rows' probabilities by models without their fold, ``(n, J + 1)`` each.

        The logistic model's first, then the others' by name.
        """
        told = self.logit.unseen(x, fold)
        others = {"additive": self.additive.unseen(x, fold)}
        if self.effects is not None:
            others["effect_trees"] = self.effects.unseen(x, others["additive"], fold)
        if self.boosted is not None:
            others["trees"] = self.boosted.unseen(x, coupons, fold)
        return told, others

    def predict(
        self, x: Floats32, known: Ints, coupons: Floats32, shares: dict[str, float]
    ) -> tuple[Floats, dict[str, Floats], Floats]:
        """Return probabilities under none and S coupons, ``(n, S + 1)`` each, and effects' errors.

        Models without a share are not asked.
        """
        others = {}
        with beside() as thread:  # as long as all the rest together
            trees = None
            if self.boosted is not None and shares["trees"]:
                trees = thread.submit(self.boosted.predict, x, known, coupons)
            told, error = self.logit.predict(x, known, coupons)
            if shares["additive"] or shares.get("effect_trees"):
                others["additive"] = self.additive.probability(x, known, coupons)
            if self.effects is not None and shares["effect_trees"]:
                made = self.additive.made_of(known, coupons)
                others["effect_trees"] = self.effects.predict(x, others["additive"][:, 0], made)
            if trees is not None:
                others["trees"] = trees.result()
        return told, others, error

    def state(self) -> State:
        """Return what was learnt."""
        state = State({"seed": self.seed, "trees": self.trees})
        state.put("logit", self.logit.state())
        state.put("additive", self.additive.state())
        if self.effects is not None:
            state.put("effects", self.effects.state())
        if self.boosted is not None:
            state.put("boosted", self.boosted.state())
        return state

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Take back what :meth:`state` gave."""
        members = cls(int(state.facts["seed"]), int(state.facts["trees"]))
        members.logit = HierarchicalLogit.from_state(state.part("logit"))
        members.additive = HierarchicalLogit.from_state(state.part("additive"))
        if "effects" in state.facts:
            members.effects = EffectTrees.from_state(state.part("effects"))
        if "boosted" in state.facts:
            members.boosted = Boosted.from_state(state.part("boosted"))
        return members
