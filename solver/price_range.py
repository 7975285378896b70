"""How far a price holds.

A price is the slope of the best objective against a limit. The *range* of a price is the interval of limits,
all other rules as they are, between which it stays within a tolerance (a tenth, unless said otherwise) of
what it is now. The best objective is concave in the limit, so giving way within the range wins between
(1 − tolerance) and 1 times the price for each unit. Both are those of the linear program: an integer plan
follows it up to its gap.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from couponry.instances.errors import InputError, did_you_mean
from couponry.instances.one_blas_thread import one_blas_thread
from couponry.instances.progress import Cancel, Report
from couponry.solver.clock import Clock
from couponry.solver.priced_limit import PricedLimits
from couponry.solver.solution_files import check_same_rows
from couponry.solver.stand_ins import at_tangents
from couponry.solver.words import price_words

if TYPE_CHECKING:
    from couponry.instances.instance import Instance
    from couponry.instances.rows import Row
    from couponry.solver.solution import Solution

__all__ = ["PriceRange", "price_ranges"]

# A price that moves the objective by less than this part of it, over all of its limit, is rounding noise.
NOISE = 1e-9


@dataclass(frozen=True)
class PriceRange:
    """The limits between which a row's price is about what it is now.

    Attributes
    ----------
    name, rule : str
        The row, and the kind of its rule.
    side : {"lower", "upper"}
        The side that is priced, or that is nearer where none is.
    limit : float
        Its present value, in the rule's own unit.
    price : float
        As in :attr:`couponry.solver.Solution.prices`; 0 where it is rounding noise.
    holds_from, holds_to : float
        The range of the limit; NaN where it is not known, since the work was cancelled.
    words : str
    """

    name: str
    rule: str
    side: str
    limit: float
    price: float
    holds_from: float
    holds_to: float
    words: str


@one_blas_thread
def price_ranges(
    instance: Instance,
    solution: Solution,
    *,
    rows: Sequence[str] | None = None,
    tolerance: float = 0.1,
    seed: int = 0,
    progress: Report | None = None,
    cancel: Cancel | None = None,
) -> pd.DataFrame:
    """Say how far the limits of rows can move before their prices change.

    Parameters
    ----------
    instance : Instance
    solution : Solution
        Of this instance.
    rows : sequence of str, optional
        Names of rows, as in ``solution.prices``; by default all. A row with a price takes two warm solves of
        the dual, one without takes none.
    tolerance : float
        By what part of itself a price may change, above 0 and below 1.
    seed : int
    progress : callable, optional
    cancel : Cancel, optional
        Once it is set, ranges that are not known yet are NaN.

    Returns
    -------
    pandas.DataFrame
        One row a row of the program, ``name, rule, side, limit, price, holds_from, holds_to, words``: the
        fields of :class:`PriceRange`. A row without a price costs nothing from what the plan takes of it on,
        as far as its limit gives way.

    Raises
    ------
    InputError
        If the solution was made for other rules or has no plan, a name is unknown, or the tolerance is out of
        range.
    """
    check_same_rows(instance, solution.certificate)
    if math.isnan(solution.value):
        raise InputError("the solution has no plan, so its prices mean nothing", mend="Mend the rules first")
    if not 0 < tolerance < 1:
        raise InputError("a tolerance lies between 0 and 1", value=tolerance, mend="0.1 is usual")
    names = [row.name for row in instance.program.rows]
    for name in rows or ():
        if name not in names:
            raise InputError("no row has this name", value=name, mend=did_you_mean(name, names))
    wanted = [k for k, name in enumerate(names) if rows is None or name in rows]
    clock = Clock(None, cancel, progress)
    found = []
    for step, k in enumerate(wanted):
        clock.tell("ranges", step, len(wanted), names[k])
        found.append(row_range(instance, solution, k, tolerance=tolerance, seed=seed, clock=clock))
    clock.tell("ranges", len(wanted), len(wanted))
    return pd.DataFrame([vars(one) for one in found], columns=list(PriceRange.__dataclass_fields__))


def row_range(
    instance: Instance, solution: Solution, k: int, *, tolerance: float, seed: int, clock: Clock
) -> PriceRange:
    """Return the range of row ``k``'s price."""
    row = instance.program.rows[k]
    # A budget at risk is priced as its tangent is, whose limit moves as its own does.
    program = at_tangents(instance, solution.certificate).program
    shift = row.upper - program.rows[k].upper if row.risk is not None else 0.0
    multipliers = solution.certificate.multipliers
    multiplier = float(multipliers[k])
    activity = float(solution.prices["activity"].iloc[k])
    sides = [abs(limit) for limit in row.limits if math.isfinite(limit)]
    size = abs(multiplier) * row.unit * max(1.0, *sides) if sides else 0.0
    if size <= NOISE * max(1.0, abs(solution.value)):
        return _free(row, activity, instance)
    limits = PricedLimits(program, k, multipliers, clock=clock, seed=seed)
    dearer, cheaper = (
        math.nan if clock.stopped_by is not None else limits.at(factor * multiplier).limit
        for factor in (1 + tolerance, 1 - tolerance)
    )
    dearer, cheaper = dearer + shift, cheaper + shift
    # The present limit has the present price, whatever rounding says; and sides do not pass each other.
    if multiplier > 0:
        ends = np.clip(dearer, row.lower, row.upper), np.maximum(cheaper, row.upper)
    else:
        ends = np.minimum(cheaper, row.lower), np.clip(dearer, row.lower, row.upper)
    low, high = (row.told(float(end)) for end in ends)
    limit = row.limits[multiplier > 0]
    reach = high - limit if multiplier > 0 else limit - low
    price = float(program.sense * multiplier * row.unit)
    known = None if math.isnan(reach) else reach
    words = price_words(row, instance.campaign, activity, price, known)
    return PriceRange(
        row.name, row.kind, "upper" if multiplier > 0 else "lower", limit, price, low, high, words
    )


def _free(row: Row, activity: float, instance: Instance) -> PriceRange:
    """Return the range of a row that costs nothing: from what the plan takes on, as far as it gives way."""
    lower, upper = row.limits
    is_upper = upper - activity <= activity - lower
    ends = (activity, math.inf) if is_upper else (-math.inf, activity)
    words = price_words(row, instance.campaign, activity, 0.0)
    side, limit = ("upper", upper) if is_upper else ("lower", lower)
    return PriceRange(row.name, row.kind, side, limit, 0.0, *ends, words)
