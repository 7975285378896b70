"""What an engine must answer. Everything else of the solver is the same whichever engine runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from couponry.solver.prices import Tables

__all__ = ["Demand", "Engine", "Pairs", "Settled"]


@dataclass(frozen=True)
class Demand:
    """What all users together take at given prices.

    Attributes
    ----------
    total : float
        Σ_i of the best reduced value of user i.
    tables : Tables
        Measure → ``(C, J)``: what was taken, by class and coupon.
    """

    total: float
    tables: Tables


@dataclass(frozen=True)
class Settled:
    """Who stays with one choice for every price in a box.

    Attributes
    ----------
    tables : Tables
        What the settled users take, measure → ``(C, J)``.
    undecided : ndarray of int64, ascending
        The users whose choice the box leaves open.
    """

    tables: Tables
    undecided: np.ndarray


@dataclass(frozen=True)
class Pairs:
    """Given pairs: users' rows ``(P,)`` ascending, places in their lists ``(P,)``."""

    user: np.ndarray
    place: np.ndarray


class Engine(Protocol):
    """Prices in, demand out.

    Methods take score tables as :meth:`couponry.solver.prices.PriceBook.scores` makes them, and are pure: the
    same tables give the same answer, whatever the number of threads or shards.
    """

    passes: int

    def demand(self, scores: Tables) -> Demand:
        """Return what all users take."""
        ...

    def settle(self, scores: Tables, radius: Tables) -> Settled:
        """Fix who can be fixed while the tables move by at most ``radius``; hand back the others."""
        ...

    def assign(self, scores: Tables, core: np.ndarray, core_pairs: Pairs) -> Pairs:
        """Return the whole plan: users in ``core`` take ``core_pairs``, all others what they like best."""
        ...
