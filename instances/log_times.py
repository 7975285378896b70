"""When coupons were given and when users converted, where a log says so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from couponry.instances.errors import InputError

__all__ = ["TIMES", "check_times", "times_of"]

Times = npt.NDArray[np.datetime64]

TIMES = ("given_at", "converted_at")
"""Columns of a log that hold times; neither is a feature."""


def times_of(column: pd.Series, name: str, source: str | Path | None = None) -> Times:
    """Return a column of times as datetime64[us] in UTC, NaT for gaps.

    Parameters
    ----------
    column : Series
        Timestamps, dates, or strings in the form of ISO 8601.
    name : str
    source : str or Path, optional
        File to name in errors.

    Raises
    ------
    InputError
        About the first cell that is no time.
    """
    empty = column.isna() | (column.astype(str) == "")
    if pd.api.types.is_numeric_dtype(column.dtype) and not empty.all():
        moments = pd.Series(pd.NaT, index=column.index)  # a number says nothing of its unit
    else:
        plain = column.astype(object).where(~empty, None)
        moments = pd.to_datetime(plain, utc=True, format="ISO8601", errors="coerce")
    wrong = np.flatnonzero(moments.isna() & ~empty)
    if len(wrong):
        row = int(wrong[0])
        raise InputError(
            "not a time",
            file=source,
            row=row,
            column=name,
            value=column.iloc[row],
            mend="Write it as 2024-05-31 or 2024-05-31T18:30:00",
        )
    utc = pd.to_datetime(moments, utc=True).dt.tz_convert(None)
    return np.asarray(utc.to_numpy(), dtype="datetime64[us]")


def check_times(
    given_at: Times | None,
    converted_at: Times | None,
    conversion: npt.NDArray[np.float64],
    source: str | None = None,
) -> None:
    """Refuse outcomes that came before what is to have caused them.

    Where all conversions are told by the day, days are compared.

    Raises
    ------
    InputError
        If a user converted before the coupon was given, or has a time of conversion without one.
    """
    if converted_at is None:
        return
    without = np.flatnonzero(~np.isnat(converted_at) & (conversion == 0))
    if len(without):
        raise InputError(
            "a row without a conversion has a time of conversion",
            file=source,
            row=int(without[0]),
            column="converted_at",
            value=str(converted_at[without[0]]),
            mend="Empty the cell, or set conversion to 1",
        )
    if given_at is None:
        return
    daily = bool(
        (converted_at[~np.isnat(converted_at)] == _days(converted_at[~np.isnat(converted_at)])).all()
    )
    earlier = np.flatnonzero(converted_at < (_days(given_at) if daily else given_at))
    if len(earlier):
        row = int(earlier[0])
        raise InputError(
            f"the outcome came before its treatment, which was given at {given_at[row]}",
            file=source,
            row=row,
            column="converted_at",
            value=str(converted_at[row]),
            mend="Count conversions from the time of the coupon on; "
            f"{len(earlier):,} {'row is' if len(earlier) == 1 else 'rows are'} so",
        )


def _days(times: Times) -> Times:
    return times.astype("datetime64[D]").astype("datetime64[us]")
