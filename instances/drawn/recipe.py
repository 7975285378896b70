"""What to draw, and the drawing of any block of it by itself.

Every block of users has a stream of random numbers of its own. So blocks can be drawn in any order, one at a
time, or again at every pass, and always come out the same, whatever the shards they are written to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from couponry.instances.drawn.attained import Attained
from couponry.instances.drawn.behaviour import Menu, draw_measures, draw_shortlists, keep_share, skewed
from couponry.instances.drawn.makers import Maker
from couponry.instances.errors import InputError
from couponry.instances.reference import Reference, draw_reference
from couponry.instances.response import Response
from couponry.instances.rules import Campaign, Rule
from couponry.instances.users import Users

__all__ = ["BLOCK", "Behaviour", "Block", "Recipe", "Stocked", "draw_codes", "users_table", "usual"]

BLOCK = 131_072
"""Users drawn at one time. It is part of what is drawn: with another number, other users come out."""

Codes = Mapping[str, np.ndarray]
Behaviour = Callable[[np.random.Generator, Menu, np.ndarray, Codes, int], dict[str, np.ndarray]]
"""Draws the measures of some users, given their coupons, their groups and how many they are."""
Stocked = Callable[[Attained, pd.DataFrame, np.random.Generator], pd.DataFrame]
"""Adds stock and minimums to the menu, given the reference plan's sums."""


def usual(
    rng: np.random.Generator, menu: Menu, coupon: np.ndarray, codes: Codes, users: int
) -> dict[str, np.ndarray]:
    """Draw heterogeneous users, whose first segment matters."""
    return draw_measures(rng, menu, coupon, next(iter(codes.values()), None), users, skewed)


@dataclass(frozen=True)
class Block:
    """Some users of a drawn instance, with the reference plan for them.

    Attributes
    ----------
    users : Users
    response : Response
    codes : mapping from str to ndarray of int32, each of shape (n,)
        Groups of every segment.
    plan : Reference
    """

    users: Users
    response: Response
    codes: Codes
    plan: Reference


@dataclass(frozen=True)
class Recipe:
    """A drawn instance before it is drawn.

    Attributes
    ----------
    campaign : Campaign
    users, coupons : int
    seed : int
    segments : mapping from str to int
        Segment columns and their numbers of groups.
    covered : float
        Share of users with a coupon in the reference plan.
    makers : tuple of Maker
        One a rule.
    keep : float
        Share of an earlier plan that must stay; 0 for no such rule.
    stocked : callable or None
        Adds stock and minimums to the menu.
    held : ndarray of float64, shape (J,), or None
        Stock that the reference plan keeps to; an instance with it has one block.
    shortlist : int or None
        Places a user; dense without it.
    eligible : float
        Share of pairs that may be given.
    behaviour : callable

    Raises
    ------
    InputError
        If there is stock to keep to in several blocks: each would have to know what the others take.
    """

    campaign: Campaign
    users: int
    coupons: int
    seed: int
    segments: Mapping[str, int]
    covered: float
    makers: tuple[Maker, ...] = ()
    keep: float = 0.0
    stocked: Stocked | None = None
    held: np.ndarray | None = None
    shortlist: int | None = None
    eligible: float = 1.0
    behaviour: Behaviour = usual

    def __post_init__(self) -> None:
        if self.held is not None and self.users > BLOCK:
            raise InputError(
                "stock that the reference plan keeps to needs a single block of users",
                parameter="users",
                value=self.users,
                mend=f"Draw at most {BLOCK:,}, or leave 'held' out",
            )

    @property
    def blocks(self) -> int:
        """Number of blocks."""
        return -(-self.users // BLOCK)

    @cached_property
    def menu(self) -> Menu:
        """The menu, without stock."""
        return Menu.draw(self.coupons, np.random.default_rng([self.seed, 0]))

    def block(self, number: int) -> Block:
        """Draw one block of users; the same number always gives the same users."""
        rng = np.random.default_rng([self.seed, number + 1])
        first = number * BLOCK
        users = min(BLOCK, self.users - first)
        codes = {name: draw_codes(rng, users, count) for name, count in self.segments.items()}
        coupon = None if self.shortlist is None else draw_shortlists(rng, users, self.coupons, self.shortlist)
        places = np.arange(self.coupons)[None, :] if coupon is None else coupon
        measures = self.behaviour(rng, self.menu, places, codes, users)
        keep_share(rng, measures["value"], self.eligible)
        response = Response(measures, coupon)
        plan = draw_reference(
            response,
            codes,
            self.covered,
            stock=np.full(self.coupons, np.inf) if self.held is None else self.held,
            minimum=np.zeros(self.coupons),
        )
        return Block(users_table(codes, self.segments, first, users, self.users), response, codes, plan)

    def drawn(self) -> Iterator[Block]:
        """Draw the blocks one after the other."""
        return map(self.block, range(self.blocks))

    def attained(self) -> Attained:
        """Return sums over the reference plan, of no users yet."""
        return Attained(self.segments, self.coupons)

    def rules(self, plan: Attained) -> tuple[Rule, ...]:
        """Return the rules but for ``keep``, which needs the earlier plan itself."""
        made = [make(plan, self.menu.table) for make in self.makers]
        return tuple(rule for rule in made if rule is not None)

    def stocked_menu(self, plan: Attained) -> pd.DataFrame:
        """Return the menu with its stock."""
        if self.stocked is None:
            return self.menu.table
        # Its stream is that of no block.
        return self.stocked(plan, self.menu.table, np.random.default_rng([self.seed, 0, 1]))


def draw_codes(rng: np.random.Generator, users: int, count: int) -> np.ndarray:
    """Draw groups of unequal sizes, int32 ``(n,)``, all of them present as far as there are users."""
    shares = np.linspace(1.0, 2.0, count)
    codes = rng.choice(count, size=users, p=shares / shares.sum()).astype(np.int32)
    codes[:count] = np.arange(count)[:users]
    return codes


def users_table(codes: Codes, segments: Mapping[str, int], first: int, users: int, of: int) -> Users:
    """Return some users with their segments.

    Parameters
    ----------
    codes : mapping from str to ndarray of int32, each of shape (n,)
    segments : mapping from str to int
        Number of groups of each.
    first, users : int
        The first of them, and how many they are.
    of : int
        Users in all: ids are as wide as the last one needs.
    """
    number = pa.array(np.arange(first, first + users)).cast(pa.string())
    width = max(7, len(str(of - 1)))
    columns = {"user_id": pc.binary_join_element_wise(pa.scalar("u"), pc.utf8_lpad(number, width, "0"), "")}
    for name, code in codes.items():
        labels = pa.array([f"{name}-{group + 1}" for group in range(segments[name])])
        columns[name] = pa.DictionaryArray.from_arrays(pa.array(code), labels)
    return Users(pa.table(columns))
