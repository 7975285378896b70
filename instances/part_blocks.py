"""From a part, as it is read, to a block: classes, limits, and measures that are worked out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np

from couponry.instances.aligned_plan import AlignedPlan, Earlier, EarlierReader, ids_of
from couponry.instances.blocks import Block
from couponry.instances.census import OWN_LIMIT, Census, further, own_limits
from couponry.instances.coupons import Coupons
from couponry.instances.errors import InputError
from couponry.instances.kept import changed_marks, kept_marks
from couponry.instances.response import check_numbers
from couponry.instances.risk import most_at_risk, variance_of, variance_source
from couponry.instances.rows import CHANGED, COST_VARIANCE, KEPT, Row
from couponry.instances.shard_layout import SHORTLIST
from couponry.instances.shards import Part, PartSource

__all__ = ["BlockMaker", "earlier_of", "random_coupons"]

_MARKS = {KEPT: kept_marks, CHANGED: changed_marks}


@dataclass(frozen=True)
class BlockMaker:
    """Makes blocks of the parts of a source.

    Attributes
    ----------
    source : PartSource
    census : Census
    menu : Coupons
    limit : int
        Most coupons of a user without a limit of their own.
    measures : tuple of str
        Those that blocks hold, without ``count``, ``value`` first.
    random : ndarray of bool, shape (J,)
        Coupons whose costs are random to some budget.
    kept, frozen : AlignedPlan or None
        Earlier plans: of the keep rule, and of the freeze rule, whose users have no choice left.
    """

    source: PartSource
    census: Census
    menu: Coupons
    limit: int
    measures: tuple[str, ...]
    random: np.ndarray
    kept: AlignedPlan | None = None
    frozen: AlignedPlan | None = None
    most: np.ndarray = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "most", most_at_risk(self.menu, self.random, self.source.lists))

    @property
    def lists(self) -> list[str]:
        """Lists to read."""
        wanted = dict.fromkeys(name for name in self.measures if not self._made(name))
        if self._made(COST_VARIANCE) and COST_VARIANCE in self.measures:
            wanted[variance_source(self.source.lists)] = None
        return [*wanted, *([SHORTLIST] if SHORTLIST in self.source.lists else [])]

    @property
    def columns(self) -> list[str]:
        """All columns to read."""
        limited = [OWN_LIMIT] if OWN_LIMIT in self.source.schema.names else []
        ids = any(plan is not None and plan.needs_ids for plan in (self.kept, self.frozen))
        return list(dict.fromkeys([*["user_id"] * ids, *self.census.segments, *limited, *self.lists]))

    @property
    def bytes_a_user(self) -> int:
        """What the numbers of one user take in a block."""
        made: dict[str, type[np.generic]] = {KEPT: np.int8, CHANGED: np.int8, COST_VARIANCE: np.float64}
        kinds = {**self.source.lists, **{name: kind for name, kind in made.items() if self._made(name)}}
        held = [*self.measures, *([SHORTLIST] if SHORTLIST in self.source.lists else [])]
        return self.source.places * sum(np.dtype(kinds[name]).itemsize for name in held)

    def _made(self, name: str) -> bool:
        """Whether a measure is worked out rather than read."""
        return name in _MARKS or (name == COST_VARIANCE and bool(self.random.any()))

    def one_pass(self) -> Callable[[Part], Block]:
        """Return what makes blocks of parts that come one after the other."""
        kept, frozen = (None if plan is None else plan.reader() for plan in (self.kept, self.frozen))
        return lambda part: self._block(part, kept, frozen)

    def _block(self, part: Part, kept: EarlierReader | None, frozen: EarlierReader | None) -> Block:
        coupon = part.lists.get(SHORTLIST)
        lists = {name: array for name, array in part.lists.items() if name != SHORTLIST}
        try:
            check_numbers(lists, coupon, len(self.menu))
        except InputError as error:
            raise self.source.placed(further(error, part.first)) from None
        columns = {name: lists[name] for name in self.measures if not self._made(name)}
        if COST_VARIANCE in self.measures and COST_VARIANCE not in columns:
            columns[COST_VARIANCE] = self._variance(part, lists, coupon)
        if kept is not None:
            earlier = earlier_of(part, kept)
            at = earlier.user, earlier.positions(self.menu.ids)
            shape = lists["value"].shape
            columns |= {n: marks(shape, coupon, *at) for n, marks in _MARKS.items() if n in self.measures}
        limits = np.full(len(part), self.limit, np.int32)
        if OWN_LIMIT in part.table.column_names:
            own = own_limits(self.source, part)
            limits = np.where(own >= 0, np.minimum(own, len(self.menu)), limits).astype(np.int32)
        if frozen is not None:
            limits[earlier_of(part, frozen).user] = 0
        classes = self.census.classes(self.source, part)
        return Block(part.first, classes, limits, {n: columns[n] for n in self.measures}, coupon)

    def _variance(self, part: Part, lists: dict[str, np.ndarray], coupon: np.ndarray | None) -> np.ndarray:
        wrong: list[int] = []

        def who(row: int) -> str:
            wrong.append(row)
            return "a user"

        try:
            return variance_of(lists, coupon, self.random, self.most, who)
        except InputError as error:
            raise self.source.placed(error.moved(file=None, row=part.first + wrong[0])) from None


def earlier_of(part: Part, reader: EarlierReader) -> Earlier:
    """Return an earlier plan's pairs of a part's users."""
    ids = ids_of(part) if "user_id" in part.table.column_names else None
    return reader(part.first, len(part), ids)


def random_coupons(rows: Iterable[Row], coupons: int) -> np.ndarray:
    """Return which coupons' costs are random to some row at risk, bool ``(J,)``."""
    chosen = np.zeros(coupons, dtype=bool)
    for row in rows:
        if row.risk is not None:
            chosen |= row.risk.variance.coupons > 0
    return chosen
