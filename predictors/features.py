"""A table of user features or coupon attributes to a matrix, learnt from training rows alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from couponry.instances.errors import InputError
from couponry.predictors.encoders.category import CategoryEncoder
from couponry.predictors.encoders.events import EventEncoder, are_ages_of
from couponry.predictors.encoders.number import DateEncoder, FlagEncoder, NumberEncoder
from couponry.predictors.encoders.series import SeriesEncoder
from couponry.predictors.encoders.text import TextEncoder
from couponry.predictors.schema import Schema
from couponry.predictors.state import State

__all__ = ["FeatureEncoder", "Layout"]

Layout = Literal["standard", "raw"]
Encoder = NumberEncoder | CategoryEncoder | TextEncoder | EventEncoder | SeriesEncoder

_ENCODERS: dict[str, type[Encoder]] = {
    encoder.kind: encoder
    for encoder in (
        NumberEncoder,
        FlagEncoder,
        DateEncoder,
        CategoryEncoder,
        TextEncoder,
        EventEncoder,
        SeriesEncoder,
    )
}


class FeatureEncoder:
    """One encoder a column, side by side.

    Parameters
    ----------
    kinds : mapping from column to kind, optional
        Kinds that differ from those read off the table; see :class:`~couponry.predictors.schema.Schema`.
    least_rows : int
        Rows that a category needs for a slot of its own.

    Attributes
    ----------
    schema_ : Schema
    encoders_ : list of encoders, one a column
    """

    def __init__(self, kinds: Mapping[str, str] | None = None, least_rows: int = 10) -> None:
        self.kinds = dict(kinds or {})
        self.least_rows = least_rows

    def fit(self, table: pd.DataFrame) -> Self:
        """Learn every column's encoding.

        Raises
        ------
        InputError
            If there are no columns, two share a name, or a number is infinite.
        """
        if table.columns.empty:
            raise InputError("there are no features to learn from", mend="Give at least one feature column")
        repeated = table.columns[table.columns.duplicated()]
        if len(repeated):
            raise InputError("two features share a name", column=str(repeated[0]), mend="Rename one of them")
        self.schema_ = Schema.of(table, self.kinds)
        self.encoders_ = [self._fitted(c.name, c.kind, table) for c in self.schema_.columns]
        return self

    def _fitted(self, name: str, kind: str, table: pd.DataFrame) -> Encoder:
        if kind == "category":
            return CategoryEncoder(name, least_rows=self.least_rows).fit(table[name])
        if kind == "events":
            series = [c.name for c in self.schema_.columns if c.kind == "series"]
            ages = next((other for other in series if are_ages_of(table[other], table[name])), None)
            return EventEncoder(name, ages).fit(table[name], None if ages is None else table[ages])
        return _ENCODERS[kind](name).fit(table[name])

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
        blocks = [_encoded(encoder, table, layout) for encoder in self.encoders_]
        return np.ascontiguousarray(np.hstack(blocks), dtype=np.float32)

    @property
    def names(self) -> list[str]:
        """Names of the columns of the standard layout."""
        return [name for encoder in self.encoders_ for name in encoder.names]

    @property
    def categorical(self) -> list[int]:
        """Which columns of the raw layout hold category codes."""
        wide = TextEncoder | EventEncoder | SeriesEncoder
        widths = [len(encoder.names) if isinstance(encoder, wide) else 1 for encoder in self.encoders_]
        first = np.cumsum([0, *widths])
        return [int(first[i]) for i, encoder in enumerate(self.encoders_) if encoder.categorical]

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
    if isinstance(encoder, EventEncoder) and encoder.ages is not None:
        beside = table[encoder.ages]
        cells = table[encoder.name]
        return encoder.raw(cells, beside) if layout == "raw" else encoder.standard(cells, beside)
    cells = table[encoder.name]
    return encoder.raw(cells) if layout == "raw" else encoder.standard(cells)
