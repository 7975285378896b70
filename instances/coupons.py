"""The menu: one row a coupon."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from couponry.instances.csv_lines import row_name
from couponry.instances.errors import InputError, did_you_mean

__all__ = ["KINDS", "KNOWN_COLUMNS", "Coupons"]

KINDS = ("threshold_off", "percent_off", "fixed_off", "gift", "free_shipping")
KNOWN_COLUMNS = (
    "coupon_id",
    "kind",
    "face_value",
    "threshold",
    "channel",
    "slot",
    "valid_days",
    "stock",
    "minimum",
)
_NOT_NEGATIVE = ("face_value", "threshold", "valid_days", "stock", "minimum")


class Coupons:
    """The menu of coupons.

    Parameters
    ----------
    table : pandas.DataFrame
        One row a coupon. ``coupon_id`` is needed; ``kind, face_value, threshold, channel, slot,
        valid_days, stock, minimum`` have a meaning of their own; further columns are attributes that
        rules and predictors may use.
    source : str, optional
        The file it was read from, for errors.

    Raises
    ------
    InputError
        On a missing, empty or duplicate id, an unknown kind, or a negative number where none can be.
    """

    def __init__(self, table: pd.DataFrame, *, source: str | None = None) -> None:
        self.source = source
        if "coupon_id" not in table.columns:
            raise InputError(
                "the menu has no column 'coupon_id'",
                column="coupon_id",
                mend=f"Name it 'coupon_id'; columns found: {', '.join(map(str, table.columns))}",
            )
        if len(table) == 0:
            raise InputError("the menu has no coupons", mend="Give at least one row")
        self.table = table.reset_index(drop=True)
        self.table["coupon_id"] = [self._id(i, value) for i, value in enumerate(self.table["coupon_id"])]
        self._check()

    @staticmethod
    def _id(row: int, value: Any) -> str:
        if pd.isna(value) or str(value) == "":
            raise InputError(
                "a coupon has no id", row=row, column="coupon_id", mend="Give every coupon a name"
            )
        return str(value)

    def _check(self) -> None:
        repeated = self.table["coupon_id"].duplicated()
        if repeated.any():
            row = int(np.flatnonzero(repeated)[0])
            raise InputError(
                "this coupon stands in the menu twice",
                row=row,
                column="coupon_id",
                value=self.ids[row],
                mend="Give each coupon one row",
            )
        if "kind" in self.table:
            for row, kind in enumerate(self.table["kind"]):
                if pd.notna(kind) and kind not in KINDS:
                    raise InputError(
                        "unknown kind of coupon",
                        row=row,
                        column="kind",
                        value=kind,
                        mend=did_you_mean(kind, KINDS),
                    )
        for column in _NOT_NEGATIVE:
            if column in self.table:
                self._check_numbers(column)
        short = np.flatnonzero(self.minimum > self.stock)
        if len(short):
            row = int(short[0])
            raise InputError(
                f"the minimum is above the stock of {self.stock[row]:g}",
                row=row,
                column="minimum",
                value=float(self.minimum[row]),
                mend="Lower the minimum or raise the stock",
            )

    def _check_numbers(self, column: str) -> None:
        """Refuse what is not a number of at least 0; numbers given as text become numbers."""
        numbers = pd.to_numeric(self.table[column], errors="coerce").astype(np.float64)
        for row, (value, number) in enumerate(zip(self.table[column], numbers, strict=True)):
            if pd.isna(value):
                continue
            if isinstance(value, bool) or not np.isfinite(number) or number < 0:
                raise InputError(
                    f"{column} must be a number of at least 0",
                    row=row,
                    column=column,
                    value=value,
                    mend="Correct it, or leave the cell empty where there is no limit",
                )
        if not pd.api.types.is_numeric_dtype(self.table[column]):
            self.table[column] = numbers

    def place(self, row: int) -> dict[str, Any]:
        """Return where a row stood in what the user gave: ``file`` and ``row`` of an :class:`InputError`."""
        return {"file": self.source, "row": row if self.source is None else row_name(self.source, row)}

    def __len__(self) -> int:
        return len(self.table)

    def __repr__(self) -> str:
        return f"Coupons({len(self)}: {', '.join(self.ids[:6])}{', …' if len(self) > 6 else ''})"

    @cached_property
    def ids(self) -> list[str]:
        """The coupons' ids, in the menu's order."""
        return [str(c) for c in self.table["coupon_id"]]

    @cached_property
    def positions(self) -> Mapping[str, int]:
        """From id to position in the menu."""
        return {c: j for j, c in enumerate(self.ids)}

    def position(self, coupon_id: str) -> int:
        """Return where a coupon stands in the menu.

        Raises
        ------
        InputError
            If the menu has no such coupon.
        """
        try:
            return self.positions[coupon_id]
        except KeyError:
            raise InputError(
                "no such coupon in the menu",
                column="coupon_id",
                value=coupon_id,
                mend=did_you_mean(coupon_id, self.ids),
            ) from None

    def _numbers(self, column: str, absent: float) -> np.ndarray:
        if column not in self.table:
            return np.full(len(self), absent)
        return self.table[column].astype(np.float64).fillna(absent).to_numpy()

    @cached_property
    def stock(self) -> np.ndarray:
        """Most units of each coupon, float64 ``(J,)``; infinite where the cell is empty."""
        return self._numbers("stock", np.inf)

    @cached_property
    def minimum(self) -> np.ndarray:
        """Fewest units of each coupon, float64 ``(J,)``; 0 where the cell is empty."""
        return self._numbers("minimum", 0.0)

    def select(self, wanted: list[str] | Mapping[str, object] | None) -> np.ndarray:
        """Return which coupons a rule speaks of, bool ``(J,)``.

        Parameters
        ----------
        wanted : list of str, mapping, or None
            Ids; or column → value or values, all of which must hold; or None for every coupon.

        Raises
        ------
        InputError
            If an id, a column or a value is not in the menu.
        """
        chosen = np.ones(len(self), dtype=bool)
        if wanted is None:
            return chosen
        if not isinstance(wanted, Mapping):
            chosen[:] = False
            chosen[[self.position(c) for c in wanted]] = True
            return chosen
        for column, values in wanted.items():
            chosen &= self._matches(column, values if isinstance(values, list | tuple) else [values])
        return chosen

    def _matches(self, column: str, values: list[object] | tuple[object, ...]) -> np.ndarray:
        if column not in self.table:
            raise InputError(
                "the menu has no such column", column=column, mend=did_you_mean(column, self.table.columns)
            )
        present = [None if pd.isna(value) else value for value in self.table[column]]
        for value in values:
            if value is None or value not in present:
                raise InputError(
                    "no coupon has this value",
                    column=column,
                    value=value,
                    mend=did_you_mean(value, dict.fromkeys(p for p in present if p is not None)),
                )
        return np.array([p in values for p in present], dtype=bool)
