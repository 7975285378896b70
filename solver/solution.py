"""What a solve hands back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

__all__ = ["Cell", "Certificate", "Clash", "Infeasibility", "Solution", "Status", "StoppedBy"]


class Status(StrEnum):
    """What was found."""

    OPTIMAL = "optimal"
    FEASIBLE = "feasible"
    INFEASIBLE = "infeasible"
    NO_SOLUTION = "no_solution"


class StoppedBy(StrEnum):
    """Why the solve stopped."""

    GAP = "gap"
    TIME_LIMIT = "time_limit"
    CANCELLED = "cancelled"
    INFEASIBLE = "infeasible"
    NO_PROGRESS = "no_progress"

    @property
    def words(self) -> str:
        """Return the reason as a sentence, with the remedy where there is one."""
        return {
            "gap": "The plan is within the asked gap of the best possible.",
            "time_limit": "The time limit was reached; give more time for a smaller gap.",
            "cancelled": "It was cancelled; the best plan so far was kept.",
            "infeasible": "No plan can meet all rules together.",
            "no_progress": "The remaining gap could not be closed; a larger gap would have been met.",
        }[self.value]


@dataclass(frozen=True)
class Cell:
    """The plans whose random spends have standard deviations within limits, and what bounds them.

    A budget at risk is replaced by a chord below its square root, which no plan of the cell breaks.

    Attributes
    ----------
    deviations : mapping from str to (float, float)
        Row at risk → least and most standard deviation; the most may be infinite.
    multipliers : mapping from str to float
        λ of every row, and of ``variance of ROW`` where the cell limits it.
    bound : float
        What the multipliers prove of the plans in the cell, in the objective's own direction; infinite on the
        good side where they prove that there are none.
    infeasible : bool
        Whether the multipliers prove, without an objective, that the cell holds no plan.
    """

    deviations: Mapping[str, tuple[float, float]]
    multipliers: Mapping[str, float]
    bound: float
    infeasible: bool = False


@dataclass(frozen=True)
class Certificate:
    """The proof of a bound: one multiplier a row, or one a row and cell where budgets are at risk.

    Attributes
    ----------
    names : tuple of str
        Names of the program's rows.
    multipliers : ndarray of float64, shape (K,)
        λ in the rows' own scale: positive prices the upper side, negative the lower.
    bound : float
        The dual function at λ, in the objective's own direction and with the rounding error added:
        no plan can be better.
    deviations : mapping from str to float
        Of rows at risk: the standard deviation at whose tangent ``multipliers`` price their variance.
    cells : tuple of Cell
        Where budgets are at risk: together they hold every plan, and ``bound`` is the worst of theirs.
    """

    names: tuple[str, ...]
    multipliers: np.ndarray
    bound: float
    deviations: Mapping[str, float] = field(default_factory=dict)
    cells: tuple[Cell, ...] = ()


@dataclass(frozen=True)
class Clash:
    """One row that takes part in a contradiction, and the least change of it that mends it.

    Attributes
    ----------
    name, rule : str
        The row, and the kind of its rule.
    side : {"lower", "upper"}
    limit : float
        The side's present value, in the rule's own unit.
    mended_limit : float or None
        The value at which, all other rules as they are, a plan exists; None where no value of this side
        alone mends it, or none was found.
    words : str
        All this in a sentence for a planner.
    least_limit : float or None
        No plan exists at a limit short of this, all other rules as they are: the mended limit itself where it
        is the least change, and near it in large instances.
    """

    name: str
    rule: str
    side: str
    limit: float
    mended_limit: float | None
    words: str
    least_limit: float | None = None


@dataclass(frozen=True)
class Infeasibility:
    """Why no plan exists.

    Attributes
    ----------
    clashes : tuple of Clash
    proof : str
        ``"prices"``: multipliers under which even the best plan breaks the rows' weighted sum, which
        :func:`couponry.solver.verify` can check, or such multipliers in each cell of the certificate;
        ``"enumeration"``: every plan was tried; ``"search"``: branch and bound closed two different models;
        ``"counts"``: no number of coupons that a linear program over classes leaves room for can be shared
        out among whole users as equally as a parity asks.
    multipliers : ndarray of float64, shape (K,), or None
        Of the proof by prices.
    words : str
    """

    clashes: tuple[Clash, ...]
    proof: str
    multipliers: np.ndarray | None
    words: str


@dataclass(frozen=True)
class Solution:
    """The answer of a solve.

    Attributes
    ----------
    status : Status
        What was found.
    stopped_by : StoppedBy
        Why it stopped.
    value : float
        The objective of the plan; NaN without a plan.
    bound : float
        Proven best possible objective.
    gap : float
        ``|bound − value| / max(1, |bound|)``; infinite without a plan.
    plan : pyarrow.Table
        ``user_id, coupon_id, value, cost``; one row a given coupon, in the users' order.
    prices : pandas.DataFrame
        One row a row of the program: ``name, rule, position, measure, scope, activity, lower, upper, price,
        words``. ``rule`` is the kind, ``position`` where it stands in ``instance.rules`` (−1: in the menu).
        ``price`` is what one more unit of the binding side is worth in the objective.
    certificate : Certificate
    infeasibility : Infeasibility or None
    stats : dict
        ``method, users, coupons, rows, passes, core_users, seconds, seconds_by_phase, peak_memory_mb, seed``,
        ``totals`` (measure → its sum over the plan)
        and ``bound_source``: ``"prices"`` where the certificate alone proves the bound, ``"search"`` where
        branch and bound made it tighter.
    """

    status: Status
    stopped_by: StoppedBy
    value: float
    bound: float
    gap: float
    plan: pa.Table
    prices: pd.DataFrame
    certificate: Certificate
    infeasibility: Infeasibility | None = None
    stats: dict[str, Any] = field(default_factory=dict)

    @property
    def given(self) -> int:
        """Coupons given: rows of the plan."""
        return int(self.plan.num_rows)

    def summary(self) -> dict[str, Any]:
        """Return the figures that ``summary.json`` holds; NaN and infinities as None."""
        return _summary(self)


@dataclass(frozen=True)
class StreamedSolution:
    """The answer of a solve over shards; the plan stays on disk.

    Attributes
    ----------
    path : Path
        ``plan.parquet``: what :attr:`Solution.plan` holds, in the users' order.
    given : int
        Coupons given: rows of the plan.
    cost : float
        Σ cost of the plan.
    status, stopped_by, value, bound, gap, prices, certificate, infeasibility
        As in :class:`Solution`.
    stats : dict
        As there, and ``users_read``: users whose numbers were read, once more at every pass.
    """

    status: Status
    stopped_by: StoppedBy
    value: float
    bound: float
    gap: float
    path: Path
    given: int
    cost: float
    prices: pd.DataFrame
    certificate: Certificate
    infeasibility: Infeasibility | None = None
    stats: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, solution: Solution, path: Path) -> StreamedSolution:
        """Return a solution whose plan has been written."""
        return cls(
            solution.status,
            solution.stopped_by,
            solution.value,
            solution.bound,
            solution.gap,
            path,
            solution.given,
            math.fsum(solution.plan["cost"].to_pylist()),
            solution.prices,
            solution.certificate,
            solution.infeasibility,
            solution.stats,
        )

    def summary(self) -> dict[str, Any]:
        """Return the figures that ``summary.json`` holds; NaN and infinities as None."""
        return _summary(self)


def _summary(solution: Solution | StreamedSolution) -> dict[str, Any]:
    rules = [
        {
            key: _plain(row[key])
            for key in ("name", "rule", "measure", "activity", "lower", "upper", "price", "words")
        }
        for row in solution.prices.to_dict("records")
    ]
    summary: dict[str, Any] = {
        "status": solution.status.value,
        "stopped_by": solution.stopped_by.value,
        "value": _plain(solution.value),
        "bound": _plain(solution.bound),
        "gap": _plain(solution.gap),
        "given": solution.given,
    }
    for key in (
        "users",
        "coupons",
        "rows",
        "passes",
        "seconds",
        "peak_memory_mb",
        "method",
        "bound_source",
        "seed",
    ):
        summary[key] = _plain(solution.stats.get(key))
    summary["rules"] = rules
    if solution.infeasibility is not None:
        summary["infeasible"] = {
            "words": solution.infeasibility.words,
            "proof": solution.infeasibility.proof,
            "clashes": [
                {
                    "name": clash.name,
                    "rule": clash.rule,
                    "side": clash.side,
                    "limit": _plain(clash.limit),
                    "mended_limit": _plain(clash.mended_limit),
                    "least_limit": _plain(clash.least_limit),
                    "words": clash.words,
                }
                for clash in solution.infeasibility.clashes
            ],
        }
    return summary


def _plain(value: Any) -> Any:
    """Return a number that JSON can hold."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value
