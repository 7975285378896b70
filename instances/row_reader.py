"""Rows of a Parquet file from one place to another, read forwards; row groups not asked for are skipped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from couponry.instances.parquet_files import damaged, open_parquet
from couponry.instances.source import Source

__all__ = ["RowReader"]

_BATCH, _BUFFER = 65_536, 1 << 20


class RowReader:
    """Reads runs of rows that ascend; what is held is the run asked for, and a batch.

    Parameters
    ----------
    source : Source
    columns : sequence of str
    """

    def __init__(self, source: Source, columns: Sequence[str]) -> None:
        self._source, self._columns = source, list(columns)
        self._file: pq.ParquetFile = open_parquet(source, buffer_size=_BUFFER)
        metadata = self._file.metadata
        sizes = [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]
        self._starts = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])
        self.total = int(metadata.num_rows)
        self._nothing: pa.Table = self._file.schema_arrow.empty_table().select(self._columns)
        self._held: list[pa.Table] = []
        self._first = self._end = 0
        self._batches = self._read(0)

    @property
    def names(self) -> list[str]:
        """All columns of the file."""
        return list(self._file.schema_arrow.names)

    def between(self, first: int, last: int) -> pa.Table:
        """Return the rows ``first`` to ``last − 1``; ``first`` never goes back.

        Raises
        ------
        InputError
            If the file is damaged.
        """
        while self._held and self._first + self._held[0].num_rows <= first:
            self._first += self._held.pop(0).num_rows
        if not self._held:
            self._skip_to(first)
        while self._end < last:
            batch = next(self._batches)
            self._held.append(batch)
            self._end += batch.num_rows
        return pa.concat_tables([self._nothing, *self._held]).slice(first - self._first, max(0, last - first))

    def _skip_to(self, row: int) -> None:
        """Leave out the row groups before that of ``row``."""
        group = int(np.searchsorted(self._starts, row, side="right")) - 1
        if self._starts[group] > self._end:
            self._batches, self._end = self._read(group), int(self._starts[group])
        while self._end < row:  # the batches before it
            batch = next(self._batches)
            self._end += batch.num_rows
            if self._end > row:
                self._held = [batch]
        self._first = self._end - sum(table.num_rows for table in self._held)

    def _read(self, group: int) -> Iterator[pa.Table]:
        groups = list(range(group, len(self._starts) - 1))
        try:
            for batch in self._file.iter_batches(
                _BATCH, row_groups=groups, columns=self._columns, use_threads=False
            ):
                if batch.num_rows:
                    yield pa.Table.from_batches([batch]).select(self._columns)
        except (pa.ArrowException, OSError) as error:
            raise damaged(self._source, error) from error
