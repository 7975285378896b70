"""Users: an id and the segments that rules may speak of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from couponry.instances.errors import InputError, did_you_mean

__all__ = ["Segment", "Users"]


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
        The values, sorted.
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
        self._check()

    def _check(self) -> None:
        ids = self.ids
        if ids.null_count:
            row = int(np.flatnonzero(np.asarray(ids.is_null()))[0])
            raise InputError("a user has no id", row=row, column="user_id", mend="Give every user an id")
        if pc.count_distinct(ids).as_py() < len(ids):
            values = ids.to_numpy(zero_copy_only=False)
            _, first = np.unique(values, return_index=True)
            row = int(np.setdiff1d(np.arange(len(ids)), first)[0])
            raise InputError(
                "this user stands there twice",
                row=row,
                column="user_id",
                value=ids[row].as_py(),
                mend="Give each user one row",
            )
        if "max_coupons" in self.table.column_names:
            self._check_max_coupons()

    def _check_max_coupons(self) -> None:
        column = self.table["max_coupons"]
        if not pa.types.is_integer(column.type) or (pc.min(column).as_py() or 0) < 0:
            bad = next((i for i, v in enumerate(column.to_pylist()) if v is not None and (v < 0 or v != int(v))), 0)
            raise InputError(
                "max_coupons must be a whole number of at least 0",
                row=bad,
                column="max_coupons",
                value=column[bad].as_py(),
                mend="Correct it, or leave the cell empty to follow the rule",
            )

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def __repr__(self) -> str:
        return f"Users({len(self):,}; segments {', '.join(self.segment_names) or 'none'})"

    @cached_property
    def ids(self) -> pa.Array:
        """The users' ids as one arrow array, in the instance's order."""
        return self.table["user_id"].combine_chunks()

    @cached_property
    def positions(self) -> Mapping[object, int]:
        """From id to row; built on first use."""
        return {user: i for i, user in enumerate(self.ids.to_pylist())}

    @cached_property
    def max_coupons(self) -> np.ndarray | None:
        """Coupons each user may get, int32 ``(n,)`` with −1 where the rule decides; None without the column."""
        if "max_coupons" not in self.table.column_names:
            return None
        filled = pc.fill_null(self.table["max_coupons"].cast(pa.int32()), -1)
        return np.ascontiguousarray(filled.to_numpy())

    @cached_property
    def segment_names(self) -> tuple[str, ...]:
        """Columns that a rule may speak of."""
        return tuple(
            name
            for name in self.table.column_names
            if name not in ("user_id", "max_coupons") and not pa.types.is_nested(self.table.schema.field(name).type)
        )

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
            raise InputError(
                "the users have no such segment", column=name, mend=did_you_mean(name, self.segment_names)
            )
        column = self.table[name].combine_chunks()
        if column.null_count:
            row = int(np.flatnonzero(np.asarray(column.is_null()))[0])
            raise InputError(
                "a user has no value in a segment that a rule mentions",
                row=row,
                column=name,
                mend="Fill it, for instance with 'unknown'",
            )
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        encoded = column.dictionary_encode()
        values = encoded.dictionary.to_pylist()
        order = sorted(range(len(values)), key=lambda i: (str(type(values[i])), values[i]))
        rank = np.empty(len(values), dtype=np.int32)
        rank[order] = np.arange(len(values), dtype=np.int32)
        codes = rank[encoded.indices.to_numpy(zero_copy_only=False)]
        return Segment(name, codes, tuple(values[i] for i in order))

    def take(self, rows: np.ndarray) -> Users:
        """Return the users at ``rows`` (positions, or a bool mask)."""
        index = np.flatnonzero(rows) if rows.dtype == bool else rows
        return Users(self.table.take(pa.array(index)))
