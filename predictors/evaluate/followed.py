"""What users did after an exposure: clicks, purchases within a window, and later ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from couponry.instances.errors import InputError
from couponry.instances.log import Log

__all__ = ["FollowUp", "follow_up"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class FollowUp:
    """One number a row of a log, 1 where it happened; None where it is not known.

    Attributes
    ----------
    rows : int
    clicked : ndarray of float64, shape (n,), or None
    bought : ndarray of float64, shape (n,), or None
        At least one purchase until the end of the follow-up.
    bought_again : ndarray of float64, shape (n,), or None
        At least two.
    returned : ndarray of float64, shape (n,), or None
        A purchase after the campaign's window, until the end of the follow-up.
    """

    rows: int
    clicked: Floats | None = None
    bought: Floats | None = None
    bought_again: Floats | None = None
    returned: Floats | None = None


def follow_up(
    log: Log,
    *,
    clicked: npt.ArrayLike | None = None,
    purchases: pd.DataFrame | None = None,
    sent: object = None,
    window: str | pd.Timedelta = "7D",
    until: str | pd.Timedelta = "30D",
) -> FollowUp:
    """Collect what followed each exposure.

    Parameters
    ----------
    log : Log
    clicked : array of bool, shape (n,), optional
        Whether the coupon, or the message, was clicked.
    purchases : DataFrame, optional
        ``user_id, time``, one row a purchase; purchases up to the exposure do not count.
    sent : time, or array of times, shape (n,)
        When the exposures took place. Needed with ``purchases``.
    window : str or Timedelta
        How long after the exposure the campaign lasts; who buys after it, until ``until``, has returned.
    until : str or Timedelta
        How long after the exposure purchases are known; later ones do not count.

    Returns
    -------
    FollowUp

    Raises
    ------
    InputError
        If lengths differ, a column or a time is missing, ``window`` or ``until`` is no length of time, or
        ``window`` does not end before ``until``.
    """
    clicks = None if clicked is None else _flags(clicked, log.n)
    if purchases is None:
        return FollowUp(log.n, clicked=clicks)
    early, late = _length(window, "window"), _length(until, "until")
    if not pd.Timedelta(0) <= early < late:
        raise InputError(
            f"the window must end before the follow-up of {late}", parameter="window", value=str(early)
        )
    after = _delays(log, purchases, sent)
    row, delay = after["row"].to_numpy(), after["delay"]
    counted = ((delay > pd.Timedelta(0)) & (delay <= late)).to_numpy()
    later = counted & (delay > early).to_numpy()
    count = np.bincount(row[counted], minlength=log.n)
    return FollowUp(
        log.n,
        clicked=clicks,
        bought=(count >= 1).astype(np.float64),
        bought_again=(count >= 2).astype(np.float64),
        returned=(np.bincount(row[later], minlength=log.n) >= 1).astype(np.float64),
    )


def _length(given: str | pd.Timedelta, parameter: str) -> pd.Timedelta:
    try:
        return pd.Timedelta(given)
    except (TypeError, ValueError) as error:
        raise InputError(
            "not a length of time", parameter=parameter, value=given, mend="Give such as 7D, or 36h"
        ) from error


def _flags(clicked: npt.ArrayLike, rows: int) -> Floats:
    flags = np.asarray(clicked, np.float64)
    if flags.shape != (rows,):
        raise InputError(f"clicked has shape {flags.shape}, not ({rows},)", mend="Give one a row of the log")
    wrong = np.flatnonzero((flags != 0) & (flags != 1))
    if len(wrong):
        row = int(wrong[0])
        raise InputError("clicked must be 0 or 1", row=row, column="clicked", value=float(flags[row]))
    return flags


def _delays(log: Log, purchases: pd.DataFrame, sent: object) -> pd.DataFrame:
    """Return one row a pair of exposure and purchase of one user: ``row`` of the log, ``delay``."""
    for name in ("user_id", "time"):
        if name not in purchases.columns:
            raise InputError(
                "the purchases lack a column",
                column=name,
                mend=f"Columns found: {', '.join(map(str, purchases.columns))}",
            )
    if sent is None:
        raise InputError(
            "when the exposures took place is not said", parameter="sent", mend="Give one time, or one a row"
        )
    times = sent if np.ndim(np.asarray(sent)) else np.full(log.n, sent, dtype=object)
    if len(np.asarray(times)) != log.n:
        raise InputError(f"sent has {len(np.asarray(times))} rows and the log {log.n}", parameter="sent")
    exposures = pd.DataFrame(
        {
            "user_id": log.user_id.astype(str),
            "row": np.arange(log.n),
            "sent": _times(pd.Series(times), "sent"),
        }
    )
    bought = pd.DataFrame(
        {"user_id": purchases["user_id"].astype(str), "time": _times(purchases["time"], "time")}
    )
    pairs = exposures.merge(bought, on="user_id")
    return pairs.assign(delay=pairs["time"] - pairs["sent"])


def _times(column: pd.Series, name: str) -> pd.Series:
    times = pd.to_datetime(column.reset_index(drop=True), errors="coerce", utc=True, format="ISO8601")
    wrong = np.flatnonzero(times.isna())
    if len(wrong):
        row = int(wrong[0])
        raise InputError(
            "not a time", row=row, column=name, value=column.iloc[row], mend="Give such as 2026-11-11 08:00"
        )
    return times
