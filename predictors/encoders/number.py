"""Numbers, flags and dates: gaps filled and marked, long tails pulled in, brought to unit scale, clipped."""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from couponry.instances.errors import InputError
from couponry.predictors.state import State

__all__ = ["DateEncoder", "FlagEncoder", "NumberEncoder"]

Floats = npt.NDArray[np.float32]

_CLIP = 5.0
_LONG_TAIL = 2.0  # skewness above which a column that is never negative is taken as logarithm


class NumberEncoder:
    """Median for gaps, an indicator where training had gaps, standardised, clipped at ±5.

    A column that is never negative and has a long tail (skewness above 2: amounts of money, counts) enters as
    ``log(1 + x)``, so that a few large values do not set the scale.
    """

    kind: ClassVar[str] = "number"
    categorical: ClassVar[bool] = False

    def __init__(self, name: str) -> None:
        self.name = name

    def fit(self, cells: pd.Series) -> Self:
        """Learn median, scale and whether there are gaps."""
        values = self._values(cells)
        given = values[~np.isnan(values)]
        self.gaps = bool(len(given) < len(values))
        self.logarithm = bool(len(given) and given.min() >= 0 and _skewness(given) > _LONG_TAIL)
        given = self._shaped(given)
        self.median = float(np.median(given)) if len(given) else 0.0
        filled = np.where(np.isnan(self._shaped(values)), self.median, self._shaped(values))
        self.mean = float(filled.mean())
        self.scale = float(filled.std()) or 1.0
        return self

    def standard(self, cells: pd.Series) -> Floats:
        """Return float32 ``(n, 1 or 2)``: the number and, where training had gaps, the indicator."""
        values = self._shaped(self._values(cells))
        gap = np.isnan(values)
        scaled = np.clip((np.where(gap, self.median, values) - self.mean) / self.scale, -_CLIP, _CLIP)
        return np.column_stack([scaled, gap] if self.gaps else [scaled]).astype(np.float32)

    def raw(self, cells: pd.Series) -> Floats:
        """Return float32 ``(n, 1)`` with NaN for gaps."""
        return self._values(cells)[:, None].astype(np.float32)

    @property
    def names(self) -> list[str]:
        """Names of the columns of :meth:`standard`."""
        return [self.name, f"{self.name} missing"] if self.gaps else [self.name]

    def state(self) -> State:
        """Return what was learnt."""
        return State({key: getattr(self, key) for key in ("gaps", "logarithm", "median", "mean", "scale")})

    @classmethod
    def from_state(cls, name: str, state: State) -> Self:
        """Take back what :meth:`state` gave."""
        encoder = cls(name)
        vars(encoder).update(state.facts)
        return encoder

    def _shaped(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.log1p(np.maximum(values, 0.0)) if self.logarithm else values

    def _values(self, cells: pd.Series) -> npt.NDArray[np.float64]:
        try:
            numbers = pd.to_numeric(cells).astype("Float64")
            values = np.asarray(numbers.to_numpy(np.float64, na_value=np.nan), dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise InputError(f"a number was expected: {error}", column=self.name) from error
        endless = np.flatnonzero(np.isinf(values))
        if len(endless):
            row = int(endless[0])
            raise InputError(
                "a feature is infinite",
                row=row,
                column=self.name,
                value=float(values[row]),
                mend="Correct it, or leave the cell empty",
            )
        return values


class FlagEncoder(NumberEncoder):
    """Yes or no, as a number of 0 or 1."""

    kind: ClassVar[str] = "flag"


class DateEncoder(NumberEncoder):
    """A day, as days since 1970, and the season as sine and cosine of the day of the year."""

    kind: ClassVar[str] = "date"

    def standard(self, cells: pd.Series) -> Floats:
        """Return float32 ``(n, 3 or 4)``."""
        turn = 2 * np.pi * (np.nan_to_num(self._values(cells)) % 365.2425) / 365.2425
        season = np.column_stack([np.sin(turn), np.cos(turn)]).astype(np.float32)
        return np.hstack([super().standard(cells), season])

    @property
    def names(self) -> list[str]:
        """Names of the columns of :meth:`standard`."""
        return [*super().names, f"{self.name} season (sine)", f"{self.name} season (cosine)"]

    def _values(self, cells: pd.Series) -> npt.NDArray[np.float64]:
        try:
            moments = pd.to_datetime(cells, utc=True)
        except (TypeError, ValueError) as error:
            raise InputError(f"a date was expected: {error}", column=self.name) from error
        days = (moments - pd.Timestamp("1970-01-01", tz="UTC")) / pd.Timedelta(days=1)
        return np.asarray(days.to_numpy(np.float64, na_value=np.nan), dtype=np.float64)


def _skewness(values: npt.NDArray[np.float64]) -> float:
    centred = values - values.mean()
    spread = float(np.sqrt((centred**2).mean()))
    return float((centred**3).mean() / spread**3) if spread > 0 else 0.0
