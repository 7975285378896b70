"""Instances larger than memory: their users are read block by block, again at every pass."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa

from couponry.instances.ahead import ahead
from couponry.instances.aligned_plan import AlignedPlan, EarlierReader, align, ids_of
from couponry.instances.census import OWN_LIMIT, Census, further
from couponry.instances.choices import freeze_rule
from couponry.instances.compiler import Counted, compile_program, segments_mentioned
from couponry.instances.coupons import Coupons
from couponry.instances.errors import InputError
from couponry.instances.files import read_head
from couponry.instances.frozen_parts import FrozenParts
from couponry.instances.instance import Instance
from couponry.instances.part_blocks import BlockMaker, earlier_of, random_coupons
from couponry.instances.response import Response
from couponry.instances.rules import Campaign, Freeze, Keep, Rule, UserCap, naming
from couponry.instances.shard_layout import SHORTLIST
from couponry.instances.shards import Part, PartSource, Shards
from couponry.instances.source import Source
from couponry.instances.streamed_program import StreamedProgram
from couponry.instances.users import Users

__all__ = ["StreamedInstance", "open_instance"]


def open_instance(path: str | Path) -> StreamedInstance:
    """Open an instance's directory without loading its users.

    Read are the rules, the menu, the footers of the shards, and of their columns only the segments that rules
    mention, ``max_coupons``, and the ids where a rule speaks of an earlier plan: files in columns give those
    without the numbers.

    Parameters
    ----------
    path : str or Path
        A directory with ``instance.toml``, the menu, and ``users/part-*.parquet``; fsspec URLs are taken too.

    Raises
    ------
    InputError
        If it cannot be used, or is a long table.
    """
    source = Source(path)
    if source.suffix == ".toml" and source.is_file():
        source = source.parent
    if not source.is_dir():
        raise InputError(
            "there is no such directory",
            file=str(source),
            mend="Only directories with users/part-*.parquet can be read block by block",
        )
    campaign, rules, coupons = read_head(source, plans=False)
    users = source.child("users")
    if not users.is_dir():
        raise InputError(
            "there are no shards to read block by block",
            file=str(source),
            mend="Write users/part-*.parquet, as cp.write_instance does; a long table is read whole",
        )
    return StreamedInstance(coupons, Shards(users), rules, campaign, str(source.child("instance.toml")))


class StreamedInstance:
    """An instance whose users are read when they are needed.

    Parameters
    ----------
    coupons : Coupons
    source : PartSource
        Gives the users and their responses part by part.
    rules : tuple of Rule
    campaign : Campaign
    file : str, optional
        Where the rules stand, for errors.

    Raises
    ------
    InputError
        If the parts do not fit each other.
    """

    def __init__(
        self,
        coupons: Coupons,
        source: PartSource,
        rules: Sequence[Rule] = (),
        campaign: Campaign | None = None,
        file: str | None = None,
    ) -> None:
        self.coupons, self.source, self.rules = coupons, source, tuple(rules)
        self.campaign = Campaign() if campaign is None else campaign
        self.file = file
        self._aligned: dict[int, AlignedPlan] = {}

    @property
    def n_users(self) -> int:
        """Number of users."""
        return self.source.n_users

    @cached_property
    def census(self) -> Census:
        """Users of every class; counted on first use."""
        names = [field.name for field in self.source.schema]
        known = [name for name in segments_mentioned(self.rules) if name in names]
        return Census.of(self.source, known)

    @cached_property
    def program(self) -> StreamedProgram:
        """The integer program that the rules make.

        Raises
        ------
        InputError
            If a rule names what the instance does not have.
        """
        census = self.census
        try:
            kept, frozen = self.earlier(Keep), self._frozen()
            compiled = compile_program(_one_user_a_class(self), self._counted(kept))
            maker = BlockMaker(
                self.source,
                census,
                self.coupons,
                int(compiled.choices.max_coupons[0]),
                tuple(compiled.columns),
                random_coupons(compiled.rows, len(self.coupons)),
                kept,
                None if frozen is None else frozen.plan,
            )
        except InputError as error:
            raise error.located(file=self.file) from None
        return StreamedProgram(compiled, maker, frozen)

    def earlier(self, kind: type[Keep | Freeze]) -> AlignedPlan | None:
        """Return the earlier plan that the rule of a kind speaks of, laid beside the users; None without one.

        Raises
        ------
        InputError
            If the plan cannot be read, or its rows cannot be found along with the users.
        """
        for position, rule in enumerate(self.rules):
            if isinstance(rule, kind):
                if position not in self._aligned:
                    with naming(self.rules, position):
                        self._aligned[position] = align(rule.plan, self.source)
                return self._aligned[position]
        return None

    def _frozen(self) -> FrozenParts | None:
        if freeze_rule(self.rules) is None:
            return None
        plan = self.earlier(Freeze)
        assert plan is not None
        frozen = FrozenParts(plan, self.rules, self.coupons)
        frozen.refuse_gone()
        return frozen

    def _counted(self, kept: AlignedPlan | None) -> Counted:
        caps = [rule.coupons for rule in self.rules if isinstance(rule, UserCap)]
        by_rule = min(caps, default=1) if self.census.unlimited else 0
        most = min(max(by_rule, self.census.most), len(self.coupons))
        return Counted(self.census.sizes, most, (0, 0) if kept is None else (kept.pairs, kept.users))

    def pieces(self) -> Iterator[Instance]:
        """Read all users with everything that is known of them, as instances of some users each.

        Of an earlier plan each holds the rows that speak of its users.

        Raises
        ------
        InputError
            If a shard cannot be read, or its users or their numbers cannot be used.
        """
        self._frozen()  # refuses users whom no piece has
        columns = [*self.source.schema.names, *self.source.lists]
        readers = {
            position: plan.reader()
            for position, rule in enumerate(self.rules)
            if isinstance(rule, Keep | Freeze) and (plan := self.earlier(type(rule))) is not None
        }
        yield from ahead(self._piece(part, readers) for part in self.source.read(columns))

    def whole(self) -> Instance:
        """Read all users into memory."""
        pieces = list(self.pieces())
        lists = [piece.response.coupon for piece in pieces if piece.response.coupon is not None]
        measures = {
            name: np.concatenate([piece.response.measures[name] for piece in pieces])
            for name in pieces[0].response.measures
        }
        users = Users(pa.concat_tables([piece.users.table for piece in pieces]).unify_dictionaries())
        response = Response(measures, np.concatenate(lists) if lists else None)
        return Instance(self.coupons, users, response, self.rules, self.campaign)

    def _piece(self, part: Part, readers: Mapping[int, EarlierReader]) -> Instance:
        measures = {name: array for name, array in part.lists.items() if name != SHORTLIST}
        rules = list(self.rules)
        for position, reader in readers.items():
            earlier = earlier_of(part, reader)
            ids = ids_of(part).take(pa.array(earlier.user))
            own = pa.table({"user_id": ids, "coupon_id": earlier.coupon})
            rules[position] = rules[position].model_copy(update={"plan": own})
        try:
            users, response = Users(part.table), Response(measures, part.lists.get(SHORTLIST))
            return Instance(self.coupons, users, response, tuple(rules), self.campaign)
        except InputError as error:
            raise self.source.placed(further(error, part.first)) from None

    def __repr__(self) -> str:
        return (
            f"StreamedInstance({self.n_users:,} users × {len(self.coupons)} coupons, {len(self.rules)} rules)"
        )


def _one_user_a_class(instance: StreamedInstance) -> Instance:
    """Return a small instance in which every class has one user: what the rules say is the same."""
    census, source = instance.census, instance.source
    columns: dict[str, pa.Array] = {"user_id": pa.array(np.arange(census.n_classes))}
    for field in source.schema:
        if field.name in census.segments:
            columns[field.name] = pa.array(census.values(field.name))
        elif field.name not in ("user_id", OWN_LIMIT):
            columns[field.name] = pa.nulls(census.n_classes)
    shape = (census.n_classes, source.places)
    measures = {name: np.zeros(shape, kind) for name, kind in source.lists.items() if name != SHORTLIST}
    coupon = None
    if SHORTLIST in source.lists:
        places = np.arange(source.places, dtype=np.int32)
        coupon = np.tile(np.where(places < len(instance.coupons), places, -1), (census.n_classes, 1))
    return Instance(
        instance.coupons,
        Users(pa.table(columns)),
        Response(measures, coupon),
        instance.rules,
        instance.campaign,
    )
