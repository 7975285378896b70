"""A parity rule so narrow that few totals meet it: a total is fixed first, and users are decided on after.

Of a total that whole users can share out equally each group's number is known, and in place of the rule stand
numbers of users: rows like those of coverage, which a search keeps without trying combinations.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from couponry.instances.program import Program
from couponry.solver.clock import Clock
from couponry.solver.counts import CountProgram
from couponry.solver.engine import Pairs
from couponry.solver.equal_shares import EqualShares
from couponry.solver.feasibility import excesses
from couponry.solver.mends import Found
from couponry.solver.prices import Tables

__all__ = ["Led", "lead"]

# Where more than this share of totals can be shared out, the search over users finds one by itself.
FEW = 0.5
TRIES = 4


@dataclass(frozen=True)
class Led:
    """The best plan of a few totals.

    Attributes
    ----------
    pairs : Pairs or None
    bound : float
        On ``sense · objective`` of every plan; infinite where not all totals were tried.
    impossible : bool
        Whether no total has a plan: each was tried, and can be shared out in one way alone.
    """

    pairs: Pairs | None
    bound: float
    impossible: bool = False


def lead(
    counts: CountProgram,
    taken: Tables,
    solve: Callable[[Program], Found],
    clock: Clock,
) -> Led | None:
    """Return the best plan with a total near what prices lead to; None where no parity is so narrow.

    Parameters
    ----------
    counts : CountProgram
    taken : Tables
        What users take at the prices.
    solve : callable
        Solves a program of the same users.
    clock : Clock
    """
    program = counts.cells.program
    for parity in counts.parities:
        totals = counts.totals(clock, parity)
        if totals is None:
            continue
        kept = totals[parity.kept_at(totals)]
        if len(kept) <= FEW * len(totals):
            return _best(
                program, parity, _nearest(kept, parity.counted(program).activity(taken)), solve, clock
            )
    return None


def _nearest(totals: np.ndarray, wanted: float) -> list[int]:
    """Return all totals, those near a number first, below and above it in turn."""
    below, above = totals[totals <= wanted][::-1].tolist(), totals[totals > wanted].tolist()
    order: list[int] = []
    for at in range(max(len(below), len(above))):
        order += below[at : at + 1] + above[at : at + 1]
    return order


def _best(
    program: Program,
    parity: EqualShares,
    totals: list[int],
    solve: Callable[[Program], Found],
    clock: Clock,
) -> Led:
    """Try totals in turn until two neighbours have plans."""
    best, value, bounds, plans = None, -np.inf, [], 0
    for total in totals[:TRIES]:
        found = solve(parity.fixed(program, total))
        alone = parity.unique(total)
        bounds.append(-np.inf if alone and found.infeasible else found.bound if alone else np.inf)
        if found.pairs is not None and not excesses(program, found.pairs).any():
            worth = program.sense * _worth(program, found.pairs)
            if worth > value:
                best, value = found.pairs, worth
            plans += 1
        if plans == 2 or clock.stopped_by is not None:
            break
    bound = max(bounds, default=-np.inf) if len(bounds) == len(totals) else np.inf
    return Led(best, bound, impossible=bound == -np.inf)


def _worth(program: Program, pairs: Pairs) -> float:
    if program.objective not in program.columns:
        return float(len(pairs.user))
    return float(program.columns[program.objective][pairs.user, pairs.place].sum())
