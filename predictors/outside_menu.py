"""What to say of new coupons that are unlike all that a model learnt from."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from couponry.instances.coupons import Coupons
from couponry.predictors.menu import Menu, attributes_of

__all__ = ["outside_menu"]

_LISTED = 8
_LISTS = ("events", "series")
_BEYOND = 0.25
"""How far beyond the menu's range a number is taken for near it, as a share of the range."""
_MADE_OF = {"share_of_threshold": ("face_value", "threshold")}
_OF_PERCENT = {"percent": True, "face_value": False, "share_of_threshold": False}
"""Attributes that percentages alone have, or all others: elsewhere they are filled with 0."""


def outside_menu(menu: Menu, coupons: Coupons, known: npt.NDArray[np.int64]) -> list[str]:
    """Return what to say of every new coupon that has an attribute far from those of training.

    Parameters
    ----------
    menu : Menu
        Of training.
    coupons : Coupons
        With the attributes of that menu.
    known : ndarray of int64, shape (S,)
        Position in the training menu, −1 for a new coupon.
    """
    if menu.encoder is None or (known >= 0).all():
        return []
    schema = menu.encoder.schema_
    compared = [column.name for column in schema.columns if column.kind not in _LISTS]
    before, now = (schema.read(attributes_of(menu_))[compared] for menu_ in (menu.coupons, coupons))
    messages = []
    for row in np.flatnonzero(known < 0):
        found = "; ".join(_strange(before, now.iloc[row]).values())
        if found:
            messages.append(
                f"coupon {coupons.ids[row]!r} is unlike those that the model learnt from: {found}. What it "
                "wins and costs may be far from what is predicted: give it to a few users by lot and train "
                "on their rows before it goes to many"
            )
    return messages


def _strange(before: pd.DataFrame, coupon: pd.Series) -> dict[str, str]:
    """Return, by attribute, what is strange about a coupon."""
    percent = None if "kind" not in before else before["kind"] == "percent_off"
    found: dict[str, str] = {}
    for name in map(str, before.columns):
        had = before[name]
        if percent is not None and name in _OF_PERCENT:
            if (coupon["kind"] == "percent_off") != _OF_PERCENT[name]:
                continue
            had = had[percent == _OF_PERCENT[name]]
        words = "" if pd.isna(coupon[name]) else _difference(coupon[name], had.dropna())
        if words and not any(part in found for part in _MADE_OF.get(name, ())):
            found[name] = f"{name} is {words}"
    return found


def _difference(value: Any, had: pd.Series) -> str:
    """Return how a value differs from those that there were; empty where it is near them."""
    if had.empty:
        return ""
    is_date = pd.api.types.is_datetime64_any_dtype(had)
    if is_date or (pd.api.types.is_numeric_dtype(had) and not pd.api.types.is_bool_dtype(had)):
        low, high = had.min(), had.max()
        near = _BEYOND * (high - low)
        if low - near <= value <= high + near:
            return ""
        shown = str if is_date else "{:g}".format
        told = f"{shown(low)} to {shown(high)}" if high > low else shown(low)
        return f"{shown(value)}, where training had {told}"
    known = list(dict.fromkeys(had.astype(str)))
    if str(value) in known:
        return ""
    told = ", ".join(map(repr, known[:_LISTED])) + ", …" * (len(known) > _LISTED)
    return f"{str(value)!r}, where training had {told}"
