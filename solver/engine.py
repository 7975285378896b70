"""What an engine must answer. Everything else of the solver is the same whichever engine runs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Protocol

import numpy as np

from couponry.instances.blocks import Block
from couponry.instances.program import BlockProgram, Program
from couponry.instances.rows import COUNT
from couponry.solver.exact_sums import ExactTables
from couponry.solver.prices import Tables

__all__ = ["Assigned", "Demand", "Engine", "Exchanges", "Pairs", "Settled"]


@dataclass(frozen=True)
class Demand:
    """What all users together take at given prices.

    Attributes
    ----------
    total : float
        Σ_i of the best reduced value of user i.
    tables : Tables
        Measure → ``(C, J)``: what was taken, by class and coupon.
    error : float
        A bound on the floating-point error of ``total``, where it was asked for.
    """

    total: float
    tables: Tables
    error: float = 0.0


@dataclass(frozen=True)
class Exchanges:
    """Changes of users' choices by one place that a small move of prices may bring about.

    Attributes
    ----------
    user : ndarray of int64, shape (E,)
        The user's position.
    classes : ndarray of int32, shape (E,)
        Each user's class.
    place_out, place_in : ndarray of int32, shape (E,)
        The places that leave and enter; −1 for none.
    leaving, entering : ndarray of int32, shape (E,)
        The coupons there.
    measures_out, measures_in : ndarray of float64, shape (M, E)
        Measures of the leaving and entering pair, in the order of ``program.measures``.
    loss : ndarray of float64, shape (E,)
        Reduced value that the change loses, at least 0.
    """

    user: np.ndarray
    classes: np.ndarray
    place_out: np.ndarray
    place_in: np.ndarray
    leaving: np.ndarray
    entering: np.ndarray
    measures_out: np.ndarray
    measures_in: np.ndarray
    loss: np.ndarray

    @classmethod
    def of(
        cls,
        program: BlockProgram,
        block: Block,
        user: np.ndarray,
        leaving: np.ndarray,
        entering: np.ndarray,
        loss: np.ndarray,
    ) -> Exchanges:
        """Look up what places of a block hold."""

        def numbers(place: np.ndarray) -> np.ndarray:
            there = np.maximum(place, 0)
            return np.array(
                [
                    np.ones(len(user)) if m == COUNT else block.columns[m][user, there]
                    for m in program.measures
                ],
                dtype=np.float64,
            )

        def coupons(place: np.ndarray) -> np.ndarray:
            if block.coupon is None:
                return place
            return np.where(place < 0, -1, block.coupon[user, np.maximum(place, 0)])

        return cls(
            block.first + user.astype(np.int64),
            block.classes[user],
            leaving.copy(),
            entering.copy(),
            coupons(leaving),
            coupons(entering),
            numbers(leaving),
            numbers(entering),
            loss.copy(),
        )

    def take(self, some: np.ndarray | slice) -> Exchanges:
        """Return some of the exchanges."""
        return Exchanges(*(getattr(self, field.name)[..., some] for field in fields(self)))

    def worth(
        self, program: BlockProgram, tables: Tables, some: np.ndarray | slice = slice(None)
    ) -> np.ndarray:
        """Return what the exchanges are worth at given score tables, ``(E,)``."""
        own = self.take(some)
        total = np.zeros(len(own.loss))
        for measure, table in tables.items():
            m = program.measures.index(measure)
            for coupon, numbers, sign in (
                (own.entering, own.measures_in[m], 1.0),
                (own.leaving, own.measures_out[m], -1.0),
            ):
                total += np.where(coupon < 0, 0.0, sign * table[own.classes, coupon] * numbers)
        return total

    @classmethod
    def joined(cls, parts: Sequence[Exchanges]) -> Exchanges:
        """Return all exchanges of several blocks."""
        return cls(
            *(np.concatenate([getattr(part, field.name) for part in parts], axis=-1) for field in fields(cls))
        )


@dataclass(frozen=True)
class Assigned:
    """What the users outside the core take, and what all users together are worth.

    Attributes
    ----------
    pairs : Pairs
        Of the users outside the core.
    sums : ExactTables
        Of these pairs.
    total, error : float
        As in :class:`Demand`, over all users.
    """

    pairs: Pairs
    sums: ExactTables
    total: float
    error: float


@dataclass(frozen=True)
class Pairs:
    """Given pairs: users' rows ``(P,)`` ascending, places in their lists ``(P,)``."""

    user: np.ndarray
    place: np.ndarray

    def packed(self) -> Pairs:
        """Return the same pairs in less room, for while they wait."""
        return Pairs(self.user.astype(np.int32), self.place.astype(np.int16))

    def unpacked(self) -> Pairs:
        """Return the same pairs as int64."""
        return Pairs(self.user.astype(np.int64), self.place.astype(np.int64))

    def joined(self, others: Pairs) -> Pairs:
        """Return both, in the users' order; no user stands in both."""
        at = np.searchsorted(self.user, others.user)
        return Pairs(np.insert(self.user, at, others.user), np.insert(self.place, at, others.place))


@dataclass(frozen=True)
class Settled:
    """Who stays with one choice for every price in a box.

    Attributes
    ----------
    sums : ExactTables
        What the settled users take.
    undecided : ndarray of int64, ascending
        The users whose choice the box leaves open.
    core : Program
        The program of the same rows over these users.
    centre, radius : Tables
        The box.
    error : float
        A bound on what floating-point errors may hide of the settled users' best reduced values anywhere in
        the box.
    pairs : Pairs or None
        Of the settled users, packed, where they were asked for.
    """

    sums: ExactTables
    undecided: np.ndarray
    core: Program
    centre: Tables
    radius: Tables
    error: float
    pairs: Pairs | None = None

    @property
    def tables(self) -> Tables:
        """What the settled users take, measure → ``(C, J)``, in single doubles."""
        return self.sums.high

    def holds(self, scores: Tables) -> bool:
        """Whether score tables lie in the box."""
        return all(
            bool((np.abs(scores.get(m, 0.0) - self.centre.get(m, 0.0)) <= self.radius.get(m, 0.0)).all())
            for m in {*scores, *self.centre}
        )

    def then(self, others: Settled) -> Settled:
        """Return who is settled after some of the undecided were settled, too, for a box within this one."""
        sums = self.sums.copy()
        sums.add(others.sums)
        return replace(
            others, sums=sums, undecided=self.undecided[others.undecided], error=self.error + others.error
        )

    def joined(self, others: Assigned, scores: Tables) -> Assigned:
        """Return what everybody takes at tables in the box, given what the undecided take there.

        So one pass settles, proves and makes the plan, where the minimiser lies in the box.
        """
        self_worth = [
            (table * part[measure]).ravel()
            for measure, table in scores.items()
            for part in (self.sums.high, self.sums.low)
            if measure in part
        ]
        worth = np.concatenate(self_worth)
        sums = self.sums.copy()
        sums.add(others.sums)
        total = math.fsum([*worth.tolist(), others.total])
        rounding = 4 * np.finfo(np.float64).eps * (float(np.abs(worth).sum()) + abs(others.total))
        pairs = others.pairs
        if self.pairs is not None:
            own = Pairs(self.undecided[pairs.user], pairs.place)
            pairs = self.pairs.joined(own.packed()).unpacked()
        return Assigned(pairs, sums, total, others.error + self.error + rounding)


class Engine(Protocol):
    """Prices in, demand out.

    Methods take score tables as :meth:`couponry.solver.prices.PriceBook.scores` makes them, and are pure: the
    same tables give the same answer, whatever the number of threads or shards.
    """

    passes: int

    def demand(self, scores: Tables, *, with_error: bool = False) -> Demand:
        """Return what all users take, and with it, where asked, how far rounding may have moved the total."""
        ...

    def settle(self, scores: Tables, radius: Tables, *, with_pairs: bool = False) -> Settled:
        """Fix who can be fixed while the tables move by at most ``radius``; hand back the others."""
        ...

    def assign(self, scores: Tables, core: np.ndarray) -> Assigned:
        """Return what all users but those in ``core`` like best, with exact sums; and the total of all."""
        ...
