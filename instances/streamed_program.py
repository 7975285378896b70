"""The program of users who are read block by block, again at every pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from couponry.instances.ahead import ahead
from couponry.instances.blocks import Block
from couponry.instances.frozen import FrozenPairs
from couponry.instances.frozen_parts import FrozenParts
from couponry.instances.part_blocks import BlockMaker
from couponry.instances.program import Program
from couponry.instances.rows import Row
from couponry.instances.sampling import Sampler, Stratified, Windows
from couponry.instances.shards import Part

__all__ = ["Reading", "StreamedProgram"]

# Users that samples are drawn from, and what they may take in memory.
_NEAR = 4096  # scattered users are looked up this many positions at a time
MOST_DRAWN, LEAST_DRAWN, DRAWN_SHARE, DRAWN_BYTES = 1_000_000, 300_000, 0.05, 256 << 20


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
    compiled : Program
        The same rows over one user a class.
    maker : BlockMaker
        Makes blocks of what is read.
    frozen : FrozenParts or FrozenPairs
        Pairs that every plan holds.

    Attributes
    ----------
    n_users, n_classes, n_coupons, places, most_coupons : int
    reading : Reading
        What was read so far, and who is told of it.
    """

    def __init__(
        self, compiled: Program, maker: BlockMaker, frozen: FrozenParts | FrozenPairs | None = None
    ) -> None:
        self.source, self.census = maker.source, maker.census
        self._compiled, self._maker = compiled, maker
        self.frozen: FrozenParts | FrozenPairs = FrozenPairs() if frozen is None else frozen
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
        by_rule = self._maker.limit if self.census.unlimited else 0
        return max(by_rule, min(self.census.most, self.n_coupons))

    @property
    def measures(self) -> tuple[str, ...]:
        """Names of the measures in use, ``count`` last."""
        return self._compiled.measures

    # --------------------------------------------------------------- reading

    def frozen_pairs(self) -> Iterator[tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]]:
        """Read the pairs that every plan holds, some users at a time: classes, coupons and measures."""
        if not isinstance(self.frozen, FrozenParts):
            return iter(())
        return self.frozen.pairs(self._maker, self._note)

    def with_rows(self, rows: tuple[Row, ...]) -> Self:
        """Return the program of the same users under other rows, which speak of no further measure."""
        other = copy(self)
        other._compiled = self._compiled.with_rows(rows)
        return other

    def with_measures(self, *names: str) -> Self:
        """Return the same program whose blocks hold further measures of the response."""
        other = copy(self)
        other._maker = replace(self._maker, measures=tuple(dict.fromkeys([*self._maker.measures, *names])))
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
            room = DRAWN_BYTES // self._maker.bytes_a_user
            held = min(MOST_DRAWN, max(LEAST_DRAWN, int(DRAWN_SHARE * self.n_users)), room)
            windows = Windows(self.n_users, max(held, 1), seed)
            self._drawn.clear()  # shared by programs of other rows
            self._drawn[seed] = windows.users, self._gathered(windows.users, windows.ranges)
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

    def _read(self, ranges: Sequence[tuple[int, int]] | None = None) -> Iterator[Block]:
        block_of = self._maker.one_pass()
        for part in self.source.read(self._maker.columns, ranges):
            yield block_of(part)
            self._note(part)

    def _note(self, part: Part) -> None:
        """Count a part that was read, and tell of it."""
        self.reading.users += len(part)
        if self.reading.watch is not None:
            self.reading.watch(part.first + len(part))


def _whole(parts: list[Block]) -> Block:
    return parts[0] if len(parts) == 1 else Block.joined(parts)
