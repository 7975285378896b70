"""Why whole users cannot share out coupons as equally as a parity rule asks, and what would mend it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from couponry.instances.exact_limits import row_limit
from couponry.instances.instance import Instance
from couponry.instances.program import Program
from couponry.solver.clock import Clock
from couponry.solver.counts import CountProgram
from couponry.solver.equal_shares import EqualShares
from couponry.solver.infeasible import mend_words, outward
from couponry.solver.mends import Found, Mender, loosened
from couponry.solver.prices import PriceBook
from couponry.solver.solution import Clash, Infeasibility
from couponry.solver.words import amount, listed

__all__ = ["explain_counts"]

# Totals tried until one has a plan.
TRIES = 3
FEW_TOTALS = 3
MOST_TOTALS = 2_000_000


def explain_counts(
    instance: Instance,
    counts: CountProgram,
    clock: Clock,
    solve: Callable[[Program], Found],
    *,
    with_mends: bool = True,
) -> Infeasibility | None:
    """Say which rules clash with a parity, for which no total that they allow can be shared out.

    Returns
    -------
    Infeasibility or None
        None where it is not a parity that clashes.
    """
    told = _Told(instance, counts, clock, solve)
    parity = next((one for one in counts.parities if told.clashes(one, ())), None)
    if parity is None:
        return None
    groups = told.needed(parity)
    names = [told.name(group) for group in groups]
    words = f"No plan can meet these rules together: {', '.join(repr(name) for name in names)}. "
    words += told.totals_words(parity)
    clashes: list[Clash] = []
    if with_mends:
        for step, group in enumerate(groups):
            clock.tell("why infeasible", step, len(groups), names[step])
            clashes += told.mend(group, parity)
    mends = [clash.words for clash in clashes if clash.mended_limit is not None]
    if mends:
        words += " Any one of these changes mends it: " + "; ".join(mends) + "."
    return Infeasibility(tuple(clashes), "counts", None, words)


class _Told:
    """The rules, each with its rows; stock of the menu is a rule a row."""

    def __init__(
        self,
        instance: Instance,
        counts: CountProgram,
        clock: Clock,
        solve: Callable[[Program], Found],
    ) -> None:
        self.instance, self.counts, self.clock, self.solve = instance, counts, clock, solve
        self.program = counts.cells.program
        found: dict[tuple[int, int], list[int]] = {}
        for k, row in enumerate(self.program.rows):
            found.setdefault((row.rule, k if row.rule < 0 else 0), []).append(k)
        self.groups = list(found.values())

    def name(self, group: list[int]) -> str:
        """Return what a rule is called."""
        return self.program.rows[group[0]].name.split("=")[0]

    def clashes(self, parity: EqualShares, without: tuple[int, ...]) -> bool:
        """Whether no total that the other rules allow can be shared out."""
        totals = self.counts.totals(self.clock, parity, without=without)
        if totals is None:
            return False
        kept = totals[parity.kept_at(totals)].tolist()
        if len(kept) > FEW_TOTALS or not all(parity.unique(total) for total in kept):
            return False
        others = loosened(self.program, dict.fromkeys(without, math.inf))
        return all(self.solve(parity.fixed(others, total)).infeasible for total in kept)

    def needed(self, parity: EqualShares) -> list[list[int]]:
        """Return rules without any of which there would be no clash."""
        few = self._proven(parity)
        if few is not None:
            return few
        left_out: tuple[int, ...] = ()
        needed = []
        for group in self.groups:
            if group[0] == parity.rows[0]:
                needed.append(group)
            elif self.clashes(parity, (*left_out, *group)):
                left_out = (*left_out, *group)
            else:
                needed.append(group)
        return needed

    def _proven(self, parity: EqualShares) -> list[list[int]] | None:
        """Return the rules that prices prove to rule out each of a few totals; None where they do not."""
        totals = self._all_totals(parity).tolist()
        if len(totals) > FEW_TOTALS or not all(parity.unique(total) for total in totals):
            return None
        clashing = np.zeros(len(self.program.rows), bool)
        for total in totals:
            found = self.solve(parity.fixed(self.program, total))
            if not (found.infeasible and found.multipliers.any()):
                return None
            clashing |= found.multipliers != 0
        clashing[parity.rows] = True
        return [group for group in self.groups if clashing[group].any()]

    def _all_totals(self, parity: EqualShares) -> np.ndarray:
        """Return every total that could be shared out were it not for the other rules."""
        most = min(int(self.counts.whole.sum()), MOST_TOTALS)
        totals = np.arange(most + 1)
        return np.asarray(totals[parity.kept_at(totals)])

    def totals_words(self, parity: EqualShares) -> str:
        """Return which totals can be shared out."""
        name, able = self.name(parity.rows.tolist()), self._all_totals(parity)
        few = listed([amount(int(total)) for total in able]).replace(" and ", " or ") if len(able) else ""
        which = f"{few} coupons" if 0 < len(able) <= FEW_TOTALS else f"{len(able):,} numbers of coupons"
        return (
            f"Whole users have shares as equal as '{name}' asks only with {which} in all, which the other "
            "rules do not allow."
        )

    def mend(self, group: list[int], parity: EqualShares) -> list[Clash]:
        """Return the change of one rule that lets a plan in, if one was found."""
        if group[0] == parity.rows[0]:
            return self._wider(parity)
        if len(group) > 1:
            return []
        k = group[0]
        row = self.program.rows[k]
        able, room = self._all_totals(parity), self.counts.totals(self.clock, parity)
        assert room is not None
        middle = float(room.mean()) if len(room) else 0.0
        nearest = [*able[able <= middle][-1:].tolist(), *able[able > middle][:1].tolist()]
        found: list[Clash] = []
        for side, limit in zip(("lower", "upper"), row.limits, strict=True):
            if not math.isfinite(limit):
                continue
            changes = [Mender(parity.fixed(self.program, t), self.solve).of(k, side).enough for t in nearest]
            able_changes = [change for change in changes if math.isfinite(change)]
            if able_changes:
                mended = outward(limit, min(able_changes) / row.unit, side)
                words = mend_words(self.instance, row, side, mended)
                found.append(Clash(row.name, row.kind, side, limit, mended, words))
        return found

    def _wider(self, parity: EqualShares) -> list[Clash]:
        """Return the least tolerance with which some total has a plan."""
        totals = self.counts.totals(self.clock, parity, without=parity.rows.tolist())
        if totals is None or not len(totals):
            return []
        tolerance = parity.tolerance_at(totals)
        row = self.program.rows[parity.rows[0]]
        limit = row.limits[1]
        # Totals that can be shared out as it is have no plan: that is the clash.
        totals, tolerance = totals[tolerance > limit], tolerance[tolerance > limit]
        least = outward(float(tolerance.min(initial=math.inf)), 0.0, "upper") if len(totals) else limit
        name = self.name(parity.rows.tolist())
        for at in np.argsort(tolerance, kind="stable")[:TRIES]:
            mended = outward(float(tolerance[at]), 0.0, "upper")
            wider = _with_tolerance(self.program, parity, mended)
            shares = EqualShares.of_rows(wider, PriceBook(wider), parity.rows)
            if shares is not None and self.solve(shares.fixed(wider, int(totals[at]))).pairs is not None:
                words = f"raise '{name}' from {_decimal(limit)} to {_decimal(mended)}"
                return [Clash(name, row.kind, "upper", limit, mended, words, least)]
        return []


def _with_tolerance(program: Program, parity: EqualShares, tolerance: float) -> Program:
    """Return the program with another tolerance in all rows of a parity rule."""
    rows = list(program.rows)
    for k in parity.rows:
        limit = row_limit(tolerance, int(rows[k].unit), 1)
        rows[k] = replace(rows[k], lower=-limit, upper=limit)
    return replace(program, rows=tuple(rows))


def _decimal(tolerance: float) -> str:
    """Return a tolerance as it can be typed: ``0.000086``."""
    return f"{tolerance:.6f}".rstrip("0").rstrip(".")
