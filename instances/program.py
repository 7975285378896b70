"""The integer program of an instance: rows, classes, and what each user may choose."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sized
from dataclasses import dataclass, field, replace
from typing import Protocol, Self

import numpy as np

from couponry.instances.blocks import Block
from couponry.instances.choices import Choices
from couponry.instances.frozen import FrozenPairs
from couponry.instances.rows import COUNT, Classes, Row
from couponry.instances.sampling import Sampler, Shuffled, Stratified

__all__ = ["BlockProgram", "Program"]

# A sample's classes have their share among all: so many times as many users are drawn for it.
SPARE = 1.3


@dataclass(frozen=True)
class Program:
    """The integer program of an instance.

    Attributes
    ----------
    objective : str
        The measure that is optimised.
    sense : float
        +1 to maximise, −1 to minimise.
    rows : tuple of Row
    classes : Classes
    choices : Choices
    columns : mapping from str to ndarray, each of shape (n, S)
        The measures that the objective, the rows and the money cap use, without ``count``; always with
        ``value``, whose NaNs say what is not eligible.
    coupon : ndarray of int32, shape (n, S), or None
        As in :class:`couponry.instances.Response`.
    n_coupons : int
    frozen : FrozenPairs
        Pairs that every plan holds. Their users may get nothing more: ``choices`` gives them no coupon.
    """

    objective: str
    sense: float
    rows: tuple[Row, ...]
    classes: Classes
    choices: Choices
    columns: Mapping[str, np.ndarray]
    coupon: np.ndarray | None
    n_coupons: int
    frozen: FrozenPairs = field(default_factory=FrozenPairs)

    @property
    def n_users(self) -> int:
        """Number of users."""
        return len(self.classes.codes)

    @property
    def n_classes(self) -> int:
        """Number of classes, C."""
        return len(self.classes.sizes)

    @property
    def measures(self) -> tuple[str, ...]:
        """Names of the measures in use, ``count`` last."""
        return (*self.columns, COUNT)

    @property
    def places(self) -> int:
        """Places in a user's list, S."""
        return int(self.columns["value"].shape[1])

    @property
    def most_coupons(self) -> int:
        """Most coupons that any user may have."""
        return int(self.choices.max_coupons.max(initial=0))

    @property
    def money(self) -> float:
        """Most expected cost a user; infinite where there is no cap."""
        return self.choices.money

    @property
    def conflicts(self) -> np.ndarray:
        """Pairs of coupons that one user cannot have together, bool ``(J, J)``."""
        return self.choices.conflicts

    @property
    def everybody(self) -> Block:
        """All users as one block; nothing is copied."""
        return Block(0, self.classes.codes, self.choices.max_coupons, dict(self.columns), self.coupon)

    def with_rows(self, rows: tuple[Row, ...]) -> Self:
        """Return the program of the same users under other rows."""
        return replace(self, rows=rows)

    def blocks(self, size: int) -> Iterator[Block]:
        """Return the users ``size`` at a time, in their order."""
        return self.everybody.split(size)

    def of_block(self, block: Block) -> Program:
        """Return the program of the same rows over the users of a block; frozen pairs are not among them."""
        return replace(
            self,
            classes=Classes(block.classes, self.classes.table, self.classes.sizes),
            choices=replace(self.choices, max_coupons=block.max_coupons),
            columns=block.columns,
            coupon=block.coupon,
            frozen=FrozenPairs(),
        )

    def take(self, users: np.ndarray) -> Program:
        """Return the program of the same rows over some users, whose numbers are copied."""
        return self.of_block(self.everybody.take(users))

    def frozen_pairs(self) -> Iterator[tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]]:
        """Return the pairs that every plan holds: classes, coupons and measures, float64 ``(F,)`` each."""
        user, place = self.frozen.user, self.frozen.place
        coupon = place if self.coupon is None else self.coupon[user, place]
        yield (
            self.classes.codes[user],
            coupon,
            {m: a[user, place].astype(np.float64) for m, a in self.columns.items()},
        )

    def sampler(self, seed: int, most: int) -> Sampler:
        """Return what draws samples of up to ``most`` users."""
        held = min(self.n_users, int(SPARE * most))
        users = Shuffled(self.n_users, held, seed).users(held)
        codes = self.classes.codes
        return Stratified(users, codes[users], np.bincount(codes, minlength=self.n_classes), seed)


class BlockProgram(Protocol):
    """What solving asks of a program: never all users at one time.

    A :class:`Program` is one; another reads its users block by block.
    """

    @property
    def objective(self) -> str:
        """The measure that is optimised."""
        ...

    @property
    def sense(self) -> float:
        """+1 to maximise, −1 to minimise."""
        ...

    @property
    def rows(self) -> tuple[Row, ...]:
        """The rules in linear form."""
        ...

    @property
    def money(self) -> float:
        """Most expected cost a user; infinite where there is no cap."""
        ...

    @property
    def conflicts(self) -> np.ndarray:
        """Pairs of coupons that one user cannot have together, bool ``(J, J)``."""
        ...

    @property
    def n_users(self) -> int:
        """Number of users."""
        ...

    @property
    def n_classes(self) -> int:
        """Number of classes, C."""
        ...

    @property
    def n_coupons(self) -> int:
        """Number of coupons, J."""
        ...

    @property
    def places(self) -> int:
        """Places in a user's list, S."""
        ...

    @property
    def most_coupons(self) -> int:
        """Most coupons that any user may have."""
        ...

    @property
    def measures(self) -> tuple[str, ...]:
        """Names of the measures in use, ``count`` last."""
        ...

    def with_rows(self, rows: tuple[Row, ...]) -> Self:
        """Return the program of the same users under other rows, which speak of no further measure."""
        ...

    def blocks(self, size: int) -> Iterator[Block]:
        """Return the users ``size`` at a time, in their order."""
        ...

    def of_block(self, block: Block) -> Program:
        """Return the program of the same rows over the users of a block."""
        ...

    def take(self, users: np.ndarray) -> Program:
        """Return the program of the same rows over some users."""
        ...

    @property
    def frozen(self) -> Sized:
        """Pairs that every plan holds."""
        ...

    def frozen_pairs(self) -> Iterator[tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]]:
        """Return these pairs, some users at a time: classes, coupons and measures, float64."""
        ...

    def sampler(self, seed: int, most: int) -> Sampler:
        """Return what draws samples of up to ``most`` users."""
        ...
