"""What the columns of an unknown trial are: arms, outcomes, money, names, and what only came afterwards.

Public trials name them alike (Criteo's ``treatment, conversion, visit, exposure``, Lenta's ``group,
response_att``, MegaFon's ``treatment_group, conversion``, X5's ``treatment_flg, target``). What is read is
told, so that it can be said otherwise; what is not sure is asked for.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd

__all__ = ["arms_of", "binary", "find_arm", "find_outcomes", "find_spend", "no_features", "tell"]

_ARMS = (
    "treatment treatment_group treatment_flg treatment_flag treat treated t w arm arms group test_group "
    "segment variant variation offer promotion campaign coupon coupon_id is_treated"
)
_OUTCOMES = (
    "visit conversion converted convert target outcome y label response response_att purchase purchased "
    "bought buy gave redeemed subscribed success"
)
_MONEY = "spend spent amount revenue sales gmv money euros eur usd dollars"
_AFTERWARDS = "exposure exposed click clicked clicks opened redeemed cost"
_NAMES = "id user_id userid user customer_id customerid customer client_id client index row"
_NONE = (
    "0 0.0 false f n no none nothing control ctrl holdout hold_out baseline untreated notreatment "
    "notreat empty na null nan"
)
_MOST_ARMS = 40


def tell(words: str) -> None:
    """Say on standard error how a file is read."""
    print(words, file=sys.stderr, flush=True)


def find_arm(path: Path, table: pd.DataFrame) -> str:
    """Return the column of arms by its name.

    Raises
    ------
    SystemExit
        If there is none of a known name with 2 to 40 arms.
    """
    likely = [c for name in _ARMS.split() for c in table.columns if _plain(c) == name and _few(table[c])]
    if not likely:
        raise SystemExit(
            f"{path}: which column holds the arms? Name it with --arm; there are {_listed(table.columns)}"
        )
    tell(f"{path.name}: arms are read from column {likely[0]!r} (--arm says otherwise)")
    return str(likely[0])


def find_outcomes(path: Path, table: pd.DataFrame) -> list[str]:
    """Return columns of outcomes by their names, those that hold two values.

    Raises
    ------
    SystemExit
        If there is none.
    """
    found = [str(c) for name in _OUTCOMES.split() for c in table.columns if _plain(c) == name]
    found = [c for c in dict.fromkeys(found) if table[c].nunique() == 2]
    if not found:
        raise SystemExit(
            f"{path}: which columns hold outcomes of two values? Name them with --outcomes; there are "
            f"{_listed(table.columns)}"
        )
    tell(f"{path.name}: outcomes are {', '.join(found)} (--outcomes says otherwise)")
    return found


def find_spend(path: Path, table: pd.DataFrame) -> str | None:
    """Return the column of money, if one is named so."""
    for name in _MONEY.split():
        for column in table.columns:
            if _plain(column) == name and pd.api.types.is_numeric_dtype(table[column]):
                tell(f"{path.name}: money is read from column {column!r} (--spend says otherwise)")
                return str(column)
    return None


def no_features(path: Path, table: pd.DataFrame, known: list[str]) -> list[str]:
    """Return columns that a model must not see: names of people, and what came after the arm was drawn."""
    later = {*_OUTCOMES.split(), *_MONEY.split(), *_AFTERWARDS.split()}
    out = []
    for column in table.columns.drop(known):
        plain = _plain(column)
        if plain in later:
            tell(
                f"{path.name}: column {column!r} is left out, as it came after the arm was drawn "
                "(--keep says otherwise)"
            )
            out.append(str(column))
        elif plain in _NAMES.split() or plain.startswith("unnamed") or _names_rows(table[column]):
            tell(f"{path.name}: column {column!r} is left out, as it names rows (--keep says otherwise)")
            out.append(str(column))
    return out


def arms_of(path: Path, values: pd.Series, none: str | None) -> tuple[np.ndarray, list[str]]:
    """Return every row's arm, 0 for none, and the arms' names, none first; ``values`` are text.

    An empty cell is none, as in couponry's own logs, unless an arm is called so, too: then it is asked.

    Raises
    ------
    SystemExit
        If it is not clear which arm is none.
    """
    text = values.map(_as_text)
    names = sorted(set(text), key=_in_order)
    sizes = ", ".join(f"{name or 'empty'!r} ({(text == name).sum():,} rows)" for name in names[:_MOST_ARMS])
    if len(names) < 2:
        raise SystemExit(f"{path}: column {values.name!r} holds one arm alone: {sizes}")
    if none is None:
        likely = [name for name in names if not name or _is_none(name)]
        if len(likely) != 1:
            raise SystemExit(
                f"{path}: which arm is no coupon? Say it with --none; column {values.name!r} holds {sizes}"
            )
        first = likely[0]
        tell(f"{path.name}: {repr(first) if first else 'an empty cell'} is no coupon (--none says otherwise)")
    elif none in names:
        first = none
    else:
        raise SystemExit(f"{path}: {values.name!r} is never {none!r} (--none); it holds {sizes}")
    arms = [first, *(name for name in names if name != first)]
    return text.map({name: i for i, name in enumerate(arms)}).to_numpy(), [a or "none" for a in arms]


def binary(path: Path, values: pd.Series) -> np.ndarray:
    """Return an outcome as 0 and 1.

    Raises
    ------
    SystemExit
        If it holds one value, or text that is not yes and no.
    """
    kinds = sorted(values.dropna().unique().tolist(), key=_in_order)
    if len(kinds) < 2:
        raise SystemExit(f"{path}: outcome {values.name!r} is {kinds or 'empty'} on all rows; give another")
    if len(kinds) == 2:
        no, yes = kinds
        if not {_plain(no), _plain(yes)} <= {"0", "1", "00", "10", "false", "true"}:
            said = {_plain(k): k for k in kinds}
            yes = next((said[word] for word in ("yes", "y", "t") if word in said), yes)
            tell(f"{path.name}: outcome {values.name!r} counts where it is {yes!r}")
        return (values == yes).to_numpy(float)
    if not pd.api.types.is_numeric_dtype(values):
        raise SystemExit(
            f"{path}: outcome {values.name!r} holds {len(kinds)} values such as {kinds[0]!r} and "
            f"{kinds[-1]!r}; give one of two values"
        )
    tell(f"{path.name}: outcome {values.name!r} holds {len(kinds):,} numbers and counts where it is above 0")
    return (values > 0).to_numpy(float)


def _plain(name: object) -> str:
    return re.sub(r"[^a-z0-9_]", "", str(name).strip().lower())


def _as_text(value: str) -> str:
    text = value.strip()
    return text.removesuffix(".0") if text.removesuffix(".0").isdigit() else text


def _in_order(value: object) -> tuple[bool, float, str]:
    try:
        return False, float(str(value)), ""
    except ValueError:
        return True, 0.0, str(value)


def _is_none(name: str) -> bool:
    plain = re.sub(r"[^a-z0-9_.]", "", name.lower().replace(" ", "").replace("-", ""))
    return (
        plain in _NONE.split()
        or name.lower().startswith(("no ", "no_", "no-", "without "))
        or "control" in plain
    )


def _few(values: pd.Series) -> bool:
    return 2 <= values.nunique(dropna=False) <= _MOST_ARMS


def _names_rows(values: pd.Series) -> bool:
    whole = pd.api.types.is_integer_dtype(values) or not pd.api.types.is_numeric_dtype(values)
    return bool(whole and len(values) > 100 and values.is_unique)


def _listed(columns: pd.Index) -> str:
    return ", ".join(map(str, columns[:60])) + (" …" if len(columns) > 60 else "")
