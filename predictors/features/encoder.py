"""A table of user features or coupon attributes to a matrix, learnt from training rows alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from couponry.instances.errors import InputError
from couponry.predictors.encoders.category import CategoryEncoder
from couponry.predictors.encoders.events import EventEncoder, are_ages_of
from couponry.predictors.encoders.number import DateEncoder, FlagEncoder, MoneyEncoder, NumberEncoder
from couponry.predictors.encoders.series import SeriesEncoder
from couponry.predictors.encoders.text import TextEncoder
from couponry.predictors.features.schema import Column, Schema
from couponry.predictors.state import State

__all__ = ["FeatureEncoder", "Layout"]

Layout = Literal["standard", "raw"]
Encoder = NumberEncoder | CategoryEncoder | TextEncoder | EventEncoder | SeriesEncoder

_NUMERIC = {encoder.kind: encoder for encoder in (NumberEncoder, MoneyEncoder, FlagEncoder, DateEncoder)}
_WIDE = {encoder.kind: encoder for encoder in (CategoryEncoder, TextEncoder, EventEncoder, SeriesEncoder)}
_ENCODERS: dict[str, type[Encoder]] = {**_NUMERIC, **_WIDE}


class FeatureEncoder:
    """One encoder a column, side by side.

    Parameters
    ----------
    columns : mapping from column to kind or choices, optional
        What differs from what is read off the table;
        see :meth:`~couponry.predictors.features.schema.Schema.of`.
    least_rows : int
        Rows that a category needs for a slot of its own.

    Attributes
    ----------
    schema_ : Schema
    encoders_ : list of encoders, one a column
    """

    def __init__(self, columns: Mapping[str, Any] | None = None, least_rows: int = 10) -> None:
        self.columns = dict(columns or {})
        self.least_rows = least_rows

    def fit(self, table: pd.DataFrame) -> Self:
        """Learn every column's encoding.

        Raises
        ------
        InputError
            If there are no columns, two share a name, or a cell cannot be read as its column's kind.
        """
        if table.columns.empty:
            raise InputError("there are no features to learn from", mend="Give at least one feature column")
        self.schema_ = Schema.of(table, self.columns)
        table = self.schema_.read(table)
        self.encoders_ = [self._fitted(column, table) for column in self.schema_.columns]
        return self

    def _fitted(self, column: Column, table: pd.DataFrame) -> Encoder:
        encoder = self._new(column, table)
        beside = None if encoder.beside is None else table[encoder.beside]
        return encoder.fit(table[column.name], beside)

    def _new(self, column: Column, table: pd.DataFrame) -> Encoder:
        name = column.name
        if column.kind == "category":
            return CategoryEncoder(
                name, least_rows=self.least_rows, missing=column.missing, unseen=column.unseen
            )
        if column.kind == "events":
            series = [c.name for c in self.schema_.columns if c.kind == "series"]
            return EventEncoder(name, next((s for s in series if are_ages_of(table[s], table[name])), None))
        if column.kind == "series":
            return SeriesEncoder(name, column.missing, column.time)
        if column.kind == "text":
            return TextEncoder(name)
        numeric: type[NumberEncoder] = _NUMERIC[column.kind]
        return numeric(name, column.missing, column.clip, column.time)

    def encode(self, table: pd.DataFrame, layout: Layout = "standard") -> npt.NDArray[np.float32]:
        """Return a table as float32 ``(n, d)``.

        Parameters
        ----------
        table : DataFrame
            With the columns of the training table; further columns are ignored.
        layout : {"standard", "raw"}
            For networks and linear models (no gaps, unit scale, one-hot), or for trees (gaps as NaN, codes).

        Raises
        ------
        InputError
            If a column is missing or holds something else than in training.
        """
        self.schema_.check(table)
        table = self.schema_.read(table)
        blocks = [_encoded(encoder, table, layout) for encoder in self.encoders_]
        return np.ascontiguousarray(np.hstack(blocks), dtype=np.float32)

    @property
    def names(self) -> list[str]:
        """Names of the columns of the standard layout."""
        return [name for encoder in self.encoders_ for name in encoder.names]

    @property
    def categorical(self) -> list[int]:
        """Which columns of the raw layout hold category codes."""
        places = self.raw_places.values()
        return [p.start for p, e in zip(places, self.encoders_, strict=True) if e.categorical]

    @property
    def raw_places(self) -> dict[str, slice]:
        """Where each column of the table stands in the raw layout."""
        wide = TextEncoder | EventEncoder | SeriesEncoder
        widths = [len(encoder.names) if isinstance(encoder, wide) else 1 for encoder in self.encoders_]
        last = np.cumsum(widths).tolist()
        return {
            e.name: slice(end - width, end)
            for e, width, end in zip(self.encoders_, widths, last, strict=True)
        }

    def state(self) -> State:
        """Return what was learnt."""
        state = State({"schema": self.schema_.to_json()})
        state.put_all("columns", [encoder.state() for encoder in self.encoders_])
        return state

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Take back what :meth:`state` gave."""
        encoder = cls()
        encoder.schema_ = Schema.from_json(state.facts["schema"])
        encoder.encoders_ = [
            _ENCODERS[column.kind].from_state(column.name, part)
            for column, part in zip(encoder.schema_.columns, state.parts("columns"), strict=True)
        ]
        return encoder


def _encoded(encoder: Encoder, table: pd.DataFrame, layout: Layout) -> npt.NDArray[np.float32]:
    cells = table[encoder.name]
    beside = None if encoder.beside is None else table[encoder.beside]
    return encoder.raw(cells, beside) if layout == "raw" else encoder.standard(cells, beside)
