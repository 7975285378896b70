"""Plans on disk: user_id, coupon_id, value, cost; one row a given coupon."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from couponry.instances.atomic import write_file
from couponry.instances.errors import InputError

__all__ = ["read_plan", "write_plan"]


def read_plan(path: str | Path) -> pa.Table:
    """Read a plan from a Parquet or CSV file, or from a directory that holds ``plan.parquet``.

    Raises
    ------
    InputError
        If there is no such file, it is damaged, or lacks ``user_id`` or ``coupon_id``.
    """
    file = Path(path)
    if file.is_dir():
        file = file / "plan.parquet"
    if not file.is_file():
        raise InputError("there is no such plan", file=file, mend="Give a plan written by 'couponry solve'")
    try:
        if file.suffix == ".csv":
            text = {"user_id": pa.string(), "coupon_id": pa.string()}
            table = pyarrow.csv.read_csv(file, convert_options=pyarrow.csv.ConvertOptions(column_types=text))
        else:
            table = pq.read_table(file)
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"the plan cannot be read: {error}", file=file, mend="Write it again") from error
    for name in ("user_id", "coupon_id"):
        if name not in table.column_names:
            raise InputError(
                "the plan lacks a column",
                file=file,
                column=name,
                mend=f"Columns found: {', '.join(table.column_names)}",
            )
    return table


def write_plan(plan: pa.Table, path: str | Path) -> None:
    """Write a plan as Parquet, or as CSV where the name ends in ``.csv``."""
    with write_file(path) as aside:
        if Path(path).suffix == ".csv":
            pyarrow.csv.write_csv(plan, aside)
        else:
            pq.write_table(plan, aside)
