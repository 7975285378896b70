"""Categories: one slot a frequent label, one for all that are rare or were never seen, one for gaps."""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from couponry.predictors.state import State

__all__ = ["CategoryEncoder"]

Floats = npt.NDArray[np.float32]


class CategoryEncoder:
    """One-hot slots or codes.

    Parameters
    ----------
    name : str
    most : int
        Labels that get a slot of their own, most frequent first.
    least_rows : int
        Rows that a label needs for a slot of its own.
    """

    kind: ClassVar[str] = "category"
    categorical: ClassVar[bool] = True

    def __init__(self, name: str, most: int = 64, least_rows: int = 10) -> None:
        self.name = name
        self.most = most
        self.least_rows = least_rows

    def fit(self, cells: pd.Series) -> Self:
        """Learn the labels that get a slot."""
        counts = _labels(cells).value_counts()
        ordered = sorted(counts[counts >= self.least_rows].items(), key=lambda pair: (-pair[1], str(pair[0])))
        self.labels = [str(label) for label, _ in ordered[: self.most]]
        return self

    def codes(self, cells: pd.Series) -> npt.NDArray[np.int64]:
        """Return the slot of every cell: a label's, ``len(labels)`` for another label, one more for a gap."""
        labels = _labels(cells)
        codes = pd.Index(self.labels, dtype=object).get_indexer(pd.Index(labels, dtype=object))
        codes = np.where(codes < 0, len(self.labels), codes)
        return np.where(labels.isna().to_numpy(), len(self.labels) + 1, codes)

    def standard(self, cells: pd.Series) -> Floats:
        """Return float32 ``(n, labels + 2)`` of zeros and ones."""
        return np.eye(len(self.labels) + 2, dtype=np.float32)[self.codes(cells)]

    def raw(self, cells: pd.Series) -> Floats:
        """Return the codes as float32 ``(n, 1)`` with NaN for gaps."""
        codes = self.codes(cells).astype(np.float32)
        return np.where(codes > len(self.labels), np.float32(np.nan), codes)[:, None]

    @property
    def names(self) -> list[str]:
        """Names of the columns of :meth:`standard`."""
        return [f"{self.name} = {label}" for label in [*self.labels, "(other)", "(missing)"]]

    def state(self) -> State:
        """Return what was learnt."""
        return State({"labels": self.labels})

    @classmethod
    def from_state(cls, name: str, state: State) -> Self:
        """Take back what :meth:`state` gave."""
        encoder = cls(name)
        encoder.labels = list(state.facts["labels"])
        return encoder


def _labels(cells: pd.Series) -> pd.Series:
    """Return the cells as strings, gaps kept; 3.0 and 3 are one label."""
    gap = cells.isna()
    if pd.api.types.is_float_dtype(cells.dtype) and (cells.dropna() % 1 == 0).all():
        cells = cells.astype("Int64")
    return cells.astype(object).map(str, na_action="ignore").astype(object).where(~gap, None)
