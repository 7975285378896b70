"""Karlan and List's matching grants: 50,083 earlier donors; no match, or 1, 2 or 3 dollars for each given."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from couponry.instances.arms import NO_COUPON
from couponry.instances.coupons import Coupons
from couponry.instances.errors import InputError
from couponry.instances.loaders.columns import Columns, read_columns
from couponry.instances.log import Log

__all__ = ["read_karlan_list"]

_RATIOS = (1, 2, 3)
_TREATMENT = ("treatment", "treat_ratio2", "treat_ratio3")
_SEGMENTS = ("ltmedmra", "year5", "dormant")
_MISSING = -999
# Known before the letters went out. The size of the match and the suggested gift are part of the letter, and
# a state's response rates are results of it: none of them is a feature.
_FEATURES = (
    *("hpa", "ltmedmra", "freq", "years", "year5", "mrm2", "dormant", "female", "couple"),
    *(
        "state50one",
        "nonlit",
        "cases",
        "statecnt",
        "perbush",
        "close25",
        "red0",
        "blue0",
        "redcty",
        "bluecty",
    ),
    *(
        "pwhite",
        "pblack",
        "page18_39",
        "ave_hh_sz",
        "median_hhincome",
        "powner",
        "psch_atlstba",
        "pop_propurban",
    ),
)


def read_karlan_list(path: str | Path, *, match_cost: float = 1.0) -> Log:
    """Read the matching-grant trial as a log.

    A match works like a coupon: it lowers the price of giving. The coupons are ``match_1``, ``match_2`` and
    ``match_3`` (``ratio`` dollars added to each dollar given). Arms were drawn alike for everyone, so no
    propensity is given. A user's id is the number of the row, from 0, as text. Segments are ``ltmedmra``
    (small gifts so far), ``year5`` (five years a donor) and ``dormant``.

    Parameters
    ----------
    path : str or Path
        CSV (gzipped or not) or Parquet, with the columns of the published data.
    match_cost : float
        Money that one matched dollar costs. A row's cost is this × ratio × gift: also gifts that would have
        come anyway are matched.

    Returns
    -------
    Log
        Conversion: gave. Revenue: the gift, dollars. −999 in a feature is read as NaN. Where somebody gave
        and the gift is not known (2 rows of the published data), it is taken to be the mean of the arm's
        known gifts: leaving the rows out would count fewer givers.

    Raises
    ------
    InputError
        If the file cannot be read, lacks a column, or a cell is outside its range.

    References ---------- D. Karlan and J. A. List, Does Price Matter in Charitable Giving? Evidence from a
    Large-Scale Natural Field Experiment, American Economic Review 97(5), 2007, doi:10.1257/aer.97.5.1774.
    """
    if not 0 <= match_cost < np.inf:
        raise InputError(
            "the cost of a match must be a number of at least 0",
            parameter="match_cost",
            value=match_cost,
            mend="Give money a matched dollar",
        )
    columns = read_columns(path, (*_TREATMENT, *_FEATURES, "out_gavedum", "out_amountgive"))
    arm = _arms(columns)
    gave = columns.whole_numbers("out_gavedum", 0, 1)
    gift = _gifts(columns, arm, gave)
    ratio = np.where(arm == NO_COUPON, 0.0, np.array(_RATIOS, dtype=np.float64)[arm])
    return Log(
        features=pd.DataFrame({name: _feature(columns, name) for name in _FEATURES}),
        user_id=np.arange(len(columns)).astype(str).astype(object),
        coupons=Coupons(
            pd.DataFrame({"coupon_id": [f"match_{r}" for r in _RATIOS], "channel": "mail", "ratio": _RATIOS})
        ),
        arm=arm,
        conversion=gave.astype(np.float64),
        cost=match_cost * ratio * gift,
        revenue=gift,
        segments=_SEGMENTS,
        source=columns.file,
    )


def _arms(columns: Columns) -> np.ndarray:
    treated, twice, thrice = (columns.whole_numbers(name, 0, 1) for name in _TREATMENT)
    for name, clash in (("treat_ratio2", twice > treated), ("treat_ratio3", thrice > treated - twice)):
        if clash.any():
            raise columns.problem(
                "a ratio without a match, or a second ratio",
                int(clash.argmax()),
                name,
                "A row with treatment 0 has no ratio, one with treatment 1 at most one of 2 and 3",
            )
    arm: np.ndarray = treated + twice + 2 * thrice - 1
    return arm.astype(np.int32)


def _gifts(columns: Columns, arm: np.ndarray, gave: np.ndarray) -> np.ndarray:
    """Return the gifts, those not known filled by the mean of the arm's known ones."""
    unknown = columns.frame["out_amountgive"].isna().to_numpy()
    if (unknown & (gave == 0)).any():
        row = int((unknown & (gave == 0)).argmax())
        raise columns.problem("no gift is given", row, "out_amountgive", "Give 0 where nobody gave")
    filled = Columns(columns.frame.fillna({"out_amountgive": 0.0}), columns.file)
    gifts = filled.numbers("out_amountgive", 0).copy()
    for one in np.unique(arm[unknown]):
        missing = unknown & (arm == one)
        known = (arm == one) & (gave == 1) & ~unknown
        if not known.any():
            problem = "the gift is not known, and nobody else of this arm gave"
            raise columns.problem(problem, int(missing.argmax()), "out_amountgive", "Drop the row")
        gifts[missing] = gifts[known].mean()
    return gifts


def _feature(columns: Columns, name: str) -> np.ndarray:
    if name in _SEGMENTS:
        return columns.whole_numbers(name, 0, 1)
    numbers = columns.numbers(name)
    known: np.ndarray = np.where(numbers == _MISSING, np.nan, numbers)
    return known
