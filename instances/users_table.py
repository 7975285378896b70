"""A table of users, CSV or Parquet, read block by block; no more than a block is held."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.csv

from couponry.instances.csv_files import unreadable
from couponry.instances.csv_types import CsvTypes, csv_options
from couponry.instances.errors import InputError
from couponry.instances.parquet_files import damaged, open_parquet
from couponry.instances.population import Origin
from couponry.instances.shards import BUFFER, Part, Ranges
from couponry.instances.source import Source
from couponry.instances.tables import SUFFIXES, check_once, require_columns

__all__ = ["UsersTable"]


class UsersTable:
    """Users of whom nothing is predicted yet.

    To rules it looks like shards whose measures are still to be written, so that rules can be compiled, and
    mistakes in them be told, before the long work.

    Parameters
    ----------
    source : Source
        A ``.csv`` or ``.parquet`` file with ``user_id``. Opening reads a Parquet file's footer, or a CSV file
        once: what its columns hold is not known before the last row.
    block : int
        Users read at one time.
    segments : sequence of str, optional
        Columns that rules may speak of.
    measures : sequence of str
        What is to be predicted.
    coupons : int
        Length of the menu.

    Raises
    ------
    InputError
        If the file is not there, is empty or damaged, lacks ``user_id``, or names a column twice.
    """

    def __init__(
        self,
        source: Source,
        block: int,
        *,
        segments: Sequence[str] = (),
        measures: Sequence[str] = ("value", "cost"),
        coupons: int = 1,
    ) -> None:
        if not source.is_file():
            raise InputError("there is no such file", file=str(source), mend="Check the path")
        if source.suffix not in SUFFIXES:
            raise InputError(
                "a table is a .csv or a .parquet file",
                file=str(source),
                value=source.suffix,
                mend="Convert it",
            )
        self.source, self.block = source, block
        self.origin = Origin((source,))
        self.lists: Mapping[str, type[np.generic]] = dict.fromkeys(measures, np.float32)
        self.places = coupons
        self._is_csv = source.suffix == ".csv"
        self._columns, self.n_users = self._surveyed()
        check_once(source, self._columns.names)
        require_columns(source, self._columns.names, ("user_id", *segments))
        if not self.n_users:
            raise InputError("there are no users", file=str(source), mend="Give at least one row")
        plain = [name for name in ("user_id", *segments, "max_coupons") if name in self._columns.names]
        self.schema = pa.schema([self._columns.field(name) for name in dict.fromkeys(plain)])

    @property
    def names(self) -> list[str]:
        """All columns of the file."""
        return list(self._columns.names)

    def placed(self, error: InputError) -> InputError:
        """Return an error about the row of a user as one about a row, and line, of the file."""
        return self.origin.placed(error)

    def read(self, columns: Sequence[str], ranges: Ranges | None = None) -> Iterator[Part]:
        """Read these columns of all users, a block at a time; nested ones too.

        Raises
        ------
        InputError
            If the file is damaged, or has changed.
        """
        first = 0
        for table in self._tables([name for name in columns if name in self._columns.names]):
            yield Part(first, table, {})
            first += table.num_rows
        if first != self.n_users:
            raise InputError(
                "the file has changed while it was in use",
                file=str(self.source),
                value=f"{first:,} rows, {self.n_users:,} before",
                mend="Leave it as it is until the work is done",
            )

    def _surveyed(self) -> tuple[pa.Schema, int]:
        if self._is_csv:
            return self._types.schema, self._types.rows
        with open_parquet(self.source) as file:
            return file.schema_arrow, file.metadata.num_rows

    @cached_property
    def _types(self) -> CsvTypes:
        return CsvTypes.of(self.source, text=("user_id",))

    def _tables(self, columns: list[str]) -> Iterator[pa.Table]:
        """Yield blocks of one size, but for the last, whatever the file's own pieces are."""
        held: list[pa.Table] = []
        rows = 0
        for piece in self._pieces(columns):
            held.append(piece)
            rows += piece.num_rows
            while rows >= self.block:
                whole = pa.concat_tables(held)
                yield whole.slice(0, self.block)
                held, rows = [whole.slice(self.block)], rows - self.block
        if rows:
            yield pa.concat_tables(held)

    def _pieces(self, columns: list[str]) -> Iterator[pa.Table]:
        try:
            if self._is_csv:
                options = csv_options(self._types.schema, columns)
                with self.source.open() as file, pyarrow.csv.open_csv(file, **options) as batches:
                    for batch in batches:
                        yield pa.Table.from_batches([batch])
            else:
                with open_parquet(self.source, buffer_size=BUFFER) as file:
                    for batch in file.iter_batches(self.block, columns=columns, use_threads=False):
                        yield pa.Table.from_batches([batch]).replace_schema_metadata(None)
        except (pa.ArrowException, OSError) as error:
            raise (unreadable if self._is_csv else damaged)(self.source, error) from error
