"""Which rows a model learnt from, by hashes, so that it is not judged by them unnoticed."""

from __future__ import annotations

import json
from collections.abc import Iterable
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
_LARGEST = 2**64 - 1
_FACTOR = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class RowsSeen:
    """64-bit hashes of a training log's rows, at most 65,536.

    Of a larger log they are a sample: the rows whose *lot*, a hash of user, arm, conversion, revenue and
    time, is among the least, and of these the least hashes. Whether a row of another log was seen can then be
    told if its own lot and hash are among these. Features take longest: they are hashed of such rows alone.

    Attributes
    ----------
    hashes : ndarray of uint64, ascending
    all : bool
        Whether these are the hashes of all rows.
    lots : int
        The largest lot of a row that is remembered.
    """

    hashes: Hashes
    all: bool
    lots: int = _LARGEST

    @classmethod
    def of(cls, log: Log, schema: Schema) -> Self:
        """Hash the rows of a training log, whose features hold what ``schema`` says."""
        drawn = _lots(log)
        lots = int(np.partition(drawn, _MOST - 1)[_MOST - 1]) if log.n > _MOST else _LARGEST
        found = np.unique(_hashes(log, schema, drawn, np.flatnonzero(drawn <= lots)))
        return cls(found[:_MOST], log.n <= _MOST, lots)

    def among(self, log: Log, schema: Schema) -> tuple[npt.NDArray[np.int64], int]:
        """Return the rows of a log that were learnt from, ascending, and of how many rows hashes can tell.

        A row is the same where user, arm, conversion, revenue, time and the model's features are.
        """
        drawn = _lots(log)
        rows = np.flatnonzero(drawn <= self.lots)
        own = _hashes(log, schema, drawn, rows)
        place = np.minimum(np.searchsorted(self.hashes, own), len(self.hashes) - 1)
        told = log.n if self.all else int((own <= self.hashes[-1]).sum())
        return rows[self.hashes[place] == own], told

    def state(self) -> State:
        """Return what is remembered."""
        return State({"all": self.all, "lots": self.lots}, {"hashes": self.hashes.view(np.int64)})

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Take back what :meth:`state` gave."""
        hashes = state.arrays["hashes"].view(np.uint64)
        return cls(hashes, bool(state.facts["all"]), int(state.facts.get("lots", _LARGEST)))


def _lots(log: Log) -> Hashes:
    """Return a hash of what is not a feature for each row."""
    arms = np.array([*log.coupons.ids, "none"], dtype=object)[log.arm]
    times = np.full(log.n, np.nan) if log.given_at is None else log.given_at.astype(np.float64)
    user = log.user_id.astype(str).astype(object)
    found = np.zeros(log.n, dtype=np.uint64)
    return _mixed(found, (user, arms, log.conversion, log.revenue, times))


def _hashes(log: Log, schema: Schema, drawn: Hashes, rows: npt.NDArray[np.int64]) -> Hashes:
    """Return the hashes of some rows, given all rows' lots."""
    features = schema.read(named(log.features).iloc[rows])
    cells = (_plain(features[column.name], column.kind) for column in schema.columns)
    return _mixed(drawn[rows], cells)


def _mixed(found: Hashes, columns: Iterable[npt.NDArray[Any]]) -> Hashes:
    for values in columns:
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
