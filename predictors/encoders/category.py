"""Categories: one slot a frequent label, one for all that are rare or were never seen, one for gaps."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from couponry.instances.errors import InputError, did_you_mean
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
    missing : str
        ``"indicator"``: gaps have a slot of their own. Else they count as the most frequent label.
    unseen : {"other", "missing", "refuse"}
        What a label that training never saw is taken for: a rare one, a gap, or an error.
    """

    kind: ClassVar[str] = "category"
    categorical: ClassVar[bool] = True
    beside: ClassVar[str | None] = None

    def __init__(
        self,
        name: str,
        most: int = 64,
        least_rows: int = 10,
        missing: str = "indicator",
        unseen: str = "other",
    ) -> None:
        self.name = name
        self.most = most
        self.least_rows = least_rows
        self.missing = missing
        self.unseen = unseen
        self.seen: list[str] = []

    def fit(self, cells: pd.Series, beside: pd.Series | None = None) -> Self:
        """Learn the labels that get a slot."""
        counts = cells.value_counts()
        counts = counts[counts > 0]
        counts = counts.groupby(_labels(pd.Series(counts.index)).to_numpy()).sum()
        ordered = sorted(counts[counts >= self.least_rows].items(), key=lambda pair: (-pair[1], str(pair[0])))
        self.labels = [str(label) for label, _ in ordered[: self.most]]
        self.seen = sorted(map(str, counts.index)) if self.unseen != "other" else []
        return self

    def codes(self, cells: pd.Series) -> npt.NDArray[np.int64]:
        """Return the slot of every cell: a label's, ``len(labels)`` for another label, one more for a gap."""
        found, values = pd.factorize(cells)  # few labels, many cells: what a label is, is asked once
        labels = _labels(pd.Series(values))
        slots = pd.Index(self.labels, dtype=object).get_indexer(pd.Index(labels, dtype=object))
        slots = np.append(np.where(slots < 0, len(self.labels), slots), len(self.labels))
        gaps = np.append(labels.isna().to_numpy(), True)
        if self.unseen != "other":
            gaps[:-1] |= self._unseen(labels, gaps[:-1], found)
        slots[gaps] = len(self.labels) + 1 if self.missing == "indicator" else 0
        return np.asarray(slots[found], dtype=np.int64)

    def _unseen(
        self, labels: pd.Series, gap: npt.NDArray[np.bool_], found: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.bool_]:
        unseen = ~gap & (pd.Index(self.seen, dtype=object).get_indexer(pd.Index(labels, dtype=object)) < 0)
        if self.unseen == "refuse" and unseen.any():
            row = int(np.flatnonzero(np.append(unseen, False)[found])[0])
            label = labels.iloc[found[row]]
            raise InputError(
                "training never saw this category",
                row=row,
                column=self.name,
                value=label,
                mend=f"{did_you_mean(label, self.seen)}. Or train with unseen = 'other'",
            )
        return unseen

    def standard(self, cells: pd.Series, beside: pd.Series | None = None) -> Floats:
        """Return float32 ``(n, labels + 1 or 2)`` of zeros and ones."""
        return np.eye(len(self.names), dtype=np.float32)[self.codes(cells)]

    def raw(self, cells: pd.Series, beside: pd.Series | None = None) -> Floats:
        """Return the codes as float32 ``(n, 1)`` with NaN for gaps."""
        codes = self.codes(cells).astype(np.float32)
        return np.where(codes > len(self.labels), np.float32(np.nan), codes)[:, None]

    @property
    def names(self) -> list[str]:
        """Names of the columns of :meth:`standard`."""
        others = ["(other)", "(missing)"] if self.missing == "indicator" else ["(other)"]
        return [f"{self.name} = {label}" for label in [*self.labels, *others]]

    def state(self) -> State:
        """Return what was learnt."""
        return State({key: getattr(self, key) for key in ("labels", "missing", "unseen", "seen")})

    @classmethod
    def from_state(cls, name: str, state: State) -> Self:
        """Take back what :meth:`state` gave."""
        encoder = cls(name)
        vars(encoder).update(state.facts)
        return encoder


def _labels(cells: pd.Series) -> pd.Series:
    """Return the cells as strings, gaps kept; 3.0 and 3 are one label."""
    return cells.astype(object).map(_label, na_action="ignore").astype(object).where(~cells.isna(), None)


def _label(value: Any) -> str:
    whole = isinstance(value, float | np.floating) and float(value).is_integer()
    return str(int(value)) if whole else str(value)
