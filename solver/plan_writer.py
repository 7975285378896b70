"""Write a plan as it is made: who gets what, block by block in the users' order."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from couponry.instances.blocks import Block
from couponry.instances.errors import InputError
from couponry.instances.frozen_parts import FrozenParts
from couponry.instances.parquet_files import parquet_writer
from couponry.instances.shards import PartSource
from couponry.instances.streamed import StreamedInstance
from couponry.instances.users import decoded, missing_id
from couponry.solver.engine import Pairs

__all__ = ["write_choices"]

ROW_GROUP = 131_072
NOBODY = np.empty(0, np.int64)


def write_choices(
    file: Path,
    instance: StreamedInstance,
    taken: Iterator[tuple[Block, np.ndarray]],
    core: np.ndarray = NOBODY,
    pairs: Pairs | None = None,
    frozen: FrozenParts | None = None,
) -> tuple[int, float]:
    """Write ``user_id, coupon_id, value, cost``, one row a given coupon; return how many, and their cost.

    Parameters
    ----------
    file : Path
    instance : StreamedInstance
    taken : iterator of (Block, ndarray of int)
        All users in their order, and the places that each takes, ``(b, k)``, −1 for none.
    core : ndarray of int64, ascending
        Users who take what ``pairs`` says instead.
    pairs : Pairs, optional
        Of users of the core, ascending.
    frozen : FrozenParts, optional
        Pairs of users who take nothing else.

    Raises
    ------
    InputError
        If a user has no id, or a shard cannot be read.
    """
    ids = _Ids(instance.source)
    names = pa.array(instance.coupons.ids, pa.string())
    costs: list[float] = []
    held = None if frozen is None else frozen.plan.reader()
    with _Writer(file, ids.type) as writer:
        for block, places in taken:
            user, place = _pairs_of(block, places, core, pairs)
            own = ids.of(block)
            if frozen is not None and held is not None:
                user, place = _joined((user, place), frozen.of_block(block, own, held))
            coupon = place if block.coupon is None else block.coupon[user, place]
            numbers = {
                name: block.columns[name][user, place].astype(np.float64) for name in ("value", "cost")
            }
            costs.append(math.fsum(numbers["cost"]))
            writer.add(
                {
                    "user_id": own.take(pa.array(user)),
                    "coupon_id": names.take(pa.array(coupon)),
                    **numbers,
                }
            )
    return writer.rows, math.fsum(costs)


def _pairs_of(
    block: Block, places: np.ndarray, core: np.ndarray, pairs: Pairs | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return a block's pairs, by user and then by place; those of core users are taken from ``pairs``."""
    places = places.copy()
    first, last = np.searchsorted(core, [block.first, block.first + len(block)])
    places[core[first:last] - block.first] = -1
    user, slot = np.nonzero(places >= 0)
    place = places[user, slot].astype(np.int64)
    if pairs is not None:
        first, last = np.searchsorted(pairs.user, [block.first, block.first + len(block)])
        user = np.concatenate([user, pairs.user[first:last] - block.first])
        place = np.concatenate([place, pairs.place[first:last]])
    order = np.lexsort((place, user))
    return user[order], place[order]


def _joined(
    one: tuple[np.ndarray, np.ndarray], other: tuple[np.ndarray, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Return pairs of different users of a block, by user and then by place."""
    user, place = (np.concatenate(both) for both in zip(one, other, strict=True))
    order = np.lexsort((place, user))
    return user[order], place[order]


class _Ids:
    """The users' ids, read along with the blocks."""

    def __init__(self, source: PartSource) -> None:
        self._source, self._parts = source, source.read(["user_id"])
        self._held: list[pa.Array] = []
        self._first = self._last = 0
        kind = source.schema.field("user_id").type
        self.type: pa.DataType = kind.value_type if pa.types.is_dictionary(kind) else kind

    def of(self, block: Block) -> pa.Array:
        """Return the ids of a block's users; blocks come one after the other."""
        end = block.first + len(block)
        while self._last < end:
            part = next(self._parts)
            ids = decoded(part.table["user_id"]).cast(self.type)
            row = missing_id(ids)
            if row is not None:
                raise self._source.placed(
                    InputError(
                        "a user has no id",
                        row=part.first + row,
                        column="user_id",
                        mend="Give every user an id",
                    )
                )
            self._held.append(ids)
            self._last += len(ids)
        held = pa.concat_arrays(self._held)
        own = held.slice(block.first - self._first, len(block))
        self._held, self._first = [held.slice(end - self._first)], end
        return own


class _Writer:
    """Gathers rows to row groups."""

    def __init__(self, file: Path, ids: pa.DataType) -> None:
        kinds = {"user_id": ids, "coupon_id": pa.string(), "value": pa.float64(), "cost": pa.float64()}
        self.schema = pa.schema(kinds.items())
        self._file: pq.ParquetWriter = parquet_writer(file, self.schema, use_dictionary=["coupon_id"])
        self._waiting: list[pa.Table] = []
        self._waiting_rows = self.rows = 0

    def __enter__(self) -> _Writer:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self._flush()
        self._file.close()

    def add(self, columns: dict[str, pa.Array | np.ndarray]) -> None:
        """Add rows."""
        table = pa.table(columns, schema=self.schema)
        self.rows += table.num_rows
        self._waiting_rows += table.num_rows
        self._waiting.append(table)
        if self._waiting_rows >= ROW_GROUP:
            self._flush()

    def _flush(self) -> None:
        if self._waiting:
            self._file.write_table(pa.concat_tables(self._waiting))
            self._waiting, self._waiting_rows = [], 0
