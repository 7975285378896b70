"""The menu of coupons as a file: ``coupons.csv`` or ``coupons.parquet``."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa

from couponry.instances.coupons import Coupons
from couponry.instances.csv_lines import placed
from couponry.instances.errors import InputError
from couponry.instances.parquet_files import write_parquet
from couponry.instances.source import Source
from couponry.instances.tables import read_table, require_columns

__all__ = ["read_coupons", "write_coupons"]


def read_coupons(source: Source) -> Coupons:
    """Read a menu. Ids of a CSV file are text (``007`` stays), and so are its dates.

    Raises
    ------
    InputError
        If the file cannot be read or its content is no menu.
    """
    table = read_table(source, text=("coupon_id",))
    require_columns(source, table.column_names, ("coupon_id",))
    if source.suffix == ".csv":
        dates = [field for field in table.schema if pa.types.is_temporal(field.type)]
        for field in dates:
            position = table.schema.get_field_index(field.name)
            table = table.set_column(position, field.name, table[field.name].cast(pa.string()))
    try:
        return Coupons(table.to_pandas(), source=str(source))
    except InputError as error:
        raise placed(error, source) from None


def write_coupons(coupons: Coupons, directory: Path) -> Path:
    """Write a menu as ``coupons.csv``, or as ``coupons.parquet`` where CSV would lose something.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    InputError
        If a column holds things that no file could, such as text beside numbers.
    """
    file = directory / "coupons.csv"
    coupons.table.to_csv(file, index=False)
    if _cells(_read_back(file)) == _cells(coupons.table):
        return file
    file.unlink()
    file = directory / "coupons.parquet"
    try:
        table = pa.Table.from_pandas(coupons.table, preserve_index=False)
    except pa.ArrowException as error:
        raise InputError(
            f"a column of the menu cannot be written: {error}", mend="Let each column hold one kind of thing"
        ) from error
    write_parquet(table, file)
    return file


def _read_back(file: Path) -> pd.DataFrame:
    try:
        return read_coupons(Source(file)).table
    except InputError:
        return pd.DataFrame()


def _cells(table: pd.DataFrame) -> dict[str, list[object]]:
    """Return a table's cells, with one word for all kinds of missing."""
    return {
        str(name): [
            None if missing else cell for cell, missing in zip(table[name], table[name].isna(), strict=True)
        ]
        for name in table.columns
    }
