"""What every base learner can do."""

from __future__ import annotations

import inspect
from typing import Any, ClassVar, Literal, Protocol, Self

import numpy as np
import numpy.typing as npt

from couponry.instances.errors import InputError, did_you_mean
from couponry.predictors.features import Layout
from couponry.predictors.state import State

__all__ = ["BASES", "BaseLearner", "base_learner", "base_options"]

Base = Literal["lightgbm", "forest", "sklearn"]
BASES: tuple[Base, ...] = ("lightgbm", "forest", "sklearn")


class BaseLearner(Protocol):
    """A regressor of one number.

    Parameters
    ----------
    logistic : bool
        The target lies in [0, 1] and so does the prediction.
    seed : int

    Attributes
    ----------
    layout
        How it wants features encoded.
    finds_crosses : bool
        Whether it finds by itself that two columns must meet; else it must be given their products.
    """

    layout: ClassVar[Layout]
    finds_crosses: ClassVar[bool]

    def __init__(self, logistic: bool, *, seed: int = 0, **options: Any) -> None: ...

    def fit(
        self,
        x: npt.NDArray[np.float32],
        y: npt.NDArray[np.float64],
        weight: npt.NDArray[np.float64] | None = None,
        categorical: tuple[int, ...] = (),
    ) -> Self:
        """Learn the mean of ``y`` given ``x``; ``categorical`` names columns that hold codes."""
        ...

    def predict(self, x: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """Return the mean of every row, float64 ``(n,)``."""
        ...

    def state(self) -> State:
        """Return what was learnt."""
        ...

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Take back what :meth:`state` gave."""
        ...


def base_learner(name: str) -> type[BaseLearner]:
    """Return the class of a base learner.

    Raises
    ------
    InputError
        If there is none of this name.
    MissingExtraError
        If its package is not installed.
    """
    if name == "lightgbm":
        from couponry.predictors.base_learners.trees import Trees

        return Trees
    if name == "forest":
        from couponry.predictors.base_learners.forest import Forest

        return Forest
    if name == "sklearn":
        from couponry.predictors.base_learners.linear import Linear

        return Linear
    raise InputError("unknown base learner", value=name, mend=did_you_mean(name, BASES))


def base_options(name: str) -> dict[str, Any]:
    """Return the options of a base learner, and what each is where it is not given.

    Raises
    ------
    InputError
        If there is no base learner of this name.
    """
    parameters = inspect.signature(base_learner(name)).parameters
    return {p.name: p.default for p in parameters.values() if p.name not in ("logistic", "seed")}
