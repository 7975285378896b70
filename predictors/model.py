"""The trained model: encoders and a learner, which together answer for any user."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from couponry.instances.coupons import Coupons
from couponry.instances.errors import InputError
from couponry.instances.progress import Progress, Report
from couponry.instances.response import Response
from couponry.predictors.answers import Answers, joined, measures_of
from couponry.predictors.calibration import Calibration
from couponry.predictors.features import FeatureEncoder
from couponry.predictors.learner import Learner, Outcomes
from couponry.predictors.menu import Menu
from couponry.predictors.rows_seen import RowsSeen
from couponry.predictors.shrinkage import Shrinkage

__all__ = ["Model", "load_model"]

Card = dict[str, Any]


class Model:
    """Says how every user responds to every coupon.

    Parameters
    ----------
    features : FeatureEncoder
    menu : Menu
    learner : Learner
    calibration : Calibration, optional
        Applied to what the learner answers.
    rows_seen : RowsSeen, optional
        Which rows it learnt from, where that is known.
    card : dict
        What the model is and how good: ``model, base, seed, options, log`` (rows, arms, fingerprint),
        ``schema`` (what each feature is and what was chosen for it), ``attributes`` (the same of the menu),
        ``checks`` (what was left out, what is doubtful), ``prior`` (mean and variance of each coupon's
        values, where they have errors), ``segments, training, metrics, versions``.
    """

    def __init__(
        self,
        features: FeatureEncoder,
        menu: Menu,
        learner: Learner,
        card: Card,
        calibration: Calibration | None = None,
        rows_seen: RowsSeen | None = None,
    ) -> None:
        self.features = features
        self.menu = menu
        self.learner = learner
        self.card = card
        self.calibration = calibration
        self.rows_seen = rows_seen

    def __repr__(self) -> str:
        return f"Model({self.card['model']}, {len(self.coupons)} coupons, {self.card['log']['rows']:,} rows)"

    @property
    def coupons(self) -> Coupons:
        """The menu that the model learnt from."""
        return self.menu.coupons

    @property
    def segments(self) -> tuple[str, ...]:
        """Feature columns of the training log that rules may speak of."""
        return tuple(self.card["segments"])

    @property
    def tells_revenue(self) -> bool:
        """Whether any row of the training log had revenue; of models saved without a word on it, yes."""
        return bool(self.card["log"].get("revenue", True))

    @property
    def prior(self) -> Shrinkage | None:
        """What shrinks values; None where the learner tells no errors."""
        found = self.card.get("prior")
        return None if found is None else Shrinkage.from_json(found)

    def predict_response(
        self,
        features: pd.DataFrame,
        coupons: Coupons | None = None,
        *,
        allow_new: bool = False,
        shrink: bool = False,
        progress: Report | None = None,
    ) -> Response:
        """Return the response of users to coupons.

        ``value`` is P(conversion | coupon) − P(conversion | none), ``cost`` is E[cost | coupon] (every
        redemption counts, also of those who would have bought anyway), ``revenue`` is E[revenue | coupon] −
        E[revenue | none], left out where the log had none, and ``value_se`` the standard error of value,
        where the learner has one.

        Parameters
        ----------
        features : DataFrame, n rows
            With the columns of the training log; further columns are ignored.
        coupons : Coupons, optional
            By default the training menu.
        allow_new : bool
            Let a network answer for coupons that it has seen no rows of, from their attributes.
        shrink : bool
            Draw values towards their coupon's mean by their errors; see
            :class:`~couponry.predictors.shrinkage.Shrinkage`.
        progress : callable, optional

        Returns
        -------
        Response
            Dense, float32 ``(n, J)``; users are taken in batches, so that memory holds little else.

        Raises
        ------
        InputError
            If the features differ from those of training, or a coupon is not known.
        """
        menu = self.coupons if coupons is None else coupons
        shape = (len(features), len(menu))
        measures: dict[str, npt.NDArray[np.float32]] = {}
        for rows, outcomes in self._batches(features, menu, allow_new, shrink, progress):
            for name, block in measures_of(outcomes, revenue=self.tells_revenue).items():
                if name not in measures:
                    measures[name] = np.empty(shape, dtype=np.float32)
                measures[name][rows] = block
        return Response(measures)

    def predict_outcomes(
        self,
        features: pd.DataFrame,
        coupons: Coupons | None = None,
        *,
        allow_new: bool = False,
        shrink: bool = False,
    ) -> Outcomes:
        """Return expected conversion, cost and revenue under every arm, none first, ``(n, J + 1)``.

        Parameters and errors are those of :meth:`predict_response`.
        """
        menu = self.coupons if coupons is None else coupons
        parts = [outcomes for _, outcomes in self._batches(features, menu, allow_new, shrink, None)]
        return joined(parts)

    def _batches(
        self,
        features: pd.DataFrame,
        coupons: Coupons,
        allow_new: bool,
        shrink: bool,
        progress: Report | None,
    ) -> Iterator[tuple[slice, Outcomes]]:
        if len(features) == 0:
            raise InputError("there are no users to predict for", mend="Give at least one row")
        self.features.schema_.check(features)
        answers = Answers(self, coupons, allow_new=allow_new, shrink=shrink)
        for first in range(0, len(features), answers.step):
            rows = slice(first, min(first + answers.step, len(features)))
            yield rows, answers.outcomes(answers.encoded(features.iloc[rows], first))
            if progress:
                progress(Progress("predicting", rows.stop, len(features), f"{len(coupons)} coupons"))

    def save(self, path: str | Path, *, force: bool = False) -> None:
        """Write the model as a directory, without pickle; see :mod:`couponry.predictors.model_files`.

        Raises
        ------
        ExistsError
            If ``path`` holds something and ``force`` is not given.
        """
        from couponry.predictors.model_files import write_model

        write_model(self, path, force=force)


def load_model(path: str | Path) -> Model:
    """Read what :meth:`Model.save` wrote.

    Raises
    ------
    InputError
        If it is no such directory, or a file is missing, damaged or of a later version.
    """
    from couponry.predictors.model_files import read_model

    return read_model(path)
