"""Features as few whole numbers, for trees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numba
import numpy as np
import numpy.typing as npt

__all__ = ["Bins"]

_MOST = 32
_SAMPLE = 50_000


@dataclass(frozen=True)
class Bins:
    """Edges of every feature, at quantiles.

    Attributes
    ----------
    edges : ndarray of float32, shape (d, B)
        Rising, filled up with infinity.
    count : ndarray of int64, shape (d,)
        Bins of each feature.
    """

    edges: npt.NDArray[np.float32]
    count: npt.NDArray[np.int64]

    @classmethod
    def of(cls, x: npt.NDArray[np.float32]) -> Self:
        """Read the edges off at most 50,000 rows, evenly spaced."""
        some = x[:: max(1, len(x) // _SAMPLE)]
        edges = np.full((x.shape[1], _MOST - 1), np.inf, dtype=np.float32)
        for j in range(x.shape[1]):
            values = np.unique(some[:, j])
            if len(values) > _MOST:
                values = np.unique(np.quantile(some[:, j], np.linspace(0, 1, _MOST + 1)[1:]))
            middle = (values[1:] + values[:-1]) / 2
            edges[j, : len(middle)] = middle[: _MOST - 1]
        return cls(edges, np.isfinite(edges).sum(axis=1) + 1)

    def codes(self, x: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
        """Return every cell's bin, uint8 ``(n, d)``."""
        return np.asarray(_codes(np.ascontiguousarray(x, dtype=np.float32), self.edges, self.count), np.uint8)


@numba.njit(cache=True, nogil=True)
def _codes(x, edges, count):  # type: ignore[no-untyped-def]
    n, d = x.shape
    out = np.empty((n, d), np.uint8)
    for i in range(n):
        for j in range(d):
            low, high = 0, count[j] - 1
            value = x[i, j]
            while low < high:
                middle = (low + high) // 2
                if value > edges[j, middle]:
                    low = middle + 1
                else:
                    high = middle
            out[i, j] = low
    return out
