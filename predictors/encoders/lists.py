"""List cells laid end to end, so that whole columns can be counted at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

__all__ = ["Flat", "some_rows"]

_MOST_ROWS = 100_000


@dataclass(frozen=True)
class Flat:
    """A column of lists.

    Attributes
    ----------
    length : ndarray of int64, shape (n,)
        Of every cell's list; 0 for an empty cell.
    values : list, or ndarray where all lists are arrays of numbers of one type
        All elements, list after list.
    """

    length: npt.NDArray[np.int64]
    values: list[Any] | npt.NDArray[Any]

    @classmethod
    def of(cls, cells: Iterable[object]) -> Self:
        """Lay a column's lists end to end."""
        lists: list[Any] = list(cells.to_numpy(object) if isinstance(cells, pd.Series) else cells)
        if not set(map(type, lists)) <= {list, tuple, np.ndarray}:
            lists = [cell if isinstance(cell, list | tuple | np.ndarray) else () for cell in lists]
        length = np.fromiter(map(len, lists), np.int64, len(lists))
        full = [lists[i] for i in np.flatnonzero(length)]
        kinds = {one.dtype for one in full} if set(map(type, full)) == {np.ndarray} else set()
        if len(kinds) == 1 and kinds.pop().kind in "iuf":
            return cls(length, np.concatenate(full))
        return cls(length, list(chain.from_iterable(full)))

    @property
    def row(self) -> npt.NDArray[np.int64]:
        """The cell that every element stands in."""
        return np.repeat(np.arange(len(self.length)), self.length)

    @property
    def steps(self) -> npt.NDArray[np.int64]:
        """How many elements of its list come after every element."""
        return np.repeat(np.cumsum(self.length), self.length) - np.arange(1, len(self.values) + 1)

    def numbers(self) -> npt.NDArray[np.float64]:
        """Return the elements as numbers, NaN where one is not."""
        if isinstance(self.values, np.ndarray):
            return self.values.astype(np.float64)
        return pd.to_numeric(pd.Series(self.values, dtype=object), errors="coerce").to_numpy(np.float64)

    def codes(self, labels: Sequence[str]) -> npt.NDArray[np.int64]:
        """Return every element's place among labels, int64 ``(elements,)``; −1 where it is none of them."""
        place = {label: code for code, label in enumerate(labels)}
        return np.fromiter(map(place.get, map(str, self.values), repeat(-1)), np.int64, len(self.values))


def some_rows(cells: pd.Series, beside: pd.Series | None) -> tuple[pd.Series, pd.Series | None]:
    """Return at most 100,000 cells, evenly spread, and what stands beside them: enough for a scale."""
    step = max(1, -(-len(cells) // _MOST_ROWS))
    return cells.iloc[::step], None if beside is None else beside.iloc[::step]
