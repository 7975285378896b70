"""The engine on this machine: numba over arrays, block by block, on a few threads."""

from __future__ import annotations

import math
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import TypeVar

import numpy as np

from couponry.instances.blocks import Block
from couponry.instances.program import BlockProgram, Program
from couponry.instances.rows import COUNT
from couponry.solver.block_choice import BlockChooser, Chosen
from couponry.solver.engine import Assigned, Demand, Exchanges, Pairs, Settled
from couponry.solver.exact_sums import ExactTables
from couponry.solver.kernels import choosing, scoring, tallying
from couponry.solver.prices import Tables

__all__ = ["LocalEngine", "share_of_cores"]

# Users whose scores are looked at together: many, since each block costs a dozen calls from Python.
BLOCK = 8192
# Users handed to a thread at a time: sums are made chunk by chunk, so this, too, fixes their order.
CHUNK, LEAST, PARTS = 4 * BLOCK, 4096, 8
# Blocks handed out beyond those at work: enough that no thread waits, few enough that streams stay small.
AHEAD = 3
# Whole numbers of the size of floats.
BITS: dict[np.dtype, type] = {np.dtype(np.float32): np.int32, np.dtype(np.float64): np.int64}
NO_PAIRS = Pairs(np.empty(0, np.int64), np.empty(0, np.int64))
Answer = TypeVar("Answer")


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    """Return the threads that all engines share: starting some for each pass would cost as much as a pass."""
    return ThreadPoolExecutor(threads, thread_name_prefix="couponry")


_own = threading.local()


@contextmanager
def share_of_cores(workers: int) -> Iterator[None]:
    """Let the engines of this thread use its share of the cores while others are at work beside it.

    Each of two with threads for all cores took a quarter longer.
    """
    _own.threads = max(1, (os.cpu_count() or 1) // workers)
    try:
        yield
    finally:
        del _own.threads


class _Sums:
    """What a pass adds up: tables, the total of all scores taken, and the sizes that went into it."""

    def __init__(self, program: BlockProgram) -> None:
        shape = (program.n_classes, program.n_coupons)
        self.tables: Tables = {measure: np.zeros(shape) for measure in program.measures}
        self.parts: list[float] = []
        self.size = 0.0

    @property
    def total(self) -> float:
        """The total, its parts summed with one rounding."""
        return math.fsum(self.parts)

    def add_total(self, found: Chosen, size: float = 0.0) -> None:
        """Add a block's scores taken."""
        self.parts += tallying.best_total(found.score, found.taken)
        self.size += size

    def add(self, other: _Sums) -> None:
        """Add the sums of users that come after these."""
        for measure, table in other.tables.items():
            self.tables[measure] += table
        self.parts += other.parts
        self.size += other.size


class LocalEngine:
    """Answers the engine's questions over a program's users, or over some of them.

    Parameters
    ----------
    program : BlockProgram
    users : ndarray of int, optional
        Only these users; their rows are gathered once. Indices that go in and come out are positions
        within ``users``.
    threads : int, optional
        By default all cores, or this thread's share (:func:`share_of_cores`). The answer does not depend on
        it: blocks are summed in their order.
    """

    def __init__(
        self, program: BlockProgram, users: np.ndarray | None = None, *, threads: int | None = None
    ) -> None:
        self.program = program if users is None else program.take(users)
        self.passes = 0
        self.chooser = BlockChooser(self.program)
        self.threads = threads or getattr(_own, "threads", None) or os.cpu_count() or 1

    @property
    def n_users(self) -> int:
        """Number of users."""
        return self.program.n_users

    @property
    def in_core(self) -> Program:
        """The program, whose users must all be in memory."""
        assert isinstance(self.program, Program)
        return self.program

    @property
    def places(self) -> int:
        """Places in a user's list, S."""
        return self.program.places

    # ------------------------------------------------------------ questions

    def demand(self, scores: Tables, *, with_error: bool = False) -> Demand:
        """Return what all users take."""
        self.passes += 1
        sums, most = _Sums(self.program), _most(scores)

        def one(chunk: Block) -> _Sums:
            own = _Sums(self.program)
            for block in chunk.split(BLOCK):
                found = self.chooser.best(scores, block)
                own.add_total(found, self._size(most, block) if with_error else 0.0)
                self._tally(found, own.tables)
            return own

        for part in self._over_chunks(one):
            sums.add(part)
        return Demand(sums.total, sums.tables, self._units(scores) * sums.size)

    def settle(self, scores: Tables, radius: Tables, *, with_pairs: bool = False) -> Settled:
        """Fix who can be fixed while the tables move by at most ``radius``; hand back the others.

        A user is settled if the best set stays best when its own members score as badly, and all other
        coupons as well, as the box allows.
        """
        self.passes += 1
        exact, size = ExactTables.of(self.program), 0.0
        far = {m: np.abs(scores.get(m, 0.0)) + radius.get(m, 0.0) for m in {*scores, *radius}}
        unit, most = self._units(far), _most(far)
        undecided: list[np.ndarray] = []
        gathered: list[Block] = []
        settled: list[Pairs] = []

        def one(chunk: Block) -> tuple[ExactTables, float, list[tuple[np.ndarray, Block, Pairs]]]:
            own, size, parts = ExactTables.of(self.program), 0.0, []
            for block in chunk.split(BLOCK):
                found = self.chooser.best(scores, block)
                sizes = _user_sizes(most, block)
                size += float(sizes.sum())
                moved = self.chooser.add_up(radius, block, sizes=True)
                choosing.challenge(found.score, moved, 4 * unit * sizes, found.taken)
                open_users = np.empty(len(block), bool)
                choosing.differ(found.taken, self.chooser.choose(found.score, block), open_users)
                found.taken[open_users] = -1
                self._tally_exactly(found, own)
                rows = np.flatnonzero(open_users)
                pairs = self._pairs(found).packed() if with_pairs else NO_PAIRS
                parts.append((block.first + rows, block.take(rows), pairs))
            return own, size, parts

        for own, part, parts in self._over_chunks(one):
            exact.add(own)
            size += part
            for users, block, pairs in parts:
                undecided.append(users)
                gathered.append(block)
                settled.append(pairs)
        return Settled(
            exact,
            np.concatenate(undecided),
            self.program.of_block(Block.joined(gathered)),
            scores,
            radius,
            2 * unit * self.chooser.most * size * (1 + 1e-9),
            _joined(settled) if with_pairs else None,
        )

    def assign(self, scores: Tables, core: np.ndarray, *, with_pairs: bool = True) -> Assigned:
        """Return what all users but those in ``core`` take, with exact sums; and the total of all.

        The total and its error are those of :meth:`demand`: one pass proves the bound and makes the plan.
        Without pairs nothing is held whose size grows with the users.
        """
        self.passes += 1
        core = np.sort(core)
        sums, exact = _Sums(self.program), ExactTables.of(self.program)
        most = _most(scores)
        taken: list[Pairs] = []

        def one(chunk: Block) -> tuple[_Sums, ExactTables, list[Pairs]]:
            own, held, parts = _Sums(self.program), ExactTables.of(self.program), []
            for block in chunk.split(BLOCK):
                found = self.chooser.best(scores, block)
                own.add_total(found, self._size(most, block))
                found.taken[_inside(core, block)] = -1
                self._tally_exactly(found, held)
                if with_pairs:
                    parts.append(self._pairs(found))
            return own, held, parts

        for own, held, parts in self._over_chunks(one):
            sums.add(own)
            exact.add(held)
            taken += parts
        return Assigned(_joined(taken), exact, sums.total, self._units(scores) * sums.size)

    def taken(self, scores: Tables) -> Iterator[tuple[Block, np.ndarray]]:
        """Yield all users in their order, and the places that each likes best, ``(b, k)``, −1 for none."""
        self.passes += 1

        def one(chunk: Block) -> tuple[Block, np.ndarray]:
            found = [self.chooser.best(scores, block).taken for block in chunk.split(BLOCK)]
            return chunk, np.concatenate(found)

        yield from self._over_chunks(one)

    def exchanges(self, scores: Tables, width: float) -> tuple[Demand, Exchanges]:
        """Return what all users take, and the changes by one place that lose less than ``width``."""
        self.passes += 1
        sums = _Sums(self.program)
        near: list[Exchanges] = []

        def one(chunk: Block) -> tuple[_Sums, list[Exchanges]]:
            own, parts = _Sums(self.program), []
            for block in chunk.split(BLOCK):
                found = self.chooser.best(scores, block)
                own.add_total(found)
                self._tally(found, own.tables)
                parts.append(self.chooser.near(found, width))
            return own, parts

        for own, parts in self._over_chunks(one):
            sums.add(own)
            near += parts
        return Demand(sums.total, sums.tables), Exchanges.joined(near)

    def exchanges_from(
        self,
        scores: Tables,
        chosen: np.ndarray | None,
        width: float,
        only: tuple[np.ndarray, np.ndarray] | None = None,
    ) -> Exchanges:
        """Return the changes of given choices that lose less than ``width``.

        Parameters
        ----------
        scores : Tables
        chosen : ndarray of bool, shape (n, S), or None
            By default what is best for each.
        width : float
        only : tuple of two ndarrays of bool, shape (C, J), optional
            Only changes by which one of the former enters, or one of the latter leaves.
        """

        def one(block: Block) -> Exchanges:
            if chosen is None:
                return self.chooser.near(self.chooser.best(scores, block), width, only)
            taken = np.full((len(block), self.chooser.most), -1, np.int32)
            user, place = np.nonzero(chosen[block.first : block.first + len(block)])
            slot = np.arange(len(user)) - np.searchsorted(user, user)
            taken[user, slot] = place
            return self.chooser.near(Chosen(block, self.chooser.add_up(scores, block), taken), width, only)

        return Exchanges.joined(list(self._over_blocks(one)))

    def choices(self, scores: Tables) -> tuple[np.ndarray, np.ndarray]:
        """Return every user's best set, bool ``(n, S)``, and its reduced value ``(n,)``."""
        parts = list(self._over_blocks(lambda block: self.chooser.best(scores, block)))
        return np.concatenate([p.mask for p in parts]), np.concatenate([p.worth for p in parts])

    def margins(self, scores: Tables) -> np.ndarray:
        """Return by how much each user's best choice beats the next best one, float64 ``(n,)``."""
        self.passes += 1

        def one(block: Block) -> np.ndarray:
            return np.asarray(
                self.chooser.losses(self.chooser.best(scores, block)).min(axis=1, initial=np.inf)
            )

        return np.concatenate(list(self._over_blocks(one)))

    def options(self, scores: Tables, most: float | np.ndarray) -> np.ndarray:
        """Return the pairs that a user's best choice has, or could have at a loss of at most ``most``.

        Returns
        -------
        ndarray of bool, shape (n, S)
        """
        limit = np.broadcast_to(np.asarray(most, np.float64), (self.n_users,))

        def one(block: Block) -> np.ndarray:
            found = self.chooser.best(scores, block)
            own = limit[block.first : block.first + len(block), None]
            return np.asarray(found.mask | (self.chooser.losses(found) <= own))

        return np.concatenate(list(self._over_blocks(one)))

    def scores(self, scores: Tables) -> np.ndarray:
        """Return the reduced value of every pair, float64 ``(n, S)``; −inf where not eligible."""
        parts = list(self._over_blocks(lambda block: self.chooser.add_up(scores, block)))
        return _with_infinities(np.concatenate(parts))

    def spread(self, radius: Tables) -> np.ndarray:
        """Return how far each pair's reduced value can move, float64 ``(n, S)``; −inf where not eligible."""
        parts = list(self._over_blocks(lambda block: self.chooser.add_up(radius, block, sizes=True)))
        return _with_infinities(np.concatenate(parts))

    # --------------------------------------------------------------- blocks

    def _over_chunks(self, one: Callable[[Block], Answer]) -> Iterator[Answer]:
        """Answer chunk by chunk, in their order, a few at a time."""
        # Of few users chunks are smaller, so that every thread has some; their size knows of no threads.
        size = min(CHUNK, LEAST * max(1, math.ceil(self.n_users / (PARTS * LEAST))))
        if self.threads == 1 or self.n_users <= size:
            yield from map(one, self.program.blocks(size))
            return
        pool = _pool(self.threads)
        waiting: deque[Future[Answer]] = deque()
        try:
            for chunk in self.program.blocks(size):
                waiting.append(pool.submit(one, chunk))
                if len(waiting) >= self.threads * AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for left in waiting:
                left.cancel()

    def _over_blocks(self, one: Callable[[Block], Answer]) -> Iterator[Answer]:
        for answers in self._over_chunks(lambda chunk: [one(block) for block in chunk.split(BLOCK)]):
            yield from answers

    def _units(self, scores: Tables) -> float:
        """Return how much of Σ|T m| a reduced value may be off by.

        Each reduced value is a sum of M products: its error is below (M + 1) ε Σ|T m| (Higham 2002,
        section 3.1, 10.1137/1.9780898718027). A user's best is off by no more than all of them together.
        """
        return float((len(scores) + 2 + self.places) * np.finfo(np.float64).eps)

    def _size(self, most: Tables, block: Block) -> float:
        """Return Σ over users of how much |T m| their coupons can come to."""
        return float(_user_sizes(most, block).sum()) * self.chooser.most * (1 + 1e-9)

    def _tally(self, found: Chosen, tables: Tables) -> None:
        """Add what is taken to the tables."""
        block = found.block
        dense = block.coupon is None
        for measure, table in tables.items():
            if measure == COUNT:
                tallying.tally_count(found.taken, block.classes, found.coupon, dense, table)
            else:
                column = block.columns[measure]
                tallying.tally(found.taken, column, block.classes, found.coupon, dense, table)

    def _pairs(self, found: Chosen) -> Pairs:
        """Return what is taken, by user and then by place."""
        user, place = np.empty((2, found.taken.size), np.int64)
        n = tallying.list_pairs(found.taken, found.block.first, user, place)
        return Pairs(user[:n].copy(), place[:n].copy())  # a view would hold all that was made room for

    def _tally_exactly(self, found: Chosen, sums: ExactTables) -> None:
        block, dense = found.block, found.block.coupon is None
        tallying.tally_count(found.taken, block.classes, found.coupon, dense, sums.high[COUNT])
        for measure, column in block.columns.items():
            high, low = sums.high[measure], sums.low[measure]
            tallying.tally_exactly(found.taken, column, block.classes, found.coupon, dense, high, low)


def _most(tables: Tables) -> Tables:
    """Return the largest |T| of each class, measure → ``(C,)``."""
    return {measure: np.abs(table).max(axis=1) for measure, table in tables.items()}


def _user_sizes(most: Tables, block: Block) -> np.ndarray:
    """Return Σ_m max|T_m|·max|m| for each user: no reduced value of a pair adds up larger terms, ``(b,)``."""
    sizes = most[COUNT][block.classes] if COUNT in most else np.zeros(len(block))
    value = block.columns["value"]
    for measure, column in block.columns.items():
        if measure in most:
            sizes += most[measure][block.classes] * _largest(column, value)
    return sizes


def _largest(measure: np.ndarray, value: np.ndarray) -> np.ndarray:
    """Return the largest |measure| of each user's eligible pairs, ``(b,)``."""
    numbers = measure if measure.dtype in BITS else measure.astype(np.float32)  # marks of kept pairs
    bits: np.ndarray = numbers.view(BITS[numbers.dtype])
    whole: np.ndarray = value.view(BITS[value.dtype])
    largest = np.empty(len(bits), bits.dtype)
    infinite = np.array(np.inf, value.dtype).view(whole.dtype)[()]
    scoring.largest_bits(bits, whole, bits.dtype.type(np.iinfo(bits.dtype).max), infinite, largest)
    return largest.view(numbers.dtype)


def _joined(parts: list[Pairs]) -> Pairs:
    """Return the pairs of several blocks."""
    parts = parts or [NO_PAIRS]
    return Pairs(np.concatenate([p.user for p in parts]), np.concatenate([p.place for p in parts]))


def _inside(core: np.ndarray, block: Block) -> np.ndarray:
    """Return which rows of a block stand in a core, ascending positions among all users."""
    first, last = np.searchsorted(core, [block.first, block.first + len(block)])
    return np.asarray(core[first:last] - block.first)


def _with_infinities(score: np.ndarray) -> np.ndarray:
    """Return scores with −inf where a pair is not eligible."""
    return np.asarray(np.where(np.isnan(score), -np.inf, score))
