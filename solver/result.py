"""Put a solution together: the plan as a table, the prices in words, the certificate."""

from __future__ import annotations

import math
import sys
from typing import Any, Protocol

import numpy as np
import pandas as pd
import pyarrow as pa

from couponry.instances.instance import Instance
from couponry.instances.program import BlockProgram, Program
from couponry.instances.rows import COUNT, Row
from couponry.instances.rules import Campaign
from couponry.solver.clock import Clock
from couponry.solver.engine import Pairs
from couponry.solver.exact_sums import ExactTables
from couponry.solver.feasibility import pair_columns
from couponry.solver.frozen import with_frozen
from couponry.solver.prices import PriceBook
from couponry.solver.row_sums import deviation_of_sums, sums_of_row
from couponry.solver.solution import Certificate, Infeasibility, Solution, Status, StoppedBy
from couponry.solver.words import price_words, risk_words

__all__ = ["NO_PAIRS", "build_solution", "plain_sum", "plan_sums", "plan_table", "relative_gap"]

NO_PAIRS = Pairs(np.empty(0, np.int64), np.empty(0, np.int64))


def relative_gap(value: float, bound: float) -> float:
    """Return ``|bound − value| / max(1, |bound|)``; infinite without a plan."""
    if math.isnan(value) or math.isinf(bound):
        return math.inf
    return abs(bound - value) / max(1.0, abs(bound))


def plan_table(instance: Instance, pairs: Pairs) -> pa.Table:
    """Return ``user_id, coupon_id, value, cost``, one row a given coupon."""
    coupon = (
        pairs.place if instance.response.coupon is None else instance.response.coupon[pairs.user, pairs.place]
    )
    ids = pa.array(instance.coupons.ids, pa.string())
    columns = {
        name: instance.response.measure(name)[pairs.user, pairs.place].astype(np.float64)
        for name in ("value", "cost")
    }
    return pa.table(
        {
            "user_id": instance.users.ids.take(pa.array(pairs.user)),
            "coupon_id": ids.take(pa.array(coupon)),
            **columns,
        }
    )


class Compiled(Protocol):
    """An instance whose rules are compiled, wherever its users are."""

    @property
    def program(self) -> BlockProgram:
        """The integer program."""
        ...

    @property
    def campaign(self) -> Campaign:
        """Name, objective and currency."""
        ...


def price_table(
    instance: Compiled, book: PriceBook, sums: ExactTables, multipliers: np.ndarray
) -> pd.DataFrame:
    """Return one row a row of the program, in the rules' own units, from a whole plan's sums."""
    program = instance.program
    activity = book.activity(sums.high)
    records = []
    for k, row in enumerate(program.rows):
        # A sum of money is rounded once, as a reader's own sum of the plan would be.
        exact = plain_sum(row, sums)
        own = activity[k] if exact is None else exact
        said = ""
        if row.risk is not None:
            expected, deviation = own, deviation_of_sums(row.risk, sums)
            own = float(sums_of_row(row, sums)[0])
            said = risk_words(row.risk, expected, deviation, instance.campaign.currency)
        price = program.sense * multipliers[k] * row.unit
        records.append(
            {
                "name": row.name,
                "rule": row.kind,
                "position": row.rule,
                "measure": row.measure,
                "scope": row.scope,
                "activity": row.told(own),
                "lower": row.limits[0],
                "upper": row.limits[1],
                "price": price,
                "words": price_words(row, instance.campaign, row.told(own), price) + said,
            }
        )
    names = ["name", "rule", "position", "measure", "scope", "activity", "lower", "upper", "price", "words"]
    return pd.DataFrame.from_records(records, columns=names)


def plain_sum(row: Row, sums: ExactTables) -> float | None:
    """Return a row's sum without weights, rounded once; None where there are weights or several terms."""
    if len(row.terms) != 1:
        return None
    (term,) = row.terms
    weights = term.weights()
    if not ((weights == 0.0) | (weights == 1.0)).all():
        return None
    inside = weights == 1.0
    if term.measure == COUNT:
        return float(sums.high[COUNT][inside].sum())
    return math.fsum(sums.numbers(term.measure, inside))


def plan_sums(program: Program, pairs: Pairs) -> ExactTables:
    """Return exact sums of a whole plan."""
    sums = ExactTables.of(program)
    sums.add_pairs(*pair_columns(program, pairs))
    return sums


def build_solution(
    instance: Instance,
    book: PriceBook,
    *,
    status: Status,
    stopped_by: StoppedBy,
    pairs: Pairs | None,
    value: float,
    bound: float,
    certificate: Certificate,
    clock: Clock,
    stats: dict[str, Any],
    sums: ExactTables | None = None,
    infeasibility: Infeasibility | None = None,
) -> Solution:
    """Put a solution together; ``value`` and ``bound`` are in the objective's own direction.

    ``sums`` are the whole plan's, where they are known already.
    """
    held = NO_PAIRS if pairs is None else with_frozen(instance.program, pairs)
    held_sums = plan_sums(instance.program, held) if sums is None else sums
    return Solution(
        status=status,
        stopped_by=stopped_by,
        value=value,
        bound=bound,
        gap=relative_gap(value, bound),
        plan=plan_table(instance, held),
        prices=price_table(instance, book, held_sums, certificate.multipliers),
        certificate=certificate,
        infeasibility=infeasibility,
        stats={
            "users": len(instance.users),
            "coupons": len(instance.coupons),
            "rows": book.n_rows,
            **stats,
            "totals": _totals(instance, held, held_sums),
            "seconds": clock.seconds,
            "seconds_by_phase": dict(clock.seconds_by_phase),
            "peak_memory_mb": peak_memory_mb(),
        },
    )


def _totals(instance: Instance, pairs: Pairs, sums: ExactTables) -> dict[str, float]:
    """Return the plan's sum of each measure of the response, rounded once."""
    return {
        name: sums.total(name)
        if name in sums.high
        else math.fsum(array[pairs.user, pairs.place].astype(np.float64).tolist())
        for name, array in instance.response.measures.items()
    }


def peak_memory_mb() -> float:
    """Return the most memory this process has held, in MB."""
    try:
        import resource
    except ImportError:  # not on every platform
        return math.nan
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)
