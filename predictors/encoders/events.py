"""Sequences of events: how many, of which kinds, and how many lately."""

from __future__ import annotations

from collections import Counter
from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from couponry.instances.errors import InputError
from couponry.predictors.encoders.lists import Flat, some_rows
from couponry.predictors.state import State

__all__ = ["EventEncoder", "are_ages_of"]

Floats = npt.NDArray[np.float32]

_LATELY = 0.25


class EventEncoder:
    """Counts and recency of a list of events, oldest first.

    ``log(1 + length)`` of the list; for each of the most frequent kinds of event ``log(1 + count)`` and
    ``log(1 + Σ exp(−age / τ))``, the number seen lately. τ is a quarter of the median age. Ages come from a
    column of lists beside this one, or else are the number of events since.

    Parameters
    ----------
    name : str
    ages : str, optional
        Column that says how long ago each event was.
    most : int
        Kinds of event that are told apart, most frequent first.
    """

    kind: ClassVar[str] = "events"
    categorical: ClassVar[bool] = False

    def __init__(self, name: str, ages: str | None = None, most: int = 32) -> None:
        self.name = name
        self.ages = ages
        self.most = most

    def fit(self, cells: pd.Series, ages: pd.Series | None = None) -> Self:
        """Learn the kinds of event and the scale of their columns, on at most 100,000 rows."""
        cells, ages = some_rows(cells, ages)
        flat = Flat.of(cells)
        counts = Counter(map(str, flat.values))
        self.events = [event for event, _ in sorted(counts.items(), key=lambda p: (-p[1], p[0]))[: self.most]]
        age = self._age(flat, ages)
        self.lately = max(_LATELY * float(np.median(age)), 1e-6) if len(age) else 1.0
        plain = self.raw(cells, ages)
        spread = plain.std(axis=0)
        self.mean = plain.mean(axis=0)
        self.scale = np.where(spread > 0, spread, 1.0).astype(np.float32)
        return self

    def raw(self, cells: pd.Series, ages: pd.Series | None = None) -> Floats:
        """Return float32 ``(n, 1 + 2 kinds)``."""
        flat = Flat.of(cells)
        age = self._age(flat, ages)
        code = flat.codes(self.events)
        known = code >= 0
        kinds = len(self.events)
        cell = flat.row[known] * kinds + code[known]
        size = len(flat.length) * kinds
        count = np.bincount(cell, minlength=size).reshape(-1, kinds)
        lately = np.bincount(cell, np.exp(-age[known] / self.lately), minlength=size).reshape(-1, kinds)
        return np.log1p(np.column_stack([flat.length, count, lately])).astype(np.float32)

    def standard(self, cells: pd.Series, ages: pd.Series | None = None) -> Floats:
        """Return the columns of :meth:`raw` with zero mean and unit spread, clipped at ±5."""
        return np.asarray(np.clip((self.raw(cells, ages) - self.mean) / self.scale, -5, 5), dtype=np.float32)

    def _age(self, flat: Flat, ages: pd.Series | None) -> npt.NDArray[np.float64]:
        if ages is None:
            return flat.steps.astype(np.float64)
        beside = Flat.of(ages)
        differing = np.flatnonzero(beside.length != flat.length)
        if len(differing):
            row = int(differing[0])
            raise InputError(
                f"the list has {flat.length[row]} events but {self.ages!r} {beside.length[row]} ages",
                row=row,
                column=self.name,
                mend="Give one age an event",
            )
        return np.nan_to_num(beside.numbers(), nan=np.inf)

    @property
    def beside(self) -> str | None:
        """The column that is read beside this one."""
        return self.ages

    @property
    def names(self) -> list[str]:
        """Names of the columns of both layouts."""
        counts = [f"{self.name} count of {event}" for event in self.events]
        return [f"{self.name} length", *counts, *(f"{self.name} lately {event}" for event in self.events)]

    def state(self) -> State:
        """Return what was learnt."""
        facts = {"events": self.events, "ages": self.ages, "lately": self.lately}
        return State(facts, {"mean": self.mean, "scale": self.scale})

    @classmethod
    def from_state(cls, name: str, state: State) -> Self:
        """Take back what :meth:`state` gave."""
        encoder = cls(name)
        vars(encoder).update(state.facts)
        vars(encoder).update(state.arrays)
        return encoder


def are_ages_of(series: pd.Series, events: pd.Series) -> bool:
    """Tell whether lists of numbers say how long ago events were: as long, never negative, never rising."""
    some, beside = some_rows(series, events)
    ages, flat = Flat.of(some), Flat.of(() if beside is None else beside)
    if not len(ages.values) or not np.array_equal(ages.length, flat.length):
        return False
    age, row = ages.numbers(), ages.row
    falls = (np.diff(age) <= 0) | (np.diff(row) > 0)
    return bool((age >= 0).all() and falls.all())
