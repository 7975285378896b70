"""How a column's level went with time in training, to fill gaps by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd

__all__ = ["TimeCurve", "days_of"]

Doubles = npt.NDArray[np.float64]

_MOST_KNOTS = 64


@dataclass(frozen=True)
class TimeCurve:
    """A broken line through the means of training rows of about the same time, level beyond its ends.

    Attributes
    ----------
    time, level : ndarray of float64, shape (k,)
        At most 64 knots; where training had no more times than that, one a time.
    """

    time: Doubles
    level: Doubles

    @classmethod
    def of(cls, times: Doubles, values: Doubles) -> Self:
        """Learn the curve from rows where both are known."""
        known = ~(np.isnan(times) | np.isnan(values))
        distinct, position = np.unique(times[known], return_inverse=True)
        rows = np.bincount(position, minlength=len(distinct))
        share = np.cumsum(rows) - rows / 2
        group = np.floor(share / max(1, known.sum()) * _MOST_KNOTS).astype(np.int64)
        group = np.arange(len(distinct)) if len(distinct) <= _MOST_KNOTS else group
        knot = np.unique(group, return_inverse=True)[1][position]
        weight = np.bincount(knot)
        return cls(
            np.bincount(knot, times[known]) / weight,
            np.bincount(knot, values[known]) / weight,
        )

    def at(self, times: Doubles, otherwise: float) -> Doubles:
        """Return the level at times; ``otherwise`` where the time is not known or there is no curve."""
        if not len(self.time):
            return np.full(len(times), otherwise)
        unknown = np.isnan(times)
        return np.where(unknown, otherwise, np.interp(np.nan_to_num(times), self.time, self.level))

    def arrays(self) -> dict[str, Doubles]:
        """Return the knots by name."""
        return {"time": self.time, "level": self.level}


def days_of(cells: pd.Series) -> Doubles:
    """Return timestamps as days since 1970, and numbers as they are, float64 ``(n,)`` with NaN for gaps."""
    if pd.api.types.is_numeric_dtype(cells.dtype):
        return np.asarray(cells.astype("Float64").to_numpy(np.float64, na_value=np.nan), dtype=np.float64)
    days = (pd.to_datetime(cells, utc=True) - pd.Timestamp("1970-01-01", tz="UTC")) / pd.Timedelta(days=1)
    return np.asarray(days.to_numpy(np.float64, na_value=np.nan), dtype=np.float64)
