"""Whose plan is judged: users that are all in memory, or that are read piece by piece."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import pyarrow as pa

from couponry.instances.instance import Instance
from couponry.instances.streamed import StreamedInstance

__all__ = ["Judged", "Piece", "measure_names", "pieces", "places", "segment_tables"]

Judged: TypeAlias = Instance | StreamedInstance
"""An instance, wherever its users are."""


@dataclass(frozen=True)
class Piece:
    """Some users, one after the other, as an instance of their own under the same rules.

    Attributes
    ----------
    instance : Instance
    group : ndarray of int64, shape (b,)
        Group of each of them.
    """

    instance: Instance
    group: np.ndarray


def pieces(instance: Judged) -> Iterator[Instance]:
    """Return all users as instances of some users each: one of them where they are in memory."""
    return iter((instance,)) if isinstance(instance, Instance) else instance.pieces()


def segment_tables(instance: Judged, columns: Sequence[str]) -> Iterator[pa.Table]:
    """Return columns of all users, a piece at a time."""
    if isinstance(instance, Instance):
        yield instance.users.table.select(columns)
    else:
        for part in instance.source.read([*columns] or ["user_id"]):
            yield part.table


def places(instance: Judged) -> int:
    """Return how many places a user has in the response."""
    return instance.response.shape[1] if isinstance(instance, Instance) else instance.source.places


def measure_names(instance: Judged) -> list[str]:
    """Return what is known of every pair."""
    lists = instance.response.measures if isinstance(instance, Instance) else instance.source.lists
    return [name for name in lists if name != "coupon"]
