"""Campaigns of some thousands of users, by what makes them hard, and the parts that a search takes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np
from tests.solver.linear import linear_optimum

from couponry.instances import Campaign, Instance, Program, UserCap
from couponry.instances.generators import DEFAULT_RULES, RULE_NAMES, draw_instance
from couponry.solver.basis import Basis
from couponry.solver.bound import dual_bound
from couponry.solver.clock import Clock
from couponry.solver.local import LocalEngine
from couponry.solver.newton import Newton
from couponry.solver.prices import PriceBook, Tables
from couponry.solver.scale import RowScale, measure_scale

__all__ = ["KINDS", "Cancelled", "Parts", "campaign", "optimum", "parts"]

KINDS = ("one", "greedy", "free", "shortlists", "minimised")
INTEGRAL = tuple(name for name in RULE_NAMES if name != "user_cap")
# A cap on money that no user reaches: the search for sets must be used, and changes nothing.
PLENTY = 1e6
# From here on HiGHS's interior point is the quicker, and exact to nine digits.
MANY = 6_000


class Cancelled:
    """A flag that is set from the beginning."""

    def is_set(self) -> bool:
        """Say that it is set."""
        return True


@lru_cache(maxsize=8)
def campaign(kind: str, seed: int, users: int = 4000) -> Instance:
    """Return a campaign whose linear optimum HiGHS can tell.

    Parameters
    ----------
    kind : {"one", "greedy", "free", "shortlists", "minimised"}
        The first three by the kernel that they need.
    seed : int
    users : int
    """
    if kind in ("greedy", "free"):
        instance = draw_instance(users, 6, seed=seed, rules=INTEGRAL)
        cap = UserCap(coupons=2, money=PLENTY if kind == "free" else None)
        return replace(instance, rules=(*instance.rules, cap))
    if kind == "shortlists":
        return draw_instance(users, 9, seed=seed, rules=INTEGRAL, shortlist=4, eligible=0.8)
    if kind == "minimised":
        instance = draw_instance(users, 5, seed=seed, rules=("target", "stock", "coverage", "parity"))
        return replace(instance, campaign=Campaign(objective="cost", sense="minimise"))
    return draw_instance(users, 6, seed=seed, rules=DEFAULT_RULES)


@lru_cache(maxsize=64)
def optimum(kind: str, seed: int, users: int = 4000) -> float:
    """Return HiGHS's linear optimum of a campaign."""
    instance = campaign(kind, seed, users)
    caps = (UserCap(coupons=2),) if kind == "free" else ()
    rules = tuple(rule for rule in instance.rules if not (caps and isinstance(rule, UserCap)))
    program = replace(instance, rules=(*rules, *caps)).program
    return linear_optimum(program, solver="simplex" if users < MANY else "ipm")


@dataclass(frozen=True)
class Parts:
    """A program and what every search over it takes."""

    program: Program

    @cached_property
    def book(self) -> PriceBook:
        """The rows' prices."""
        return PriceBook(self.program)

    @cached_property
    def engine(self) -> LocalEngine:
        """Over all users."""
        return LocalEngine(self.program, threads=1)

    @cached_property
    def basis(self) -> Basis:
        """The rows, taken apart."""
        return Basis.of(self.program)

    @cached_property
    def scale(self) -> RowScale:
        """Natural sizes."""
        return measure_scale(self.program, self.book, np.arange(min(self.program.n_users, 2000)))

    @property
    def reach(self) -> np.ndarray:
        """Largest size of each multiplier."""
        return 1e4 * self.scale.price

    @property
    def nothing(self) -> Tables:
        """What nobody takes."""
        shape = (self.program.n_classes, self.program.n_coupons)
        return {measure: np.zeros(shape) for measure in self.program.measures}

    def newton(
        self, *, users: np.ndarray | None = None, share: float = 1.0, clock: Clock | None = None
    ) -> Newton:
        """Return Newton's method over all users, or over some that are a share of all."""
        engine = self.engine if users is None else LocalEngine(self.program, users, threads=1)
        return Newton(
            engine,
            self.book,
            self.scale,
            clock or Clock(),
            settled={},
            share=share,
            reach=self.reach,
        )

    def bound(self, multipliers: np.ndarray) -> float:
        """Return L."""
        return dual_bound(self.engine, self.book, multipliers)


@lru_cache(maxsize=8)
def parts(kind: str, seed: int, users: int = 4000) -> Parts:
    """Return the parts of a campaign."""
    return Parts(campaign(kind, seed, users).program)
