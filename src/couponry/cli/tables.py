"""Tables as files: CSV, Parquet or JSON, as the name says."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["check_table_place", "plain_number", "plain_records", "write_table"]

_SUFFIXES = (".csv", ".parquet", ".json")


def check_table_place(path: Path, *, force: bool) -> None:
    """Refuse a name that says no kind of table, or a place that holds something.

    Raises
    ------
    InputError
    """
    from couponry.instances.atomic import check_free
    from couponry.instances.errors import InputError

    if path.suffix not in _SUFFIXES:
        raise InputError(
            "the name must say what kind of table to write",
            file=path,
            value=path.suffix,
            mend=f"End it in {', '.join(_SUFFIXES[:-1])} or {_SUFFIXES[-1]}",
        )
    check_free(path, force=force)


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a table aside and rename it."""
    import json

    from couponry.instances.atomic import write_file

    with write_file(path) as aside:
        if path.suffix == ".csv":
            table.to_csv(aside, index=False)
        elif path.suffix == ".parquet":
            table.to_parquet(aside, index=False)
        else:
            records = plain_records(table)
            aside.write_text(json.dumps(records, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def plain_records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return a table's rows as JSON can hold them: NaN and infinities as None."""
    return [
        {str(name): plain_number(value) for name, value in record.items()}
        for record in table.to_dict("records")
    ]


def plain_number(value: Any) -> Any:
    """Return a number as JSON can hold it: NaN and infinities as None."""
    return None if isinstance(value, float) and not abs(value) < float("inf") else value
