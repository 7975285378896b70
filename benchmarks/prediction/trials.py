"""Randomised trials as matrices: Hillstrom's and Karlan and List's, known by their columns, or any CSV."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

HILLSTROM = {"history_segment", "segment", "visit", "conversion", "spend"}
KARLAN_LIST = {"treatment", "treat_ratio2", "treat_ratio3", "out_gavedum", "out_amountgive"}
_GIVING = (
    "hpa ltmedmra freq years year5 mrm2 dormant female couple state50one nonlit cases statecnt perbush "
    "close25 red0 blue0 redcty bluecty pwhite pblack page18_39 ave_hh_sz median_hhincome powner psch_atlstba "
    "pop_propurban"
)


@dataclass(frozen=True)
class Trial:
    """A randomised trial.

    Attributes
    ----------
    name : str
    x : ndarray of float64, shape (n, d)
        NaN for gaps; filled by the training rows' median.
    columns : list of str
    arm : ndarray of int64, shape (n,)
        0 for none.
    arms : list of str
        Names, none first.
    pair : tuple of int
        Arms that count as treated where none is held against one.
    outcomes : dict from str to ndarray of float64
        0 or 1.
    spend : ndarray of float64, shape (n,), or None
    caps : tuple of float
        Shares of people that may be treated.
    """

    name: str
    x: np.ndarray
    columns: list[str]
    arm: np.ndarray
    arms: list[str]
    pair: tuple[int, ...]
    outcomes: dict[str, np.ndarray]
    spend: np.ndarray | None
    caps: tuple[float, ...] = (0.3,)

    def split(self, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Return 70 % of the rows to train on and the others."""
        order = np.random.default_rng(seed).permutation(len(self.arm))
        first = int(0.7 * len(order))
        return order[:first], order[first:]

    def features(self, train: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Return the rows' features, gaps filled from the training rows."""
        middle = np.nan_to_num(np.nanmedian(self.x[train], axis=0))
        return np.where(np.isnan(self.x[rows]), middle, self.x[rows])


def read_trial(
    path: Path, arm: str | None, none: str | None, outcomes: list[str], spend: str | None, drop: list[str]
) -> Trial:
    """Read a trial; ``arm`` and the rest are asked only where the columns are not known ones."""
    table = pd.read_csv(path)
    if arm is None and set(table.columns) >= HILLSTROM:
        return _hillstrom(table)
    if arm is None and set(table.columns) >= KARLAN_LIST:
        return _karlan_list(table)
    if arm is None or not outcomes:
        raise SystemExit(f"{path}: not a known trial; name its columns with --arm and --outcomes")
    return _any(path.name, table, arm, none, outcomes, spend, drop)


def _hillstrom(d: pd.DataFrame) -> Trial:
    x = d[["recency", "history", "mens", "womens", "newbie"]].copy()
    x.insert(2, "segment", d["history_segment"].str[0].astype(int))
    x = pd.concat([x, pd.get_dummies(d["zip_code"]), pd.get_dummies(d["channel"])], axis=1)
    arms = ["No E-Mail", "Mens E-Mail", "Womens E-Mail"]
    return Trial(
        "Hillstrom",
        x.to_numpy(float),
        list(map(str, x.columns)),
        d["segment"].map({a: i for i, a in enumerate(arms)}).to_numpy(),
        arms,
        (2,),
        {name: d[name].to_numpy(float) for name in ("visit", "conversion")},
        d["spend"].to_numpy(float),
    )


def _karlan_list(d: pd.DataFrame) -> Trial:
    x = d[_GIVING.split()].astype(float).replace(-999.0, np.nan)
    arm = d["treatment"] + d["treat_ratio2"] + 2 * d["treat_ratio3"]
    return Trial(
        "Karlan-List",
        x.to_numpy(float),
        list(x.columns),
        arm.to_numpy(int),
        ["none", "1:1", "2:1", "3:1"],
        (1, 2, 3),
        {"gave": d["out_gavedum"].to_numpy(float)},
        d["out_amountgive"].fillna(0.0).to_numpy(float),
        (0.1, 0.2, 0.3, 0.5),
    )


def _any(
    name: str,
    table: pd.DataFrame,
    arm: str,
    none: str | None,
    outcomes: list[str],
    spend: str | None,
    drop: list[str],
) -> Trial:
    for column in (arm, *outcomes, *([spend] if spend else []), *drop):
        if column not in table.columns:
            raise SystemExit(f"{name}: no column {column!r}; there are {', '.join(map(str, table.columns))}")
    table = table[table[arm].notna() & table[outcomes].notna().all(axis=1)]
    names = sorted(table[arm].astype(str).unique())
    first = names[0] if none is None else none
    if first not in names:
        raise SystemExit(f"{name}: {arm} is never {first!r} (--none); it is {', '.join(names[:20])}")
    arms = [first, *(a for a in names if a != first)]
    x = table.drop(columns=[arm, *outcomes, *([spend] if spend else []), *drop])
    text = [c for c in x.columns if not pd.api.types.is_numeric_dtype(x[c])]
    x = pd.get_dummies(x, columns=[c for c in text if x[c].nunique() <= 50]).drop(
        columns=[c for c in text if x[c].nunique() > 50]
    )
    return Trial(
        name,
        x.to_numpy(float),
        list(map(str, x.columns)),
        table[arm].astype(str).map({a: i for i, a in enumerate(arms)}).to_numpy(),
        arms,
        tuple(range(1, len(arms))) if len(arms) != 3 else (2,),
        {o: (table[o].to_numpy(float) > 0).astype(float) for o in outcomes},
        table[spend].to_numpy(float) if spend else None,
    )
