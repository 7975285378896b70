"""What the users of a block take: their scores, the best set of each, and its changes by one place."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from couponry.instances.blocks import Block
from couponry.instances.program import BlockProgram
from couponry.instances.rows import COUNT
from couponry.solver.engine import Exchanges
from couponry.solver.kernels import choosing, exchanging, scoring, tallying
from couponry.solver.prices import Tables

__all__ = ["NO_LIST", "BlockChooser", "Chosen"]

NO_LIST = np.zeros((1, 1), np.int32)


@dataclass(frozen=True)
class Chosen:
    """A block's scores, ``(b, S)``, NaN where not eligible; the places taken, ``(b, k)``, −1 for none."""

    block: Block
    score: np.ndarray
    taken: np.ndarray

    @property
    def coupon(self) -> np.ndarray:
        """The shortlists, as the kernels take them."""
        return NO_LIST if self.block.coupon is None else self.block.coupon

    @property
    def mask(self) -> np.ndarray:
        """The places taken, bool ``(b, S)``."""
        chosen = np.zeros((len(self.score), self.score.shape[1] + 1), bool)
        chosen[np.arange(len(chosen))[:, None], self.taken] = True  # −1 falls into the last column
        return chosen[:, :-1]

    @property
    def worth(self) -> np.ndarray:
        """Sum of each user's scores taken, ``(b,)``."""
        worth = np.empty(len(self.score))
        tallying.worths(self.score, self.taken, worth)
        return worth


class BlockChooser:
    """Chooses for the users of a block.

    Parameters
    ----------
    program : BlockProgram

    Attributes
    ----------
    most : int
        Places that a user can have at most, at least 1.
    choose_with : str
        ``"one"`` coupon each; ``"greedy"`` where conflicts fall into disjoint families; ``"free"`` else.
    """

    def __init__(self, program: BlockProgram) -> None:
        self.program, self.money, self.conflicts = program, program.money, program.conflicts
        related = self.conflicts | np.eye(len(self.conflicts), dtype=bool)
        self.families = bool((((related.astype(np.int64) @ related) > 0) == related).all())
        self.most = max(1, min(program.most_coupons, program.places))
        self.choose_with = self._chooser()

    def _chooser(self) -> str:
        if math.isfinite(self.money):
            return "free"
        if self.program.most_coupons <= 1:
            return "one"
        return "greedy" if self.families else "free"

    def add_up(self, tables: Tables, block: Block, *, sizes: bool = False) -> np.ndarray:
        """Return Σ T·m of a block's pairs, or Σ |T·m|, ``(b, S)``; NaN where not eligible."""
        value = block.columns["value"]
        score = np.empty(value.shape)
        dense, coupon = block.coupon is None, NO_LIST if block.coupon is None else block.coupon
        nothing = np.zeros((self.program.n_classes, self.program.n_coupons))
        count = tables.get(COUNT, nothing)
        slope = nothing if sizes else tables.get("value", nothing)
        scoring.start_scores(
            score, value, block.classes, coupon, dense, np.abs(count) if sizes else count, slope
        )
        add = scoring.add_size if sizes else scoring.add_measure
        for measure, table in tables.items():
            if measure != COUNT and (sizes or measure != "value"):
                add(score, block.columns[measure], block.classes, coupon, dense, table)
        return score

    def choose(self, score: np.ndarray, block: Block) -> np.ndarray:
        """Return the places of each user's best set at given scores, ``(b, k)``, −1 for none."""
        taken = np.empty((len(block), self.most), np.int32)
        dense, coupon = block.coupon is None, NO_LIST if block.coupon is None else block.coupon
        if self.choose_with == "one":
            choosing.choose_one(score, block.max_coupons, taken)
        elif self.choose_with == "greedy":
            choosing.choose_greedy(score, block.max_coupons, coupon, dense, self.conflicts, taken)
        else:
            choosing.choose_free(
                score,
                block.max_coupons,
                coupon,
                dense,
                self.conflicts,
                self.families,
                block.columns["cost" if math.isfinite(self.money) else "value"],
                self.money,
                taken,
            )
        return taken

    def best(self, scores: Tables, block: Block) -> Chosen:
        """Return what the users of a block like best at given tables."""
        score = self.add_up(scores, block)
        return Chosen(block, score, self.choose(score, block))

    def near(
        self, found: Chosen, width: float, only: tuple[np.ndarray, np.ndarray] | None = None
    ) -> Exchanges:
        """Return the changes by one place that lose less than ``width``, of all or of some kinds only."""
        block = found.block
        room = len(block) * (self.program.places + self.most)
        user, leaving, entering = (np.empty(room, np.int32) for _ in range(3))
        loss = np.empty(room)
        n = exchanging.exchanges(
            found.score,
            found.taken,
            block.max_coupons,
            found.coupon,
            block.coupon is None,
            self.conflicts,
            width,
            user,
            leaving,
            entering,
            loss,
        )
        user, leaving, entering, loss = user[:n], leaving[:n], entering[:n], loss[:n]
        if only is not None:
            kept = np.zeros(n, bool)
            for table, place in zip(only, (entering, leaving), strict=True):
                coupon = place if block.coupon is None else block.coupon[user, np.maximum(place, 0)]
                kept |= (place >= 0) & table[block.classes[user], np.maximum(coupon, 0)]
            user, leaving, entering, loss = user[kept], leaving[kept], entering[kept], loss[kept]
        if math.isfinite(self.money) and len(user):
            kept = np.empty(len(user), bool)
            cost = block.columns["cost"]
            exchanging.affordable(cost, found.taken, self.money, user, leaving, entering, kept)
            user, leaving, entering, loss = user[kept], leaving[kept], entering[kept], loss[kept]
        return Exchanges.of(self.program, block, user, leaving, entering, loss)

    def losses(self, found: Chosen) -> np.ndarray:
        """Return what it costs to turn each pair of the best choice round, ``(b, S)``."""
        chosen, worth = found.mask, found.worth
        eligible = ~np.isnan(found.score)
        score = np.where(eligible, found.score, -np.inf)
        if self.choose_with == "one":
            return self._losses_of_one(score, chosen, worth, found.block)
        loss = np.full(score.shape, np.inf)
        for s in range(score.shape[1]):
            changed = found.score.copy()
            sure = 1.0 + 4 * np.abs(np.where(eligible, score, 0.0)).sum(axis=1)
            changed[:, s] = np.where(chosen[:, s] | ~eligible[:, s], np.nan, score[:, s] + sure)
            turned = Chosen(found.block, found.score, self.choose(changed, found.block))
            possible = eligible[:, s] & (turned.mask[:, s] != chosen[:, s])
            loss[possible, s] = np.maximum(worth - turned.worth, 0.0)[possible]
        return loss

    def _losses_of_one(
        self, score: np.ndarray, chosen: np.ndarray, worth: np.ndarray, block: Block
    ) -> np.ndarray:
        loss = worth[:, None] - score
        others = np.where(chosen, -np.inf, score)
        next_best = np.maximum(others.max(axis=1, initial=-np.inf), 0.0)
        loss[chosen] = (worth - next_best)[chosen.any(axis=1)]
        loss[block.max_coupons == 0] = np.inf
        return np.asarray(loss)
