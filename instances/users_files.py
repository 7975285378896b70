"""Users and responses in shards: ``users/part-*.parquet``, one row a user, one list a measure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from couponry.instances.errors import InputError
from couponry.instances.population import Origin, Population
from couponry.instances.response import Response
from couponry.instances.source import Source
from couponry.instances.tables import open_parquet, parquet_writer, read_row_groups, require_columns
from couponry.instances.users import Users

__all__ = ["ShardWriter", "read_shards", "write_shards"]

PATTERN = "part-*.parquet"
SHORTLIST = "coupon"
ROW_GROUP = (
    131_072  # rows written, and so read, at one time: what reading costs in memory beside the matrices
)


def read_shards(directory: Source) -> Population:
    """Read all shards of a directory, in the order of their names, into one matrix a measure.

    Parameters
    ----------
    directory : Source
        Holds ``part-*.parquet``: ``user_id``, segment columns, optional ``max_coupons``, and lists of equal
        length, of fixed size or not: ``value``, ``cost`` and further measures, optionally ``coupon``.

    Raises
    ------
    InputError
        If there is no shard, one is damaged, they disagree in columns, types or length of lists, or what they
        hold is not a population.
    """
    names = directory.names(PATTERN)
    if not names:
        found = ", ".join(directory.names()) or "nothing"
        raise InputError(
            f"there is no {PATTERN} here", file=str(directory), mend=f"Name the shards so; found: {found}"
        )
    sources = tuple(directory.child(name) for name in names)
    layout, starts = _survey(sources)
    origin = Origin(sources, tuple(starts[:-1]))
    matrices = _Matrices(layout, starts[-1])
    tables = []
    try:
        for source, position in zip(sources, origin.starts, strict=True):
            for table in read_row_groups(source):
                matrices.fill(table, position)
                tables.append(_plain(table.select(layout.scalars)))
                position += table.num_rows
        users = Users(pa.concat_tables(tables) if tables else pa.table({"user_id": []}))
        return Population(users, matrices.response(), origin)
    except InputError as error:
        raise origin.placed(error) from error.__cause__


def write_shards(users: Users, response: Response, directory: Path, shard_rows: int) -> None:
    """Write users and responses as ``part-0000.parquet`` and so on.

    Parameters
    ----------
    users : Users
        Columns of lists, such as features, are not written.
    response : Response
    directory : Path
    shard_rows : int
        Most users a shard.

    Raises
    ------
    InputError
        If a segment has the name of a measure.
    """
    with ShardWriter(directory, users=len(users), shard_rows=shard_rows) as writer:
        writer.add(users, response)


class ShardWriter:
    """Writes shards of users that come block by block; as a context, it closes the last file.

    Parameters
    ----------
    directory : Path
    users : int
        Users in all.
    shard_rows : int
        Most users a shard.
    """

    def __init__(self, directory: Path, *, users: int, shard_rows: int) -> None:
        self.directory, self.shard_rows = directory, shard_rows
        self.width = max(4, len(str(max(0, -(-users // shard_rows) - 1))))
        self.rows = 0
        self._file: pq.ParquetWriter | None = None

    def __enter__(self) -> ShardWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def add(self, users: Users, response: Response) -> None:
        """Write some users more.

        Raises
        ------
        InputError
            If a segment has the name of a measure.
        """
        table = _plain_columns(users, response)
        start = 0
        while start < len(users):
            room = self.shard_rows - self.rows % self.shard_rows
            rows = slice(start, min(start + room, len(users)))
            self._write(table.slice(rows.start, rows.stop - rows.start), response, rows)
            start = rows.stop

    def _write(self, table: pa.Table, response: Response, rows: slice) -> None:
        """Write rows that belong to one shard, the lists of a row group at a time."""
        for first in range(rows.start, rows.stop, ROW_GROUP):
            part = slice(first, min(first + ROW_GROUP, rows.stop))
            piece = table.slice(first - rows.start, part.stop - part.start)
            for name, array in _list_columns(response).items():
                piece = piece.append_column(name, _lists(array[part]))
            self._open(piece.schema).write_table(piece)
            self.rows += piece.num_rows
        if self.rows % self.shard_rows == 0:
            self.close()

    def _open(self, schema: pa.Schema) -> pq.ParquetWriter:
        if self._file is None:
            number = self.rows // self.shard_rows
            scalars = [field.name for field in schema if not pa.types.is_nested(field.type)]
            self._file = parquet_writer(
                self.directory / f"part-{number:0{self.width}d}.parquet",
                schema,
                use_dictionary=[name for name in scalars if name != "user_id"],
            )
        return self._file

    def close(self) -> None:
        """End the shard that is being written."""
        if self._file is not None:
            self._file.close()
            self._file = None


def _list_columns(response: Response) -> dict[str, np.ndarray]:
    lists = dict(response.measures)
    return lists if response.coupon is None else {**lists, SHORTLIST: response.coupon}


def _plain_columns(users: Users, response: Response) -> pa.Table:
    """Return the columns that hold one thing a user."""
    table = users.table.select(users.scalar_names).replace_schema_metadata(None)
    for name in table.column_names:
        if name in {*response.measures, SHORTLIST}:
            raise InputError(
                "a segment has the name of a measure", column=name, mend="Rename it: one file holds both"
            )
    return table


@dataclass(frozen=True)
class _Layout:
    """What the columns of a shard are."""

    scalars: list[str]
    lists: Mapping[str, type[np.generic]]

    @classmethod
    def of(cls, source: Source, schema: pa.Schema) -> _Layout:
        require_columns(source, schema.names, ("user_id", "value", "cost"))
        lists = {
            field.name: _number_type(source, field)
            for field in schema
            if pa.types.is_nested(field.type) or field.name in ("value", "cost", SHORTLIST)
        }
        return cls([name for name in schema.names if name not in lists], lists)


class _Matrices:
    """One matrix a list column, filled table by table: every number is copied once."""

    def __init__(self, layout: _Layout, rows: int) -> None:
        self.lists = layout.lists
        self.rows = rows
        self.places: int | None = None
        self.arrays: dict[str, np.ndarray] = {}

    def fill(self, table: pa.Table, position: int) -> None:
        """Copy the lists of a table to the rows from ``position``; an error names its row among all."""
        for name in self.lists:
            row = position
            for chunk in table[name].chunks:
                if len(chunk):
                    flat = self._flat(name, chunk, row)
                    self.arrays[name][row : row + len(chunk)] = flat.reshape(len(chunk), -1)
                    row += len(chunk)

    def _flat(self, name: str, chunk: pa.Array, row: int) -> np.ndarray:
        """Return the numbers of some lists, one user's after the other's."""
        if chunk.null_count:
            row += pc.index(chunk.is_null(), True).as_py()
            raise InputError("a user has no list", row=row, column=name, mend="Give one number a coupon")
        lengths = pc.list_value_length(chunk)
        if self.places is None:
            self.places = int(lengths[0].as_py())
        wrong = pc.index(pc.equal(lengths, self.places), False).as_py()
        if wrong >= 0:
            raise InputError(
                f"a list of {self.places} numbers was expected, as the first user's first list is",
                row=row + wrong,
                column=name,
                value=f"{lengths[wrong].as_py()} numbers",
                mend="Give all lists one length, the same in all shards; NaN where a pair is not eligible",
            )
        if name not in self.arrays:
            self.arrays[name] = np.empty((self.rows, self.places), self.lists[name])
        return self._numbers(name, chunk.flatten(), row)

    def _numbers(self, name: str, flat: pa.Array, row: int) -> np.ndarray:
        """Return numbers with NaN for null, and −1 for a place of a shortlist that is null."""
        if name == SHORTLIST:
            beyond = pc.index(pc.less(pc.abs(flat.cast(pa.float64(), safe=False)), 2.0**31), False).as_py()
            if beyond >= 0:
                raise InputError(
                    "a shortlist names a coupon outside any menu",
                    row=row + beyond // (self.places or 1),
                    column=name,
                    value=flat[beyond].as_py(),
                    mend="Use positions from 0, and -1 for an empty place",
                )
            flat = pc.fill_null(flat.cast(pa.int32()), -1)
        elif pa.types.is_integer(flat.type):
            flat = flat.cast(pa.float64(), safe=False)
        array: np.ndarray = flat.to_numpy(zero_copy_only=False)
        return array

    def response(self) -> Response:
        """Return the matrices as a response."""
        measures = {name: array for name, array in self.arrays.items() if name != SHORTLIST}
        return Response(measures, self.arrays.get(SHORTLIST))


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


def _survey(sources: tuple[Source, ...]) -> tuple[_Layout, list[int]]:
    """Read the footers: the layout that all shards share, and the first row of each, the total last."""
    starts, schemas = [0], []
    for source in sources:
        with open_parquet(source) as file:
            schemas.append(file.schema_arrow)
            starts.append(starts[-1] + file.metadata.num_rows)
        _check_agreement(sources[0], schemas[0], source, schemas[-1])
    return _Layout.of(sources[0], schemas[0]), starts


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


def _plain(table: pa.Table) -> pa.Table:
    """Return a table with encoded columns decoded: shards may encode the same value differently."""
    fields = [
        field.with_type(field.type.value_type) if pa.types.is_dictionary(field.type) else field
        for field in table.schema
    ]
    return table.cast(pa.schema(fields))


def _lists(array: np.ndarray) -> pa.FixedSizeListArray:
    flat = pa.array(np.ascontiguousarray(array).reshape(-1))
    return pa.FixedSizeListArray.from_arrays(flat, array.shape[1])
