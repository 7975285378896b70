"""Why no plan exists: a proof of our own, the rules that clash, and the least change that mends each."""

from __future__ import annotations

import math

import numpy as np

from couponry.instances.instance import Instance
from couponry.solver.boxes import BoxSearch
from couponry.solver.clock import Clock
from couponry.solver.engine import Pairs
from couponry.solver.integer import PairProgram, eligible_pairs
from couponry.solver.local import LocalEngine
from couponry.solver.prices import PriceBook
from couponry.solver.scale import RowScale
from couponry.solver.solution import Clash, Infeasibility
from couponry.solver.words import amount

__all__ = ["explain_infeasible", "outward"]

SMALL = 20_000
NODES = 2000
# Prices, in natural sizes, at which the row that gives way and all others may be broken.
OWN = 1e2
OTHERS = 1e5
NOTHING_MEETS = "No plan can meet all rules together."


def explain_infeasible(
    instance: Instance,
    book: PriceBook,
    engine: LocalEngine,
    scale: RowScale,
    clock: Clock,
    *,
    proof: str,
    multipliers: np.ndarray | None,
    with_mends: bool = True,
) -> Infeasibility:
    """Say which rules clash and the least change of each that, all others as they are, mends it.

    Parameters
    ----------
    proof : {"prices", "enumeration", "search"}
    multipliers : ndarray, shape (K,), or None
        Of the proof by prices; without them every row is tried.
    with_mends : bool
        Without it the clashing rules are named, but no change is looked for.
    """
    if not with_mends:
        clashing = [] if multipliers is None else np.flatnonzero(multipliers).tolist()
        return _named(book, proof, multipliers, clashing)
    if multipliers is None:
        wanted = [(k, side) for k in range(book.n_rows) for side in ("lower", "upper")]
        sides = [(k, s) for k, s in wanted if math.isfinite(book.lower[k] if s == "lower" else book.upper[k])]
    else:
        sides = [(int(k), "upper" if multipliers[k] > 0 else "lower") for k in np.flatnonzero(multipliers)]
    changes = _LeastChange(instance, book, engine, scale, clock, multipliers)
    clashes = []
    for step, (k, side) in enumerate(sides):
        clock.tell("why infeasible", step, len(sides), book.program.rows[k].name)
        change = changes.of(k, side)
        if multipliers is None and change is None:
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
        instance: Instance,
        book: PriceBook,
        engine: LocalEngine,
        scale: RowScale,
        clock: Clock,
        proof: np.ndarray | None,
    ) -> None:
        self.program, self.book, self.engine = instance.program, book, engine
        self.scale, self.clock, self.proof = scale, clock, proof
        pairs = eligible_pairs(self.program, np.arange(self.program.n_users))
        self.integer = self._integer(pairs) if len(pairs.user) <= SMALL else None

    def _integer(self, pairs: Pairs) -> PairProgram:
        return PairProgram(self.program, self.book, pairs, np.zeros(self.book.n_rows))

    def of(self, k: int, side: str) -> float | None:
        """Return the least change of row ``k``'s written limit, in its scale; None if none of it mends."""
        if self.integer is not None:
            return self.integer.least_change(self.clock, k, side, nodes=NODES)
        if self.proof is None:
            return None
        reach = OTHERS * self.scale.price
        reach[k] = OWN * self.scale.price[k]
        book = self.book.tightened()
        search = BoxSearch(self.program, book, self.engine, self.scale, reach, self.clock, elastic=True)
        # The proof, drawn out until this row's price is at its end, is near where the search must end.
        start = np.clip(self.proof * (reach[k] / abs(self.proof[k])), -reach, reach)
        broken = search.run(start).broken
        others = np.delete(broken, k)
        rounded = (
            book.lower[k] - self.book.lower[k] if side == "lower" else self.book.upper[k] - book.upper[k]
        )
        return None if others.any() else max(0.0, abs(float(broken[k])) - float(rounded))


def _clash(instance: Instance, book: PriceBook, k: int, side: str, change: float | None) -> Clash:
    row = book.program.rows[k]
    limit = row.limits[side == "upper"]
    mended = None if change is None else outward(limit, change / row.unit, side)
    currency = instance.campaign.currency
    unit = f" {currency}" if currency and row.kind == "budget" and row.measure == "cost" else ""
    if mended is None:
        words = f"'{row.name}' ({side} limit {amount(limit)}{unit}): no change of it alone is enough"
    else:
        verb = "raise" if side == "upper" else "lower"
        words = f"{verb} '{row.name}' from {amount(limit)} to {amount(mended)}{unit}"
    return Clash(row.name, row.kind, side, limit, mended, words)


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
