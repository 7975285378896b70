"""Users and responses in shards: ``users/part-*.parquet``, one row a user, one list a measure."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from couponry.instances.errors import InputError
from couponry.instances.parquet_files import parquet_writer, read_row_groups
from couponry.instances.population import Origin, Population
from couponry.instances.response import Response
from couponry.instances.shard_layout import SHORTLIST, Layout, list_numbers, shard_sources, survey
from couponry.instances.source import Source
from couponry.instances.users import Users

__all__ = ["ShardWriter", "read_shards", "write_shards"]

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
    sources = shard_sources(directory)
    layout, starts = survey(sources)
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
                lists = _lists(array[part])
                piece = piece.append_column(pa.field(name, lists.type, nullable=False), lists)
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


class _Matrices:
    """One matrix a list column, filled table by table: every number is copied once."""

    def __init__(self, layout: Layout, rows: int) -> None:
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
                    numbers = list_numbers(name, chunk, row, self.places)
                    self.places = numbers.shape[1]
                    if name not in self.arrays:
                        self.arrays[name] = np.empty((self.rows, self.places), self.lists[name])
                    self.arrays[name][row : row + len(chunk)] = numbers
                    row += len(chunk)

    def response(self) -> Response:
        """Return the matrices as a response."""
        measures = {name: array for name, array in self.arrays.items() if name != SHORTLIST}
        return Response(measures, self.arrays.get(SHORTLIST))


def _plain(table: pa.Table) -> pa.Table:
    """Return a table with encoded columns decoded: shards may encode the same value differently."""
    fields = [
        field.with_type(field.type.value_type) if pa.types.is_dictionary(field.type) else field
        for field in table.schema
    ]
    return table.cast(pa.schema(fields))


def _lists(array: np.ndarray) -> pa.FixedSizeListArray:
    flat = pa.array(np.ascontiguousarray(array).reshape(-1))
    # Numbers that are never null are read a quarter faster: there are no marks of nulls to unpack.
    number = pa.field("element", flat.type, nullable=False)
    return pa.FixedSizeListArray.from_arrays(flat, type=pa.list_(number, array.shape[1]))
