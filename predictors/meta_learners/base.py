"""What the meta-learners share: where their regressions come from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from couponry.predictors.base_learners.base import BaseLearner, base_learner, base_options
from couponry.predictors.conversion import ConversionLearner
from couponry.predictors.features import Layout
from couponry.predictors.parameter_kinds import check_parameters
from couponry.predictors.state import State

__all__ = ["Bases", "MetaLearner", "as_probabilities"]

Floats = npt.NDArray[np.float64]


class Bases:
    """Makes the regressions of a meta-learner, all of one kind.

    Parameters
    ----------
    name : {"lightgbm", "forest", "sklearn"}
    seed : int
    options : mapping
        Passed to the base learner.
    """

    def __init__(self, name: str, seed: int = 0, options: Mapping[str, Any] | None = None) -> None:
        self.name = name
        self.seed = seed
        self.options = dict(options or {})
        self.kind = base_learner(name)
        check_parameters(self.options, base_options(name))

    def probability(self) -> BaseLearner:
        """Return a regression of something in [0, 1]."""
        return self.kind(logistic=True, seed=self.seed, **self.options)

    def effect(self) -> BaseLearner:
        """Return a regression of any number."""
        return self.kind(logistic=False, seed=self.seed, **self.options)

    def restored(self, states: list[State]) -> list[BaseLearner]:
        """Take back fitted regressions."""
        return [self.kind.from_state(state) for state in states]


class MetaLearner(ConversionLearner):
    """A learner of conversions that is built of regressions.

    A meta-learner gives :meth:`learn`, :meth:`by_arm`, :meth:`learnt` and :meth:`relearn`.

    Parameters
    ----------
    base : {"lightgbm", "forest", "sklearn"}
        What its regressions are.
    seed, error_folds : int
        See :class:`~couponry.predictors.conversion.ConversionLearner`.
    base_options : mapping, optional
        Passed to the base learners.
    """

    def __init__(
        self,
        base: str = "lightgbm",
        *,
        seed: int = 0,
        base_options: Mapping[str, Any] | None = None,
        error_folds: int = 0,
    ) -> None:
        super().__init__(seed=seed, error_folds=error_folds)
        self.bases = Bases(base, seed, base_options)
        self.layout: Layout = self.bases.kind.layout
        self.money = base

    def by_arm(self, x: npt.NDArray[np.float32]) -> Floats:
        """Return the probability under none and every coupon of the menu, float64 ``(n, J + 1)``."""
        raise NotImplementedError

    def probability(
        self, x: npt.NDArray[np.float32], known: npt.NDArray[np.int64], coupons: npt.NDArray[np.float32]
    ) -> Floats:
        """Return the probability under none and the coupons at ``known``; attributes are not used."""
        return self.by_arm(x)[:, np.append(0, known + 1)]

    @property
    def words(self) -> str:
        """What the learner is, for a line of progress."""
        return f"{self.name}-learner over {self.bases.name}"

    def report(self) -> dict[str, Any]:
        """Return what the learner is made of."""
        return {"learner": self.name, "base": self.bases.name, "base_options": self.bases.options}


def as_probabilities(without: Floats, uplift: Floats) -> Floats:
    """Return none and coupons side by side, uplifts cut where a probability would leave [0, 1]."""
    base = np.clip(without, 0.0, 1.0)[:, None]
    return np.hstack([base, np.clip(base + uplift, 0.0, 1.0)])
