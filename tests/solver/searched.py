"""Instances at the end of the search for prices, which rounding starts from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from couponry.instances import Instance
from couponry.instances.generators import RULE_NAMES, draw_instance
from couponry.solver.bound import dual_bound
from couponry.solver.clock import Clock
from couponry.solver.dual import DualAnswer, DualSearch
from couponry.solver.engine import Assigned
from couponry.solver.local import LocalEngine
from couponry.solver.open_users import OpenUsers
from couponry.solver.prices import PriceBook
from couponry.solver.rounding import Rounder
from couponry.solver.scale import RowScale, measure_scale


@dataclass(frozen=True)
class Searched:
    """A drawn instance at the end of the search for prices."""

    instance: Instance
    dual: DualAnswer
    bound: float

    @classmethod
    def of(cls, instance: Instance) -> Searched:
        """Search for prices."""
        program = instance.program
        book, engine = PriceBook(program), LocalEngine(program)
        scale = measure_scale(program, book, np.arange(min(2000, program.n_users)))
        dual = DualSearch(program, book, engine, scale, 1e4 * scale.price, Clock()).run()
        return cls(instance, dual, dual_bound(engine, book, dual.multipliers))

    @property
    def scale(self) -> RowScale:
        """Natural sizes of the rows."""
        program = self.instance.program
        return measure_scale(program, PriceBook(program), np.arange(min(2000, program.n_users)))

    @property
    def assigned(self) -> Assigned:
        """What the users outside the dual's core take."""
        scores = PriceBook(self.instance.program).scores(self.dual.multipliers)
        return LocalEngine(self.instance.program).assign(scores, self.dual.core.users)

    def open_users(self, *, gap: float = 1e-6, bound: float | None = None) -> OpenUsers:
        """Return the users whom these prices leave open."""
        program = self.instance.program
        proven = self.bound if bound is None else bound
        book = PriceBook(program)
        return OpenUsers(program, book, self.assigned, self.dual, self.scale, bound=proven, gap=gap)

    def rounder(
        self, *, gap: float = 1e-6, bound: float | None = None, clock: Clock | None = None
    ) -> Rounder:
        """Return a rounder from these prices."""
        program = self.instance.program
        proven = self.bound if bound is None else bound
        return Rounder(
            program,
            PriceBook(program),
            self.assigned,
            self.dual,
            self.scale,
            bound=proven,
            goal=proven,
            gap=gap,
            clock=clock or Clock(),
        )


@lru_cache
def searched(rules: tuple[str, ...], users: int = 800, seed: int = 2) -> Searched:
    """Return a drawn instance at its prices."""
    return Searched.of(draw_instance(users, 6, seed=seed, rules=rules))


KINDS = {
    "one": ("budget", "stock", "coverage", "parity"),
    "all": RULE_NAMES,
}
