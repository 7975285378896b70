"""Numbers, money, flags and dates: gaps filled, long tails pulled in, brought to unit scale, clipped."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from couponry.predictors.encoders.time_curve import TimeCurve, days_of
from couponry.predictors.state import State

__all__ = ["DateEncoder", "FlagEncoder", "MoneyEncoder", "NumberEncoder"]

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

_CLIP = 5.0
_LONG_TAIL = 2.0  # skewness above which a column that is never negative is taken as logarithm


class NumberEncoder:
    """Median for gaps, an indicator where training had gaps, standardised, clipped at ±5.

    A column that is never negative and has a long tail (skewness above 2: amounts of money, counts) enters as
    ``log(1 + x)``, so that a few large values do not set the scale.

    Parameters
    ----------
    name : str
    missing : str
        What gaps become; see :class:`~couponry.predictors.features.choices.Choice`. Means and interpolations
        are taken on the scale on which the column enters.
    clip : tuple of two floats, optional
        Quantiles of the training rows to which values are pulled in, in both layouts.
    time : str, optional
        Column by which gaps are interpolated.
    """

    kind: ClassVar[str] = "number"
    categorical: ClassVar[bool] = False

    def __init__(
        self,
        name: str,
        missing: str = "indicator",
        clip: tuple[float, float] | None = None,
        time: str | None = None,
    ) -> None:
        self.name = name
        self.missing = missing
        self.clip = clip
        self.beside = time
        self.low, self.high = -np.inf, np.inf
        self.unit = 1.0
        self.curve: TimeCurve | None = None

    def fit(self, cells: pd.Series, times: pd.Series | None = None) -> Self:
        """Learn limits, what gaps become, scale and whether there are gaps."""
        values = self._values(cells)
        given = values[~np.isnan(values)]
        self.gaps = bool(len(given) < len(values)) and self.missing == "indicator"
        if self.clip is not None and len(given):
            self.low, self.high = (float(q) for q in np.quantile(given, self.clip))
            given = np.clip(given, self.low, self.high)
        self.logarithm = self._is_logarithm(given)
        given = self._shaped(given)
        middle = np.mean if self.missing == "mean" else np.median
        self.median = float(middle(given)) if len(given) else 0.0
        if times is not None:
            self.curve = TimeCurve.of(days_of(times), self._shaped(self._clipped(values)))
        filled = self._filled(cells, times)
        self.mean = float(filled.mean())
        self.scale = float(filled.std()) or 1.0
        return self

    def standard(self, cells: pd.Series, times: pd.Series | None = None) -> Floats:
        """Return float32 ``(n, 1 or 2)``: the number and, where training had gaps, the indicator."""
        scaled = np.clip((self._filled(cells, times) - self.mean) / self.scale, -_CLIP, _CLIP)
        return np.column_stack([scaled, np.isnan(self._values(cells))] if self.gaps else [scaled]).astype(
            np.float32
        )

    def raw(self, cells: pd.Series, times: pd.Series | None = None) -> Floats:
        """Return float32 ``(n, 1)``; gaps are NaN if they are to be marked, else what they are to become."""
        values = self._clipped(self._values(cells))
        if self.missing != "indicator":
            values = np.where(np.isnan(values), self._plain(self._filled(cells, times)), values)
        return values[:, None].astype(np.float32)

    @property
    def names(self) -> list[str]:
        """Names of the columns of :meth:`standard`."""
        return [self.name, f"{self.name} missing"] if self.gaps else [self.name]

    def state(self) -> State:
        """Return what was learnt."""
        facts = {key: getattr(self, key) for key in ("gaps", "logarithm", "median", "mean", "scale", "unit")}
        facts |= {"missing": self.missing, "beside": self.beside}
        if np.isfinite(self.low):
            facts |= {"low": self.low, "high": self.high}
        return State(facts, {} if self.curve is None else self.curve.arrays())

    @classmethod
    def from_state(cls, name: str, state: State) -> Self:
        """Take back what :meth:`state` gave."""
        encoder = cls(name)
        vars(encoder).update(state.facts)
        encoder.curve = TimeCurve(**state.arrays) if state.arrays else None
        return encoder

    def _is_logarithm(self, given: Doubles) -> bool:
        return bool(len(given) and given.min() >= 0 and _skewness(given) > _LONG_TAIL)

    def _clipped(self, values: Doubles) -> Doubles:
        return np.clip(values, self.low, self.high)

    def _shaped(self, values: Doubles) -> Doubles:
        return np.log1p(np.maximum(values, 0.0) / self.unit) if self.logarithm else values

    def _plain(self, shaped: Doubles) -> Doubles:
        return np.expm1(shaped) * self.unit if self.logarithm else shaped

    def _filled(self, cells: pd.Series, times: pd.Series | None) -> Doubles:
        values = self._shaped(self._clipped(self._values(cells)))
        fill: Any = self.median
        if self.curve is not None and times is not None:
            fill = self.curve.at(days_of(times), self.median)
        return np.where(np.isnan(values), fill, values)

    def _values(self, cells: pd.Series) -> Doubles:
        return np.asarray(cells.astype("Float64").to_numpy(np.float64, na_value=np.nan), dtype=np.float64)


class MoneyEncoder(NumberEncoder):
    """An amount of money: never negative, as ``log(1 + x / unit)``.

    The unit is the median of the amounts above 0 in training, so that cents and yen enter alike.
    """

    kind: ClassVar[str] = "money"

    def _is_logarithm(self, given: Doubles) -> bool:
        positive = given[given > 0]
        self.unit = float(np.median(positive)) if len(positive) else 1.0
        return True


class FlagEncoder(NumberEncoder):
    """Yes or no, as a number of 0 or 1."""

    kind: ClassVar[str] = "flag"


class DateEncoder(NumberEncoder):
    """A day, as days since 1970, and the season as sine and cosine of the day of the year."""

    kind: ClassVar[str] = "date"

    def standard(self, cells: pd.Series, times: pd.Series | None = None) -> Floats:
        """Return float32 ``(n, 3 or 4)``."""
        turn = 2 * np.pi * (np.nan_to_num(self._values(cells)) % 365.2425) / 365.2425
        season = np.column_stack([np.sin(turn), np.cos(turn)]).astype(np.float32)
        return np.hstack([super().standard(cells, times), season])

    @property
    def names(self) -> list[str]:
        """Names of the columns of :meth:`standard`."""
        return [*super().names, f"{self.name} season (sine)", f"{self.name} season (cosine)"]

    def _values(self, cells: pd.Series) -> Doubles:
        return days_of(cells)


def _skewness(values: Doubles) -> float:
    centred = values - values.mean()
    largest = float(np.abs(centred).max())
    if largest <= 0:
        return 0.0
    centred /= largest  # else powers of what is very small or large leave the range of doubles
    return float((centred**3).mean() / np.sqrt((centred**2).mean()) ** 3)
