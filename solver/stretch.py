"""A stretch of budgets on which most users never change their mind.

Between two budgets prices move a little, and few users notice. One pass over everybody settles all whose
choice no price of the stretch can change; what they take is a constant. Each budget is then solved on the
others alone, and yet proven for everybody: at any prices within the stretch, L is the others' part and a
constant times the prices.

Where the stretch lies is seen on a sample, whose prices are corrected by what they were off by at the last
budget that was solved on everybody. Within it, prices go straight on from the last two budgets until a row
becomes scarce or plentiful: that is told by the sample, whose prices turn there too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from couponry.instances.program import Program
from couponry.instances.rows import Row
from couponry.solver.clock import Clock
from couponry.solver.dual import SAMPLE_PRECISION, WARM_WIDTH, DualAnswer, DualSearch
from couponry.solver.engine import Assigned, Settled
from couponry.solver.exact_sums import ExactTables
from couponry.solver.exchange_search import ExchangeSearch
from couponry.solver.guesses import Guess, Guesses
from couponry.solver.local import LocalEngine
from couponry.solver.newton import Newton, NewtonAnswer
from couponry.solver.open_users import OpenUsers
from couponry.solver.priced import REACH, PricedSearch
from couponry.solver.prices import PriceBook, Tables
from couponry.solver.radius import table_radius
from couponry.solver.result import relative_gap
from couponry.solver.scale import RowScale

__all__ = ["Budgets", "Priced", "Stretches"]

# A stretch that leaves more users open than this is cut in two.
MOST_OPEN = 0.33
# Users who show where a stretch lies.
SAMPLE = 50_000
FIRST_LENGTH, LONGEST = 10, 64
DEVIATIONS = 3.0
# A sample's error hardly changes from budget to budget: what of it may come anew within a stretch.
ERROR_OF_STRETCH = 0.2
# Budgets of a run, whose prices may be off by some more than the next one's.
RUN, RUN_FURTHER = 4, 2.0
# Room beyond where the sample's prices were seen; how much further than it went before a path may go, and how
# far it may turn aside.
ROOM, FURTHER, ERROR_OF_PATH = 1.1, 1.2, 0.5


@dataclass(frozen=True)
class Priced:
    """One budget's bound and plan; values in the direction ``sense · objective``.

    Attributes
    ----------
    multipliers : ndarray, shape (K,)
    proven : float
        What they prove.
    bound : float
        The same, or less where limits are whole numbers or a search was closed.
    sums : ExactTables
        Of the plan.
    """

    multipliers: np.ndarray
    proven: float
    bound: float
    sums: ExactTables


@dataclass(frozen=True)
class _Stretch:
    """Where it lies, and who was settled for it.

    Attributes
    ----------
    first, last : int
        Its budgets; ``last`` is one of them.
    prices : list of ndarray, shape (K,)
        The sample's, one a budget.
    error : Tables
        How far prices of the sample are from everybody's.
    everybody : Settled
    """

    first: int
    last: int
    prices: Sequence[np.ndarray]
    error: Tables
    everybody: Settled


@dataclass(frozen=True)
class _Run:
    """A few budgets of a stretch, ``first`` to ``last``, and who is settled for them."""

    first: int
    last: int
    everybody: Settled


class Stretches:
    """What all budgets of a program share.

    Parameters
    ----------
    program : Program
    scale : RowScale
    gap : float
    seed : int
    rows : function
        From a budget's amount to the program's rows, which differ in their limits alone.
    """

    def __init__(
        self,
        program: Program,
        scale: RowScale,
        gap: float,
        seed: int,
        rows: Callable[[float], tuple[Row, ...]],
    ) -> None:
        self.program, self.scale, self.gap, self.seed, self.rows = program, scale, gap, seed, rows
        self.engine = LocalEngine(program)
        self.book = PriceBook(program)
        # What books of other limits share is of all users, not of those whom a stretch leaves open.
        _ = self.book.basis, self.book.grain
        size = min(SAMPLE, program.n_users // 3)
        users = program.sampler(seed, size).users(size)
        self.share = len(users) / program.n_users
        self.sample = LocalEngine(program.take(users))

    def limited(self, amount: float) -> PriceBook:
        """Return the rows under another amount."""
        return self.book.with_limits(replace(self.program, rows=self.rows(amount)))


class Budgets:
    """Solves for one budget after the other, ascending.

    Parameters
    ----------
    shared : Stretches
    amounts : sequence of float
        The budgets.
    clock : Clock
    """

    def __init__(self, shared: Stretches, amounts: Sequence[float], clock: Clock) -> None:
        self.shared, self.amounts, self.clock = shared, amounts, clock
        self.gap, self.seed, self.scale = shared.gap, shared.seed, shared.scale
        self.engine, self.sample = shared.engine, shared.sample
        self.stretch: _Stretch | None = None
        self.run: _Run | None = None
        self.length = FIRST_LENGTH
        self.guesses = Guesses()
        self.slope: np.ndarray | None = None

    # ------------------------------------------------------------ prices

    def known(self, at: int, multipliers: np.ndarray) -> None:
        """Take note of everybody's prices at a budget, found elsewhere."""
        width = WARM_WIDTH * self.scale.objective
        own = self._sampled(at, multipliers, width, self.sample, {})
        self.guesses.know(self.amounts[at], multipliers, own.multipliers)
        self.answer, self.stretch, self.run = own, None, None

    def _book(self, at: int) -> PriceBook:
        return self.shared.limited(self.amounts[at])

    def _sampled(
        self, at: int, start: np.ndarray, width: float, engine: LocalEngine, taken: Tables
    ) -> NewtonAnswer:
        newton = Newton(
            engine,
            self._book(at),
            self.scale,
            self.clock,
            settled=taken,
            share=self.shared.share,
            reach=REACH * self.scale.price,
        )
        return newton.minimise(start, width=width, precision=SAMPLE_PRECISION)

    # ----------------------------------------------------------- stretch

    def _settled(self, first: int) -> _Stretch | None:
        """Return the stretch that begins at a budget, as long as most users stay settled.

        None where it holds this budget alone: then a solve of everybody costs no more.
        """
        with self.clock.phase("path"):
            begin = self._sampled(first, self.answer.multipliers, self.answer.width, self.sample, {})
            error = table_radius(
                self.sample,
                self._book(first),
                begin.multipliers,
                begin.hessian,
                self.scale.price,
                share=self.shared.share,
                times=DEVIATIONS,
                seed=self.seed,
            )
            path = self._path(first, begin, error)
            while True:
                box = self._box_of(first, path, error)
                open_users = len(self.sample.settle(*box).undecided) / self.sample.n_users
                if open_users <= MOST_OPEN or len(path) == 1:
                    break
                # Beyond what chance leaves open, users open grow with the stretch.
                path = path[: max(1, min(len(path) - 1, int(0.9 * len(path) * MOST_OPEN / open_users)))]
        last = first + len(path) - 1
        self.length = int(np.clip(1.5 * len(path) * MOST_OPEN / max(open_users, 0.01), 2, LONGEST))
        if last > first:
            moved = path[-1].multipliers - path[0].multipliers
            self.slope = moved / max(self.amounts[last] - self.amounts[first], 1e-300)
        self.answer = path[-1]
        if last == first:
            return None
        with self.clock.phase("settle"):
            everybody = self.engine.settle(*box)
        return _Stretch(first, last, [answer.multipliers for answer in path], error, everybody)

    def _path(self, first: int, begin: NewtonAnswer, error: Tables) -> list[NewtonAnswer]:
        """Return the sample's answers from a budget on, on those of its users who may change their mind."""
        book = self._book(first)
        last = min(first + self.length, len(self.amounts)) - 1
        if self.slope is None:
            far = self._sampled(last, begin.multipliers, begin.width, self.sample, {}).multipliers
        else:
            far = begin.multipliers + FURTHER * self.slope * (self.amounts[last] - self.amounts[first])
        ends = [book.scores(multipliers) for multipliers in (begin.multipliers, book.clip(far))]
        rough = self.sample.settle(*_box(ends, {m: ERROR_OF_PATH * t for m, t in error.items()}, ROOM))
        inside = LocalEngine(rough.core)
        path = [begin]
        for at in range(first + 1, last + 1):
            start = self._straight_on(path, at)
            step = self._sampled(at, start, path[-1].width, inside, rough.tables)
            if not rough.holds(book.scores(step.multipliers)):
                break
            path.append(step)
        return path

    def _straight_on(self, path: Sequence[NewtonAnswer], at: int) -> np.ndarray:
        """Return where a path's last two prices lead to at a budget."""
        last = path[-1].multipliers
        if len(path) < 2 or self.amounts[at - 1] == self.amounts[at - 2]:
            return last
        further = (self.amounts[at] - self.amounts[at - 1]) / (self.amounts[at - 1] - self.amounts[at - 2])
        moved = last + further * (last - path[-2].multipliers)
        return np.where(np.sign(moved) == np.sign(last), moved, 0.0)

    def _box_of(self, first: int, path: Sequence[NewtonAnswer], error: Tables) -> tuple[Tables, Tables]:
        """Return the box that everybody's tables should stay in along a path."""
        book = self._book(first)
        sides = [book.scores(self.guesses.corrected(book, p.multipliers)) for p in path]
        return _box(sides, {m: ERROR_OF_STRETCH * table for m, table in error.items()}, ROOM)

    # ----------------------------------------------------------- budgets

    def solve(self, at: int) -> Priced | None:
        """Solve for a budget; None where that fails here, and everybody must be asked."""
        if not self.guesses:
            return None
        if self.stretch is None or not self.stretch.first <= at <= self.stretch.last:
            self.stretch, self.run = self._settled(at), None
        found = None if self.stretch is None else self._on(self.stretch, at)
        if found is None and self.stretch is not None and at != self.stretch.first:
            self.stretch, self.run = self._settled(at), None
            found = None if self.stretch is None else self._on(self.stretch, at)
        return found

    def _on(self, stretch: _Stretch, at: int) -> Priced | None:
        """Solve on the users whom the next few budgets leave open, else on those of the whole stretch."""
        if self.run is None or not self.run.first <= at <= self.run.last:
            self.run = self._run(stretch, at)
        found = self._of(stretch, self.run.everybody, at)
        if found is None and self.run.everybody is not stretch.everybody:
            self.run = _Run(at, stretch.last, stretch.everybody)
            found = self._of(stretch, stretch.everybody, at)
        return found

    def _run(self, stretch: _Stretch, first: int) -> _Run:
        """Return who is settled for a few budgets of a stretch."""
        last = min(first + RUN, stretch.last + 1) - 1
        if last == first:
            return _Run(first, last, stretch.everybody)
        book = self._book(first)
        guesses = [self._guess(stretch, at, book) for at in range(first, last + 1)]
        off = RUN_FURTHER * max(guess.off for guess in guesses)
        sides = [book.scores(guess.multipliers) for guess in guesses]
        box = _box(sides, {m: off * table for m, table in stretch.error.items()}, 1.0)
        with self.clock.phase("run"):
            inner = LocalEngine(stretch.everybody.core).settle(*box)
        return _Run(first, last, stretch.everybody.then(inner))

    def _guess(self, stretch: _Stretch, at: int, book: PriceBook) -> Guess:
        return self.guesses.next(self.amounts[at], stretch.prices[at - stretch.first], book, stretch.error)

    def _of(self, stretch: _Stretch, outside: Settled, at: int) -> Priced | None:
        """Solve on the users whom others, who are settled, leave."""
        book = self._book(at)
        program = replace(outside.core, rows=book.program.rows)
        search = _OnStretch(program, book, outside, self.gap, self.seed, self.clock, self.scale)
        guess = self._guess(stretch, at, book)
        radius = {m: guess.off * table for m, table in stretch.error.items()}
        found = search.near(guess.multipliers, self.answer.width, radius)
        if found is not None:
            samples = stretch.prices[at - stretch.first]
            self.guesses.learn(self.amounts[at], samples, found.multipliers, book, stretch.error)
        return found


class _OnStretch(PricedSearch):
    """One budget, searched over the users whom its stretch leaves open, proven for everybody."""

    holds_pairs = False

    def __init__(
        self,
        program: Program,
        book: PriceBook,
        outside: Settled,
        gap: float,
        seed: int,
        clock: Clock,
        scale: RowScale,
    ) -> None:
        super().__init__(program, gap, seed, clock, book)
        self.outside, self.scale = outside, scale

    def near(self, start: np.ndarray, width: float, radius: Tables) -> Priced | None:
        """Return the bound and a plan, or None where the stretch does not hold or no plan was found."""
        reach, taken = REACH * self.scale.price, self.outside.tables
        search = DualSearch(
            self.program, self.book, self.engine, self.scale, reach, self.clock, self.seed, taken
        )
        dual = search.near(start, width, radius)
        if dual is None or not self.outside.holds(self.book.scores(dual.multipliers)):
            return None
        with self.clock.phase("assign"):
            assigned = self._assign(dual)
            bound = self._prove(dual, assigned)
        with self.clock.phase("plan"):
            tight = bound - self.book.rounding_gain(dual.multipliers)
            users = OpenUsers(self.program, self.book, assigned, dual, self.scale, bound=tight, gap=self.gap)
            # Where exchanges find no plan, everybody is asked before a search begins.
            rounded = ExchangeSearch(users, self.clock, patient=False).run()
        if rounded is None:
            return None
        value = self.program.sense * rounded.value
        enough = relative_gap(value, bound) <= self.gap
        sums = users.outside(rounded.inside)
        return Priced(self.multipliers, bound, bound if enough else min(bound, tight), sums)

    def _assign(self, dual: DualAnswer) -> Assigned:
        """Return what all users outside the dual's core take, those settled for the stretch among them."""
        return self.outside.joined(super()._assign(dual), self.book.scores(dual.multipliers))


def _box(sides: Sequence[Tables], more: Tables, times: float) -> tuple[Tables, Tables]:
    """Return centre and radius of the box that holds some tables, with more room on all sides."""
    measures = {measure for tables in sides for measure in tables}
    centre, radius = {}, {}
    for measure in sorted(measures | set(more)):
        known = [tables[measure] for tables in sides if measure in tables]
        shape = next(iter(known), None)
        tables = [t.get(measure, np.zeros_like(more[measure] if shape is None else shape)) for t in sides]
        low, high = np.min(tables, axis=0), np.max(tables, axis=0)
        centre[measure] = 0.5 * (low + high)
        radius[measure] = times * (0.5 * (high - low) + more.get(measure, 0.0))
    return centre, radius
