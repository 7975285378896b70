"""Logs in couponry's own forms: a directory, or one flat table with a menu beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from couponry.instances.csv_lines import placed
from couponry.instances.errors import InputError, did_you_mean
from couponry.instances.loaders.columns import read_columns
from couponry.instances.log import Log
from couponry.instances.menu_file import read_coupons
from couponry.instances.source import Source
from couponry.instances.tables import choose_file
from couponry.instances.wording import setting

__all__ = ["read_couponry_log"]


def read_couponry_log(
    path: str | Path,
    *,
    coupons: str | Path | None = None,
    segments: str | Sequence[str] | None = None,
) -> Log:
    """Read a log of couponry's own.

    Parameters
    ----------
    path : str or Path
        A directory that :meth:`couponry.instances.Log.write` wrote, or a world's directory that holds such a
        ``log/``; or a flat CSV (gzipped or not) or Parquet file with ``user_id, arm`` (coupon id, empty for
        none)``, conversion``, as known ``cost, revenue, propensity``, and a column a feature.
    coupons : str or Path, optional
        The menu of a flat file; ``coupons.csv`` or ``coupons.parquet`` beside it if not given.
    segments : str or sequence of str, optional
        Features that rules may speak of, as names or as one text with commas; those that the directory names
        if not given.

    Raises
    ------
    InputError
        If something is missing or damaged, or an arm or a segment is not known.
    """
    source = Source(path)
    if source.is_dir():
        if coupons is not None:
            raise InputError(
                "a log directory has a menu of its own",
                file=str(source),
                parameter="coupons",
                value=str(coupons),
                mend="Leave coupons out, or give the flat file",
            )
        inner = source.child("log")
        log = Log.read(str(inner if inner.is_dir() else source))
    else:
        log = _read_flat(source, coupons)
    return log if segments is None else replace(log, segments=_names(segments, log))


def _read_flat(source: Source, coupons: str | Path | None) -> Log:
    columns = read_columns(str(source), ("user_id", "arm", "conversion"), text=("user_id", "arm"))
    menu = choose_file(source.parent, "coupons") if coupons is None else Source(coupons)
    if menu is None:
        raise InputError(
            "the log has no menu",
            file=str(source),
            mend=f"Give {setting('coupons', 'FILE')}, or put coupons.csv beside it, with a column coupon_id",
        )
    coupons_of_menu = read_coupons(menu)
    try:
        return Log.from_frame(columns.frame, coupons_of_menu, source=columns.file)
    except InputError as error:
        raise placed(error, columns.file) from None


def _names(segments: str | Sequence[str], log: Log) -> tuple[str, ...]:
    listed = segments.split(",") if isinstance(segments, str) else segments
    names = tuple(name.strip() for name in listed if name.strip())
    for name in names:
        if name not in log.features.columns:
            raise InputError(
                "a segment is not among the features",
                file=log.source,
                parameter="segments",
                value=name,
                mend=did_you_mean(name, log.features.columns),
            )
    return names
