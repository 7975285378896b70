"""Parquet files: written with checksums, and refused where they are damaged."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from couponry.instances.errors import InputError
from couponry.instances.source import Source

__all__ = ["damaged", "open_parquet", "parquet_writer", "read_parquet", "read_row_groups", "write_parquet"]


def write_parquet(table: pa.Table, file: Path, **options: Any) -> None:
    """Write a Parquet file with checksums, so that damage is found when it is read.

    Parameters
    ----------
    table : pyarrow.Table
    file : Path
    **options
        Handed to :func:`pyarrow.parquet.write_table`.
    """
    pq.write_table(table, file, write_page_checksum=True, **options)


def parquet_writer(file: Path, schema: pa.Schema, **options: Any) -> pq.ParquetWriter:
    """Open a Parquet file for writing, with checksums too.

    Parameters
    ----------
    file : Path
    schema : pyarrow.Schema
    **options
        Handed to :class:`pyarrow.parquet.ParquetWriter`.
    """
    return pq.ParquetWriter(file, schema, write_page_checksum=True, **options)


def open_parquet(source: Source, **options: Any) -> pq.ParquetFile:
    """Open a Parquet file and read its footer.

    Parameters
    ----------
    source : Source
    **options
        Handed to :class:`pyarrow.parquet.ParquetFile`.

    Raises
    ------
    InputError
        If the file is empty or damaged.
    """
    try:
        if source.size() == 0:
            raise InputError("the file is empty", file=str(source), mend="Write it again")
        return pq.ParquetFile(source.open(), page_checksum_verification=True, **options)
    except (pa.ArrowException, OSError) as error:
        raise damaged(source, error) from error


def read_parquet(source: Source) -> pa.Table:
    """Read a Parquet file.

    Raises
    ------
    InputError
        If the file is empty or damaged.
    """
    with open_parquet(source) as file:
        try:
            return file.read()
        except (pa.ArrowException, OSError) as error:
            raise damaged(source, error) from error


def read_row_groups(source: Source) -> Iterator[pa.Table]:
    """Read a Parquet file piece by piece, so that no more than one is held.

    Raises
    ------
    InputError
        If the file is empty or damaged.
    """
    with open_parquet(source) as file:
        for group in range(file.num_row_groups):
            try:
                table = file.read_row_group(group)
            except (pa.ArrowException, OSError) as error:
                raise damaged(source, error) from error
            yield table


def damaged(source: Source, error: Exception) -> InputError:
    """Return what to raise where a Parquet file cannot be read."""
    return InputError(
        f"the Parquet file is damaged or was cut short: {error}",
        file=str(source),
        mend="Write or copy it again",
    )
