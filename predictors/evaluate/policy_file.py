"""A policy as a table: the coupon, or the probability of every coupon, for each row or user of a log."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from couponry.instances.arms import arms_of
from couponry.instances.csv_lines import placed
from couponry.instances.errors import InputError, did_you_mean
from couponry.instances.log import Log
from couponry.instances.source import Source
from couponry.instances.tables import read_table

__all__ = ["read_policy"]

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]

_NONE = "none"
_COLUMNS = "Give one column coupon_id, or a column of probabilities an arm"
_ROUNDED = 1e-3
"""What probabilities written with few digits may lack of one."""


def read_policy(path: str | Path, log: Log) -> npt.NDArray[np.int32] | Floats:
    """Read what a policy would give to the rows of a log.

    Parameters
    ----------
    path : str or Path
        A CSV or Parquet file with a column ``coupon_id`` (empty or ``none`` for no coupon), or with a column
        of probabilities for every coupon that the policy gives and ``none`` for no coupon; those of a row
        sum to 1, and are brought there if digits are lacking. With a column ``user_id`` each row is of that
        user, and else of the log's row at its place.
    log : Log

    Returns
    -------
    ndarray of int32, shape (n,), or of float64, shape (n, J + 1)
        As :func:`~couponry.predictors.evaluate.policy.policy_value` takes it.

    Raises
    ------
    InputError
        If the file cannot be read, a column or coupon is not known, probabilities do not sum to 1, a user has
        two answers, or users or rows of the log have none.
    """
    source = Source(path)
    if source.is_dir():
        raise InputError(
            "a policy is a table, not a directory",
            file=str(source),
            mend="Give a .csv or .parquet file; judge what 'couponry solve' wrote as a plan (--plan DIR)",
        )
    table = read_table(source, text=("user_id", "coupon_id")).to_pandas()
    try:
        given = _given(table, log)
        return given[_rows(table, given, log)]
    except InputError as error:
        raise placed(error, source) from None


def _given(table: pd.DataFrame, log: Log) -> npt.NDArray[np.int32] | Floats:
    if "coupon_id" in table:
        return arms_of(table["coupon_id"], log.coupons, "the policy", "Leave the cell empty for no coupon")
    named = [name for name in table if name != "user_id"]
    arms = {_NONE: 0} | {coupon: j + 1 for coupon, j in log.coupons.positions.items()}
    if not named:
        raise InputError("the table does not say what anybody would get", mend=_COLUMNS)
    for name in named:
        if str(name) not in arms:
            raise InputError(
                "neither coupon_id nor an arm of the log's menu",
                column=str(name),
                mend=f"{_COLUMNS}. {did_you_mean(name, ['coupon_id', *arms])}",
            )
    chances = np.zeros((len(table), len(arms)))
    for name in named:
        chances[:, arms[str(name)]] = _probabilities(table[name])
    total = chances.sum(axis=1)
    wrong = np.flatnonzero(np.abs(total - 1) > _ROUNDED)
    if len(wrong):
        raise InputError(
            f"a row's probabilities must sum to 1; {len(wrong):,} of {len(table):,} rows do not",
            row=int(wrong[0]),
            value=float(total[wrong[0]].round(6)),
            mend=f"What is left over is the probability of no coupon: put it into a column {_NONE}",
        )
    return np.asarray(chances / total[:, None])


def _probabilities(column: pd.Series) -> Floats:
    """Return a column's probabilities; an empty cell is 0."""
    found = pd.to_numeric(column, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    found = np.where(column.isna(), 0.0, found)
    wrong = np.flatnonzero(~((found >= 0) & (found <= 1)))
    if len(wrong):
        raise InputError(
            "a probability must lie in [0, 1]",
            row=int(wrong[0]),
            column=str(column.name),
            value=column.iloc[wrong[0]],
            mend="Correct the cell; 50 % is 0.5",
        )
    return found


def _rows(table: pd.DataFrame, given: npt.NDArray[np.int32] | Floats, log: Log) -> Rows:
    """Return the row of the table that each row of the log is answered by."""
    if "user_id" not in table:
        if len(table) != log.n:
            raise InputError(
                f"the policy has {len(table):,} rows and the log {log.n:,}",
                mend="Give a row for each row of the log, in its order, or a column user_id",
            )
        return np.arange(log.n)
    users, asked = table["user_id"].astype(str), log.user_id.astype(str)
    if len(users) == log.n and (users.to_numpy() == asked).all():
        return np.arange(log.n)
    _check_one_answer(users, given)
    first = ~users.duplicated().to_numpy()
    place = pd.Series(np.flatnonzero(first), index=users[first])
    found = place.reindex(asked)
    missing = found.index[found.isna()].unique()
    if len(missing):
        told = "coupon_id empty where a user gets none; a plan may leave these out (--plan)"
        raise InputError(
            f"{len(missing):,} of the log's {len(np.unique(asked)):,} users are not in the policy, the first "
            f"{missing[0]!r}",
            column="user_id",
            mend="Give every user of the log a row, "
            + (told if given.ndim == 1 else "with 1 in a column none where a user gets none"),
        )
    return found.to_numpy(np.int64)


def _check_one_answer(users: pd.Series, given: npt.NDArray[np.int32] | Floats) -> None:
    """Refuse users to whom two rows give different things."""
    answers = pd.DataFrame(given).assign(user_id=users.to_numpy())
    different = answers.drop_duplicates().duplicated("user_id")
    if different.any():
        row = int(different.index[different][0])
        raise InputError(
            "the policy gives this user two different things",
            row=row,
            column="user_id",
            value=users.iloc[row],
            mend="Give each user one row, or all rows of the log in its order",
        )
