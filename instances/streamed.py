"""Instances larger than memory: their users are read block by block, again at every pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa

from couponry.instances.ahead import ahead
from couponry.instances.blocks import Block
from couponry.instances.census import OWN_LIMIT, Census, further, own_limits
from couponry.instances.compiler import compile_program, segments_mentioned
from couponry.instances.coupons import Coupons
from couponry.instances.errors import InputError
from couponry.instances.files import read_head
from couponry.instances.frozen import FrozenPairs
from couponry.instances.instance import Instance
from couponry.instances.program import Program
from couponry.instances.response import Response, check_numbers
from couponry.instances.rows import Row
from couponry.instances.rules import Budget, Campaign, Freeze, Keep, Rule, entry_name
from couponry.instances.sampling import Sampler, Stratified, Windows
from couponry.instances.shard_layout import SHORTLIST
from couponry.instances.shards import Part, PartSource, Shards
from couponry.instances.source import Source
from couponry.instances.users import Users

__all__ = ["Reading", "StreamedInstance", "StreamedProgram", "open_instance"]

# Users that samples are drawn from, and what they may take in memory.
_NEAR = 4096  # scattered users are looked up this many positions at a time
MOST_DRAWN, LEAST_DRAWN, DRAWN_SHARE, DRAWN_BYTES = 1_000_000, 300_000, 0.05, 256 << 20


def open_instance(path: str | Path) -> StreamedInstance:
    """Open an instance's directory without loading its users.

    Read are the rules, the menu, the footers of the shards, and of their columns only the segments that rules
    mention and ``max_coupons``: files in columns give those without the numbers.

    Parameters
    ----------
    path : str or Path
        A directory with ``instance.toml``, the menu, and ``users/part-*.parquet``; fsspec URLs are taken too.

    Raises
    ------
    InputError
        If it cannot be used, is a long table, or has a rule that needs all users at one time.
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
    campaign, rules, coupons = read_head(source)
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
        If the parts do not fit each other, or a rule needs all users at one time.
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
        for position, rule in enumerate(self.rules):
            problem = _needs_everybody(rule)
            if problem is not None:
                raise InputError(
                    problem,
                    file=file,
                    row=entry_name(self.rules, position),
                    mend="Leave the rule out, or read the instance whole",
                )

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
        try:
            mini = _one_user_a_class(self)
            compiled = compile_program(mini, self.census.sizes)
        except InputError as error:
            raise error.located(file=self.file) from None
        return StreamedProgram(self.source, self.census, compiled)

    def pieces(self) -> Iterator[Instance]:
        """Read all users with everything that is known of them, as instances of some users each.

        Raises
        ------
        InputError
            If a shard cannot be read, or its users or their numbers cannot be used.
        """
        columns = [*self.source.schema.names, *self.source.lists]
        yield from ahead(self._piece(part) for part in self.source.read(columns))

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

    def _piece(self, part: Part) -> Instance:
        measures = {name: array for name, array in part.lists.items() if name != SHORTLIST}
        try:
            users, response = Users(part.table), Response(measures, part.lists.get(SHORTLIST))
            return Instance(self.coupons, users, response, self.rules, self.campaign)
        except InputError as error:
            raise self.source.placed(further(error, part.first)) from None

    def __repr__(self) -> str:
        return (
            f"StreamedInstance({self.n_users:,} users × {len(self.coupons)} coupons, {len(self.rules)} rules)"
        )


def _needs_everybody(rule: Rule) -> str | None:
    """Return why a rule cannot be kept by reading block by block, or None."""
    if isinstance(rule, Keep | Freeze):
        return f"a {rule.kind} rule needs all users and an earlier plan at one time"
    if isinstance(rule, Budget) and rule.overspend_probability is not None:
        return "a budget at risk needs all users' variances at one time"
    return None


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


@dataclass
class Reading:
    """What was read of a program's users.

    Attributes
    ----------
    users : int
        Users whose numbers were read, once more at every pass.
    watch : callable or None
        Called during a pass with the number of users that it has come to; what it raises ends the pass.
    """

    users: int = 0
    watch: Callable[[int], None] | None = None


class StreamedProgram:
    """The integer program over users that are read block by block.

    It answers what :class:`couponry.instances.program.BlockProgram` asks. Blocks lie at the same users
    whatever the shards, so sums over them come out the same.

    Parameters
    ----------
    source : PartSource
    census : Census
    compiled : Program
        The same rows over one user a class.

    Attributes
    ----------
    n_users, n_classes, n_coupons, places, most_coupons : int
    reading : Reading
        What was read so far, and who is told of it.
    """

    def __init__(self, source: PartSource, census: Census, compiled: Program) -> None:
        self.source, self.census, self._compiled = source, census, compiled
        self._rule_limit = int(compiled.choices.max_coupons[0])
        self._extra: tuple[str, ...] = ()
        self.reading = Reading()
        self._drawn: dict[int, tuple[np.ndarray, Block]] = {}

    # ---------------------------------------------------------------- sizes

    @property
    def objective(self) -> str:
        """The measure that is optimised."""
        return self._compiled.objective

    @property
    def sense(self) -> float:
        """+1 to maximise, −1 to minimise."""
        return self._compiled.sense

    @property
    def rows(self) -> tuple[Row, ...]:
        """The rules in linear form."""
        return self._compiled.rows

    @property
    def money(self) -> float:
        """Most expected cost a user; infinite where there is no cap."""
        return self._compiled.money

    @property
    def conflicts(self) -> np.ndarray:
        """Pairs of coupons that one user cannot have together, bool ``(J, J)``."""
        return self._compiled.conflicts

    @property
    def n_users(self) -> int:
        """Number of users."""
        return self.source.n_users

    @property
    def n_classes(self) -> int:
        """Number of classes, C."""
        return self.census.n_classes

    @property
    def n_coupons(self) -> int:
        """Number of coupons, J."""
        return self._compiled.n_coupons

    @property
    def places(self) -> int:
        """Places in a user's list, S."""
        return self.source.places

    @property
    def most_coupons(self) -> int:
        """Most coupons that any user may have."""
        by_rule = self._rule_limit if self.census.unlimited else 0
        return max(by_rule, min(self.census.most, self.n_coupons))

    @property
    def measures(self) -> tuple[str, ...]:
        """Names of the measures in use, ``count`` last."""
        return self._compiled.measures

    # --------------------------------------------------------------- reading

    @property
    def frozen(self) -> FrozenPairs:
        """Pairs that every plan holds: none."""
        return FrozenPairs()

    def with_measures(self, *names: str) -> StreamedProgram:
        """Return the same program whose blocks hold further measures of the response."""
        other = copy(self)
        other._extra = tuple(name for name in names if name not in self._compiled.columns)
        return other

    def blocks(self, size: int) -> Iterator[Block]:
        """Read all users, ``size`` at a time, in their order.

        Raises
        ------
        InputError
            If an eligible pair has a number that no solve could use, or a shard cannot be read.
        """
        waiting: list[Block] = []
        for block in ahead(self._read()):
            done = 0
            while done < len(block):
                held = sum(map(len, waiting))
                some = slice(done, min(len(block), done + size - held))
                waiting.append(block.take(some, block.first + done))
                done = some.stop
                if held + len(waiting[-1]) == size:
                    yield _whole(waiting)
                    waiting = []
        if waiting:
            yield _whole(waiting)

    def of_block(self, block: Block) -> Program:
        """Return the program of the same rows over the users of a block."""
        return self._compiled.of_block(block)

    def take(self, users: np.ndarray) -> Program:
        """Read some users, given by ascending positions; those drawn before are in memory."""
        for drawn, block in self._drawn.values():
            at = np.minimum(np.searchsorted(drawn, users), len(drawn) - 1)
            if (drawn[at] == users).all():
                return self.of_block(block.take(at))
        return self.of_block(self._gathered(users))

    def sampler(self, seed: int, most: int) -> Sampler:
        """Return what draws samples, out of runs of users that are read once and kept."""
        if seed not in self._drawn:
            each = self.places * sum(np.dtype(self.source.lists[name]).itemsize for name in self._lists)
            held = min(MOST_DRAWN, max(LEAST_DRAWN, int(DRAWN_SHARE * self.n_users)), DRAWN_BYTES // each)
            windows = Windows(self.n_users, max(held, 1), seed)
            self._drawn = {seed: (windows.users, self._gathered(windows.users, windows.ranges))}
        users, block = self._drawn[seed]
        return Stratified(users, block.classes, self.census.sizes, seed)

    def _gathered(self, users: np.ndarray, ranges: Sequence[tuple[int, int]] | None = None) -> Block:
        if ranges is None:
            ranges = [(near * _NEAR, (near + 1) * _NEAR) for near in np.unique(users // _NEAR).tolist()]
        parts = []
        for block in self._read(ranges) if len(users) else ():
            first, last = np.searchsorted(users, [block.first, block.first + len(block)])
            parts.append(block.take(users[first:last] - block.first))
        return Block.joined(parts) if parts else self._compiled.everybody.take(np.empty(0, np.int64))

    @property
    def _lists(self) -> list[str]:
        shortlist = [SHORTLIST] if SHORTLIST in self.source.lists else []
        return [*self._compiled.columns, *self._extra, *shortlist]

    def _read(self, ranges: Sequence[tuple[int, int]] | None = None) -> Iterator[Block]:
        limited = [OWN_LIMIT] if OWN_LIMIT in self.source.schema.names else []
        for part in self.source.read([*self.census.segments, *limited, *self._lists], ranges):
            self.reading.users += len(part)
            yield self._block(part)
            if self.reading.watch is not None:
                self.reading.watch(part.first + len(part))

    def _block(self, part: Part) -> Block:
        coupon = part.lists.get(SHORTLIST)
        columns = {name: array for name, array in part.lists.items() if name != SHORTLIST}
        try:
            check_numbers(columns, coupon, self.n_coupons)
        except InputError as error:
            raise self.source.placed(further(error, part.first)) from None
        limits = np.full(len(part), self._rule_limit, np.int32)
        if OWN_LIMIT in part.table.column_names:
            own = own_limits(self.source, part)
            limits = np.where(own >= 0, np.minimum(own, self.n_coupons), limits).astype(np.int32)
        return Block(part.first, self.census.classes(self.source, part), limits, columns, coupon)


def _whole(parts: list[Block]) -> Block:
    return parts[0] if len(parts) == 1 else Block.joined(parts)
