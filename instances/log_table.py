"""A flat table as the columns of a log; what is wrong with a cell is told with its row and its mend."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from couponry.instances.arms import arms_of
from couponry.instances.coupons import Coupons
from couponry.instances.errors import InputError
from couponry.instances.log_times import TIMES, times_of
from couponry.instances.tables import require_columns

__all__ = ["NONE_IN_WORDS", "OPTIONAL", "OUTCOMES", "columns_of_log"]

OUTCOMES = ("conversion", "cost", "revenue")
OPTIONAL = ("propensity", "click", *TIMES)
NONE_IN_WORDS = "leave the cells of 'arm' empty, or write none, where it stands"
_NEEDED = ("user_id", "arm", "conversion")
_OTHER_ARM = f"If it is a coupon, add it to the menu; if it is the control group, {NONE_IN_WORDS}"
_VALUES = {"conversion": ": 1 where the user converted, else 0"}


def columns_of_log(frame: pd.DataFrame, coupons: Coupons, source: str | Path | None) -> dict[str, Any]:
    """Return the attributes of a :class:`~couponry.instances.log.Log` that a table has, by their names.

    Parameters
    ----------
    frame : pandas.DataFrame
        As :meth:`~couponry.instances.log.Log.from_frame` takes it.
    coupons : Coupons
    source : str or Path, optional
        File to name in errors.

    Raises
    ------
    InputError
        If a column is missing, an exposure has no user, an arm is not in the menu, or a cell is no number or
        time.
    """
    _check_needed(frame, source)
    own = [name for name in ("user_id", "arm", *OUTCOMES, *OPTIONAL) if name in frame]
    features = frame.drop(columns=own).reset_index(drop=True)
    features.columns = [str(name).removeprefix("feature.") for name in features.columns]
    try:
        arm = arms_of(frame["arm"], coupons, "the log", _OTHER_ARM)
    except InputError as error:
        raise error.located(file=source) from None
    columns = {
        "features": features,
        "user_id": frame["user_id"].astype(str).to_numpy(object),
        "arm": arm,
        "source": None if source is None else str(source),
    }
    for name in OUTCOMES:
        columns[name] = _numbers(frame, name, source) if name in frame else np.zeros(len(frame))
    if "propensity" in frame:
        columns["propensity"] = _numbers(frame, "propensity", source)
    if "click" in frame:
        columns["click"] = _clicks(frame, source)
    return columns | {name: times_of(frame[name], name, source) for name in TIMES if name in frame}


def _check_needed(frame: pd.DataFrame, source: str | Path | None) -> None:
    require_columns(source, [str(name) for name in frame.columns], _NEEDED)
    nameless = np.flatnonzero(frame["user_id"].isna() | (frame["user_id"].astype(str) == ""))
    if len(nameless):
        raise InputError(
            "an exposure has no user",
            file=source,
            row=int(nameless[0]),
            column="user_id",
            mend="Fill it or drop the row",
        )


def _numbers(frame: pd.DataFrame, name: str, source: str | Path | None) -> np.ndarray:
    numbers = pd.to_numeric(frame[name], errors="coerce").to_numpy(np.float64, na_value=np.nan)
    wrong = np.flatnonzero(np.isnan(numbers))
    if len(wrong):
        row = int(wrong[0])
        empty = bool(pd.isna(frame[name].iloc[row]))
        mend = "Fill it or drop the row" if empty else "Correct the row"
        raise InputError(
            "the cell is empty" if empty else "not a number",
            file=source,
            row=row,
            column=name,
            value=None if empty else frame[name].iloc[row],
            mend=mend + _VALUES.get(name, ""),
        )
    return numbers


def _clicks(frame: pd.DataFrame, source: str | Path | None) -> np.ndarray:
    """Return the clicks, NaN where the cell is empty."""
    told = frame["click"].notna().to_numpy()
    clicks = np.full(len(frame), np.nan)
    clicks[told] = _numbers(frame.assign(click=frame["click"].where(told, 0.0)), "click", source)[told]
    return clicks
