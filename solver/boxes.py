"""Minimise the dual exactly: a linear program over those whom a box of prices leaves undecided.

A pass over the data at prices λ inside a box settles, for good, every user whose choice no price in the box
can change; on the others the dual is minimised exactly (:mod:`couponry.solver.master`). A minimiser inside
the box is the global one, since L is convex; at the edge the box moves there and the pass is repeated. It is
how small instances are solved, and how limits are found at which a price is a given one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from couponry.instances.program import BlockProgram, Program
from couponry.solver.clock import Clock
from couponry.solver.engine import Settled
from couponry.solver.farkas import prove_by_prices
from couponry.solver.local import LocalEngine
from couponry.solver.master import Box, CoreAnswer, Master
from couponry.solver.prices import PriceBook, Tables
from couponry.solver.scale import RowScale

__all__ = ["BoxSearch", "DualAnswer"]

FIRST_SAMPLE = 1500
GROWTH = 8
# Undecided users that are gathered out of a pass over everybody, and that one linear program takes.
MOST_UNDECIDED = (40_000, 4_000)
MOVES = 60
STALE = 3
# A sample is a few tenths of a percent from the whole: no need to know its minimum better than this.
SAMPLE_PRECISION = 1e-5
NARROW = 0.25
SANE = 30.0
# Prices this many times their natural size are a reason to look whether there is a plan at all.
SUSPICIOUS = 2.0


@dataclass(frozen=True)
class DualAnswer:
    """Where the search ended.

    Attributes
    ----------
    multipliers : ndarray of float64, shape (K,)
        The best λ found.
    settled_at : ndarray of float64, shape (K,)
        The λ whose choices the settled users keep: the middle of the innermost box.
    core : CoreAnswer
        The undecided users of the last box.
    settled : Tables
        What the settled users take.
    inside : bool
        Whether the minimiser lay inside its box: then it is the global one.
    broken : ndarray of float64, shape (K,)
        By how much each row is broken even at the largest price allowed.
    proof : ndarray of float64, shape (K,), or None
        Multipliers that prove that no plan exists, where prices ran so far that this was looked at.
    people : Program or None
        The program over the core's users, where a pass has gathered it already.
    near : Settled or None
        Whom the last pass settled, in a box that may hold the minimiser.
    """

    multipliers: np.ndarray
    settled_at: np.ndarray
    core: CoreAnswer
    settled: Tables
    inside: bool
    broken: np.ndarray
    proof: np.ndarray | None = None
    people: Program | None = None
    near: Settled | None = None


@dataclass(frozen=True)
class _People:
    """Those over whom L is minimised at one depth of the search.

    ``engine`` answers for them, ``users`` are their rows in the program (None: all), ``settled`` is what
    others take whatever the price, ``share`` says which part of the population they and the others are.
    """

    engine: LocalEngine
    users: np.ndarray | None
    settled: Tables
    share: float
    depth: int = 0


def within(limits: Box, lower: np.ndarray, upper: np.ndarray) -> Box:
    """Return the part of a box that lies within limits."""
    return Box(np.clip(lower, limits.lower, limits.upper), np.clip(upper, limits.lower, limits.upper))


def edges(broken: np.ndarray, box: Box, limits: Box) -> np.ndarray:
    """Return which rows are broken at an edge of the box that is not an edge of the limits, bool ``(K,)``."""
    movable = np.where(broken > 0, box.upper < limits.upper, box.lower > limits.lower)
    return np.asarray((broken != 0) & movable)


def next_radius(
    radius: np.ndarray, moved: np.ndarray, at_edge: np.ndarray, scale: RowScale, reach: np.ndarray
) -> np.ndarray:
    """Widen a box where the minimiser lay at its edge, and narrow it where it hardly moved.

    Only so many users can be left undecided: what one row does not need, another can have.
    """
    wider = 2 * np.maximum(radius, 1e-3 * scale.price)
    narrower = np.clip(2 * moved, NARROW * radius, radius)
    return np.asarray(np.minimum(np.where(at_edge, wider, narrower), reach))


class BoxSearch:
    """Search for the minimiser of L in boxes.

    Parameters
    ----------
    program : BlockProgram
    book : PriceBook
    engine : LocalEngine
        Over the whole program.
    scale : RowScale
    reach : ndarray of float64, shape (K,)
        Largest size allowed for each multiplier.
    clock : Clock
    seed : int
        Of the samples.
    elastic : bool
        Rows are meant to be broken at the largest price: do not look whether there is a plan.
    """

    def __init__(
        self,
        program: BlockProgram,
        book: PriceBook,
        engine: LocalEngine,
        scale: RowScale,
        reach: np.ndarray,
        clock: Clock,
        seed: int = 0,
        elastic: bool = False,
    ) -> None:
        self.program, self.book, self.engine, self.scale = program, book, engine, scale
        self.reach, self.clock, self.seed, self.elastic = reach, clock, seed, elastic

    def run(self, start: np.ndarray | None = None, relative_radius: float = 0.2) -> DualAnswer:
        """Minimise L over all users.

        Parameters
        ----------
        start : ndarray, shape (K,), optional
            Multipliers to start from, such as those of a former solve; else samples are solved first.
        relative_radius : float
            How far from the start the minimiser may be expected.
        """
        n = self.program.n_users
        sampler = self.program.sampler(self.seed, n)
        multipliers = (
            np.zeros(self.book.n_rows) if start is None else self.book.clip(np.asarray(start, float))
        )
        radius = self._radius(multipliers, relative_radius)
        limits = self._limits(self.reach)
        # A sample may hold too few of some users to keep their rules: its prices must not run away.
        sane = self._limits(
            np.minimum(self.reach, np.maximum(SANE * self.scale.price, 3 * np.abs(multipliers)))
        )
        # A start takes the place of the first sample; the later ones tell how far it is from this instance.
        size = FIRST_SAMPLE if start is None else FIRST_SAMPLE * GROWTH
        if n <= 2 * FIRST_SAMPLE:
            size, radius = n, radius if start is not None else self.reach.copy()
        while size < n:
            users = sampler.users(size)
            first = size == FIRST_SAMPLE and start is None
            # A sample may break a row that all together can keep: let it, at a price that is still sane.
            wide = np.minimum(self.reach, 3 * self.scale.price) if first else radius
            sample = _People(LocalEngine(self.program, users), users, {}, size / n)
            answer = self._search(sample, multipliers, wide, sane, precision=SAMPLE_PRECISION)
            if answer.proof is not None:
                return answer
            multipliers = answer.multipliers
            radius = self._radius(multipliers, 3 / math.sqrt(size))
            size = min(n, size * GROWTH)
            if self.clock.stopped_by is not None:
                break
        return self._search(_People(self.engine, None, {}, 1.0), multipliers, radius, limits)

    def _limits(self, reach: np.ndarray) -> Box:
        return Box(self.book.clip(-reach), self.book.clip(reach))

    def _radius(self, multipliers: np.ndarray, relative: float) -> np.ndarray:
        return np.asarray(np.minimum(relative * (np.abs(multipliers) + 0.3 * self.scale.price), self.reach))

    def _search(
        self,
        people: _People,
        multipliers: np.ndarray,
        radius: np.ndarray,
        limits: Box,
        *,
        precision: float = 0.0,
    ) -> DualAnswer:
        """Minimise L within limits, moving the box until the minimiser lies inside it or at the limits.

        Too many undecided users for one linear program are searched in turn, within the box.
        """
        last, stale = math.inf, 0
        for move in range(MOVES):
            undecided, settled, radius = self._settle(people, multipliers, radius)
            box = within(limits, multipliers - radius, multipliers + radius)
            answer = self._minimise(people, undecided, settled, multipliers, radius, box, precision)
            at_edge = edges(answer.broken, box, limits)
            answer = replace(
                answer,
                inside=answer.inside and not at_edge.any(),
                broken=np.where(at_edge, 0.0, answer.broken),
            )
            value = answer.core.value
            if people.depth == 0:
                self._tell(people.share, move, value, len(undecided))
                if at_edge.any() and not self.elastic:
                    answer = replace(answer, proof=self._prove(answer.multipliers, multipliers))
                if answer.proof is not None:
                    break
            stale = stale + 1 if value >= last - 1e-9 * max(abs(last), self.scale.objective) else 0
            if not at_edge.any() or stale >= STALE or self.clock.stopped_by is not None:
                break
            if last - value <= precision * abs(value):
                break
            last = value
            radius = next_radius(
                radius, np.abs(answer.multipliers - multipliers), at_edge, self.scale, self.reach
            )
            multipliers = answer.multipliers
        return answer

    def _minimise(
        self,
        people: _People,
        undecided: np.ndarray,
        settled: Tables,
        multipliers: np.ndarray,
        radius: np.ndarray,
        box: Box,
        precision: float,
    ) -> DualAnswer:
        """Minimise L over a box in which all but some of the people are settled."""
        rows = undecided if people.users is None else people.users[undecided]
        taken = {m: table + people.settled[m] for m, table in settled.items()} if people.settled else settled
        if people.depth + 1 < len(MOST_UNDECIDED) and len(rows) > MOST_UNDECIDED[-1]:
            core_people = _People(
                LocalEngine(self.program, rows), rows, taken, people.share, people.depth + 1
            )
            return self._search(core_people, multipliers, radius, box, precision=precision)
        master = Master(self.program, self.book, rows, taken, people.share, self.scale, self.clock)
        core = master.minimise(multipliers, box, self.book.radius(radius))
        return DualAnswer(core.multipliers, multipliers, core, taken, True, core.broken)

    def _prove(self, multipliers: np.ndarray, before: np.ndarray) -> np.ndarray | None:
        """Look whether there is a plan at all: where prices run away, their last step points to the proof."""
        if not (np.abs(multipliers) > SUSPICIOUS * self.scale.price).any():
            return None
        return prove_by_prices(self.engine, self.book, self.book.clip(multipliers - before), seed=self.seed)

    def _settle(
        self, people: _People, multipliers: np.ndarray, radius: np.ndarray
    ) -> tuple[np.ndarray, Tables, np.ndarray]:
        """Settle within a box, shrunk until few enough users are left undecided."""
        most = MOST_UNDECIDED[people.depth]
        scores = self.book.scores(multipliers)
        answer = people.engine.settle(scores, self.book.radius(radius))
        while len(answer.undecided) > most:
            smaller = radius * max(0.02, 0.7 * most / len(answer.undecided))
            closer = people.engine.settle(scores, self.book.radius(smaller))
            # Users who are exactly alike stay undecided in any box: then a small box only costs moves.
            if len(closer.undecided) > 0.9 * len(answer.undecided):
                break
            answer, radius = closer, smaller
        return answer.undecided, answer.tables, radius

    def _tell(self, share: float, move: int, value: float, undecided: int) -> None:
        where = f"sample of {share:.1%}" if share < 1 else "all users"
        self.clock.tell(
            "prices",
            move + 1,
            None,
            f"{where}, bound {self.program.sense * value / share:,.6g}, {undecided:,} undecided",
        )
