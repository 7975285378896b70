"""Functions of the features that effects may be made of: lines, and lines with bends at quantiles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
from numba import njit

__all__ = ["BEND", "CONSTANT", "LINE", "Basis"]

CONSTANT, LINE, BEND = 0, 1, 2

_SAMPLE = 100_000
_FEW_VALUES = 4
_MOST_BENDS = 160
_QUANTILES = {4: (0.15, 0.35, 0.6, 0.85), 2: (0.3, 0.7), 1: (0.5,)}


@dataclass(frozen=True)
class Basis:
    """A constant, every feature that varies, and bends of those with many values; all but one of unit scale.

    Attributes
    ----------
    columns : ndarray of int64, shape (l,)
        Features that vary.
    bend_of : ndarray of int64, shape (b,)
        Which of ``columns`` each bend is of.
    knots, slope : ndarray of float32, shape (b,)
        A bend is max(0, x − knot) less ``slope`` times x, so that lines say nothing of it.
    mean, scale : ndarray of float32, shape (l + b,)
    """

    columns: npt.NDArray[np.int64]
    bend_of: npt.NDArray[np.int64]
    knots: npt.NDArray[np.float32]
    slope: npt.NDArray[np.float32]
    mean: npt.NDArray[np.float32]
    scale: npt.NDArray[np.float32]

    @classmethod
    def of(cls, x: npt.NDArray[np.float32]) -> Self:
        """Choose knots on at most 100,000 rows; fewer a feature where there are many features."""
        some = x[:: max(1, len(x) // _SAMPLE)]
        columns = np.flatnonzero(some.std(axis=0) > 1e-6)
        values = [np.unique(some[:, j]) for j in columns]
        smooth = [k for k, v in enumerate(values) if len(v) > _FEW_VALUES]
        each = next((e for e in _QUANTILES if e * len(smooth) <= _MOST_BENDS), 0)
        bends = [
            (k, knot)
            for k in smooth
            if each
            for knot in np.unique(np.quantile(some[:, columns[k]], _QUANTILES[each]))
            if values[k][0] < knot < values[k][-1]
        ]
        bend_of = np.array([k for k, _ in bends], dtype=np.int64)
        knots = np.array([knot for _, knot in bends], dtype=np.float32)
        lines = some[:, columns[bend_of]]
        bent = np.maximum(lines - knots, 0)
        off = lines - lines.mean(axis=0)
        slope = (off * bent).sum(axis=0) / np.square(off).sum(axis=0)
        zero, one = (make(len(columns) + len(bend_of), np.float32) for make in (np.zeros, np.ones))
        raw = cls(columns, bend_of, knots, slope, zero, one)(some)[:, 1:]
        scale = raw.std(axis=0)
        return cls(
            columns,
            bend_of,
            knots,
            slope,
            raw.mean(axis=0),
            np.where(scale > 1e-6, scale, 1).astype(np.float32),
        )

    @property
    def kinds(self) -> npt.NDArray[np.int64]:
        """Whether each function is the constant, a line or a bend, int64 ``(1 + l + b,)``."""
        return np.repeat([CONSTANT, LINE, BEND], [1, len(self.columns), len(self.bend_of)])

    def __call__(self, x: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return the functions' values, float32 ``(n, 1 + l + b)``."""
        out = np.empty((len(x), len(self.kinds)), np.float32)
        x = np.ascontiguousarray(x, dtype=np.float32)
        _fill(x, self.columns, self.bend_of, self.knots, self.slope, self.mean, self.scale, out)
        return out


@njit(cache=True, nogil=True)
def _fill(x, columns, bend_of, knots, slope, mean, scale, out):  # type: ignore[no-untyped-def]
    """Write the functions' values, all in single precision."""
    lines = len(columns)
    for i in range(len(x)):
        out[i, 0] = 1.0
        for k in range(lines):
            out[i, 1 + k] = (x[i, columns[k]] - mean[k]) / scale[k]
        for b in range(len(bend_of)):
            value = x[i, columns[bend_of[b]]]
            bend = max(value - knots[b], np.float32(0.0)) - slope[b] * value
            out[i, 1 + lines + b] = (bend - mean[lines + b]) / scale[lines + b]
