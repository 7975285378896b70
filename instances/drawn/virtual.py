"""Drawn users without any disk: every pass draws the blocks again, each from its own seed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

import numpy as np
import pyarrow as pa

from couponry.instances.drawn.recipe import BLOCK, Recipe
from couponry.instances.errors import InputError
from couponry.instances.shard_layout import SHORTLIST
from couponry.instances.shards import Part, Ranges

__all__ = ["VirtualShards"]


class VirtualShards:
    """Users that a recipe draws, part by part, again whenever they are read.

    Parameters
    ----------
    recipe : Recipe
    users : int, optional
        Only so many of the first users.
    """

    def __init__(self, recipe: Recipe, users: int | None = None) -> None:
        self.recipe = recipe
        self.n_users = recipe.users if users is None else min(users, recipe.users)

    @cached_property
    def _sample(self) -> Part:
        return self._part(0)

    @property
    def schema(self) -> pa.Schema:
        """Columns that hold one thing a user."""
        return self._sample.table.schema

    @property
    def lists(self) -> Mapping[str, type[np.generic]]:
        """Type of the numbers of every measure, and of ``coupon``."""
        return {name: array.dtype.type for name, array in self._sample.lists.items()}

    @property
    def places(self) -> int:
        """Places in a user's list, S."""
        return int(self._sample.lists["value"].shape[1])

    def placed(self, error: InputError) -> InputError:
        """Return the error as it is: there is no file."""
        return error

    def read(self, columns: Sequence[str], ranges: Ranges | None = None) -> Iterator[Part]:
        """Draw all users, or the blocks in which wanted users stand."""
        for number in range(-(-self.n_users // BLOCK)):
            start, end = number * BLOCK, (number + 1) * BLOCK
            if ranges is None or any(first < end and last > start for first, last in ranges):
                part = self._part(number)
                table = part.table.select([name for name in columns if name not in part.lists])
                yield Part(
                    part.first, table, {name: part.lists[name] for name in columns if name in part.lists}
                )

    def _part(self, number: int) -> Part:
        block = self.recipe.block(number)
        lists = dict(block.response.measures)
        if block.response.coupon is not None:
            lists[SHORTLIST] = block.response.coupon
        first = number * BLOCK
        held = min(len(block.users), self.n_users - first)
        return Part(first, block.users.table.slice(0, held), {name: a[:held] for name, a in lists.items()})
