"""Profile columns beside a log, or beside a table of users."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from couponry.instances.errors import InputError
from couponry.instances.log import Log

__all__ = ["attach_to_log", "attach_to_users", "start_of"]


def start_of(given_at: np.ndarray | None) -> np.datetime64 | None:
    """Return when the first coupon of a log was given, if it says so: a profile must be of before that."""
    if given_at is None or np.isnat(given_at).all():
        return None
    return np.datetime64(np.nanmin(given_at), "us")


def attach_to_log(log: Log, profile: pd.DataFrame) -> Log:
    """Return a log with profile columns as further features; users without a profile have gaps.

    Parameters
    ----------
    log : Log
    profile : DataFrame
        ``user_id`` and the columns, one row a user.

    Raises
    ------
    InputError
        If the log has a feature of the same name.
    """
    columns = _of(profile, pd.Series(log.user_id.astype(str)), log.features, log.source)
    return replace(log, features=pd.concat([log.features.reset_index(drop=True), columns], axis=1))


def attach_to_users(users: pd.DataFrame, profile: pd.DataFrame) -> pd.DataFrame:
    """Return a table of users with profile columns; users without a profile have gaps.

    Raises
    ------
    InputError
        If the table lacks ``user_id``, or has a column of the same name.
    """
    if "user_id" not in users:
        raise InputError("the users lack a column", column="user_id", mend="Add it")
    columns = _of(profile, users["user_id"].astype(str), users.drop(columns="user_id"), None)
    return pd.concat([users.reset_index(drop=True), columns], axis=1)


def _of(profile: pd.DataFrame, ids: pd.Series, beside: pd.DataFrame, source: str | None) -> pd.DataFrame:
    columns = profile.set_index("user_id")
    shared = [name for name in columns if name in beside.columns]
    if shared:
        raise InputError(
            "a column of the profile is there already",
            file=source,
            column=str(shared[0]),
            mend="Rename or drop it; is the profile attached already?",
        )
    return columns.reindex(ids).reset_index(drop=True)
