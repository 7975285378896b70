"""What a learner is given, what it answers, and what every learner can do."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, Protocol, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from couponry.instances.coupons import Coupons
from couponry.instances.errors import InputError
from couponry.instances.progress import Report
from couponry.predictors.features import FeatureEncoder, Layout
from couponry.predictors.state import State

__all__ = ["Learner", "Outcomes", "TrainingRows", "check_rows", "doubts_of", "encoded_for", "folds_by_user"]

Floats = npt.NDArray[np.float64]

_NOT_BY_ROW = ("categorical", "coupons", "offers")


@dataclass(frozen=True)
class TrainingRows:
    """A log in numbers.

    Attributes
    ----------
    x : ndarray of float32, shape (n, d)
        Encoded user features in the learner's layout.
    categorical : tuple of int
        Columns of ``x`` that hold category codes.
    coupons : ndarray of float32, shape (J, c)
        Encoded coupon attributes.
    arm : ndarray of int32, shape (n,)
        Menu position of the coupon given, −1 for none.
    conversion, cost, revenue, propensity : ndarray of float64, shape (n,)
        ``propensity`` is that of the arm that was given.
    user : ndarray of int64, shape (n,)
        Which rows belong to one user.
    arm_propensity : ndarray of float64, shape (n, J + 1), or None
        Probability of every arm, none first, where it is known or was estimated.
    kept : ndarray of bool, shape (n, J), or None
        Rows from which a coupon's effect may be learnt, where some are trimmed for want of overlap.
    offers : Coupons, optional
        The menu itself, for learners that look at face values.
    click : ndarray of float64, shape (n,), optional
        1 where the user opened the coupon, else 0; NaN where there was none to open. Absent where the log
        does not tell.
    """

    x: npt.NDArray[np.float32]
    categorical: tuple[int, ...]
    coupons: npt.NDArray[np.float32]
    arm: npt.NDArray[np.int32]
    conversion: Floats
    cost: Floats
    revenue: Floats
    propensity: Floats
    user: npt.NDArray[np.int64]
    arm_propensity: Floats | None = None
    kept: npt.NDArray[np.bool_] | None = None
    offers: Coupons | None = None
    click: Floats | None = None

    def take(self, use: npt.NDArray[np.bool_] | npt.NDArray[np.int64]) -> TrainingRows:
        """Return some of the rows, by a mask or by positions; the menu stays whole."""
        by_row = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in _NOT_BY_ROW}
        return replace(self, **{name: array[use] for name, array in by_row.items() if array is not None})

    def pair_propensity(self, coupon: int) -> Floats | None:
        """Return the probability of a coupon among it and none, float64 ``(n,)``; None where not known."""
        if self.arm_propensity is None:
            return None
        own = self.arm_propensity[:, coupon + 1]
        return np.asarray(own / (own + self.arm_propensity[:, 0]), dtype=np.float64)

    def learn_from(self, coupon: int) -> npt.NDArray[np.bool_]:
        """Return of which rows a coupon's effect may be learnt, bool ``(n,)``."""
        return np.ones(self.n, dtype=np.bool_) if self.kept is None else self.kept[:, coupon]

    @property
    def n(self) -> int:
        """Number of rows."""
        return len(self.arm)

    @property
    def arms(self) -> int:
        """Number of coupons J."""
        return len(self.coupons)


@dataclass(frozen=True)
class Outcomes:
    """Expected outcomes of users under every arm; the first column is none, the others are coupons.

    Attributes
    ----------
    conversion, cost, revenue : ndarray, shape (n, S + 1)
    conversion_error : ndarray, shape (n, S), or None
        Standard error of the conversion with the coupon minus without.
    conversion_doubt : ndarray, shape (n, S), or None
        Root of that difference's expected squared error in the eyes of other models, where there are such.
    """

    conversion: npt.NDArray[np.floating]
    cost: npt.NDArray[np.floating]
    revenue: npt.NDArray[np.floating]
    conversion_error: npt.NDArray[np.floating] | None = None
    conversion_doubt: npt.NDArray[np.floating] | None = None

    @property
    def value_error(self) -> npt.NDArray[np.floating] | None:
        """The larger of standard error and doubt, ``(n, S)``."""
        if self.conversion_error is None or self.conversion_doubt is None:
            return self.conversion_error
        return np.asarray(np.maximum(self.conversion_error, self.conversion_doubt))


class Learner(Protocol):
    """Something that learns outcomes under every arm.

    Parameters are scikit-learn's: keywords of the constructor, ``seed`` among them, each with a default;
    :class:`~couponry.predictors.parameters.Parameters` brings the three methods that speak of them.

    Attributes
    ----------
    layout
        How it wants user features encoded.
    from_attributes
        Whether it can answer for a coupon that it has seen no rows of.
    """

    layout: Layout
    from_attributes: bool

    def __init__(self, *, seed: int = 0, **options: Any) -> None: ...

    @classmethod
    def parameter_names(cls) -> tuple[str, ...]:
        """Return what the constructor takes by name."""
        ...

    @classmethod
    def parameter_defaults(cls) -> dict[str, Any]:
        """Return what each parameter is where it is not given."""
        ...

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters by name."""
        ...

    def set_params(self, **params: Any) -> Self:
        """Change parameters."""
        ...

    def fit(self, rows: TrainingRows, progress: Report | None = None) -> Self:
        """Learn from a log.

        Raises
        ------
        InputError
            If it is given anything else; see :func:`check_rows`.
        """
        ...

    def predict(
        self,
        x: npt.NDArray[np.float32],
        known: npt.NDArray[np.int64],
        coupons: npt.NDArray[np.float32],
    ) -> Outcomes:
        """Return the outcomes of users under none and S coupons.

        Parameters
        ----------
        x : ndarray of float32, shape (n, d)
        known : ndarray of int64, shape (S,)
            Position of each coupon in the training menu, −1 for a new one.
        coupons : ndarray of float32, shape (S, c)
            Encoded attributes.
        """
        ...

    def report(self) -> dict[str, Any]:
        """Return how training went, for the model's card."""
        ...

    def state(self) -> State:
        """Return what was learnt."""
        ...

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Take back what :meth:`state` gave."""
        ...


def encoded_for(learner: Learner, features: FeatureEncoder, table: pd.DataFrame) -> npt.NDArray[np.float32]:
    """Return users as a learner reads them: by its own ``encode`` where it has one, else in its layout.

    A learner's own ``encode(features, table)`` is for what one row of dense numbers does not hold, such as
    sequences.
    """
    own = getattr(learner, "encode", None)
    encoded = features.encode(table, learner.layout) if own is None else own(features, table)
    return np.asarray(encoded, dtype=np.float32)


def doubts_of(learner: Learner, rows: TrainingRows) -> list[str]:
    """Return what a learner doubts about rows, by its own ``doubts`` where it has one."""
    own = getattr(learner, "doubts", None)
    return [] if own is None else list(own(rows))


def check_rows(rows: object) -> None:
    """Refuse to learn from what is no log in numbers, such as scikit-learn's X and y.

    Raises
    ------
    InputError
        That says how learners are trained.
    """
    if not isinstance(rows, TrainingRows):
        raise InputError(
            "a learner is not fitted to X and y: who was given what, costs and revenue belong to it",
            value=type(rows).__name__,
            mend="Train it on a log: couponry.train(log, MODEL, **learner.get_params())",
        )


def folds_by_user(user: npt.NDArray[np.int64], folds: int, seed: int) -> npt.NDArray[np.int64]:
    """Return a fold for every row, int64 ``(n,)``; rows of one user share theirs."""
    users, inverse = np.unique(user, return_inverse=True)
    drawn = np.random.default_rng(seed).permutation(len(users)) % folds
    return np.asarray(drawn[inverse], dtype=np.int64)
