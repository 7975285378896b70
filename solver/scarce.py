"""Exchanges for rows that few near ties move.

A coupon that hardly anybody wants has a minimum of ten: among the thousands of exchanges that lose least none
gives it to one more user, so no search among them ends in a plan. Such rows get the cheapest exchanges of
their own, however much these lose.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from couponry.instances.program import BlockProgram
from couponry.solver.class_cells import is_count
from couponry.solver.engine import Exchanges
from couponry.solver.local import LocalEngine
from couponry.solver.prices import PriceBook, Tables

__all__ = ["Rare", "cheapest", "joined", "scarce_moves", "strong"]

# A row that counts is moved by an exchange of at least this share of its largest weight: parity of a group
# is moved a little by everybody else, too.
STRONG = 0.4
# So many exchanges each way are enough for a row.
ENOUGH = 8
# By how much the window grows while something is missing, and how often; then there is none.
WIDER, WIDENINGS = 8.0, 6


@dataclass(frozen=True)
class Rare:
    """The few users whose exchanges move rows that no near ties move, and these exchanges at any prices.

    Attributes
    ----------
    engine : LocalEngine
        Over them.
    users : ndarray of int64
        Their positions in the engine that they were found in.
    book : PriceBook
    moves, least : ndarrays
        As :func:`scarce_moves` and :func:`strong` say.
    """

    engine: LocalEngine
    users: np.ndarray
    book: PriceBook
    moves: np.ndarray
    least: np.ndarray

    @classmethod
    def of(
        cls,
        engine: LocalEngine,
        book: PriceBook,
        multipliers: np.ndarray,
        activity: np.ndarray,
        near: Exchanges,
    ) -> Rare:
        """Find them for the rows that are priced or broken, where the near ties say too little."""
        least = strong(engine.program, book)
        priced = multipliers != 0
        up, down = priced | (activity < book.lower), priced | (activity > book.upper)
        moves = scarce_moves(book.basis.coefficients(near), least, up, down)
        width = float(near.loss.max(initial=0.0))
        found = cheapest(engine, book, book.scores(multipliers), moves, least, width)
        users = np.empty(0, np.int64) if found is None else np.unique(found.user)
        return cls(LocalEngine(engine.program, users), users, book, moves, least)

    def exchanges(self, multipliers: np.ndarray) -> Exchanges | None:
        """Return the cheapest exchanges for each of the moves, None where there are none."""
        if not len(self.users):
            return None
        scores = self.book.scores(multipliers)
        found = cheapest(self.engine, self.book, scores, self.moves, self.least, np.inf)
        return None if found is None else replace(found, user=self.users[found.user])

    def furthest(self, near: Exchanges, base: float) -> np.ndarray:
        """Return how far a user may be from changing their mind for each row, at least ``base``, ``(K,)``."""
        far = np.full(self.book.n_rows, base)
        rows = np.unique(self.moves[:, 0]).astype(np.int64)
        if len(rows):
            moved = np.abs(self.book.basis.coefficients(near)[:, rows]) >= self.least[rows]
            far[rows] = np.maximum(base, np.where(moved, near.loss[:, None], 0.0).max(axis=0, initial=0.0))
        return far


def strong(program: BlockProgram, book: PriceBook) -> np.ndarray:
    """Return what an exchange must move a row that counts by, ``(K,)``; infinite for other rows."""
    largest = [
        max((float(np.abs(t.users).max() * np.abs(t.coupons).max()) for t in row.terms), default=0.0)
        for row in program.rows
    ]
    counts = np.array([is_count(row) for row in program.rows], bool)
    return np.where(counts & (book.grain > 0), STRONG * np.array(largest), np.inf)


def scarce_moves(change: np.ndarray, least: np.ndarray, up: np.ndarray, down: np.ndarray) -> np.ndarray:
    """Return which rows too few exchanges move, and which way.

    Parameters
    ----------
    change : ndarray of float64, shape (E, K)
        What each exchange adds to each row.
    least : ndarray of float64, shape (K,)
        As :func:`strong` says.
    up, down : ndarray of bool, shape (K,)
        Rows that may have to be moved up, or down.

    Returns
    -------
    ndarray of float64, shape (W, 2)
        Row and direction.
    """
    moves = [
        (k, sign)
        for sign, wanted in ((1.0, up), (-1.0, down))
        for k in np.flatnonzero(wanted & np.isfinite(least))
        if int((sign * change[:, k] >= least[k]).sum()) < ENOUGH
    ]
    return np.array(moves, np.float64).reshape(-1, 2)


def cheapest(
    engine: LocalEngine,
    book: PriceBook,
    scores: Tables,
    moves: np.ndarray,
    least: np.ndarray,
    width: float,
    *,
    chosen: np.ndarray | None = None,
) -> Exchanges | None:
    """Return the exchanges that lose least of those that make some moves, a few each; None without moves.

    Parameters
    ----------
    engine : LocalEngine
        Its users are in memory.
    scores : Tables
    moves : ndarray, shape (W, 2)
        As :func:`scarce_moves` says.
    least : ndarray of float64, shape (K,)
    width : float
        Loss within which to look first.
    chosen : ndarray of bool, shape (n, S), optional
        What users have; by default what is best for them.
    """
    weights = {row: _weights(book, int(row)) for row in np.unique(moves[:, 0])}
    tables = [weights[row] * sign for row, sign in moves]
    found: list[Exchanges] = []
    for turn in range(WIDENINGS):
        if not len(moves):
            break
        width = width * WIDER if width > 0 and turn < WIDENINGS - 1 else np.inf
        only = np.any([t > 0 for t in tables], axis=0), np.any([t < 0 for t in tables], axis=0)
        near = engine.exchanges_from(scores, chosen, width, only)
        missing = np.ones(len(moves), bool)
        for at, row in enumerate(moves[:, 0]):
            own = _moving(near, tables[at], least[int(row)])
            missing[at] = len(own) < ENOUGH
            if not missing[at] or width == np.inf:
                found.append(near.take(own))
        if width == np.inf:
            break
        moves, tables = moves[missing], [t for t, more in zip(tables, missing, strict=True) if more]
    if not found:
        return None
    every = Exchanges.joined(found)
    key = np.stack([every.user, every.place_out, every.place_in])
    return every.take(np.unique(key, axis=1, return_index=True)[1])


def joined(near: Exchanges, others: Exchanges | None) -> Exchanges:
    """Return the exchanges that lose least and some others; of these those that lose more than the former."""
    if others is None:
        return near
    return Exchanges.joined([near, others.take(others.loss > near.loss.max(initial=-np.inf))])


def _weights(book: PriceBook, row: int) -> np.ndarray:
    """Return what a pair adds to a row that counts, ``(C, J)``."""
    return np.asarray(sum(term.weights() for term in book.program.rows[row].terms))


def _moving(near: Exchanges, table: np.ndarray, least: float) -> np.ndarray:
    """Return which exchanges move a row one way, the cheapest few; the table is the row's, in that way."""
    enters = np.where(near.entering >= 0, table[near.classes, np.maximum(near.entering, 0)], 0.0)
    leaves = np.where(near.leaving >= 0, table[near.classes, np.maximum(near.leaving, 0)], 0.0)
    moved = np.flatnonzero(enters - leaves >= least)
    return moved[np.argsort(near.loss[moved], kind="stable")[:ENOUGH]]
