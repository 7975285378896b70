"""A stretch of budgets between two that were solved, on which most users never change their mind.

As a budget grows from one end to the other, prices go from those of the one to those of the other, hardly
ever beyond either. One pass over everybody settles all whose choice no price between them can change; what
they take is a constant. Budgets inside are then solved on the others alone, and yet proven for everybody: at
any prices within the stretch, L is the others' part and a constant times the prices. The budget in the middle
cuts the stretch in two, each with fewer users open.

The middle's prices are guessed half way between those of the ends. Where these are far apart a sample tells
how much the way between them bends.
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
from couponry.solver.local import LocalEngine
from couponry.solver.newton import Newton, NewtonAnswer
from couponry.solver.open_users import OpenUsers
from couponry.solver.priced import REACH, PricedSearch
from couponry.solver.prices import PriceBook, Tables
from couponry.solver.radius import table_radius
from couponry.solver.result import relative_gap
from couponry.solver.scale import RowScale

__all__ = ["Known", "Priced", "Stretch", "Stretches"]

# A stretch that leaves more users open than this is not worth a pass: its middle is solved on everybody.
MOST_OPEN = 0.45
# Users who show where prices go, and the standard deviations that their prices may be off by.
SAMPLE, DEVIATIONS = 50_000, 3.0
# Fewer budgets inside than this are solved on the users whom the stretch around leaves open.
WORTH_A_PASS = 3
# How far a guess may be off, as a share of the sample's error: at first with the sample's help; at least.
FIRST_OFF, LEAST_OFF = 0.4, 0.03
# Of what the guess for the middle of a stretch was off by, how much to expect in each half: smooth ways bend
# a quarter as much there, those with a corner up to as much. A sample's error stays.
HALVED, SAMPLES = 0.5, 1.2
# How far beyond prices at the ends those between them may go, as a share of how far the way may bend.
ASIDE = 0.2


@dataclass(frozen=True)
class Known:
    """A budget that was solved.

    Attributes
    ----------
    amount : float
    multipliers : ndarray, shape (K,)
    sampled : ndarray, shape (K,), or None
        The sample's multipliers there, where they were asked for.
    """

    amount: float
    multipliers: np.ndarray
    sampled: np.ndarray | None = None


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
class _Off:
    """How far guesses may be off, as shares of the sample's error: half way, and as the sample bends it."""

    half_way: float
    sampled: float

    @property
    def least(self) -> float:
        """The nearer one."""
        return min(self.half_way, self.sampled)


class Stretches:
    """What all budgets of a program share.

    Parameters
    ----------
    program : Program
    scale : RowScale
    gap : float
    seed : int
    clock : Clock
    rows : function
        From a budget's amount to the program's rows, which differ in their limits alone.
    """

    def __init__(
        self,
        program: Program,
        scale: RowScale,
        gap: float,
        seed: int,
        clock: Clock,
        rows: Callable[[float], tuple[Row, ...]],
    ) -> None:
        self.program, self.scale, self.gap, self.seed, self.clock = program, scale, gap, seed, clock
        self.rows = rows
        self.book = PriceBook(program)
        # What books of other limits share is of all users, not of those whom a stretch leaves open.
        _ = self.book.basis, self.book.grain, self.book.objective_grain
        size = min(SAMPLE, program.n_users // 3)
        users = program.sampler(seed, size).users(size)
        self.share = len(users) / program.n_users
        self.sample = program.take(users)

    def limited(self, amount: float) -> PriceBook:
        """Return the rows under another amount."""
        return self.book.with_limits(replace(self.program, rows=self.rows(amount)))

    def between(self, low: Known, high: Known, middle: float) -> Stretch | None:
        """Return the stretch between two budgets, or None where it leaves too many users open.

        Parameters
        ----------
        low, high : Known
        middle : float
            The first budget inside that is to be solved.
        """
        with self.clock.phase("stretch"):
            low, high = self.with_sample(low), self.with_sample(high)
            guess = _half_way(low, high, middle)
            there = self.sampled(middle, guess)
            error = self._error(middle, there)
            bend = self.book.changes(there.multipliers - _half_way(low, high, middle, sampled=True))
            off = _Off(max(LEAST_OFF, _share_of(bend, error)), FIRST_OFF)
            more = max(LEAST_OFF, ASIDE * off.half_way)
            box = _hull(self.book, (low.multipliers, high.multipliers), error, more)
            open_users = len(LocalEngine(self.sample).settle(*box).undecided)
            if open_users > MOST_OPEN * self.sample.n_users:
                return None
        with self.clock.phase("settle"):
            everybody = LocalEngine(self.program).settle(*box)
        return Stretch(self, low, high, everybody, error, there.width, off)

    def with_sample(self, known: Known) -> Known:
        """Return what is known of a budget and the sample's multipliers there."""
        if known.sampled is not None:
            return known
        return replace(known, sampled=self.sampled(known.amount, known.multipliers).multipliers)

    def sampled(self, amount: float, start: np.ndarray) -> NewtonAnswer:
        """Return the sample's answer at a budget."""
        newton = Newton(
            LocalEngine(self.sample),
            self.limited(amount),
            self.scale,
            self.clock,
            settled={},
            share=self.share,
            reach=REACH * self.scale.price,
        )
        return newton.minimise(start, width=WARM_WIDTH * self.scale.objective, precision=SAMPLE_PRECISION)

    def _error(self, amount: float, answer: NewtonAnswer) -> Tables:
        """Return how far tables of the sample's prices are from everybody's."""
        return table_radius(
            LocalEngine(self.sample),
            self.limited(amount),
            answer.multipliers,
            answer.hessian,
            self.scale.price,
            share=self.share,
            times=DEVIATIONS,
            seed=self.seed,
        )


class Stretch:
    """Budgets between two that were solved.

    Parameters
    ----------
    shared : Stretches
    low, high : Known
        The ends.
    everybody : Settled
        For prices between theirs, or for those of a stretch around this one.
    error : Tables
        How far prices of the sample are from everybody's.
    width : float
        Window of near ties to begin with.
    off : _Off
    """

    def __init__(
        self,
        shared: Stretches,
        low: Known,
        high: Known,
        everybody: Settled,
        error: Tables,
        width: float,
        off: _Off,
    ) -> None:
        self.shared, self.low, self.high, self.everybody = shared, low, high, everybody
        self.error, self.width, self.off = error, width, off
        self._seen: tuple[float, np.ndarray] | None = None

    def solve(self, amount: float) -> Priced | None:
        """Solve for a budget inside; None where that fails here, and everybody must be asked."""
        shared, outside = self.shared, self.everybody
        book = shared.limited(amount)
        program = replace(outside.core, rows=book.program.rows)
        search = _OnStretch(program, book, outside, shared.gap, shared.seed, shared.clock, shared.scale)
        radius = {measure: self.off.least * table for measure, table in self.error.items()}
        return search.near(self._guess(amount, book), self.width, radius)

    def _guess(self, amount: float, book: PriceBook) -> np.ndarray:
        """Return where prices are expected."""
        guess = _half_way(self.low, self.high, amount)
        if self.off.sampled < self.off.half_way:
            with self.shared.clock.phase("sample"):
                self.low, self.high = self.shared.with_sample(self.low), self.shared.with_sample(self.high)
                sampled = self.shared.sampled(amount, guess).multipliers
            self._seen = amount, sampled
            bend = sampled - _half_way(self.low, self.high, amount, sampled=True)
            # A row that neither end has a price for gets none for the sample's errors.
            guess = np.where(guess == 0, 0.0, guess + bend)
        return book.clip(guess)

    def holds(self, middle: Known) -> bool:
        """Whether users are settled for a budget's prices, too."""
        return self.everybody.holds(self.shared.book.scores(middle.multipliers))

    def below(self, middle: Known, inside: int) -> Stretch:
        """Return the stretch below a budget that was solved, of which so many are inside."""
        return self._part(self.low, self._with_seen(middle), middle, inside)

    def above(self, middle: Known, inside: int) -> Stretch:
        """Return the stretch above a budget that was solved, of which so many are inside."""
        return self._part(self._with_seen(middle), self.high, middle, inside)

    def _with_seen(self, middle: Known) -> Known:
        seen = self._seen
        return middle if seen is None or seen[0] != middle.amount else replace(middle, sampled=seen[1])

    def _part(self, low: Known, high: Known, middle: Known, inside: int) -> Stretch:
        shared, everybody, off = self.shared, self.everybody, self._learnt(self._with_seen(middle))
        if inside >= WORTH_A_PASS:
            more = max(LEAST_OFF, ASIDE * off.half_way)
            box = _hull(shared.book, (low.multipliers, high.multipliers), self.error, more)
            box = _common(box, (everybody.centre, everybody.radius))
            with shared.clock.phase("settle"):
                everybody = everybody.then(LocalEngine(everybody.core).settle(*box))
        return Stretch(shared, low, high, everybody, self.error, self.width, off)

    def _learnt(self, middle: Known) -> _Off:
        """Return how far guesses may be off in each half, by what they were off by in the middle."""
        moved = middle.multipliers - _half_way(self.low, self.high, middle.amount)
        half_way, sampled = HALVED * self._off_by(moved), self.off.sampled
        if middle.sampled is not None:
            bend = middle.sampled - _half_way(self.low, self.high, middle.amount, sampled=True)
            sampled = SAMPLES * self._off_by(moved - bend)
        return _Off(max(LEAST_OFF, half_way), max(LEAST_OFF, sampled))

    def _off_by(self, moved: np.ndarray) -> float:
        return _share_of(self.shared.book.changes(moved), self.error)


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
            self.program,
            self.book,
            self.engine,
            self.scale,
            reach,
            self.clock,
            self.seed,
            taken,
        )
        dual = search.near(start, width, radius)
        if dual is None or not self.outside.holds(self.book.scores(dual.multipliers)):
            return None
        with self.clock.phase("assign"):
            assigned = self._assign(dual)
            bound = self._prove(dual, assigned)
        with self.clock.phase("plan"):
            tight = self.book.tight(bound, dual.multipliers)
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


def _half_way(low: Known, high: Known, amount: float, *, sampled: bool = False) -> np.ndarray:
    """Return the multipliers on the straight way between two budgets, everybody's or the sample's."""
    way = (amount - low.amount) / max(high.amount - low.amount, 1e-300)
    first, last = (low.sampled, high.sampled) if sampled else (low.multipliers, high.multipliers)
    assert first is not None
    assert last is not None
    return np.asarray(first + way * (last - first))


def _hull(book: PriceBook, ends: Sequence[np.ndarray], error: Tables, more: float) -> tuple[Tables, Tables]:
    """Return centre and radius of the box of all tables between two, and some of their error more."""
    first, last = (book.scores(multipliers) for multipliers in ends)
    centre, radius = {}, {}
    for measure in sorted({*first, *last, *error}):
        nothing = np.zeros_like(next(t[measure] for t in (first, last, error) if measure in t))
        one, other = first.get(measure, nothing), last.get(measure, nothing)
        centre[measure] = 0.5 * (one + other)
        radius[measure] = 0.5 * np.abs(other - one) + more * error.get(measure, nothing)
    return centre, radius


def _common(box: tuple[Tables, Tables], around: tuple[Tables, Tables]) -> tuple[Tables, Tables]:
    """Return what a box has in common with another, which it lies in but for its edges.

    It may be off by a last digit: settling leaves room for more than that wherever a score can move.
    """
    centre, radius = {}, {}
    for measure, middle in box[0].items():
        outer, reach = (tables.get(measure, np.zeros_like(middle)) for tables in around)
        low = np.clip(middle - box[1][measure], outer - reach, outer + reach)
        high = np.clip(middle + box[1][measure], outer - reach, outer + reach)
        centre[measure], radius[measure] = 0.5 * (low + high), 0.5 * (high - low)
    return centre, radius


def _share_of(moved: Tables, error: Tables) -> float:
    """Return how far tables moved at most, as a share of how far they were expected to."""
    shares = [np.abs(moved[m][table > 0]) / table[table > 0] for m, table in error.items() if m in moved]
    return max((float(share.max(initial=0.0)) for share in shares), default=0.0)
