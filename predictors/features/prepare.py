"""A log looked over before anything is learnt: what is left out of it, and what is doubtful about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from warnings import warn

import numpy as np
import pandas as pd

from couponry.instances.errors import DataWarning, InputError, did_you_mean
from couponry.instances.log import Log
from couponry.instances.wording import setting
from couponry.predictors.encoders.time_curve import days_of
from couponry.predictors.features.choices import Choice, choices_of
from couponry.predictors.features.coupon_columns import move_to_menu
from couponry.predictors.features.doubtful_texts import doubtful_texts
from couponry.predictors.features.leaks import leaks
from couponry.predictors.features.schema import Schema, named
from couponry.predictors.features.stored import gaps
from couponry.predictors.log_checks import check_log

__all__ = ["Prepared", "prepare", "read_features"]

_NAMED = 5
_ROWS_LOOKED_AT = 20_000  # for leaks


@dataclass
class Prepared:
    """A log to learn from.

    Attributes
    ----------
    log : Log
        Its features are those to learn from; columns that describe the coupon stand in its menu.
    columns : dict from str to Choice
        What was chosen for those features.
    dropped : dict from str to str
        Columns left out, and why.
    rows_dropped : int
        Rows left out for their gaps.
    warnings : list of str
    """

    log: Log
    columns: dict[str, Choice]
    dropped: dict[str, str] = field(default_factory=dict)
    rows_dropped: int = 0
    warnings: list[str] = field(default_factory=list)

    def checks(self) -> dict[str, Any]:
        """Return what was found, for the model's card."""
        return {"dropped": self.dropped, "rows_dropped": self.rows_dropped, "warnings": self.warnings}

    def leave_out(self, names: list[str], why: str) -> None:
        """Take columns out of the features."""
        features = self.log.features.drop(columns=names)
        segments = tuple(s for s in self.log.segments if s not in names)
        self.log = replace(self.log, features=features, segments=segments)
        self.columns = {name: choice for name, choice in self.columns.items() if name not in names}
        self.dropped |= dict.fromkeys(names, why)

    def check(self, least_rows: int) -> None:
        """Refuse what is left if response cannot be learnt from it; see ``check_log``."""
        try:
            check_log(self.log, least_rows)
        except InputError as error:
            if not self.rows_dropped:
                raise
            names = [name for name, choice in self.columns.items() if choice.missing == "drop_rows"]
            raise InputError(
                error.problem,
                file=error.file,
                row=error.row,
                column=error.column,
                value=error.value,
                mend=f"{self.rows_dropped:,} rows were left out for gaps in {' or '.join(map(repr, names))}: "
                "choose another way to fill them than drop_rows",
            ) from None


def prepare(log: Log, columns: Mapping[str, Any] | None = None) -> Prepared:
    """Leave out what was chosen to be left out and what says nothing; warn of what says too much.

    Parameters
    ----------
    log : Log
        Training rows alone.
    columns : mapping from column to kind or choices, optional

    Warns
    -----
    DataWarning
        If a column is the same on all rows, tells the outcome by itself (AUC above 0.999), or holds dates
        after the coupon was given; if text is mostly written for something else.

    Raises
    ------
    InputError
        If a choice names no column or does not fit it, a cell cannot be used, or no feature or no row is
        left.
    """
    prepared = _read(log, columns)
    _leave_out_gaps(prepared)
    _leave_out_constants(prepared)
    if prepared.log.features.columns.empty:
        raise InputError(
            "no feature is left to learn from: "
            + ("; ".join(f"{name!r} {why}" for name, why in prepared.dropped.items()) or "there was none"),
            file=log.source,
            mend="Give at least one feature that differs between users",
        )
    _find_leaks(prepared)
    _find_later_dates(prepared)
    prepared.warnings += doubtful_texts(prepared.log, prepared.columns)
    for message in prepared.warnings:
        warn(message, DataWarning, stacklevel=3)
    return prepared


def read_features(log: Log, columns: Mapping[str, Any] | None = None) -> Log:
    """Return a log with the features that are learnt from, before some rows are held out.

    Raises
    ------
    InputError
        If :func:`prepare` would refuse a choice or a cell.
    """
    return _read(log, columns).log


def _read(log: Log, columns: Mapping[str, Any] | None) -> Prepared:
    """Return the log without what is no feature of the user, its cells as their columns' kinds say."""
    chosen = choices_of(columns)
    try:
        prepared = Prepared(replace(log, features=named(log.features)), chosen)
        for name in chosen:
            if name not in prepared.log.features.columns:
                mend = did_you_mean(name, prepared.log.features.columns)
                raise InputError("no such feature", column=name, mend=mend)
        _leave_out_what_is_no_feature(prepared)
        features = prepared.log.features
        read = Schema.of(features, prepared.columns).read(features)
    except InputError as error:
        raise log.placed(error) from None
    prepared.log = replace(prepared.log, features=read)
    return prepared


def _leave_out_what_is_no_feature(prepared: Prepared) -> None:
    of_coupon = [name for name, choice in prepared.columns.items() if choice.kind == "coupon"]
    if of_coupon:
        prepared.log = move_to_menu(prepared.log, of_coupon)
        prepared.leave_out(of_coupon, "describes the coupon")
    ignored = [name for name, choice in prepared.columns.items() if choice.kind == "ignore"]
    prepared.leave_out(ignored, "was to be ignored")


def _leave_out_gaps(prepared: Prepared) -> None:
    features = prepared.log.features
    empty = {name: gaps(features[name]) for name, c in prepared.columns.items() if c.missing == "drop_column"}
    prepared.leave_out([name for name, gap in empty.items() if gap.any()], "has gaps")
    kept = np.ones(len(features), dtype=bool)
    for name, choice in prepared.columns.items():
        if choice.missing == "drop_rows":
            kept &= ~gaps(features[name])
    if not kept.any():
        raise InputError(
            "no row is without gaps in the columns whose gaps drop rows",
            file=prepared.log.source,
            mend="Choose another way to fill gaps for some of them",
        )
    if not kept.all():
        prepared.rows_dropped = int((~kept).sum())
        prepared.log = prepared.log.take(kept)


def _leave_out_constants(prepared: Prepared) -> None:
    features = prepared.log.features
    constant = [name for name in features.columns if _is_constant(features[name])]
    if not constant:
        return
    named = ", ".join(map(repr, constant[:_NAMED])) + (", …" if len(constant) > _NAMED else "")
    prepared.warnings.append(
        f"nothing can be learnt from what is the same on all rows, so it is left out: {named}"
    )
    prepared.leave_out(constant, "is the same on all rows")


def _is_constant(cells: pd.Series) -> bool:
    if cells.dtype != object:
        return bool(cells.nunique(dropna=False) <= 1)
    first = repr(cells.iloc[0])  # lists cannot be counted; most columns differ after a few rows
    return all(repr(cell) == first for cell in cells)


def _find_leaks(prepared: Prepared) -> None:
    log = prepared.log
    rows = np.random.default_rng(0).permutation(log.n)[:_ROWS_LOOKED_AT]
    some = log.take(rows)
    try:
        schema = Schema.of(some.features, prepared.columns)
        found = leaks(some.features, schema, some.conversion > log.conversion.mean())
    except InputError as error:
        raise some.placed(error) from None
    for name, auc in found.items():
        prepared.warnings.append(
            f"column {name!r} alone tells who converted (AUC {auc:.4f}), as if it had been recorded "
            f"afterwards. If so, leave it out: {setting('columns', {name: 'ignore'})}"
        )


def _find_later_dates(prepared: Prepared) -> None:
    log = prepared.log
    if log.given_at is None:
        return
    given = days_of(pd.Series(log.given_at))
    for column in Schema.of(log.features, prepared.columns).columns:
        if column.kind != "date":
            continue
        later = np.flatnonzero(np.floor(days_of(log.features[column.name])) > given)
        if len(later):
            prepared.warnings.append(
                f"column {column.name!r} holds dates after the coupon was given on "
                f"{log.count_words(len(later))} (the first: {log.row_words(int(later[0]))}): a feature must "
                f"have been known before. Correct it, or leave it out: "
                f"{setting('columns', {column.name: 'ignore'})}"
            )
