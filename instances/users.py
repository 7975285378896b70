"""Users: an id and the segments that rules may speak of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from couponry.instances.errors import InputError, did_you_mean
from couponry.instances.wording import called, setting

__all__ = ["Segment", "Users", "decoded", "encode", "in_order", "missing_id"]


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment column, encoded.

    Attributes
    ----------
    name : str
        The column.
    codes : ndarray of int32, shape (n,)
        Position of each user's value in ``labels``.
    labels : tuple
        The values, sorted; dates and times as ISO text.
    """

    name: str
    codes: np.ndarray
    labels: tuple[object, ...]

    def code(self, value: object) -> int:
        """Return the position of a value.

        Raises
        ------
        InputError
            If no user has this value.
        """
        for position, label in enumerate(self.labels):
            if label == value and isinstance(label, bool) == isinstance(value, bool):
                return position
        raise InputError(
            f"no user has this value of segment {self.name!r}",
            column=self.name,
            value=value,
            mend=did_you_mean(value, self.labels),
        )


class Users:
    """The customers of an instance.

    Parameters
    ----------
    table : pyarrow.Table
        ``user_id`` (text or whole numbers), any segment columns, and optionally ``max_coupons``
        (whole numbers, how many coupons this user may get; overrides the rule).

    Raises
    ------
    InputError
        On a missing, empty or duplicate id, or a negative ``max_coupons``.
    """

    def __init__(self, table: pa.Table) -> None:
        if "user_id" not in table.column_names:
            raise InputError(
                "the users have no column 'user_id'",
                column="user_id",
                mend=f"Name the users in a column 'user_id'; columns found: {', '.join(table.column_names)}",
            )
        if table.num_rows == 0:
            raise InputError("there are no users", mend="Give at least one row")
        self.table = table
        self._segments: dict[str, Segment] = {}
        self._check_ids()
        if "max_coupons" in self.table.column_names:
            self._check_max_coupons()

    def _check_ids(self) -> None:
        ids = self.ids
        if not (pa.types.is_integer(ids.type) or _is_text(ids.type)):
            raise InputError(
                "user_id must be text or whole numbers",
                column="user_id",
                value=str(ids.type),
                mend="Convert the column",
            )
        row = missing_id(ids)
        if row is not None:
            raise InputError("a user has no id", row=row, column="user_id", mend="Give every user an id")
        if len(pc.unique(ids)) < len(ids):
            _, first = np.unique(ids.dictionary_encode().indices.to_numpy(), return_index=True)
            row = int(np.setdiff1d(np.arange(len(ids)), first)[0])
            above = row - pc.index(ids, ids[row]).as_py()
            raise InputError(
                f"this user stands there twice, the first time {above:,} row{'s' if above > 1 else ''} above",
                row=row,
                column="user_id",
                value=ids[row].as_py(),
                mend="Give each user one row",
            )

    def _check_max_coupons(self) -> None:
        column = self.table["max_coupons"]
        row = 0
        if (
            pa.types.is_integer(column.type)
            or pa.types.is_floating(column.type)
            or pa.types.is_null(column.type)
        ):
            numbers = column.cast(pa.float64())
            whole = pc.and_(pc.equal(numbers, pc.floor(numbers)), pc.less(numbers, 2.0**31))
            row = pc.index(pc.and_(whole, pc.greater_equal(numbers, 0)), False).as_py()
            if row == -1:
                return
        raise InputError(
            "max_coupons must be a whole number of at least 0",
            row=row,
            column="max_coupons",
            value=column[row].as_py(),
            mend="Correct it, or leave the cell empty to follow the rule",
        )

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def __repr__(self) -> str:
        return f"Users({len(self):,}; segments {', '.join(self.segment_names) or 'none'})"

    @cached_property
    def ids(self) -> pa.Array:
        """The users' ids as one arrow array, in the instance's order."""
        return decoded(self.table["user_id"])

    @cached_property
    def positions(self) -> Mapping[object, int]:
        """From id to row; built on first use."""
        return {user: i for i, user in enumerate(self.ids.to_pylist())}

    @cached_property
    def max_coupons(self) -> np.ndarray | None:
        """Coupons each user may get, int32 ``(n,)``, −1 where the rule decides; None without the column."""
        if "max_coupons" not in self.table.column_names:
            return None
        filled = pc.fill_null(self.table["max_coupons"].cast(pa.int32()), -1)
        return np.ascontiguousarray(filled.to_numpy())

    @cached_property
    def segment_names(self) -> tuple[str, ...]:
        """Columns that a rule may speak of: all but lists and those with a meaning of their own."""
        return tuple(name for name in self.scalar_names if name not in ("user_id", "max_coupons"))

    @property
    def scalar_names(self) -> tuple[str, ...]:
        """Columns that hold one thing a user, in the table's order."""
        return tuple(field.name for field in self.table.schema if not pa.types.is_nested(field.type))

    def segment(self, name: str) -> Segment:
        """Return one segment column, encoded.

        Raises
        ------
        InputError
            If there is no such column, or a user has no value in it.
        """
        if name not in self._segments:
            self._segments[name] = self._encode(name)
        return self._segments[name]

    def _encode(self, name: str) -> Segment:
        if name not in self.segment_names:
            mend, option = did_you_mean(name, self.segment_names), called("segments")
            if option.startswith("--"):  # of the command at work, such as predict
                mend += f". A column of the users becomes a segment by {setting('segments', 'A,B')}"
            raise InputError("the users have no such segment", column=name, mend=mend)
        codes, values = encode(name, self.table[name])
        rank, labels = in_order(values)
        return Segment(name, rank[codes], labels)

    def take(self, rows: np.ndarray) -> Users:
        """Return the users at ``rows`` (positions, or a bool mask)."""
        index = np.flatnonzero(rows) if rows.dtype == bool else rows
        return Users(self.table.take(pa.array(index)))


def missing_id(ids: pa.Array) -> int | None:
    """Return the first row without an id, or None."""
    missing = ids.is_null()
    if _is_text(ids.type):
        missing = pc.or_kleene(missing, pc.equal(ids, ""))
    return pc.index(missing, True).as_py() if pc.any(missing).as_py() else None


def encode(name: str, column: pa.ChunkedArray) -> tuple[np.ndarray, list[object]]:
    """Return a segment column as codes and the values that they stand for, in no order.

    Raises
    ------
    InputError
        If a user has no value; its row is the position in the column.
    """
    plain = decoded(column)
    missing = plain.is_null(nan_is_null=True)
    if pc.any(missing).as_py():
        raise InputError(
            "a user has no value in a segment that a rule mentions",
            row=pc.index(missing, True).as_py(),
            column=name,
            mend="Fill it, for instance with 'unknown'",
        )
    if pa.types.is_temporal(plain.type):
        plain = plain.cast(pa.string())
    encoded = plain.dictionary_encode()
    return encoded.indices.to_numpy(zero_copy_only=False), encoded.dictionary.to_pylist()


def in_order(values: list[Any]) -> tuple[np.ndarray, tuple[object, ...]]:
    """Return each value's rank, int32, and the values sorted."""
    order = sorted(range(len(values)), key=lambda i: (str(type(values[i])), values[i]))
    rank = np.empty(len(values), dtype=np.int32)
    rank[order] = np.arange(len(values), dtype=np.int32)
    return rank, tuple(values[i] for i in order)


def decoded(column: pa.ChunkedArray) -> pa.Array:
    """Return a column as one array of plain values."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_string_view(column.type):  # too young for most of arrow's functions
        column = column.cast(pa.large_string())
    return column.combine_chunks()


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))
