"""Frozen pairs of users who are read part by part: found again where they are needed, never all held."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from couponry.instances.aligned_plan import AlignedPlan, Earlier, EarlierReader, ids_of
from couponry.instances.blocks import Block
from couponry.instances.census import OWN_LIMIT
from couponry.instances.choices import choices_of
from couponry.instances.coupons import Coupons
from couponry.instances.errors import InputError
from couponry.instances.frozen import frozen_pairs
from couponry.instances.instance import Instance
from couponry.instances.part_blocks import BlockMaker, earlier_of
from couponry.instances.response import Response
from couponry.instances.rules import Exclusion, Freeze, Rule, UserCap, naming
from couponry.instances.shard_layout import SHORTLIST
from couponry.instances.shards import Part
from couponry.instances.users import Users

__all__ = ["FrozenParts"]


@dataclass(frozen=True)
class FrozenParts:
    """The pairs of a freeze rule's plan.

    Attributes
    ----------
    plan : AlignedPlan
    rules : tuple of Rule
        Of the instance: what one user may be given, and the freeze rule for errors.
    menu : Coupons
    """

    plan: AlignedPlan
    rules: tuple[Rule, ...]
    menu: Coupons

    def __len__(self) -> int:
        return self.plan.pairs

    def refuse_gone(self) -> None:
        """Refuse a plan with users whom the instance lacks.

        Raises
        ------
        InputError
        """
        if self.plan.gone.num_rows:
            with self._naming():
                raise InputError(
                    "a user of the frozen plan is not among the users",
                    column="user_id",
                    value=self.plan.gone["user_id"][0].as_py(),
                    mend="Add the user, or leave the pair out of the frozen plan",
                )

    def pairs(
        self, maker: BlockMaker, tell: Callable[[Part], None]
    ) -> Iterator[tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]]:
        """Read the users who are frozen; yield their pairs' classes, coupons and measures, float64.

        ``tell`` is called with every part that is read.

        Raises
        ------
        InputError
            As :func:`couponry.instances.frozen.frozen_pairs` does, or if a shard cannot be read.
        """
        columns = list(dict.fromkeys(["user_id", *maker.columns, "cost"]))
        reader, block_of = self.plan.reader(), maker.one_pass()
        for part in maker.source.read(columns, self.plan.ranges):
            earlier = earlier_of(part, reader)
            if len(earlier.user):
                user, place = self._checked(part, earlier)
                block = block_of(part)
                coupon = place if block.coupon is None else block.coupon[user, place]
                numbers = {m: a[user, place].astype(np.float64) for m, a in block.columns.items()}
                yield block.classes[user], coupon, numbers
            tell(part)

    def of_block(self, block: Block, ids: pa.Array, reader: EarlierReader) -> tuple[np.ndarray, np.ndarray]:
        """Return the frozen pairs of a block: users' rows in it, ascending, and places in their lists."""
        earlier = reader(block.first, len(block), ids)
        user, coupon = earlier.user, earlier.positions(self.menu.ids)
        if block.coupon is None:
            return user, coupon
        return user, np.asarray((block.coupon[user] == coupon[:, None]).argmax(axis=1))

    def _checked(self, part: Part, earlier: Earlier) -> tuple[np.ndarray, np.ndarray]:
        """Return rows and places of a part's frozen pairs, once they are found to be what a user may have."""
        users, ids = np.unique(earlier.user), ids_of(part)
        plain = [name for name in ("user_id", OWN_LIMIT) if name in part.table.column_names]
        lists = {name: array[users] for name, array in part.lists.items()}
        coupon = lists.pop(SHORTLIST, None)
        own = tuple(rule for rule in self.rules if isinstance(rule, UserCap | Exclusion))
        few = Instance(
            self.menu,
            Users(part.table.select(plain).take(pa.array(users))),
            Response(lists, coupon),
            own,
        )
        given = pa.table({"user_id": ids.take(pa.array(earlier.user)), "coupon_id": earlier.coupon})
        with self._naming():
            found = frozen_pairs(few, given, choices_of(few))
        return users[found.user], found.place

    def _naming(self) -> AbstractContextManager[None]:
        position = next(i for i, rule in enumerate(self.rules) if isinstance(rule, Freeze))
        return naming(self.rules, position)
