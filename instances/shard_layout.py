"""What the columns of shards are, and their lists as numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from couponry.instances.errors import InputError
from couponry.instances.parquet_files import open_parquet
from couponry.instances.source import Source
from couponry.instances.tables import require_columns

__all__ = ["PATTERN", "SHORTLIST", "Layout", "list_numbers", "shard_sources", "survey"]

PATTERN = "part-*.parquet"
SHORTLIST = "coupon"


def shard_sources(directory: Source) -> tuple[Source, ...]:
    """Return the shards of a directory in the order of their names.

    Raises
    ------
    InputError
        If there is none.
    """
    names = directory.names(PATTERN)
    if not names:
        found = ", ".join(directory.names()) or "nothing"
        raise InputError(
            f"there is no {PATTERN} here", file=str(directory), mend=f"Name the shards so; found: {found}"
        )
    return tuple(directory.child(name) for name in names)


@dataclass(frozen=True)
class Layout:
    """What the columns of a shard are."""

    scalars: list[str]
    lists: Mapping[str, type[np.generic]]

    @classmethod
    def of(cls, source: Source, schema: pa.Schema) -> Layout:
        """Read it from a footer; refuse columns that are missing or of another kind."""
        require_columns(source, schema.names, ("user_id", "value", "cost"))
        lists = {
            field.name: _number_type(source, field)
            for field in schema
            if pa.types.is_nested(field.type) or field.name in ("value", "cost", SHORTLIST)
        }
        return cls([name for name in schema.names if name not in lists], lists)


def list_numbers(name: str, lists: pa.Array, row: int, places: int | None = None) -> np.ndarray:
    """Return a column of lists of one length as numbers, ``(b, S)``, not copied where that can be.

    Parameters
    ----------
    name : str
        The column. Nulls become NaN, those of a shortlist −1.
    lists : pyarrow.Array
        At least one list.
    row : int
        Of the first list among all: an error names the row by it.
    places : int, optional
        Length of the lists; that of the first one here if it is not known.

    Raises
    ------
    InputError
        If a list is missing or of another length, or a shortlist names what cannot be in a menu.
    """
    if lists.null_count:
        row += pc.index(lists.is_null(), True).as_py()
        raise InputError("a user has no list", row=row, column=name, mend="Give one number a coupon")
    places = _checked_length(name, lists, row, places)
    flat = lists.flatten()
    if name == SHORTLIST:
        flat = _positions(name, flat, row, places)
    elif pa.types.is_integer(flat.type):
        flat = flat.cast(pa.float64(), safe=False)
    return _array(flat).reshape(len(lists), places)


def _checked_length(name: str, lists: pa.Array, row: int, places: int | None) -> int:
    """Return the one length of all lists."""
    if pa.types.is_fixed_size_list(lists.type) and places in (None, lists.type.list_size):
        return int(lists.type.list_size)
    lengths = pc.list_value_length(lists)
    places = int(lengths[0].as_py()) if places is None else places
    wrong = pc.index(pc.equal(lengths, places), False).as_py()
    if wrong >= 0:
        raise InputError(
            f"a list of {places} numbers was expected, as the first user's first list is",
            row=row + wrong,
            column=name,
            value=f"{lengths[wrong].as_py()} numbers",
            mend="Give all lists one length, the same in all shards; NaN where a pair is not eligible",
        )
    return places


def _positions(name: str, flat: pa.Array, row: int, places: int) -> pa.Array:
    """Return a shortlist's numbers as int32, −1 for null."""
    beyond = pc.index(pc.less(pc.abs(flat.cast(pa.float64(), safe=False)), 2.0**31), False).as_py()
    if beyond >= 0:
        raise InputError(
            "a shortlist names a coupon outside any menu",
            row=row + beyond // (places or 1),
            column=name,
            value=flat[beyond].as_py(),
            mend="Use positions from 0, and -1 for an empty place",
        )
    return pc.fill_null(flat.cast(pa.int32()), -1)


def _array(flat: pa.Array) -> np.ndarray:
    """Return numbers as an array, one that may be written to where it lies in memory of its own.

    Compiled code takes arrays that may not be written to for another kind, and is compiled twice.
    """
    array: np.ndarray = flat.to_numpy(zero_copy_only=False)
    buffer = flat.buffers()[1]
    if array.flags.writeable or flat.null_count or buffer is None or not buffer.is_mutable:
        return array
    start = flat.offset * array.itemsize
    return np.frombuffer(buffer, array.dtype, len(flat), start)


def _number_type(source: Source, field: pa.Field) -> type[np.generic]:
    """Return what the numbers of a list column become."""
    if _is_list(field.type):
        kind = field.type.value_type
        if field.name == SHORTLIST and pa.types.is_integer(kind):
            return np.int32
        if field.name != SHORTLIST and pa.types.is_float32(kind):
            return np.float32
        if field.name != SHORTLIST and (pa.types.is_float64(kind) or pa.types.is_integer(kind)):
            return np.float64
    wanted = "whole numbers, int32" if field.name == SHORTLIST else "numbers, float32 or float64"
    raise InputError(
        f"each user's {field.name} must be a list of {wanted}",
        file=str(source),
        column=field.name,
        value=str(field.type),
        mend="Convert the column; a long table belongs in responses.csv or responses.parquet",
    )


def survey(sources: tuple[Source, ...]) -> tuple[Layout, list[int]]:
    """Read the footers: the layout that all shards share, and the first row of each, the total last."""
    starts, schemas = [0], []
    for source in sources:
        with open_parquet(source) as file:
            schemas.append(file.schema_arrow)
            starts.append(starts[-1] + file.metadata.num_rows)
        _check_agreement(sources[0], schemas[0], source, schemas[-1])
    return Layout.of(sources[0], schemas[0]), starts


def _check_agreement(leader: Source, expected: pa.Schema, source: Source, schema: pa.Schema) -> None:
    """Refuse a shard whose columns differ from the first one's."""
    if set(schema.names) != set(expected.names):
        name = min(set(schema.names) ^ set(expected.names))
        raise InputError(
            f"this shard has {'a column that' if name in schema.names else 'no such column, which'} "
            f"{leader.name} {'has not' if name in schema.names else 'has'}",
            file=str(source),
            column=name,
            mend="Write all shards with the same columns",
        )
    if schema.names != expected.names:
        raise InputError(
            f"this shard's columns stand in another order than those of {leader.name}",
            file=str(source),
            value=", ".join(schema.names),
            mend=f"Write all shards in the order {', '.join(expected.names)}",
        )
    for field in schema:
        ours, theirs = _signature(field.type), _signature(expected.field(field.name).type)
        if ours != theirs:
            raise InputError(
                f"this shard's column has another type than in {leader.name}, where it is {theirs}",
                file=str(source),
                column=field.name,
                value=ours,
                mend="Write all shards with the same types, and with lists of one length",
            )


def _signature(kind: pa.DataType) -> str:
    """Return a type in words that leave out what does not matter, such as how a list names its items."""
    if pa.types.is_dictionary(kind):
        return str(kind.value_type)
    if pa.types.is_fixed_size_list(kind):
        return f"lists of {kind.list_size} × {kind.value_type}"
    return f"lists of {kind.value_type}" if _is_list(kind) else str(kind)


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))
