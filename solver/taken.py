"""A plan as its sums, and as what it takes to find who gets what."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from couponry.solver.engine import Pairs
from couponry.solver.exact_sums import ExactTables
from couponry.solver.prices import Tables

__all__ = ["NOBODY", "Taken"]

NOBODY = np.empty(0, np.int64)


@dataclass(frozen=True)
class Taken:
    """A plan that keeps the rows of its program.

    Attributes
    ----------
    sums : ExactTables
        Of the whole plan, frozen pairs included.
    pairs : Pairs
        What everybody is given, or the users of ``core`` alone; without the frozen pairs.
    core : ndarray of int64, ascending
        Where users are read block by block: those whom prices leave open.
    scores : Tables or None
        By which all others choose; None where they choose nothing, or ``pairs`` are everybody's.
    """

    sums: ExactTables
    pairs: Pairs
    core: np.ndarray = field(default_factory=lambda: NOBODY)
    scores: Tables | None = None
