"""Why no plan exists: a proof of our own, the rules that clash, and the least change that mends each."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from couponry.instances.instance import Instance
from couponry.instances.program import Program
from couponry.instances.rows import Row
from couponry.solver.clock import Clock
from couponry.solver.engine import Pairs
from couponry.solver.integer import PairProgram, eligible_pairs
from couponry.solver.mends import Found, Mend, Mender
from couponry.solver.prices import PriceBook
from couponry.solver.solution import Clash, Infeasibility
from couponry.solver.words import amount

__all__ = ["explain_infeasible", "mend_words", "outward", "without_least"]

# Pairs up to which one integer program tells a change, and up to which it does so at once.
SMALL, FEW = 20_000, 5_000
NODES = 2000
NOTHING_MEETS = "No plan can meet all rules together."


def explain_infeasible(
    instance: Instance,
    book: PriceBook,
    clock: Clock,
    *,
    proof: str,
    multipliers: np.ndarray | None,
    solve: Callable[[Program], Found] | None,
) -> Infeasibility:
    """Say which rules clash and the least change of each that, all others as they are, mends it.

    Parameters
    ----------
    proof : {"prices", "enumeration", "search", "counts"}
    multipliers : ndarray, shape (K,), or None
        Of the proof by prices; without them every row is tried.
    solve : callable or None
        Solves other programs of the same users. Without it the clashing rules are named, but no change is
        looked for.
    """
    if solve is None:
        clashing = [] if multipliers is None else np.flatnonzero(multipliers).tolist()
        return _named(book, proof, multipliers, clashing)
    if multipliers is None:
        wanted = [(k, side) for k in range(book.n_rows) for side in ("lower", "upper")]
        sides = [(k, s) for k, s in wanted if math.isfinite(book.lower[k] if s == "lower" else book.upper[k])]
    else:
        sides = [(int(k), "upper" if multipliers[k] > 0 else "lower") for k in np.flatnonzero(multipliers)]
    changes = _LeastChange(instance.program, book, solve, clock, multipliers)
    clashes = []
    for step, (k, side) in enumerate(sides):
        clock.tell("why infeasible", step, len(sides), book.program.rows[k].name)
        change = changes.of(k, side)
        if change is None or (multipliers is None and not math.isfinite(change.enough)):
            continue
        clashes.append(_clash(instance, book, k, side, change))
    names = ", ".join(dict.fromkeys(f"'{clash.name}'" for clash in clashes))
    words = f"No plan can meet these rules together: {names}." if names else NOTHING_MEETS
    mends = [clash.words for clash in clashes if clash.mended_limit is not None]
    if mends:
        words += " Any one of these changes mends it: " + "; ".join(mends) + "."
    words += _spent_by_frozen(book, {k for k, _ in sides})
    return Infeasibility(tuple(clashes), proof, multipliers, words)


def _spent_by_frozen(book: PriceBook, rows: set[int]) -> str:
    """Say which rows the frozen pairs break by themselves."""
    spent = [
        f" The frozen pairs alone use {amount(float(book.frozen[k]) / row.unit)} of '{row.name}'."
        for k, row in enumerate(book.program.rows)
        if k in rows and book.frozen[k] > 0 and book.upper[k] < 0
    ]
    return "".join(spent)


def _named(book: PriceBook, proof: str, multipliers: np.ndarray | None, clashing: list[int]) -> Infeasibility:
    names = ", ".join(f"'{book.program.rows[k].name}'" for k in clashing)
    words = f"No plan can meet these rules together: {names}." if names else NOTHING_MEETS
    return Infeasibility((), proof, multipliers, words)


class _LeastChange:
    """Finds by how much one side must give way, all other rows as they are."""

    def __init__(
        self,
        program: Program,
        book: PriceBook,
        solve: Callable[[Program], Found],
        clock: Clock,
        proof: np.ndarray | None,
    ) -> None:
        self.book, self.clock = book, clock
        pairs = eligible_pairs(program, np.arange(program.n_users))
        self.integer = self._integer(program, pairs) if len(pairs.user) <= SMALL else None
        priced = proof is not None and len(pairs.user) > FEW
        self.mender = Mender(program, solve, proof) if priced else None

    def _integer(self, program: Program, pairs: Pairs) -> PairProgram:
        return PairProgram(program, self.book, pairs, np.zeros(self.book.n_rows))

    def of(self, k: int, side: str) -> Mend | None:
        """Return the change of row ``k``'s written limit; None if it is not known whether there is one."""
        mend = None if self.mender is None else self.mender.of(k, side)
        if self.integer is None or (mend is not None and mend.known):
            return mend
        change = self.integer.least_change(self.clock, k, side, nodes=NODES)
        return Mend(math.inf, math.inf) if change is None else Mend(change, change)


def _clash(instance: Instance, book: PriceBook, k: int, side: str, change: Mend) -> Clash:
    row = book.program.rows[k]
    limit = row.limits[side == "upper"]
    present = f"'{row.name}' ({side} limit {amount(limit)}{_unit(instance, row)})"
    if math.isinf(change.enough):
        return Clash(row.name, row.kind, side, limit, None, f"{present}: no change of it alone is enough")
    least = outward(limit, change.least / row.unit, side)
    if math.isnan(change.enough):
        words = (
            f"{present}: no change of it alone was found to be enough, and none short of {amount(least)} is"
        )
        return Clash(row.name, row.kind, side, limit, None, words)
    mended = outward(limit, change.enough / row.unit, side)
    words = mend_words(instance, row, side, mended)
    # What reads alike is as good as exact.
    if amount(least) != amount(mended):
        words += _least_words(least)
    return Clash(row.name, row.kind, side, limit, mended, words, least)


def _unit(instance: Instance, row: Row) -> str:
    """Return the currency where a row's limit is money."""
    currency = instance.campaign.currency
    return f" {currency}" if currency and row.kind == "budget" and row.measure == "cost" else ""


def mend_words(instance: Instance, row: Row, side: str, mended: float) -> str:
    """Return what a planner is to do: ``raise 'budget' from 100 to 120 CNY``."""
    verb, limit = ("raise", row.limits[1]) if side == "upper" else ("lower", row.limits[0])
    return f"{verb} '{row.name}' from {amount(limit)} to {amount(mended)}{_unit(instance, row)}"


def outward(limit: float, change: float, side: str) -> float:
    """Return the mended limit rounded so that what a planner types is enough."""
    mended = limit - change if side == "lower" else limit + change
    digits = 2 if abs(mended) >= 1 else 6
    near = round(mended, digits)
    if abs(mended - near) <= 1e-10 * max(1.0, abs(mended)):
        return float(near)
    step = 10.0**-digits
    outer = math.floor(mended / step) if side == "lower" else math.ceil(mended / step)
    return float(round(outer * step, digits))


def without_least(clash: Clash) -> str:
    """Return a clash's words without what is said to be too little."""
    return (
        clash.words
        if clash.least_limit is None
        else clash.words.removesuffix(_least_words(clash.least_limit))
    )


def _least_words(least: float) -> str:
    return f" (short of {amount(least)} nothing mends it)"
