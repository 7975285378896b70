"""Which rows a model learnt from, by hashes, so that it is not judged by them unnoticed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from couponry.instances.log import Log
from couponry.predictors.encoders.time_curve import days_of
from couponry.predictors.features.schema import Schema, named
from couponry.predictors.state import State

__all__ = ["RowsSeen"]

Hashes = npt.NDArray[np.uint64]

_MOST = 65_536
_FACTOR = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class RowsSeen:
    """The least 64-bit hashes of a training log's rows, at most 65,536.

    Of a larger log they are a sample of its rows: those whose hash falls among the least. Whether a row of
    another log was seen can then be told if its own hash does.

    Attributes
    ----------
    hashes : ndarray of uint64, ascending
    all : bool
        Whether these are the hashes of all rows.
    """

    hashes: Hashes
    all: bool

    @classmethod
    def of(cls, log: Log, schema: Schema) -> Self:
        """Hash the rows of a training log, whose features hold what ``schema`` says."""
        found = np.unique(_hashes(log, schema))
        return cls(found[:_MOST], len(found) <= _MOST)

    def among(self, log: Log, schema: Schema) -> tuple[npt.NDArray[np.int64], int]:
        """Return the rows of a log that were learnt from, ascending, and of how many rows hashes can tell.

        A row is the same where user, arm, conversion, revenue, time and the model's features are.
        """
        own = _hashes(log, schema)
        place = np.minimum(np.searchsorted(self.hashes, own), len(self.hashes) - 1)
        told = log.n if self.all else int((own <= self.hashes[-1]).sum())
        return np.flatnonzero(self.hashes[place] == own), told

    def state(self) -> State:
        """Return what is remembered."""
        return State({"all": self.all}, {"hashes": self.hashes.view(np.int64)})

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Take back what :meth:`state` gave."""
        return cls(state.arrays["hashes"].view(np.uint64), bool(state.facts["all"]))


def _hashes(log: Log, schema: Schema) -> Hashes:
    arms = np.array([*log.coupons.ids, "none"], dtype=object)[log.arm]
    times = np.full(log.n, np.nan) if log.given_at is None else log.given_at.astype(np.float64)
    features = schema.read(named(log.features))
    found = np.zeros(log.n, dtype=np.uint64)
    for values in (
        log.user_id.astype(str).astype(object),
        arms,
        log.conversion,
        log.revenue,
        times,
        *(_plain(features[column.name], column.kind) for column in schema.columns),
    ):
        found = found * _FACTOR + pd.util.hash_array(np.asarray(values), categorize=True)
    return found


def _plain(cells: pd.Series, kind: str) -> npt.NDArray[Any]:
    """Return cells so that the same ones are alike, whatever file they were read from."""
    if pd.api.types.is_numeric_dtype(cells.dtype) or kind == "date":
        return days_of(cells)
    if kind in ("events", "series"):
        cells = cells.map(lambda cell: json.dumps(list(cell), default=str), na_action="ignore")
    words: npt.NDArray[Any] = cells.astype(object).map(str, na_action="ignore").fillna("").to_numpy(object)
    return words
