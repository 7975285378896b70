"""Guesses of a budget's prices from the budgets before it.

Two of them: the sample's prices, corrected by what they were off by at the last budget that was solved on
everybody; and straight on from the last two. The latter is three times as near, until a row becomes scarce or
plentiful: that is told by the sample, whose prices turn there too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from couponry.solver.prices import PriceBook, Tables

__all__ = ["Guess", "Guesses"]

# How far guesses may be off, as a share of the sample's error: at first, and at least; later as much as was
# seen, and some more, slowly forgotten.
FIRST_ERROR, LEAST_ERROR, SEEN, FORGOTTEN = 0.3, 0.03, 1.4, 0.6
# A sample whose prices turn by more, as a share of its error, says that prices do not go straight on.
BEND, VAIN = 0.6, 1.5


@dataclass(frozen=True)
class _Known:
    """A budget that was solved: its amount, everybody's multipliers and the sample's, ``(K,)`` each."""

    amount: float
    everybodys: np.ndarray
    samples: np.ndarray


@dataclass(frozen=True)
class Guess:
    """Multipliers ``(K,)``, and how far they may be off as a share of the sample's error."""

    multipliers: np.ndarray
    off: float


class Guesses:
    """Learns from budgets solved, ascending, and guesses the next one's prices."""

    def __init__(self) -> None:
        self._known: list[_Known] = []
        self._off = {"corrected": FIRST_ERROR, "straight": FIRST_ERROR}
        self._vain = 0.0

    def __bool__(self) -> bool:
        return bool(self._known)

    def know(self, amount: float, everybodys: np.ndarray, samples: np.ndarray) -> None:
        """Take note of a budget that was solved on everybody."""
        self._known = [*self._known[-1:], _Known(amount, everybodys, samples)]

    def corrected(self, book: PriceBook, samples: np.ndarray) -> np.ndarray:
        """Return the sample's prices less what they were off by at the last budget."""
        last = self._known[-1]
        moved = last.everybodys + (samples - last.samples)
        # A row that has no price keeps none for the sample's errors.
        never = (last.everybodys == 0) & (last.samples != 0)
        return _unturned(book, last.everybodys, np.where(never, 0.0, moved))

    def next(self, amount: float, samples: np.ndarray, book: PriceBook, error: Tables) -> Guess:
        """Return the guess that was nearest of late.

        Parameters
        ----------
        amount : float
        samples : ndarray, shape (K,)
            The sample's multipliers there.
        book : PriceBook
            Of the budget.
        error : Tables
            How far the sample's prices are from everybody's.
        """
        ways = self._ways(amount, samples, book)
        if "straight" in ways and self._bends(amount, samples, book, error):
            del ways["straight"]
        way = min(ways, key=lambda name: self._off[name])
        return Guess(ways[way], self._off[way])

    def learn(
        self, amount: float, samples: np.ndarray, found: np.ndarray, book: PriceBook, error: Tables
    ) -> None:
        """Take note of how far each guess was off, and of the budget."""
        ways = self._ways(amount, samples, book)
        if "straight" in ways:
            off = {way: _share_of(book.changes(found - guess), error) for way, guess in ways.items()}
            vain = self._turn(amount, samples, book, error) if off["straight"] < off["corrected"] else 0.0
            self._vain = max(VAIN * vain, FORGOTTEN * self._vain)
        for way, guess in self._ways(amount, samples, book).items():
            seen = SEEN * _share_of(book.changes(found - guess), error)
            self._off[way] = float(np.clip(max(seen, FORGOTTEN * self._off[way]), LEAST_ERROR, 1.0))
        self.know(amount, found, samples)

    def _ways(self, amount: float, samples: np.ndarray, book: PriceBook) -> dict[str, np.ndarray]:
        """Return the guesses by name."""
        ways = {"corrected": self.corrected(book, samples)}
        if len(self._known) > 1 and self._known[0].amount < self._known[1].amount:
            before, last = self._known
            moved = last.everybodys + self._further(amount) * (last.everybodys - before.everybodys)
            ways["straight"] = _unturned(book, last.everybodys, moved)
        return ways

    def _further(self, amount: float) -> float:
        """Return the way to a budget as a multiple of that between the last two."""
        before, last = self._known
        return (amount - last.amount) / (last.amount - before.amount)

    def _bends(self, amount: float, samples: np.ndarray, book: PriceBook, error: Tables) -> bool:
        """Whether the sample's prices turn more than they did of late while everybody's went straight on."""
        return self._turn(amount, samples, book, error) > max(BEND, self._vain)

    def _turn(self, amount: float, samples: np.ndarray, book: PriceBook, error: Tables) -> float:
        """Return by how much the sample's prices turn, as a share of its error."""
        before, last = self._known
        further = self._further(amount)
        turn = samples - last.samples - further * (last.samples - before.samples)
        return _share_of(book.changes(turn), error) / max(1.0, further)


def _unturned(book: PriceBook, before: np.ndarray, moved: np.ndarray) -> np.ndarray:
    """Return moved prices; none changes its side on the way."""
    turned = (before != 0) & (np.sign(moved) != np.sign(before))
    return book.clip(np.where(turned, 0.0, moved))


def _share_of(moved: Tables, error: Tables) -> float:
    """Return how far tables moved at most, as a share of how far they were expected to."""
    shares = [np.abs(moved[m][table > 0]) / table[table > 0] for m, table in error.items() if m in moved]
    return max((float(share.max(initial=0.0)) for share in shares), default=0.0)
