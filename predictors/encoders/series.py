"""Lists of numbers, by their length, level, range and last element."""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from couponry.instances.errors import InputError
from couponry.predictors.encoders.lists import Flat, some_rows
from couponry.predictors.state import State

__all__ = ["SeriesEncoder"]

Floats = npt.NDArray[np.float32]

_PARTS = ("length", "mean", "least", "most", "last")


class SeriesEncoder:
    """``log(1 + length)``, mean, least, most and last element, standardised.

    An empty list has the columns' means, and so have all but the length of a list with a gap; with
    ``missing="interpolate"`` a gap within a list is filled from its neighbours.

    Parameters
    ----------
    name : str
    missing : str
    time : str, optional
        Column of lists as long, by whose numbers gaps are interpolated; else by position.
    """

    kind: ClassVar[str] = "series"
    categorical: ClassVar[bool] = False

    def __init__(self, name: str, missing: str = "indicator", time: str | None = None) -> None:
        self.name = name
        self.missing = missing
        self.beside = time

    def fit(self, cells: pd.Series, times: pd.Series | None = None) -> Self:
        """Learn the scale of the columns, on at most 100,000 rows."""
        cells, times = some_rows(cells, times)
        plain = self.raw(cells, times).astype(np.float64)  # squares may leave the range of float32
        seen = ~np.isnan(plain)
        rows = np.maximum(seen.sum(axis=0), 1)
        self.mean = (np.nan_to_num(plain).sum(axis=0) / rows).astype(np.float32)
        spread = np.sqrt((np.where(seen, plain - self.mean, 0) ** 2).sum(axis=0) / rows)
        self.scale = np.where(spread > 0, spread, 1.0).astype(np.float32)
        return self

    def raw(self, cells: pd.Series, times: pd.Series | None = None) -> Floats:
        """Return float32 ``(n, 5)`` with NaN where a list is empty."""
        flat = Flat.of(cells)
        value, end = self._numbers(flat, times), np.cumsum(flat.length)
        full = flat.length > 0
        out = np.full((len(flat.length), len(_PARTS)), np.nan)
        out[:, 0] = np.log1p(flat.length)
        if full.any():
            first = (end - flat.length)[full]
            out[full, 1] = np.add.reduceat(value, first) / flat.length[full]
            out[full, 2] = np.minimum.reduceat(value, first)
            out[full, 3] = np.maximum.reduceat(value, first)
            out[full, 4] = value[end[full] - 1]
        return out.astype(np.float32)

    def _numbers(self, flat: Flat, times: pd.Series | None) -> npt.NDArray[np.float64]:
        value = flat.numbers()
        if self.missing != "interpolate" or not np.isnan(value).any():
            return value
        time, value = self._times(flat, times), value.copy()
        end = np.cumsum(flat.length)
        for row in np.unique(flat.row[np.isnan(value)]):
            own = slice(end[row] - flat.length[row], end[row])
            value[own] = _interpolated(time[own], value[own])
        return value

    def _times(self, flat: Flat, times: pd.Series | None) -> npt.NDArray[np.float64]:
        if times is None:
            return -flat.steps.astype(np.float64)
        beside = Flat.of(times)
        differing = np.flatnonzero(beside.length != flat.length)
        if len(differing):
            row = int(differing[0])
            raise InputError(
                f"the list has {flat.length[row]} numbers but {self.beside!r} {beside.length[row]} times",
                row=row,
                column=self.name,
                mend="Give one time a number",
            )
        return beside.numbers()

    def standard(self, cells: pd.Series, times: pd.Series | None = None) -> Floats:
        """Return float32 ``(n, 5)`` with zero mean and unit spread, clipped at ±5."""
        scaled = np.clip((self.raw(cells, times) - self.mean) / self.scale, -5, 5)
        return np.asarray(np.nan_to_num(scaled, nan=0.0), dtype=np.float32)

    @property
    def names(self) -> list[str]:
        """Names of the columns of both layouts."""
        return [f"{self.name} {part}" for part in _PARTS]

    def state(self) -> State:
        """Return what was learnt."""
        facts = {"missing": self.missing, "beside": self.beside}
        return State(facts, {"mean": self.mean, "scale": self.scale})

    @classmethod
    def from_state(cls, name: str, state: State) -> Self:
        """Take back what :meth:`state` gave."""
        encoder = cls(name)
        vars(encoder).update(state.facts)
        vars(encoder).update(state.arrays)
        return encoder


def _interpolated(time: npt.NDArray[np.float64], value: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return one list with its gaps filled; one without any number stays as it is."""
    known = ~(np.isnan(value) | np.isnan(time))
    if not known.any():
        return value
    order = np.argsort(time[known])
    filled = np.interp(time, time[known][order], value[known][order])
    return np.where(np.isnan(value), filled, value)
