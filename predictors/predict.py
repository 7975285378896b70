"""From a model and users to an instance that can be solved."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from couponry.instances.coupons import Coupons
from couponry.instances.errors import InputError, did_you_mean
from couponry.instances.instance import Instance
from couponry.instances.progress import Report
from couponry.instances.rules import Campaign, Rule
from couponry.instances.tables import arrow_table
from couponry.instances.users import Users
from couponry.predictors.features.schema import named
from couponry.predictors.model import Model

__all__ = ["check_users", "predict"]


def predict(
    model: Model,
    users: pd.DataFrame,
    coupons: Coupons | None = None,
    rules: Sequence[Rule] = (),
    campaign: Campaign | None = None,
    segments: Sequence[str] | None = None,
    *,
    allow_new: bool = False,
    shrink: bool = False,
    progress: Report | None = None,
) -> Instance:
    """Return the instance that users, coupons and rules make under a model's response.

    Parameters
    ----------
    model : Model
    users : DataFrame
        ``user_id``, the features that the model learnt from, the segments, and optionally ``max_coupons``.
    coupons : Coupons, optional
        The menu, with the stock and minimum of this campaign; by default that of the training log.
    rules : sequence of Rule
    campaign : Campaign, optional
    segments : sequence of str, optional
        Columns of ``users`` that rules may speak of; by default those of the training log.
    allow_new : bool
        Let the model answer for coupons without rows in the log, from their attributes, if it reads those.
    shrink : bool
        Draw values towards their coupon's mean, the less certain the more, so that those that a solver picks
        are not too high; needs a model with ``value_se``. See
        :class:`~couponry.predictors.shrinkage.Shrinkage`.
    progress : callable, optional

    Returns
    -------
    Instance

    Raises
    ------
    InputError
        If a column is missing or differs from training, a coupon is not known, or a rule does not fit.
    """
    table = _users(model, users, segments)
    response = model.predict_response(users, coupons, allow_new=allow_new, shrink=shrink, progress=progress)
    return Instance(
        coupons=model.coupons if coupons is None else coupons,
        users=table,
        response=response,
        rules=tuple(rules),
        campaign=Campaign() if campaign is None else campaign,
    )


def check_users(model: Model, users: pd.DataFrame, segments: Sequence[str] | None = None) -> None:
    """Refuse users for whom nothing can be predicted, as :func:`predict` does when it comes to them.

    Raises
    ------
    InputError
        If a column is missing or differs from training, or a cell cannot be used.
    """
    _users(model, users, segments)
    model.features.schema_.check(users)
    model.features.schema_.read(users)


def _users(model: Model, users: pd.DataFrame, segments: Sequence[str] | None) -> Users:
    users, wanted = named(users), model.segments if segments is None else segments
    for name in ("user_id", *wanted):
        if name not in users.columns:
            raise InputError(
                "the users lack a column" if name == "user_id" else "the users lack a segment",
                column=name,
                mend=did_you_mean(name, users.columns),
            )
    kept = [name for name in ("user_id", *wanted, "max_coupons") if name in users.columns]
    return Users(arrow_table(users[list(dict.fromkeys(kept))].reset_index(drop=True)))
