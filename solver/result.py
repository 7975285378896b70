"""Put a solution together: the plan as a table, the prices in words, the certificate."""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from couponry.instances.instance import Instance
from couponry.instances.rows import COUNT
from couponry.solver.clock import Clock
from couponry.solver.engine import Pairs
from couponry.solver.feasibility import pair_columns
from couponry.solver.frozen import with_frozen
from couponry.solver.prices import PriceBook
from couponry.solver.rounding import tabulate
from couponry.solver.row_sums import row_sums, standard_deviation
from couponry.solver.solution import Certificate, Infeasibility, Solution, Status, StoppedBy
from couponry.solver.words import price_words, risk_words

__all__ = ["NO_PAIRS", "build_solution", "plan_table", "relative_gap"]

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


def price_table(instance: Instance, book: PriceBook, pairs: Pairs, multipliers: np.ndarray) -> pd.DataFrame:
    """Return one row a row of the program, in the rules' own units."""
    program = instance.program
    classes, coupon, columns = pair_columns(program, pairs)
    tables = {m: tabulate(program, classes, coupon, columns.get(m)) for m in program.measures}
    activity = book.activity(tables)
    records = []
    for k, row in enumerate(program.rows):
        # A sum of money is rounded once, as a reader's own sum of the plan would be.
        exact = _plain_sum(row, classes, coupon, columns) if len(row.terms) == 1 else None
        own = activity[k] if exact is None else exact
        said = ""
        if row.risk is not None:
            expected, deviation = own, float(standard_deviation(row.risk, classes, coupon, columns))
            own = float(row_sums(row, classes, coupon, columns)[0])
            said = risk_words(row.risk, expected, deviation, instance.campaign.currency)
        records.append(
            {
                "name": row.name,
                "rule": row.kind,
                "position": row.rule,
                "measure": row.measure,
                "scope": row.scope,
                "activity": own / row.unit,
                "lower": row.lower / row.unit,
                "upper": row.upper / row.unit,
                "price": program.sense * multipliers[k] * row.unit,
                "words": price_words(row, program, own, multipliers[k], instance.campaign.currency) + said,
            }
        )
    names = ["name", "rule", "position", "measure", "scope", "activity", "lower", "upper", "price", "words"]
    return pd.DataFrame.from_records(records, columns=names)


def _plain_sum(
    row: Any, classes: np.ndarray, coupon: np.ndarray, columns: dict[str, np.ndarray]
) -> float | None:
    (term,) = row.terms
    weights = term.users[classes] * term.coupons[coupon]
    if not np.isin(weights, (0.0, 1.0)).all():
        return None
    inside = weights == 1
    return float(inside.sum()) if term.measure == COUNT else math.fsum(columns[term.measure][inside])


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
    infeasibility: Infeasibility | None = None,
) -> Solution:
    """Put a solution together; ``value`` and ``bound`` are in the objective's own direction."""
    held = NO_PAIRS if pairs is None else with_frozen(instance.program, pairs)
    return Solution(
        status=status,
        stopped_by=stopped_by,
        value=value,
        bound=bound,
        gap=relative_gap(value, bound),
        plan=plan_table(instance, held),
        prices=price_table(instance, book, held, certificate.multipliers),
        certificate=certificate,
        infeasibility=infeasibility,
        stats={
            "users": len(instance.users),
            "coupons": len(instance.coupons),
            "rows": book.n_rows,
            **stats,
            "seconds": clock.seconds,
            "seconds_by_phase": dict(clock.seconds_by_phase),
            "peak_memory_mb": peak_memory_mb(),
        },
    )


def peak_memory_mb() -> float:
    """Return the most memory this process has held, in MB."""
    try:
        import resource
    except ImportError:  # not on every platform
        return math.nan
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)
