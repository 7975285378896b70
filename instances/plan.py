"""Plans on disk: user_id, coupon_id, value, cost; one row a given coupon."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.csv

from couponry.instances.atomic import write_file
from couponry.instances.errors import InputError
from couponry.instances.parquet_files import write_parquet
from couponry.instances.source import Source
from couponry.instances.tables import read_table, require_columns

__all__ = ["plan_source", "read_plan", "write_plan"]


def read_plan(path: str | Path) -> pa.Table:
    """Read a plan from a Parquet or CSV file, or from a directory that holds ``plan.parquet``.

    Parameters
    ----------
    path : str or Path
        A local path or an fsspec URL.

    Returns
    -------
    pyarrow.Table
        ``user_id``, ``coupon_id`` and what else the file has; ids of a CSV file are text.

    Raises
    ------
    InputError
        If there is no such file, it is damaged, or lacks ``user_id`` or ``coupon_id``.
    """
    source = plan_source(path)
    table = read_table(source, text=("user_id", "coupon_id"))
    require_columns(source, table.column_names, ("user_id", "coupon_id"))
    return table


def plan_source(path: str | Path) -> Source:
    """Return the file that a plan stands in.

    Raises
    ------
    InputError
        If there is none.
    """
    source = Source(path)
    if source.is_dir():
        source = source.child("plan.parquet")
    if not source.is_file():
        raise InputError(
            "there is no such plan", file=str(source), mend="Give a plan written by 'couponry solve'"
        )
    return source


def write_plan(plan: pa.Table, path: str | Path) -> None:
    """Write a plan as Parquet, or as CSV where the name ends in ``.csv``."""
    with write_file(path) as aside:
        if Path(path).suffix == ".csv":
            pyarrow.csv.write_csv(plan, aside)
        else:
            write_parquet(plan, aside)
