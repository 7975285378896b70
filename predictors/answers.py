"""A model's answers, some users at a time: features to numbers, numbers to outcomes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING
from warnings import warn

import numpy as np
import numpy.typing as npt
import pandas as pd

from couponry.instances.coupons import Coupons
from couponry.instances.errors import DataWarning, InputError
from couponry.instances.wording import setting
from couponry.predictors.learner import Outcomes, encoded_for
from couponry.predictors.outside_menu import outside_menu
from couponry.predictors.rising import Ladders, never_falling

if TYPE_CHECKING:
    from couponry.predictors.model import Model

__all__ = ["Answers", "joined", "measures_of"]

_PAIRS_AT_ONCE = 200_000
_LEAST_USERS = 1024


class Answers:
    """What a model says of users and one menu.

    The two halves of the work, :meth:`encoded` and :meth:`outcomes`, may be done by two threads.

    Parameters
    ----------
    model : Model
    coupons : Coupons
    allow_new : bool
        Let a model that reads attributes answer for coupons that it has seen no rows of.
    shrink : bool
        Draw values towards their coupon's mean by their errors;
        see :class:`~couponry.predictors.shrinkage.Shrinkage`.

    Attributes
    ----------
    step : int
        Users to be answered for at one time, so that memory holds little beside the answers.

    Raises
    ------
    InputError
        If a coupon is not known, the learner knows coupons by their rows alone, or values have no errors.
    """

    def __init__(
        self, model: Model, coupons: Coupons, *, allow_new: bool = False, shrink: bool = False
    ) -> None:
        if allow_new and not model.learner.from_attributes:
            raise InputError(
                f"model {model.card['model']!r} knows coupons by their rows alone",
                parameter="allow_new",
                value=True,
                mend="Train one that reads attributes, such as default, network or content",
            )
        self.prior = model.prior if shrink else None
        if shrink and self.prior is None:
            raise InputError(
                "the model's values have no errors to shrink by",
                parameter="shrink",
                value=True,
                mend="Train default, a network of two members or more, or another model with "
                f"{setting('error_folds', 4)}",
            )
        self.model = model
        self.known = model.menu.known(coupons, allow_new=allow_new)
        self.attributes = model.menu.encode(coupons)
        for message in outside_menu(model.menu, coupons, self.known):
            warn(message, DataWarning, stacklevel=4)
        self.step = max(_LEAST_USERS, _PAIRS_AT_ONCE // (len(coupons) + 1))

    def encoded(self, features: pd.DataFrame, first: int = 0) -> npt.NDArray[np.float32]:
        """Return users as the learner reads them, float32 ``(n, d)``.

        Parameters
        ----------
        features : DataFrame, n rows
        first : int
            Row of the first among all users, by which errors name rows.

        Raises
        ------
        InputError
            If a cell cannot be read as in training.
        """
        try:
            return encoded_for(self.model.learner, self.model.features, features)
        except InputError as error:
            if isinstance(error.row, int):
                error = error.moved(file=error.file, row=error.row + first)
            raise error from None

    def outcomes(self, x: npt.NDArray[np.float32]) -> Outcomes:
        """Return the outcomes under none and every coupon, calibrated and shrunk as asked.

        Where the learner promises that a larger face value never lowers the response, it does not here.
        """
        found = self.model.learner.predict(x, self.known, self.attributes)
        if self.model.calibration is not None:
            found = self.model.calibration.apply(found, self.known)
        if self.prior is not None:
            found = self.prior.apply(found, self.known)
        ladders: Ladders = getattr(self.model.learner, "ladders", ())
        if ladders and (self.model.calibration is not None or self.prior is not None):
            found = replace(found, conversion=never_falling(found.conversion, ladders, self.known))
        return found


def measures_of(outcomes: Outcomes, *, revenue: bool) -> dict[str, npt.NDArray[np.floating]]:
    """Return the response's measures, each ``(n, S)``, revenue where the log told it."""
    measures = {
        "value": outcomes.conversion[:, 1:] - outcomes.conversion[:, :1],
        "cost": outcomes.cost[:, 1:],
    }
    if revenue:
        measures["revenue"] = outcomes.revenue[:, 1:] - outcomes.revenue[:, :1]
    if outcomes.value_error is not None:
        measures["value_se"] = outcomes.value_error
    return measures


def joined(parts: Sequence[Outcomes]) -> Outcomes:
    """Return the outcomes of several parts of the users as one."""
    errors = [part.conversion_error for part in parts if part.conversion_error is not None]
    doubts = [part.conversion_doubt for part in parts if part.conversion_doubt is not None]
    return Outcomes(
        np.vstack([part.conversion for part in parts]),
        np.vstack([part.cost for part in parts]),
        np.vstack([part.revenue for part in parts]),
        np.vstack(errors) if errors else None,
        np.vstack(doubts) if doubts else None,
    )
