"""Instances larger than memory: their users are read block by block, again at every pass."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa

from couponry.instances.ahead import ahead
from couponry.instances.census import OWN_LIMIT, Census, further
from couponry.instances.compiler import compile_program, segments_mentioned
from couponry.instances.coupons import Coupons
from couponry.instances.errors import InputError
from couponry.instances.files import read_head
from couponry.instances.instance import Instance
from couponry.instances.response import Response
from couponry.instances.rules import Budget, Campaign, Freeze, Keep, Rule, entry_name
from couponry.instances.shard_layout import SHORTLIST
from couponry.instances.shards import Part, PartSource, Shards
from couponry.instances.source import Source
from couponry.instances.streamed_program import StreamedProgram
from couponry.instances.users import Users

__all__ = ["StreamedInstance", "open_instance"]


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
