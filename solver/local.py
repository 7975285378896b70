"""The engine on this machine: numba over arrays, block by block, on a few threads."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np

from couponry.instances.program import Program
from couponry.instances.rows import COUNT
from couponry.solver import kernel
from couponry.solver.engine import Demand, Pairs, Settled
from couponry.solver.prices import Tables

__all__ = ["LocalEngine"]

BLOCK = 4096
Answer = TypeVar("Answer")


class LocalEngine:
    """Answers the engine's questions over a program's arrays, or over some of its users.

    Parameters
    ----------
    program : Program
    users : ndarray of int, optional
        Only these users; their rows are gathered once. Indices that go in and come out are positions
        within ``users``.
    threads : int, optional
        All cores by default. The answer does not depend on it: blocks are summed in their order.
    """

    def __init__(
        self, program: Program, users: np.ndarray | None = None, *, threads: int | None = None
    ) -> None:
        pick: np.ndarray | slice = slice(None) if users is None else users
        self.program = program
        self.passes = 0
        self.columns = {name: array[pick] for name, array in program.columns.items()}
        self.classes = program.classes.codes[pick]
        self.dense = program.coupon is None
        self.coupon = np.zeros((1, 1), np.int32) if program.coupon is None else program.coupon[pick]
        self.max_coupons = program.choices.max_coupons[pick]
        self.money = program.choices.money
        self.conflicts = program.choices.conflicts
        self.choose_with = self._chooser()
        self.threads = threads or os.cpu_count() or 1

    @property
    def n_users(self) -> int:
        """Number of users."""
        return len(self.classes)

    @property
    def places(self) -> int:
        """Places in a user's list, S."""
        return int(self.columns["value"].shape[1])

    def _chooser(self) -> str:
        if math.isfinite(self.money):
            return "free"
        if self.max_coupons.max(initial=0) <= 1:
            return "one"
        related = self.conflicts | np.eye(len(self.conflicts), dtype=bool)
        families = ((related.astype(np.int64) @ related) > 0) == related
        return "greedy" if bool(families.all()) else "free"

    # ------------------------------------------------------------ questions

    def demand(self, scores: Tables) -> Demand:
        """Return what all users take."""
        self.passes += 1

        def one(rows: slice) -> tuple[float, float, Tables]:
            score, chosen = self._best(scores, rows)
            return (*kernel.best_total(score, chosen), self._tally(chosen, np.zeros(len(score), bool), rows))

        parts = list(self._over_blocks(one))
        return Demand(
            math.fsum(t for high, low, _ in parts for t in (high, low)), self._sum([p[2] for p in parts])
        )

    def settle(self, scores: Tables, radius: Tables) -> Settled:
        """Fix who can be fixed while the tables move by at most ``radius``; hand back the others.

        A user is settled if the best set stays best when its own members score as badly, and all other
        coupons as well, as the box allows.
        """
        self.passes += 1

        def one(rows: slice) -> tuple[np.ndarray, Tables]:
            score, chosen = self._best(scores, rows)
            wide = self._score(radius, rows, absolute=True)
            kernel.challenge(score, wide, chosen)
            challenged = self._choose(score, rows)
            undecided = np.empty(len(score), bool)
            kernel.differ(chosen, challenged, undecided)
            return rows.start + np.flatnonzero(undecided), self._tally(chosen, undecided, rows)

        parts = list(self._over_blocks(one))
        return Settled(self._sum([p[1] for p in parts]), np.concatenate([p[0] for p in parts]))

    def assign(self, scores: Tables, core: np.ndarray, core_pairs: Pairs) -> Pairs:
        """Return the whole plan: users in ``core`` take ``core_pairs``, all others what they like best."""
        self.passes += 1
        in_core = np.zeros(self.n_users, bool)
        in_core[core] = True

        def one(rows: slice) -> tuple[np.ndarray, np.ndarray]:
            chosen = self._best(scores, rows)[1]
            chosen[in_core[rows]] = False
            user, place = np.nonzero(chosen)
            return rows.start + user, place

        parts = list(self._over_blocks(one))
        user = np.concatenate([p[0] for p in parts] + [core_pairs.user])
        place = np.concatenate([p[1] for p in parts] + [core_pairs.place])
        order = np.lexsort((place, user))
        return Pairs(user[order], place[order])

    def choices(self, scores: Tables) -> tuple[np.ndarray, np.ndarray]:
        """Return every user's best set, bool ``(n, S)``, and its reduced value ``(n,)``."""
        parts = list(self._over_blocks(lambda rows: self._best(scores, rows)))
        chosen = np.concatenate([p[1] for p in parts])
        best = np.concatenate([_worth(s, c) for s, c in parts])
        return chosen, best

    def margins(self, scores: Tables) -> np.ndarray:
        """Return by how much each user's best choice beats the next best one, float64 ``(n,)``."""
        self.passes += 1

        def one(rows: slice) -> np.ndarray:
            loss = self._losses(scores, rows)[0]
            return np.asarray(loss.min(axis=1, initial=np.inf))

        return np.concatenate(list(self._over_blocks(one)))

    def options(self, scores: Tables, most: float | np.ndarray) -> np.ndarray:
        """Return the pairs that a user's best choice has, or could have at a loss of at most ``most``.

        Returns
        -------
        ndarray of bool, shape (n, S)
        """
        limit = np.broadcast_to(np.asarray(most, np.float64), (self.n_users,))

        def one(rows: slice) -> np.ndarray:
            loss, chosen = self._losses(scores, rows)
            return chosen | (loss <= limit[rows, None])

        return np.concatenate(list(self._over_blocks(one)))

    def _losses(self, scores: Tables, rows: slice) -> tuple[np.ndarray, np.ndarray]:
        """Return what it costs to turn each pair of the best choice round, ``(b, S)``, and that choice."""
        score, chosen = self._best(scores, rows)
        worth = _worth(score, chosen)
        if self.choose_with == "one":
            return self._losses_of_one(score, chosen, worth, rows), chosen
        loss = np.full(score.shape, np.inf)
        for s in range(score.shape[1]):
            changed = score.copy()
            eligible = score[:, s] > -np.inf
            sure = 1.0 + 4 * np.abs(np.where(np.isfinite(score), score, 0.0)).sum(axis=1)
            changed[:, s] = np.where(chosen[:, s] | ~eligible, -np.inf, score[:, s] + sure)
            turned = self._choose(changed, rows)
            other = _worth(score, turned)
            possible = eligible & (turned[:, s] != chosen[:, s])
            loss[possible, s] = np.maximum(worth - other, 0.0)[possible]
        return loss, chosen

    def _losses_of_one(
        self, score: np.ndarray, chosen: np.ndarray, worth: np.ndarray, rows: slice
    ) -> np.ndarray:
        loss = worth[:, None] - score
        others = np.where(chosen, -np.inf, score)
        next_best = np.maximum(others.max(axis=1, initial=-np.inf), 0.0)
        loss[chosen] = (worth - next_best)[chosen.any(axis=1)]
        loss[self.max_coupons[rows] == 0] = np.inf
        return np.asarray(loss)

    def scores(self, scores: Tables) -> np.ndarray:
        """Return the reduced value of every pair, float64 ``(n, S)``; −inf where not eligible."""
        return np.concatenate(list(self._over_blocks(lambda rows: self._score(scores, rows))))

    def spread(self, radius: Tables) -> np.ndarray:
        """Return how far each pair's reduced value can move, float64 ``(n, S)``; −inf where not eligible."""
        return np.concatenate(list(self._over_blocks(lambda rows: self._score(radius, rows, absolute=True))))

    def rounding_error(self, scores: Tables) -> float:
        """Bound the floating-point error of :meth:`demand`'s total.

        Each reduced value is a sum of M products: its error is below (M + 1) ε Σ|T m| (Higham 2002,
        section 3.1, 10.1137/1.9780898718027); a user adds at most ``max_coupons`` of them.
        """
        self.passes += 1
        tables = {measure: np.abs(table) for measure, table in scores.items()}

        def one(rows: slice) -> float:
            size = self._score(tables, rows, absolute=True)
            largest = np.maximum(size.max(axis=1, initial=0.0), 0.0)
            return math.fsum(largest * np.maximum(self.max_coupons[rows], 1))

        units = (len(scores) + 2 + self.places) * np.finfo(np.float64).eps
        return float(units * math.fsum(self._over_blocks(one)))

    # --------------------------------------------------------------- blocks

    def _over_blocks(self, one: Callable[[slice], Answer]) -> Iterator[Answer]:
        blocks = [slice(a, min(a + BLOCK, self.n_users)) for a in range(0, self.n_users, BLOCK)]
        if len(blocks) == 1 or self.threads == 1:
            yield from map(one, blocks)
            return
        with ThreadPoolExecutor(self.threads) as pool:
            yield from pool.map(one, blocks)

    def _coupon(self, rows: slice) -> np.ndarray:
        return self.coupon if self.dense else self.coupon[rows]

    def _score(self, tables: Tables, rows: slice, *, absolute: bool = False) -> np.ndarray:
        value = self.columns["value"][rows]
        score = np.empty(value.shape)
        classes, coupon = self.classes[rows], self._coupon(rows)
        nothing = np.zeros((self.program.n_classes, self.program.n_coupons))
        kernel.start_scores(score, value, classes, coupon, self.dense, tables.get(COUNT, nothing))
        for measure, table in tables.items():
            if measure != COUNT:
                column = self.columns[measure][rows]
                kernel.add_measure(score, column, classes, coupon, self.dense, table, absolute)
        return score

    def _choose(self, score: np.ndarray, rows: slice) -> np.ndarray:
        chosen = np.empty(score.shape, bool)
        most, coupon = self.max_coupons[rows], self._coupon(rows)
        if self.choose_with == "one":
            kernel.choose_one(score, most, chosen)
        elif self.choose_with == "greedy":
            kernel.choose_greedy(score, most, coupon, self.dense, self.conflicts, chosen)
        else:
            cost = self.columns["cost" if math.isfinite(self.money) else "value"][rows]
            kernel.choose_free(score, most, coupon, self.dense, self.conflicts, cost, self.money, chosen)
        return chosen

    def _best(self, scores: Tables, rows: slice) -> tuple[np.ndarray, np.ndarray]:
        score = self._score(scores, rows)
        return score, self._choose(score, rows)

    def _tally(self, chosen: np.ndarray, skip: np.ndarray, rows: slice) -> Tables:
        shape = (self.program.n_classes, self.program.n_coupons)
        classes, coupon = self.classes[rows], self._coupon(rows)
        tables = {measure: np.zeros(shape) for measure in self.program.measures}
        for measure, table in tables.items():
            if measure == COUNT:
                kernel.tally_count(chosen, skip, classes, coupon, self.dense, table)
            else:
                kernel.tally(chosen, skip, self.columns[measure][rows], classes, coupon, self.dense, table)
        return tables

    def _sum(self, parts: list[Tables]) -> Tables:
        return {
            measure: np.sum([part[measure] for part in parts], axis=0) for measure in self.program.measures
        }


def _worth(score: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Return each user's sum of the chosen scores, ``(b,)``."""
    return np.asarray(np.where(chosen, score, 0.0).sum(axis=1))
