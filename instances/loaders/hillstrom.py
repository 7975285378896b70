"""The MineThatData e-mail challenge: 64,000 customers, a third each got a men's, a women's, or no e-mail."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from couponry.instances.arms import NO_COUPON
from couponry.instances.coupons import Coupons
from couponry.instances.errors import InputError, did_you_mean
from couponry.instances.loaders.columns import Columns, arm_costs, read_columns
from couponry.instances.log import Log

__all__ = ["read_hillstrom"]

_ARMS = ("No E-Mail", "Mens E-Mail", "Womens E-Mail")
_COUPONS = ("mens", "womens")
_HISTORY_SEGMENTS = 7
_OUTCOMES = ("visit", "conversion")
_NEEDED = (
    *("recency", "history_segment", "history", "mens", "womens", "zip_code", "newbie", "channel"),
    *("segment", "visit", "conversion", "spend"),
)


def read_hillstrom(
    path: str | Path,
    *,
    outcome: Literal["visit", "conversion"] = "visit",
    costs: Mapping[str, float] | None = None,
) -> Log:
    """Read the Hillstrom e-mail trial as a log.

    The coupons are ``mens`` and ``womens``. Arms were drawn alike for everyone, so no propensity is given. A
    user's id is the number of the row, from 0, as text. Segments are ``zip_code`` and ``channel``.

    Parameters
    ----------
    path : str or Path
        CSV (gzipped or not) or Parquet, with the columns of the challenge.
    outcome : {"visit", "conversion"}
        What counts as a conversion. Revenue is ``spend``.
    costs : mapping from str to float, optional
        Money for one e-mail of each kind, whatever follows; 0 if not given.

    Returns
    -------
    Log
        Features ``recency`` (months), ``history`` (dollars), ``history_segment`` (1 to 7), ``mens``,
        ``womens``, ``newbie`` (0 or 1), and the categories ``zip_code`` and ``channel``.

    Raises
    ------
    InputError
        If the file cannot be read, lacks a column, or a cell is outside its range.

    References
    ----------
    K. Hillstrom, The MineThatData E-Mail Analytics and Data Mining Challenge, 2008.
    """
    if outcome not in _OUTCOMES:
        raise InputError(
            "no such outcome", parameter="outcome", value=outcome, mend=did_you_mean(outcome, _OUTCOMES)
        )
    unit_cost = arm_costs(costs, _COUPONS)
    columns = read_columns(path, _NEEDED)
    arm = (columns.codes("segment", _ARMS) - 1).astype(np.int32)
    return Log(
        features=_features(columns),
        user_id=np.arange(len(columns)).astype(str).astype(object),
        coupons=Coupons(pd.DataFrame({"coupon_id": _COUPONS, "channel": "email", "unit_cost": unit_cost})),
        arm=arm,
        conversion=columns.whole_numbers(outcome, 0, 1).astype(np.float64),
        cost=np.where(arm == NO_COUPON, 0.0, unit_cost[arm]),
        revenue=columns.numbers("spend", 0),
        segments=("zip_code", "channel"),
        source=columns.file,
    )


def _features(columns: Columns) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "recency": columns.whole_numbers("recency", 0),
            "history": columns.numbers("history", 0),
            "history_segment": _history_segment(columns),
            "mens": columns.whole_numbers("mens", 0, 1),
            "womens": columns.whole_numbers("womens", 0, 1),
            "newbie": columns.whole_numbers("newbie", 0, 1),
            "zip_code": columns.categories("zip_code"),
            "channel": columns.categories("channel"),
        }
    )


def _history_segment(columns: Columns) -> np.ndarray:
    """Return the number before the bracket of such words as ``2) $100 - $200``."""
    numbers = pd.to_numeric(
        columns.frame["history_segment"].astype(str).str.split(")").str[0], errors="coerce"
    )
    wrong = ~numbers.isin(range(1, _HISTORY_SEGMENTS + 1)).to_numpy()
    if wrong.any():
        raise columns.problem(
            f"not one of the {_HISTORY_SEGMENTS} history segments",
            int(wrong.argmax()),
            "history_segment",
            "Give such words as '2) $100 - $200'",
        )
    segments: np.ndarray = numbers.to_numpy(np.int64)
    return segments
