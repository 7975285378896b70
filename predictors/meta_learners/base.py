"""What the meta-learners share: where their regressions come from, and money beside conversions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from couponry.instances.progress import Progress, Report
from couponry.predictors.amounts import AmountModel
from couponry.predictors.base_learners.base import BaseLearner, base_learner
from couponry.predictors.features import Layout
from couponry.predictors.learner import Outcomes, TrainingRows
from couponry.predictors.parameters import Parameters
from couponry.predictors.state import State

__all__ = ["Bases", "MetaLearner", "as_probabilities"]

Floats = npt.NDArray[np.float64]


class Bases:
    """Makes the regressions of a meta-learner, all of one kind.

    Parameters
    ----------
    name : {"lightgbm", "sklearn"}
    seed : int
    options : mapping
        Passed to the base learner.
    """

    def __init__(self, name: str, seed: int = 0, options: Mapping[str, Any] | None = None) -> None:
        self.name = name
        self.seed = seed
        self.options = dict(options or {})
        self.kind = base_learner(name)

    def probability(self) -> BaseLearner:
        """Return a regression of something in [0, 1]."""
        return self.kind(logistic=True, seed=self.seed, **self.options)

    def effect(self) -> BaseLearner:
        """Return a regression of any number."""
        return self.kind(logistic=False, seed=self.seed, **self.options)

    def restored(self, states: list[State]) -> list[BaseLearner]:
        """Take back fitted regressions."""
        return [self.kind.from_state(state) for state in states]


class MetaLearner(Parameters):
    """What a meta-learner is beside its own way with conversions: money by arm and conversion, files.

    A meta-learner gives :meth:`learn`, :meth:`probability`, :meth:`learnt` and :meth:`relearn`.

    Parameters
    ----------
    base : {"lightgbm", "sklearn"}
        What its regressions are.
    seed : int
    base_options : mapping, optional
        Passed to the base learners.
    """

    name: ClassVar[str]
    from_attributes: bool = False

    def __init__(
        self, base: str = "lightgbm", *, seed: int = 0, base_options: Mapping[str, Any] | None = None
    ) -> None:
        self.bases = Bases(base, seed, base_options)
        self.layout: Layout = self.bases.kind.layout

    def learn(self, rows: TrainingRows, progress: Report | None = None) -> None:
        """Learn the probability of a conversion under every arm."""
        raise NotImplementedError

    def probability(self, x: npt.NDArray[np.float32]) -> Floats:
        """Return the probability under none and every coupon, float64 ``(n, J + 1)``."""
        raise NotImplementedError

    def learnt(self) -> State:
        """Return what :meth:`learn` left."""
        raise NotImplementedError

    def relearn(self, state: State) -> None:
        """Take back what :meth:`learnt` gave."""
        raise NotImplementedError

    def fit(self, rows: TrainingRows, progress: Report | None = None) -> Self:
        """Learn conversions, costs and revenue."""
        self.learn(rows, progress)
        self.cost = self._amount(rows, rows.cost)
        self.revenue = self._amount(rows, rows.revenue)
        if progress:
            progress(Progress("training", 1.0, 1.0, f"{self.name}-learner over {self.bases.name}"))
        return self

    def _amount(self, rows: TrainingRows, amount: Floats) -> AmountModel:
        model = AmountModel(self.bases.name, seed=self.bases.seed, not_negative=bool((amount >= 0).all()))
        return model.fit(rows.x, rows.arm, rows.conversion, amount, rows.arms, rows.categorical)

    def predict(
        self, x: npt.NDArray[np.float32], known: npt.NDArray[np.int64], coupons: npt.NDArray[np.float32]
    ) -> Outcomes:
        """Return the outcomes under none and the coupons at ``known``; attributes are not used."""
        probability = self.probability(x)[:, np.append(0, known + 1)]
        return Outcomes(
            probability,
            self.cost.predict(x, probability, known),
            self.revenue.predict(x, probability, known),
        )

    def report(self) -> dict[str, Any]:
        """Return what the learner is made of."""
        return {"learner": self.name, "base": self.bases.name, "base_options": self.bases.options}

    def state(self) -> State:
        """Return what was learnt."""
        state = State({"parameters": self.get_params()})
        state.put("conversion", self.learnt())
        state.put("cost", self.cost.state())
        state.put("revenue", self.revenue.state())
        return state

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Take back what :meth:`state` gave."""
        learner = cls(**state.facts["parameters"])
        learner.relearn(state.part("conversion"))
        learner.cost = AmountModel.from_state(state.part("cost"))
        learner.revenue = AmountModel.from_state(state.part("revenue"))
        return learner


def as_probabilities(without: Floats, uplift: Floats) -> Floats:
    """Return none and coupons side by side, uplifts cut where a probability would leave [0, 1]."""
    base = np.clip(without, 0.0, 1.0)[:, None]
    return np.hstack([base, np.clip(base + uplift, 0.0, 1.0)])
