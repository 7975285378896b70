"""Randomised trials as matrices: Hillstrom's and Karlan and List's, known by their columns, or any CSV."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from benchmarks.prediction.roles import (
    arms_of,
    binary,
    find_arm,
    find_outcomes,
    find_spend,
    no_features,
    tell,
)

from couponry.predictors.balance import unbalanced
from couponry.predictors.features.leaks import leaks
from couponry.predictors.features.schema import Schema

_MOST_VALUES = 50
HILLSTROM = {
    *("recency", "history_segment", "history", "mens", "womens", "zip_code", "newbie", "channel"),
    *("segment", "visit", "conversion", "spend"),
}
_EMAILS = ("No E-Mail", "Mens E-Mail", "Womens E-Mail")
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
    path: Path,
    arm: str | None,
    none: str | None,
    outcomes: list[str],
    spend: str | None,
    drop: list[str],
    keep: list[str],
) -> Trial:
    """Read a trial; where the columns are not known ones, by what is said of them, else by their names.

    Raises
    ------
    SystemExit
        If the file cannot be read, or it is not clear which columns hold arms and outcomes, or who had none.
    """
    try:
        table = pd.read_csv(path)
    except (OSError, ValueError) as error:
        raise SystemExit(f"{path}: cannot be read as CSV: {error}") from error
    if arm is None and _is_hillstrom(table):
        return _hillstrom(table)
    if arm is None and set(table.columns) >= KARLAN_LIST:
        return _karlan_list(table)
    return _any(path, table, arm, none, outcomes, spend, drop, keep)


def _is_hillstrom(table: pd.DataFrame) -> bool:
    return set(table.columns) >= HILLSTROM and set(table["segment"].unique()) == set(_EMAILS)


def _hillstrom(d: pd.DataFrame) -> Trial:
    x = d[["recency", "history", "mens", "womens", "newbie"]].copy()
    x.insert(2, "segment", d["history_segment"].str[0].astype(int))
    x = pd.concat([x, pd.get_dummies(d["zip_code"]), pd.get_dummies(d["channel"])], axis=1)
    arms = list(_EMAILS)
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
    path: Path,
    table: pd.DataFrame,
    arm: str | None,
    none: str | None,
    outcomes: list[str],
    spend: str | None,
    drop: list[str],
    keep: list[str],
) -> Trial:
    for column in (*([arm] if arm else []), *outcomes, *([spend] if spend else []), *drop, *keep):
        if column not in table.columns:
            raise SystemExit(f"{path}: no column {column!r}; there are {', '.join(map(str, table.columns))}")
    arm = arm or find_arm(path, table)
    # As text: an arm may be called "None" or "NA", which is a gap elsewhere.
    table[arm] = pd.read_csv(path, usecols=[arm], dtype=str, keep_default_na=False)[arm]
    outcomes = outcomes or find_outcomes(path, table.drop(columns=arm))
    spend = spend or find_spend(path, table.drop(columns=[arm, *outcomes, *drop, *keep]))
    drop = [*drop, *no_features(path, table, [arm, *outcomes, *([spend] if spend else []), *drop, *keep])]
    there = table[outcomes].notna().all(axis=1)
    if not there.all():
        tell(f"{path.name}: {(~there).sum():,} rows without an outcome are left out")
    table = table[there]
    given, arms = arms_of(path, table[arm], none)
    features = _few_texts(path, table.drop(columns=[arm, *outcomes, *([spend] if spend else []), *drop]))
    won = {o: binary(path, table[o]) for o in outcomes}
    doubted = features.drop(columns=keep, errors="ignore")
    features = features.drop(columns=_afterwards(path, doubted, given, list(won.values())))
    if not len(features.columns):
        raise SystemExit(f"{path}: no column is left to learn from")
    return Trial(
        path.name,
        *_matrix(features),
        given,
        arms,
        tuple(range(1, len(arms))),
        won,
        _money(path, table[spend]) if spend else None,
    )


def _few_texts(path: Path, x: pd.DataFrame) -> pd.DataFrame:
    many = [c for c in _texts(x) if x[c].nunique() > _MOST_VALUES]
    if many:
        tell(
            f"{path.name}: left out, as texts of more than {_MOST_VALUES} values: {', '.join(map(str, many))}"
        )
    return x.drop(columns=many)


def _afterwards(path: Path, x: pd.DataFrame, arm: np.ndarray, outcomes: list[np.ndarray]) -> list[str]:
    """Return columns that cannot have been there before a lottery, and say so."""
    why = {
        c: "it differs between arms, which what was known before they were drawn does not"
        for c in x.columns
        if unbalanced(_matrix(x[[c]])[0], arm).any()
    }
    order = np.random.default_rng(0).permutation(len(x))
    shuffled = x.iloc[order].reset_index(drop=True)
    for outcome in outcomes:
        told = leaks(shuffled, Schema.of(shuffled), outcome[order] > 0)
        why |= dict.fromkeys(told, "it alone tells an outcome, so that it came after it")
    for column, reason in why.items():
        tell(f"{path.name}: column {column!r} is left out, as {reason} (--keep says otherwise)")
    return list(why)


def _matrix(x: pd.DataFrame) -> tuple[np.ndarray, list[str]]:
    """Return numbers as they are, and a column for each value of texts."""
    x = pd.get_dummies(x, columns=_texts(x))
    return x.to_numpy(float), list(map(str, x.columns))


def _texts(x: pd.DataFrame) -> list[str]:
    return [c for c in x.columns if not pd.api.types.is_numeric_dtype(x[c])]


def _money(path: Path, values: pd.Series) -> np.ndarray:
    if not pd.api.types.is_numeric_dtype(values):
        raise SystemExit(f"{path}: money {values.name!r} is no number, such as {values.dropna().iloc[0]!r}")
    if values.isna().any():
        tell(f"{path.name}: {values.isna().sum():,} rows without {values.name!r} count as 0")
    return values.fillna(0.0).to_numpy(float)
