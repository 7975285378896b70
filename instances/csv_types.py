"""What the columns of a CSV file hold, found block by block.

pyarrow's reader of blocks takes the types of the first block for those of all: a number with a fraction in
the last row would be an error. So the file is read once as text, and a column is of the first type that all
its cells can be read as, as where a file is read whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from couponry.instances.csv_files import (
    FALSE,
    PARSING,
    TRUE,
    check_end,
    check_head,
    conversion,
    unreadable,
)
from couponry.instances.source import Source

__all__ = ["CsvTypes", "csv_options"]

_TYPES = (
    pa.null(),
    pa.int64(),
    pa.bool_(),
    pa.date32(),
    pa.timestamp("s"),
    pa.timestamp("ns"),
    pa.float64(),
    pa.string(),
)
_BLOCK = 4 << 20  # bytes


@dataclass(frozen=True)
class CsvTypes:
    """Names and types of the columns, and how many rows there are."""

    schema: pa.Schema
    rows: int

    @classmethod
    def of(cls, source: Source, text: Sequence[str] = ()) -> Self:
        """Read the file once.

        Parameters
        ----------
        source : Source
        text : sequence of str
            Columns that stay text, whatever they look like.

        Raises
        ------
        InputError
            If the file is empty, is not UTF-8 text, or a row has too many or too few cells.
        """
        check_head(source, source.open)
        rows, last = 0, None
        try:
            names = _names(source)
            plain = pa.schema([pa.field(name, pa.string()) for name in names])
            fitting = {name: _TYPES[-1:] if name in text else _TYPES for name in names}
            with source.open() as file, pyarrow.csv.open_csv(file, **csv_options(plain)) as batches:
                for batch in batches:
                    rows += batch.num_rows
                    last = batch.columns[-1][-1].as_py() if batch.num_rows else last
                    for name, cells in zip(names, batch.columns, strict=True):
                        fitting[name] = tuple(kind for kind in fitting[name] if _fits(cells, kind))
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            raise unreadable(source, error) from error
        check_end(source, source.open, rows - 1, names[-1], last)
        return cls(pa.schema([pa.field(name, fitting[name][0]) for name in names]), rows)


def csv_options(schema: pa.Schema, columns: Sequence[str] = ()) -> dict[str, Any]:
    """Return the options with which a CSV file is read block by block as a schema says."""
    return {
        "read_options": pyarrow.csv.ReadOptions(block_size=_BLOCK, use_threads=False),
        "parse_options": PARSING,
        "convert_options": conversion({field.name: field.type for field in schema}, columns),
    }


def _names(source: Source) -> list[str]:
    in_order = pyarrow.csv.ReadOptions(block_size=_BLOCK, use_threads=False)  # so that errors tell the row
    with (
        source.open() as file,
        pyarrow.csv.open_csv(file, read_options=in_order, parse_options=PARSING) as batches,
    ):
        names: list[str] = batches.schema.names
    return names


def _fits(cells: pa.Array, kind: pa.DataType) -> bool:
    if pa.types.is_string(kind):
        return True
    if pa.types.is_null(kind):
        return bool(cells.null_count == len(cells))
    if pa.types.is_boolean(kind):
        return bool(pc.all(pc.is_in(cells, pa.array([*TRUE, *FALSE, None]))).as_py())
    try:
        cells.cast(kind)
    except pa.ArrowException:
        return False
    return True
