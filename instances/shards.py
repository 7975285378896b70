"""Users and their responses as parts that follow one another; no more than a part is held."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from couponry.instances.errors import InputError
from couponry.instances.parquet_files import damaged, open_parquet
from couponry.instances.population import Origin
from couponry.instances.shard_layout import list_numbers, shard_sources, survey
from couponry.instances.source import Source

__all__ = ["Part", "PartSource", "Ranges", "Shards"]

# Users in a part, and numbers of a measure: what reading holds at one time, whatever the row groups.
MOST_USERS, MOST_NUMBERS = 65_536, 1 << 22
BUFFER = 1 << 20  # bytes read of a column at one time

Ranges = Sequence[tuple[int, int]]
"""Users wanted: the first of each range and the one after its last, ascending."""


@dataclass(frozen=True)
class Part:
    """Some users, one after the other.

    Attributes
    ----------
    first : int
        Position of the first user among all.
    table : pyarrow.Table
        Columns that hold one thing a user.
    lists : mapping from str to ndarray, each of shape (b, S)
        Measures; ``coupon`` is the shortlist, int32.
    """

    first: int
    table: pa.Table
    lists: Mapping[str, np.ndarray]

    def __len__(self) -> int:
        return int(self.table.num_rows)


class PartSource(Protocol):
    """Where parts come from: files, or a generator that draws them again at every pass."""

    @property
    def n_users(self) -> int:
        """Users in all."""
        ...

    @property
    def schema(self) -> pa.Schema:
        """Columns that hold one thing a user, ``user_id`` among them."""
        ...

    @property
    def lists(self) -> Mapping[str, type[np.generic]]:
        """Type of the numbers of every measure, and of ``coupon`` where users have shortlists."""
        ...

    @property
    def places(self) -> int:
        """Places in a user's list, S."""
        ...

    def read(self, columns: Sequence[str], ranges: Ranges | None = None) -> Iterator[Part]:
        """Read these columns of all users, or of parts that cover the ranges."""
        ...

    def placed(self, error: InputError) -> InputError:
        """Return an error about the row of a user as one about a row of a file."""
        ...


class Shards:
    """``users/part-*.parquet`` of a directory.

    Opening reads the files' footers alone.

    Parameters
    ----------
    directory : Source

    Raises
    ------
    InputError
        If there is no shard, one is damaged, or they disagree in columns, types or length of lists.
    """

    def __init__(self, directory: Source) -> None:
        sources = shard_sources(directory)
        self.layout, self.starts = survey(sources)
        self.origin = Origin(sources, tuple(self.starts[:-1]))
        with open_parquet(sources[0]) as file:
            schema = file.schema_arrow
        self.schema: pa.Schema = pa.schema([schema.field(name) for name in self.layout.scalars])
        self._length: int | None = None
        self._length = self._first_length(schema.field("value").type)
        if not self.n_users:
            raise InputError("there are no users", file=str(directory), mend="Give at least one row")

    @property
    def n_users(self) -> int:
        """Users in all."""
        return self.starts[-1]

    @property
    def lists(self) -> Mapping[str, type[np.generic]]:
        """Type of the numbers of every list column."""
        return self.layout.lists

    @property
    def places(self) -> int:
        """Places in a user's list, S."""
        return self._length or 0

    def _first_length(self, kind: pa.DataType) -> int:
        if pa.types.is_fixed_size_list(kind):
            return int(kind.list_size)
        first = next(self.read(["value"]), None)
        return 0 if first is None else first.lists["value"].shape[1]

    def placed(self, error: InputError) -> InputError:
        """Return an error about the row of a user as one about a row of a shard."""
        return self.origin.placed(error)

    def read(self, columns: Sequence[str], ranges: Ranges | None = None) -> Iterator[Part]:
        """Read these columns of all users, or of the row groups in which wanted users stand.

        Raises
        ------
        InputError
            If a shard is damaged or has changed, or a list is missing or of another length.
        """
        for source, start, end in zip(self.origin.sources, self.starts, self.starts[1:], strict=False):
            if ranges is None or any(first < end and last > start for first, last in ranges):
                yield from self._read_shard(source, start, end - start, columns, ranges)

    def _read_shard(
        self, source: Source, start: int, rows: int, columns: Sequence[str], ranges: Ranges | None
    ) -> Iterator[Part]:
        # A batch at a time through a small buffer: a row group may be larger than memory.
        with open_parquet(source, buffer_size=BUFFER) as file:
            if file.metadata.num_rows != rows:
                raise InputError(
                    "the shard has changed while it was in use",
                    file=str(source),
                    value=f"{file.metadata.num_rows:,} rows, {rows:,} before",
                    mend="Leave the shards as they are until the work is done",
                )
            for first, groups in _wanted_groups(file.metadata, start, ranges):
                yield from self._batches(source, file, groups, columns, first)

    def _batches(
        self, source: Source, file: pq.ParquetFile, groups: list[int], columns: Sequence[str], first: int
    ) -> Iterator[Part]:
        scalars = [name for name in columns if name not in self.layout.lists]
        lists = [name for name in columns if name in self.layout.lists]
        size = min(MOST_USERS, MOST_NUMBERS // max(1, self.places) + 1)
        batches = file.iter_batches(size, row_groups=groups, columns=list(columns), use_threads=False)
        with self._telling(source):
            for batch in batches:
                if batch.num_rows:
                    table = pa.Table.from_batches([batch])
                    numbers = {name: self._numbers(name, batch.column(name), first) for name in lists}
                    yield Part(first, table.select(scalars), numbers)
                    first += batch.num_rows

    def _numbers(self, name: str, lists: pa.Array, first: int) -> np.ndarray:
        return list_numbers(name, lists, first, self._length)

    @contextmanager
    def _telling(self, source: Source) -> Iterator[None]:
        try:
            yield
        except InputError as error:
            raise (self.placed(error) if error.file is None else error) from None
        except (pa.ArrowException, OSError) as error:
            raise damaged(source, error) from error


def _wanted_groups(
    metadata: pq.FileMetaData, start: int, ranges: Ranges | None
) -> Iterator[tuple[int, list[int]]]:
    """Return runs of row groups that follow one another, each with the position of its first user."""
    run: list[int] = []
    first = position = start
    for group in range(metadata.num_row_groups):
        end = position + metadata.row_group(group).num_rows
        if ranges is None or any(begin < end and last > position for begin, last in ranges):
            first = first if run else position
            run.append(group)
        elif run:
            yield first, run
            run = []
        position = end
    if run:
        yield first, run
