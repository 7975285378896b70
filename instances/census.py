"""How many users there are of each class, counted in one reading of the segment columns alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pyarrow as pa

from couponry.instances.errors import InputError
from couponry.instances.rows import numbered
from couponry.instances.shards import Part, PartSource
from couponry.instances.users import Users, encode, in_order

__all__ = ["OWN_LIMIT", "Census", "further", "own_limits"]

OWN_LIMIT = "max_coupons"


@dataclass(frozen=True)
class Census:
    """Classes of users: the distinct combinations of some segment columns.

    Attributes
    ----------
    segments : tuple of str
    labels : tuple of tuple
        Values of each segment, sorted.
    members : ndarray of int64, shape (C, number of segments)
        Position in ``labels`` of each class's values; classes ascend.
    sizes : ndarray of int64, shape (C,)
    most : int
        Largest ``max_coupons`` of a user; −1 where no user has a limit of their own.
    unlimited : bool
        Whether some users have no limit of their own.
    """

    segments: tuple[str, ...]
    labels: tuple[tuple[object, ...], ...]
    members: np.ndarray
    sizes: np.ndarray
    most: int
    unlimited: bool

    @classmethod
    def of(cls, source: PartSource, segments: Sequence[str]) -> Census:
        """Count the users of every class.

        Parquet is columnar: this reads the segment columns and ``max_coupons``, and none of the numbers.

        Raises
        ------
        InputError
            If a user has no value in one of the segments, or a limit that is no whole number of at least 0.
        """
        limited = OWN_LIMIT in source.schema.names
        known: list[dict[object, int]] = [{} for _ in segments]
        counts: Counter[tuple[int, ...]] = Counter()
        most, unlimited = -1, not limited
        columns = [*segments, *([OWN_LIMIT] if limited else [])]
        if not columns:
            counts[()] = source.n_users
        for part in source.read(columns) if columns else ():
            for members, size in _combinations(source, part, segments, known):
                counts[members] += size
            if limited:
                own = own_limits(source, part)
                most, unlimited = max(most, int(own.max(initial=-1))), unlimited or bool((own < 0).any())
        return cls._sorted(tuple(segments), known, counts, most, unlimited)

    @classmethod
    def _sorted(
        cls,
        segments: tuple[str, ...],
        known: list[dict[object, int]],
        counts: Counter[tuple[int, ...]],
        most: int,
        unlimited: bool,
    ) -> Census:
        """Number values and classes in their order instead of that in which they were met."""
        found = np.array(list(counts), dtype=np.int64).reshape(len(counts), len(segments))
        sizes = np.array(list(counts.values()), dtype=np.int64)
        labels = []
        for position, codes in enumerate(known):
            rank, values = in_order(list(codes))
            found[:, position] = rank[found[:, position]]
            labels.append(values)
        order = np.lexsort(found.T[::-1]) if segments else np.arange(len(found))
        return cls(segments, tuple(labels), found[order], sizes[order], most, unlimited)

    def scaled(self, users: int) -> Census:
        """Return about the census of so many users of whom those counted are a sample."""
        sizes = np.maximum(1, np.round(self.sizes * (users / self.sizes.sum()))).astype(np.int64)
        return replace(self, sizes=sizes)

    @property
    def n_classes(self) -> int:
        """Number of classes, C."""
        return len(self.sizes)

    def values(self, segment: str) -> list[object]:
        """Return every class's value in a segment."""
        position = self.segments.index(segment)
        return [self.labels[position][code] for code in self.members[:, position]]

    @cached_property
    def _positions(self) -> list[dict[object, int]]:
        return [{value: code for code, value in enumerate(labels)} for labels in self.labels]

    @cached_property
    def _levels(self) -> list[np.ndarray]:
        """For each segment, the combinations of it and those before, as ``former · labels + own``."""
        levels, former = [], np.zeros(self.n_classes, np.int64)
        for position, labels in enumerate(self.labels):
            combined = former * len(labels) + self.members[:, position]
            level, former = np.unique(combined, return_inverse=True)
            levels.append(level)
        return levels

    def classes(self, source: PartSource, part: Part) -> np.ndarray:
        """Return the class of every user of a part, int32 ``(b,)``.

        Raises
        ------
        InputError
            If a user has no value, or one that nobody had when users were counted.
        """
        codes = np.zeros(len(part), np.int64)
        for position, (name, level) in enumerate(zip(self.segments, self._levels, strict=True)):
            own, values = _encoded(source, part, name)
            there = np.array([self._positions[position].get(value, -1) for value in values], np.int64)[own]
            codes = codes * len(self.labels[position]) + there
            found = np.minimum(np.searchsorted(level, codes), len(level) - 1)
            unknown = np.flatnonzero((level[found] != codes) | (there < 0))
            if len(unknown):
                raise source.placed(
                    InputError(
                        "users have changed since they were counted",
                        row=part.first + int(unknown[0]),
                        column=name,
                        value=values[own[unknown[0]]],
                        mend="Leave the shards as they are until the work is done",
                    )
                )
            codes = found
        return codes.astype(np.int32)


def own_limits(source: PartSource, part: Part) -> np.ndarray:
    """Return ``max_coupons`` of a part's users, int32 ``(b,)``; −1 where there is none.

    Raises
    ------
    InputError
        If one is no whole number of at least 0.
    """
    table = pa.table({"user_id": np.arange(len(part)), OWN_LIMIT: part.table[OWN_LIMIT]})
    try:
        limits = Users(table).max_coupons
    except InputError as error:
        raise source.placed(further(error, part.first)) from None
    assert limits is not None
    return limits


def _combinations(
    source: PartSource, part: Part, segments: Sequence[str], known: list[dict[object, int]]
) -> Iterator[tuple[tuple[int, ...], int]]:
    """Yield the combinations of values in a part, numbered as they were met, and how often they occur."""
    codes = np.zeros(len(part), np.int32)
    columns = np.zeros((1, 0), np.int64)
    for position, name in enumerate(segments):
        own, values = _encoded(source, part, name)
        met = np.array(
            [known[position].setdefault(value, len(known[position])) for value in values], np.int64
        )
        codes, found = numbered(codes.astype(np.int64) * len(values) + own, len(columns) * len(values))
        columns = np.column_stack([columns[found // len(values)], met[found % len(values)]])
    sizes = np.bincount(codes, minlength=len(columns))
    for members, size in zip(columns.tolist(), sizes.tolist(), strict=True):
        yield tuple(members), size


def _encoded(source: PartSource, part: Part, name: str) -> tuple[np.ndarray, list[object]]:
    try:
        return encode(name, part.table[name])
    except InputError as error:
        raise source.placed(further(error, part.first)) from None


def further(error: InputError, first: int) -> InputError:
    """Return an error about a row of a part as one about a row of all."""
    return error.moved(file=None, row=first + error.row) if isinstance(error.row, int) else error
