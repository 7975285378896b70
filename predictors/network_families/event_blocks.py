"""Columns of events as padded blocks beside the dense features, in one matrix of numbers.

Events columns that share one column of ages are one stream: their elements happened together. A block of a
stream is ``length`` ages and, for each of its columns, ``length`` codes, oldest event first; code 0 is
padding, the last code any event that training seldom or never saw.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from couponry.instances.errors import InputError
from couponry.predictors.encoders.events import EventEncoder
from couponry.predictors.encoders.lists import Flat
from couponry.predictors.features import FeatureEncoder

__all__ = ["Blocks", "Stream"]

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Stream:
    """One stream of events.

    Attributes
    ----------
    columns : tuple of str
    ages : str or None
        Column that says how long ago events were; else their distance from the last one counts.
    kinds : tuple of int
        Number of codes of every column, padding and unknown among them.
    """

    columns: tuple[str, ...]
    ages: str | None
    kinds: tuple[int, ...]


@dataclass(frozen=True)
class Blocks:
    """Where what stands in the matrix: dense features first, then one block a stream.

    Attributes
    ----------
    dense : int
        Columns of dense features.
    length : int
        Events kept of every stream, the last ones.
    streams : tuple of Stream
    """

    dense: int
    length: int
    streams: tuple[Stream, ...]

    @classmethod
    def of(cls, features: FeatureEncoder, length: int) -> Self:
        """Read the streams off fitted encoders.

        Raises
        ------
        InputError
            If there is no column of events.
        """
        events = [encoder for encoder in features.encoders_ if isinstance(encoder, EventEncoder)]
        if not events:
            raise InputError(
                "there is no column of events to learn a sequence from",
                mend="Give a feature of lists, or train another model",
            )
        groups: dict[str, list[EventEncoder]] = {}
        for encoder in events:
            groups.setdefault(encoder.ages or f"\0{encoder.name}", []).append(encoder)
        streams = tuple(
            Stream(
                tuple(encoder.name for encoder in group),
                group[0].ages,
                tuple(len(encoder.events) + 2 for encoder in group),
            )
            for group in groups.values()
        )
        return cls(len(features.names), length, streams)

    @property
    def width(self) -> int:
        """Columns of the whole matrix."""
        return self.dense + sum(self.length * (1 + len(stream.columns)) for stream in self.streams)

    def encode(self, features: FeatureEncoder, table: pd.DataFrame) -> Floats:
        """Return dense features and blocks, float32 ``(n, width)``."""
        encoders = {encoder.name: encoder for encoder in features.encoders_}
        parts = [features.encode(table)]
        table = features.schema_.read(table)
        for stream in self.streams:
            own = [encoders[name] for name in stream.columns]
            parts += _block(table, stream, [e for e in own if isinstance(e, EventEncoder)], self.length)
        return np.hstack(parts)

    def to_json(self) -> dict[str, Any]:
        """Return the layout as JSON can hold it."""
        streams = [{"columns": list(s.columns), "ages": s.ages, "kinds": list(s.kinds)} for s in self.streams]
        return {"dense": self.dense, "length": self.length, "streams": streams}

    @classmethod
    def from_json(cls, facts: dict[str, Any]) -> Self:
        """Take back what :meth:`to_json` gave."""
        streams = tuple(Stream(tuple(s["columns"]), s["ages"], tuple(s["kinds"])) for s in facts["streams"])
        return cls(facts["dense"], facts["length"], streams)


def _block(table: pd.DataFrame, stream: Stream, encoders: list[EventEncoder], length: int) -> list[Floats]:
    """Return a stream's ages and codes, each ``(n, length)``."""
    flats = [Flat.of(table[encoder.name]) for encoder in encoders]
    for flat, encoder in zip(flats[1:], encoders[1:], strict=True):
        differing = np.flatnonzero(flat.length != flats[0].length)
        if len(differing):
            raise InputError(
                f"the list is not as long as that of {encoders[0].name!r}, which happened together with it",
                row=int(differing[0]),
                column=encoder.name,
                value=int(flat.length[differing[0]]),
            )
    age = flats[0].steps.astype(np.float64)
    if stream.ages is not None:
        age = np.nan_to_num(Flat.of(table[stream.ages]).numbers(), nan=0.0)
    kept = flats[0].steps < length
    row = flats[0].row[kept]
    first = np.maximum(flats[0].length - length, 0)
    at = (np.arange(len(age)) - np.repeat(np.cumsum(flats[0].length) - flats[0].length, flats[0].length))[
        kept
    ]
    place = at - first[row]
    blocks = [_placed(np.log1p(age[kept] / encoders[0].lately), row, place, len(table), length)]
    for flat, encoder in zip(flats, encoders, strict=True):
        code = flat.codes(encoder.events)
        code = np.where(code < 0, len(encoder.events), code)[kept] + 1
        blocks.append(_placed(code, row, place, len(table), length))
    return blocks


def _placed(
    values: npt.NDArray[Any], row: npt.NDArray[np.int64], place: npt.NDArray[np.int64], rows: int, length: int
) -> Floats:
    block = np.zeros((rows, length), dtype=np.float32)
    block[row, place] = values
    return block
