"""Columns of a log that describe the coupon that was given; they belong into the menu."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from couponry.instances.arms import NO_COUPON
from couponry.instances.coupons import Coupons
from couponry.instances.errors import InputError, plain
from couponry.instances.log import Log

__all__ = ["move_to_menu"]


def move_to_menu(log: Log, names: list[str]) -> Log:
    """Return the log with columns of its features as attributes of its coupons; the features stay.

    Rows without a coupon are not looked at. A model that took such a column for a feature of the user would
    learn which coupon was given, and would have nothing to put there when it is asked about all coupons.

    Raises
    ------
    InputError
        If a column has two values for one coupon, or another than the menu.
    """
    table = log.coupons.table
    for name in names:
        values = _of_coupons(log, name)
        if name in table.columns:
            _check_agreement(log, name, values)
        else:
            table = table.assign(**{name: values})
    return replace(log, coupons=Coupons(table))


def _of_coupons(log: Log, name: str) -> pd.Series:
    """Return a column's value for every coupon, in the menu's order."""
    rows = np.flatnonzero(log.arm != NO_COUPON)
    cells, arm = log.features[name].iloc[rows].reset_index(drop=True), log.arm[rows]
    known = cells.notna().to_numpy()
    first = cells[known].groupby(arm[known]).first()
    differing = np.flatnonzero(known & (cells != cells.groupby(arm).transform("first")).to_numpy())
    if len(differing):
        row = int(differing[0])
        coupon = log.coupons.ids[arm[row]]
        raise InputError(
            f"this is to describe the coupon, but {coupon!r} was {plain(first[arm[row]])!r} elsewhere",
            **log.place(int(rows[row])),
            column=name,
            value=cells[row],
            mend="Give each coupon one value, or make it two coupons",
        )
    return first.reindex(range(len(log.coupons))).set_axis(log.coupons.table.index)


def _check_agreement(log: Log, name: str, values: pd.Series) -> None:
    menu = log.coupons.table[name]
    for position, coupon in enumerate(log.coupons.ids):
        here, there = values.iloc[position], menu.iloc[position]
        if not (pd.isna(here) or here == there):
            raise InputError(
                f"the log and the menu differ about coupon {coupon!r}: the menu says {plain(there)!r}",
                file=log.source,
                column=name,
                value=here,
                mend="Correct one of them, or leave the log's column out: kind = 'ignore'",
            )
