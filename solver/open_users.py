"""The users whom the prices leave open, and what rounding must know of all others."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from couponry.instances.errors import BackendError
from couponry.instances.program import BlockProgram
from couponry.solver.boxes import DualAnswer
from couponry.solver.engine import Assigned, Pairs
from couponry.solver.exact_sums import ExactTables
from couponry.solver.feasibility import pair_columns
from couponry.solver.local import LocalEngine
from couponry.solver.prices import PriceBook
from couponry.solver.scale import RowScale

__all__ = ["OpenUsers", "Rounded"]


@dataclass(frozen=True)
class Rounded:
    """An integer plan that keeps every row exactly.

    Attributes
    ----------
    inside : Pairs
        What the users of the dual's core are given, as positions among them.
    value : float
        Of the whole plan, in the objective's own direction.
    core_users : int
        Users that the last integer program decided on.
    searched : float or None
        Where the search closed: a bound on ``sense · objective`` over all plans, up to HiGHS's tolerance.
    """

    inside: Pairs
    value: float
    core_users: int
    searched: float | None = None


class OpenUsers:
    """The dual's core before rounding.

    Parameters
    ----------
    program : BlockProgram
    book : PriceBook
    assigned : Assigned
        What the users outside the dual's core take.
    dual : DualAnswer
    scale : RowScale
    bound : float
        Upper bound on ``sense · objective``.
    gap : float
        Relative gap at which to stop.

    Attributes
    ----------
    users : ndarray of int64
        Their positions among all users.
    program : Program
        Of these users alone; users are meant by their position in it.
    margin : ndarray of float64
        What each loses by changing their mind.
    chosen : Pairs
        What the linear program gave them.
    scores : Tables
        What prices make of each choice.
    allowed : float
        How far below ``bound`` a plan may stay.
    whole : bool
        Whether they are all users.
    """

    def __init__(
        self,
        program: BlockProgram,
        book: PriceBook,
        assigned: Assigned,
        dual: DualAnswer,
        scale: RowScale,
        *,
        bound: float,
        gap: float,
    ) -> None:
        self.book, self.assigned, self.bound = book, assigned, bound
        self.allowed = gap * max(1.0, abs(bound))
        self.multipliers, self.natural, self.objective = dual.multipliers, scale.price, scale.objective
        self.scores = book.scores(dual.multipliers)
        self.users, self.margin = dual.core.users, dual.core.margin
        self.program = program.take(self.users) if dual.people is None else dual.people
        self.whole = len(self.users) == program.n_users
        self._everybody = program
        self.chosen = Pairs(*np.nonzero(dual.core.chosen))
        self.frozen = book.frozen_sums

    @cached_property
    def losses(self) -> np.ndarray:
        """What each of these users loses by changing their mind in any way, float64 ``(n,)``."""
        return LocalEngine(self.program).margins(self.scores)

    @cached_property
    def others_lose(self) -> float:
        """What anybody else loses at least by changing their mind."""
        others = np.ones(self._everybody.n_users, bool)
        others[self.users] = False
        rest = self._everybody.take(np.flatnonzero(others))
        return float(LocalEngine(rest).margins(self.scores).min(initial=math.inf))

    def outside(self, fixed: Pairs) -> ExactTables:
        """Return exact sums of what everybody else, and the given pairs of these users, take."""
        sums = ExactTables.of(self.program)
        sums.add(self.assigned.sums)
        classes, coupon, columns = pair_columns(self.program, fixed)
        sums.add_pairs(classes, coupon, columns)
        return sums

    def with_frozen(self, outside: ExactTables) -> ExactTables:
        """Return sums that judge a plan: rows' limits are without the frozen pairs, plans are with them."""
        if self.frozen is None:
            return outside
        sums = ExactTables.of(self.program)
        sums.add(outside)
        sums.add(self.frozen)
        return sums

    def value(self, outside: ExactTables, picked: Pairs) -> float:
        """Return the whole plan's objective, its sum rounded once.

        Raises
        ------
        BackendError
            If it is better than what was proven possible: something is broken.
        """
        objective = self.program.objective
        numbers = pair_columns(self.program, picked)[2].get(objective, np.ones(len(picked.user)))
        everywhere = np.ones(outside.high[objective].shape, bool)
        value = math.fsum([*numbers.tolist(), *outside.numbers(objective, everywhere)])
        if self.program.sense * value > self.bound:
            raise BackendError(
                f"a plan's objective {value!r} is beyond the proven {self.program.sense * self.bound!r}"
            )
        return value

    def missing(self, plan: Rounded) -> float:
        """Return how far a plan is below the bound."""
        return self.bound - self.program.sense * plan.value

    def near_enough(self, plan: Rounded | None) -> bool:
        """Whether a plan is known that is within the gap."""
        return plan is not None and self.missing(plan) <= self.allowed

    def better(self, best: Rounded | None, found: Rounded | None) -> Rounded | None:
        """Return the better of two plans, the later of equals."""
        if found is None or (best is not None and self.missing(found) > self.missing(best)):
            return best
        return found
