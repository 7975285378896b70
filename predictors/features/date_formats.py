"""Dates that are not written as ISO 8601 has them: by which formats a column of text can be read as dates."""

from __future__ import annotations

import datetime as dt
from itertools import product

import pandas as pd

from couponry.instances.errors import InputError

__all__ = ["check_date_format", "likely_date_formats", "written_date"]

_DAYS = (
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d.%m.%Y",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%Y年%m月%d日",
    "%d/%m/%y",
    "%m/%d/%y",
    "%d.%m.%y",
    "%d-%m-%y",
    "%m-%d-%y",
    "%b %d, %Y",
    "%B %d, %Y",
    "%b %d %Y",
    "%B %d %Y",
    "%d %b %Y",
    "%d %B %Y",
    "%d-%b-%Y",
    "%d-%b-%y",
)
_CLOCKS = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
_LOOKS = (
    r"\s*(\d{1,4}[/.年-]\d{1,2}[/.月-]\d{1,4}|[A-Za-z]{3,9} \d{1,2},? \d{4}"
    r"|\d{1,2}[ -][A-Za-z]{3,9}[ -]\d{2,4})"
)
_SOME = 200  # cells, after which a column that does not look so is let go
_SHOWN = dt.datetime(2024, 5, 31, 18, 30)


def likely_date_formats(given: pd.Series) -> tuple[str, ...]:
    """Return the formats by which most of a column of text can be read as dates, if half of it can.

    Several where cells do not tell them apart: in ``03/04/2024`` either part may be the day.

    Parameters
    ----------
    given : Series of str
        Without gaps.
    """
    some = given.iloc[:_SOME]
    if not len(some) or some.astype(str).str.match(_LOOKS).mean() < 0.5:
        return ()
    formats = ["".join(parts) for parts in product(_DAYS, _CLOCKS)]
    read = {form: _read(given, form) for form in formats if _read(some, form).notna().mean() >= 0.5}
    most = max((moments.notna().mean() for moments in read.values()), default=0.0)
    found: list[str] = []
    for form, moments in read.items():
        fits = moments.notna().mean() == most >= 0.5
        if fits and not any(moments.equals(read[other]) for other in found):
            found.append(form)
    return tuple(found)


def _read(cells: pd.Series, form: str) -> pd.Series:
    return pd.to_datetime(cells.astype(str).str.strip(), format=form, errors="coerce")


def written_date(form: str) -> str:
    """Return a date as a format has it, for errors."""
    return _SHOWN.strftime(form)


def check_date_format(name: str, form: object) -> None:
    """Refuse what is no format of dates, or tells no year.

    Raises
    ------
    InputError
        Naming the column and a format that is one.
    """
    try:
        read = pd.to_datetime(_SHOWN.strftime(str(form)), format=str(form), errors="coerce")
    except (ValueError, TypeError):
        read = pd.NaT
    if not isinstance(form, str) or pd.isna(read) or read.year != _SHOWN.year:
        raise InputError(
            "this is no format of dates",
            column=name,
            value=form,
            mend="Write day, month and year as %d, %m and %Y, such as '%d/%m/%Y' for 31/05/2024",
        )
