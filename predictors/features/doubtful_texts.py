"""Columns of text that seem to be written for something else, and how to say what they are."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from couponry.instances.log import Log
from couponry.instances.wording import setting
from couponry.predictors.features.choices import Choice, Kind
from couponry.predictors.features.date_formats import likely_date_formats
from couponry.predictors.features.schema import Column, Schema
from couponry.predictors.features.written import (
    NOUNS,
    are_missing,
    foreign_lists,
    mostly_written_as,
    signed_amounts,
)

__all__ = ["doubtful_texts"]


def doubtful_texts(log: Log, columns: Mapping[str, Choice]) -> list[str]:
    """Return what to say of text that is mostly written for numbers, dates or lists.

    Parameters
    ----------
    log : Log
    columns : mapping from feature to Choice
        Those whose kind was chosen are not looked at.
    """
    return [
        doubt
        for column in Schema.of(log.features, columns).columns
        if column.stored == "string" and columns.get(column.name, Choice()).kind is None
        if (doubt := _of(log, column))
    ]


def _of(log: Log, column: Column) -> str | None:
    cells = log.features[column.name]
    rows = np.flatnonzero(~are_missing(cells))
    given = cells.iloc[rows]
    return (
        _of_known_form(log, column)
        or _of_dates(log, column, given, rows)
        or _of_lists(log, column, given, rows)
    )


def _of_known_form(log: Log, column: Column) -> str | None:
    found = mostly_written_as(log.features[column.name])
    return None if found is None else _doubt(log, column, *found)


def _of_dates(log: Log, column: Column, given: pd.Series, rows: npt.NDArray[np.int64]) -> str | None:
    formats = likely_date_formats(given)
    if not formats:
        return None
    say = " or ".join(setting("columns", {column.name: {"format": form}}) for form in formats)
    first = "" if len(formats) == 1 else "; whether the day or the month comes first, only you can say"
    return (
        f"{_taken(column)} dates, such as {given.iloc[0]!r} in {log.row_words(rows[0])}{first}. Say how they "
        f"are written, {say}, or write them as 2024-05-31; or say {column.kind} to keep what it is"
    )


def _of_lists(log: Log, column: Column, given: pd.Series, rows: npt.NDArray[np.int64]) -> str | None:
    lists = foreign_lists(given)
    if not len(lists) or lists.mean() < 0.5:
        return None
    first = int(lists.argmax())
    return (
        f"{_taken(column)} lists, such as {given.iloc[first]!r} in {log.row_words(rows[first])}, but are not "
        'written as JSON has them. Write them so, ["view", "cart"] or [1.5, null], as json.dumps does; or '
        f"say {column.kind} to keep what it is"
    )


def _taken(column: Column) -> str:
    return f"column {column.name!r} is taken for a {column.kind}, though its values look like"


def _doubt(log: Log, column: Column, kind: Kind, wrong: npt.NDArray[np.bool_]) -> str:
    """Return in words what a column of text may be, which of its cells are not so, and what to do."""
    cells, noun, say = log.features[column.name], NOUNS[kind], setting("columns", {column.name: kind})
    part = " in the rows that are learnt from" * (log.origin is not None)
    taken = f"{_taken(column)} {noun}{part}"
    keep = f"; {'or money, ' * (kind == 'number')}or {column.kind} to keep what it is"
    if not wrong.any():
        return f"{taken}. If they are, say so: {say}{keep}"
    first = int(wrong.argmax())
    counts = f"{wrong.sum():,} of {cells.notna().sum():,} cannot be read so"
    place = f"the first {cells.iloc[first]!r} in {log.row_words(first)}"
    if are_missing(cells[wrong]).all():
        mend = f"To take these for gaps, say {say}"
    elif signed_amounts(cells[wrong].iloc[:1]).all():
        mend = f"Write them plainly, such as 1234.5, and say {say}"
    else:
        mend = f"Correct or empty them, and say {say}"
    return f"{taken}: {counts}, {place}. {mend}{keep}"
