"""What learners of conversions share: money beside conversions, standard errors, files.

A model's own file says how conversions are learnt; the rest is here.

References
----------
.. [1] Shao, J., & Wu, C. F. J. (1989). A general theory for jackknife variance estimation. Annals of
   Statistics, 17(3), 1176-1197. https://doi.org/10.1214/aos/1176347263
.. [2] Smyth, G. K. (2004). Linear models and empirical Bayes methods for assessing differential expression in
   microarray experiments. Statistical Applications in Genetics and Molecular Biology, 3(1).
   https://doi.org/10.2202/1544-6115.1027
"""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from couponry.instances.progress import Progress, Report
from couponry.predictors.amounts import AmountModel
from couponry.predictors.features import Layout
from couponry.predictors.learner import Outcomes, TrainingRows, check_rows, folds_by_user
from couponry.predictors.parameters import Parameters
from couponry.predictors.second_opinion import SecondOpinion
from couponry.predictors.state import State

__all__ = ["ConversionLearner"]

Floats = npt.NDArray[np.float64]
Inputs = npt.NDArray[np.float32]

_TYPICAL_WORTH = 4.0  # degrees of freedom that the typical variance counts as, beside a user's own
_TYPICAL_ROWS, _JUDGED = 2000, 50_000


class ConversionLearner(Parameters):
    """Learns conversions in its own way.

    A model gives :meth:`learn`, :meth:`probability`, :meth:`learnt` and :meth:`relearn`.

    Parameters
    ----------
    seed : int
    error_folds : int
        Into how many folds users are dealt for standard errors; 0 for none. The model is learnt once more
        without each fold, and the spread of these answers is the delete-a-group jackknife's [1]_. Few folds
        make a noisy variance, so each user's is drawn towards what is typical of the coupon [2]_. What a
        model cannot say is in no fold's answer: the error is at least what a second opinion doubts
        (:mod:`~couponry.predictors.second_opinion`).
    """

    name: ClassVar[str]
    layout: Layout = "standard"
    from_attributes: bool = False
    money: str = "sklearn"

    def __init__(self, *, seed: int = 0, error_folds: int = 0) -> None:
        self.seed = seed
        self.error_folds = error_folds

    def learn(self, rows: TrainingRows, progress: Report | None = None) -> None:
        """Learn the probability of a conversion under every arm."""
        raise NotImplementedError

    def probability(self, x: Inputs, known: npt.NDArray[np.int64], coupons: Inputs) -> Floats:
        """Return the probability under none and S coupons, float64 ``(n, S + 1)``, asked as ``predict``."""
        raise NotImplementedError

    def learnt(self) -> State:
        """Return what :meth:`learn` left."""
        raise NotImplementedError

    def relearn(self, state: State) -> None:
        """Take back what :meth:`learnt` gave."""
        raise NotImplementedError

    def fit(self, rows: TrainingRows, progress: Report | None = None) -> Self:
        """Learn conversions, costs and revenue, and how sure the answers are."""
        check_rows(rows)
        self.learn(rows, progress)
        self.menu = rows.coupons
        self.cost = self._amount(rows, rows.cost)
        self.revenue = self._amount(rows, rows.revenue)
        self._fit_siblings(rows)
        if progress:
            progress(Progress("training", 1.0, 1.0, self.words))
        return self

    @property
    def words(self) -> str:
        """What the learner is, for a line of progress."""
        return self.name

    def _amount(self, rows: TrainingRows, amount: Floats) -> AmountModel:
        model = AmountModel(self.money, seed=self.seed, not_negative=bool((amount >= 0).all()))
        return model.fit(rows.x, rows.arm, rows.conversion, amount, rows.arms, rows.categorical)

    def _fit_siblings(self, rows: TrainingRows) -> None:
        self.siblings: list[ConversionLearner] = []
        self.typical = np.zeros(rows.arms)
        self.opinion: SecondOpinion | None = None
        if not self.error_folds:
            return
        fold = folds_by_user(rows.user, self.error_folds, self.seed)
        for k in range(self.error_folds):
            sibling = self._alike()
            sibling.learn(rows.take(fold != k))
            self.siblings.append(sibling)
        some = np.random.default_rng(self.seed).permutation(rows.n)[:_TYPICAL_ROWS]
        known = np.arange(rows.arms)
        self.typical = self._variance(rows.x[some], known, rows.coupons).mean(axis=0)
        if not rows.x.shape[1]:
            return
        judged = np.sort(np.random.default_rng(self.seed).permutation(rows.n)[:_JUDGED])
        told = np.empty((len(judged), rows.arms + 1))
        for k, sibling in enumerate(self.siblings):
            own = fold[judged] == k
            told[own] = sibling.probability(rows.x[judged[own]], known, rows.coupons)
        self.opinion = SecondOpinion.of(rows, told, judged, self.seed)

    def _alike(self) -> Self:
        return type(self)(**{**self.get_params(), "error_folds": 0})

    def _variance(self, x: Inputs, known: npt.NDArray[np.int64], coupons: Inputs) -> Floats:
        """Return the jackknife's variance of every uplift, ``(n, S)``."""
        found = [sibling.probability(x, known, coupons) for sibling in self.siblings]
        uplift = np.stack([p[:, 1:] - p[:, :1] for p in found])
        # Var = (K − 1)/K · Σ (θ_k − mean)², numpy's variance being 1/K of that sum.
        return np.asarray((len(found) - 1) * uplift.var(axis=0), dtype=np.float64)

    def _error(self, x: Inputs, known: npt.NDArray[np.int64], coupons: Inputs) -> Floats | None:
        if not self.siblings:
            return None
        own = len(self.siblings) - 1
        typical = np.where(known >= 0, self.typical[known], self.typical.max())
        variance = self._variance(x, known, coupons)
        return np.asarray(np.sqrt((own * variance + _TYPICAL_WORTH * typical) / (own + _TYPICAL_WORTH)))

    def predict(self, x: Inputs, known: npt.NDArray[np.int64], coupons: Inputs) -> Outcomes:
        """Return the outcomes under none and S coupons."""
        probability = self.probability(x, known, coupons)
        doubt = None
        if self.opinion is not None:
            doubt = self.opinion.error(x, known, coupons, probability[:, 1:] - probability[:, :1])
        return Outcomes(
            probability,
            self.cost.predict(x, probability, known, coupons, self.menu),
            self.revenue.predict(x, probability, known, coupons, self.menu),
            self._error(x, known, coupons),
            doubt,
        )

    def report(self) -> dict[str, Any]:
        """Return what the learner is."""
        return {"learner": self.name}

    def state(self) -> State:
        """Return what was learnt."""
        state = State({"parameters": self.get_params()}, {"menu": self.menu, "typical": self.typical})
        state.put("conversion", self.learnt())
        state.put("cost", self.cost.state())
        state.put("revenue", self.revenue.state())
        state.put_all("siblings", [sibling.learnt() for sibling in self.siblings])
        if self.opinion is not None:
            state.put("opinion", self.opinion.state())
        return state

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Take back what :meth:`state` gave."""
        learner = cls(**state.facts["parameters"])
        learner.menu, learner.typical = state.arrays["menu"], state.arrays["typical"]
        learner.relearn(state.part("conversion"))
        learner.cost = AmountModel.from_state(state.part("cost"))
        learner.revenue = AmountModel.from_state(state.part("revenue"))
        learner.siblings = []
        for part in state.parts("siblings"):
            sibling = learner._alike()
            sibling.relearn(part)
            learner.siblings.append(sibling)
        learner.opinion = None
        if "opinion" in state.facts:
            learner.opinion = SecondOpinion.from_state(state.part("opinion"))
        return learner
