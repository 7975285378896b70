"""The default model: hierarchical responses and boosted trees, weighed by rows that none of them saw.

Who converts is told by several models (:mod:`.members`), cross-fitted on the same folds of users; what a
conversion costs user by coupon (:mod:`.spending`). Unseen rows say how much each counts, and bring what is
left to size (:mod:`.blend`). Of few rows the evidence often finds no difference between users, and no doubt
either: up to 100,000 rows a second opinion says how far effects may be off.
"""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from couponry.instances.one_blas_thread import one_blas_thread
from couponry.instances.progress import Progress, Report
from couponry.predictors.amounts import AmountModel
from couponry.predictors.beside import beside
from couponry.predictors.features import Layout
from couponry.predictors.learner import Outcomes, TrainingRows, check_rows, folds_by_user
from couponry.predictors.parameter_kinds import Whole
from couponry.predictors.parameters import Parameters
from couponry.predictors.second_opinion import SecondOpinion
from couponry.predictors.stack.blend import Blend
from couponry.predictors.stack.hierarchical import FEW
from couponry.predictors.stack.members import MOST_ROWS, Members
from couponry.predictors.stack.spending import Spending
from couponry.predictors.state import State

__all__ = ["StackLearner"]

_FOLDS, _FOLDS_OF_FEW = 3, 6
_MOST_DOUBTED = 100_000  # rows; of more, what the members disagree on holds


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

    @one_blas_thread
    def fit(self, rows: TrainingRows, progress: Report | None = None) -> Self:
        """Learn conversions, costs and revenue."""
        check_rows(rows)
        self.menu = rows.coupons
        small = rows.arms <= FEW and rows.n <= MOST_ROWS
        fold = folds_by_user(rows.user, self.folds or (_FOLDS_OF_FEW if small else _FOLDS), self.seed)

        def done(step: int, what: str) -> None:
            if progress:
                progress(Progress("training", step, 3.0, what))

        self.members = Members(self.seed, self.trees)
        with beside() as thread:
            trees = thread.submit(self.members.boost, rows, fold)
            cost = thread.submit(Spending(self.seed, self.trees).fit, rows, fold)
            revenue = thread.submit(self._revenue, rows)
            self.members.fit(rows, fold)
            done(1, "logistic response")
            trees.result()
            done(2, "boosted trees")
            self.cost, self.revenue = cost.result(), revenue.result()
        self.blend = Blend(self.members, self.cost, self.menu)
        judged, told = self.blend.weigh(rows, fold, self.seed)
        self.opinion: SecondOpinion | None = None
        if rows.n <= _MOST_DOUBTED:
            self.opinion = SecondOpinion.of(rows, told, judged, self.seed)
        done(3, "money")
        return self

    def _revenue(self, rows: TrainingRows) -> AmountModel:
        positive = bool((rows.revenue >= 0).all())
        model = AmountModel("lightgbm", seed=self.seed, not_negative=positive)
        return model.fit(rows.x, rows.arm, rows.conversion, rows.revenue, rows.arms)

    def predict(
        self, x: npt.NDArray[np.float32], known: npt.NDArray[np.int64], coupons: npt.NDArray[np.float32]
    ) -> Outcomes:
        """Return the outcomes of users under none and S coupons, new ones (−1) by their attributes."""
        probability, error = self.blend.predict(x, known, coupons)
        cost, revenue = (
            model.predict(x, probability, known, coupons, self.menu) for model in (self.cost, self.revenue)
        )
        doubt = None
        if self.opinion is not None:
            doubt = self.opinion.error(x, known, coupons, probability[:, 1:] - probability[:, :1])
        return Outcomes(probability, cost, revenue, error, doubt)

    def report(self) -> dict[str, Any]:
        """Return what the evidence found, and what each model counts."""
        logit = self.members.logit
        return {
            "variance": dict(zip(logit.names, logit.variance.tolist(), strict=True)),
            **{f"belief_in_{name}": taken for name, taken in logit.belief.items()},
            "trees": self.trees,
            "share_of_own_costs": self.cost.share,
            "share_of_trees_of_costs": self.cost.share_of_trees,
        } | self.blend.report()

    def state(self) -> State:
        """Return what was learnt."""
        state = State({"parameters": self.get_params()}, {"menu": self.menu})
        for name in ("members", "cost", "blend", "revenue"):
            state.put(name, getattr(self, name).state())
        if self.opinion is not None:
            state.put("opinion", self.opinion.state())
        return state

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Take back what :meth:`state` gave."""
        learner = cls(**state.facts["parameters"])
        learner.menu = state.arrays["menu"]
        learner.members = Members.from_state(state.part("members"))
        learner.cost = Spending.from_state(state.part("cost"))
        blend = state.part("blend")
        learner.blend = Blend.from_state(blend, learner.members, learner.cost, learner.menu)
        learner.revenue = AmountModel.from_state(state.part("revenue"))
        learner.opinion = None
        if "opinion" in state.facts:
            learner.opinion = SecondOpinion.from_state(state.part("opinion"))
        return learner
