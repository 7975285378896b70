"""Lists of numbers, by their length, level, range and last element."""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from couponry.predictors.encoders.lists import Flat
from couponry.predictors.state import State

__all__ = ["SeriesEncoder"]

Floats = npt.NDArray[np.float32]

_PARTS = ("length", "mean", "least", "most", "last")


class SeriesEncoder:
    """``log(1 + length)``, mean, least, most and last element, standardised.

    An empty list has the columns' means.

    Parameters
    ----------
    name : str
    """

    kind: ClassVar[str] = "series"
    categorical: ClassVar[bool] = False

    def __init__(self, name: str) -> None:
        self.name = name

    def fit(self, cells: pd.Series) -> Self:
        """Learn the scale of the columns."""
        plain = self.raw(cells)
        seen = ~np.isnan(plain)
        rows = np.maximum(seen.sum(axis=0), 1)
        self.mean = (np.nan_to_num(plain).sum(axis=0) / rows).astype(np.float32)
        spread = np.sqrt((np.where(seen, plain - self.mean, 0) ** 2).sum(axis=0) / rows)
        self.scale = np.where(spread > 0, spread, 1.0).astype(np.float32)
        return self

    def raw(self, cells: pd.Series) -> Floats:
        """Return float32 ``(n, 5)`` with NaN where a list is empty."""
        flat = Flat.of(cells)
        value, end = flat.numbers(), np.cumsum(flat.length)
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

    def standard(self, cells: pd.Series) -> Floats:
        """Return float32 ``(n, 5)`` with zero mean and unit spread, clipped at ±5."""
        scaled = np.clip((self.raw(cells) - self.mean) / self.scale, -5, 5)
        return np.asarray(np.nan_to_num(scaled, nan=0.0), dtype=np.float32)

    @property
    def names(self) -> list[str]:
        """Names of the columns of both layouts."""
        return [f"{self.name} {part}" for part in _PARTS]

    def state(self) -> State:
        """Return what was learnt."""
        return State({}, {"mean": self.mean, "scale": self.scale})

    @classmethod
    def from_state(cls, name: str, state: State) -> Self:
        """Take back what :meth:`state` gave."""
        encoder = cls(name)
        vars(encoder).update(state.arrays)
        return encoder
