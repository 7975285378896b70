"""Scenarios: an instance with named edits, solved side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow.compute as pc

from couponry.instances.errors import InputError
from couponry.instances.progress import Cancel, Progress, Report
from couponry.solver.backends import heeds
from couponry.solver.edit_text import parse_edit
from couponry.solver.edits import Edit
from couponry.solver.solve import solve

if TYPE_CHECKING:
    from couponry.instances.instance import Instance
    from couponry.solver.figures import Figure
    from couponry.solver.solution import Solution

__all__ = ["Comparison", "Scenario", "compare"]


@dataclass(frozen=True)
class Scenario:
    """An instance and what was changed in it.

    Attributes
    ----------
    instance : Instance
    name : str
        What the scenario is called in a comparison.

    Examples
    --------
    >>> base = Scenario(instance)                                       # doctest: +SKIP
    >>> compare([base, base.edit("budget x1.2"), base.edit("without C3")]).table   # doctest: +SKIP
    """

    instance: Instance
    name: str = "as it stands"

    def edit(self, name: str, *edits: Edit | str) -> Scenario:
        """Return a scenario with some changes more; this one stays as it is.

        Parameters
        ----------
        name : str
            What the result is called. Without ``edits`` the name is the edit, such as ``"budget x1.2"``.
        *edits : Edit or str
            Made in this order; `couponry.solver.edit_text` has the forms.

        Raises
        ------
        InputError
            If an edit cannot be read, or the instance has nothing of the kind that it changes.
        """
        instance = self.instance
        for edit in edits or (name,):
            instance = (parse_edit(edit) if isinstance(edit, str) else edit).apply(instance)
        return Scenario(instance, name)

    def solve(self, **options: Any) -> Solution:
        """Solve the scenario; the options are those of :func:`couponry.solver.solve`."""
        return solve(self.instance, **options)


@dataclass(frozen=True)
class Comparison:
    """Scenarios with their solutions; the first is what the others are compared with.

    Attributes
    ----------
    scenarios : tuple of Scenario
    solutions : tuple of Solution
        Fewer than the scenarios where the comparison was cancelled.
    """

    scenarios: tuple[Scenario, ...]
    solutions: tuple[Solution, ...]

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row a scenario.

        Columns ``scenario, status, value, bound, gap, cost, given, change, change_share, note``: ``change``
        is the value less that of the first scenario, ``change_share`` the same as a share of it; the figures
        are NaN where there is no plan, and ``note`` says why.
        """
        rows = [
            self._row(scenario, solution)
            for scenario, solution in zip(self.scenarios, self.solutions, strict=False)
        ]
        table = pd.DataFrame(
            rows, columns=["scenario", "status", "value", "bound", "gap", "cost", "given", "note"]
        )
        base = table["value"].iloc[0] if len(table) else np.nan
        table.insert(7, "change", table["value"] - base)
        table.insert(8, "change_share", table["change"] / abs(base) if base else np.nan)
        return table

    def figure(self) -> Figure:
        """Draw what each scenario reaches, its proven bound, and its change beside the first.

        Raises
        ------
        InputError
            If no scenario has a plan.
        MissingExtraError
            If matplotlib is not installed.
        """
        from couponry.solver.figures import comparison_figure

        return comparison_figure(self)

    @staticmethod
    def _row(scenario: Scenario, solution: Solution) -> dict[str, object]:
        planned = not math.isnan(solution.value)
        why = solution.infeasibility
        return {
            "scenario": scenario.name,
            "status": solution.status.value,
            "value": solution.value,
            "bound": solution.bound,
            "gap": solution.gap,
            "cost": plan_cost(solution) if planned else np.nan,
            "given": solution.plan.num_rows,
            "note": why.words if why is not None else "" if planned else solution.stopped_by.words,
        }


def compare(
    scenarios: Sequence[Scenario],
    *,
    progress: Report | None = None,
    cancel: Cancel | None = None,
    **options: Any,
) -> Comparison:
    """Solve scenarios one after the other.

    Parameters
    ----------
    scenarios : sequence of Scenario
        The first is what the others are compared with.
    progress : callable, optional
        Told of each scenario, and of what its solve does.
    cancel : optional
        Where set, the solve at work hands back its best plan, and no further one begins.
    **options
        Of :func:`couponry.solver.solve`.

    Raises
    ------
    InputError
        If there is no scenario, or two share a name.
    """
    names = [scenario.name for scenario in scenarios]
    if not names:
        raise InputError("there is no scenario to compare", mend="Give at least one")
    repeated = next((name for name in names if names.count(name) > 1), None)
    if repeated is not None:
        raise InputError("two scenarios have the same name", value=repeated, mend="Rename one")
    solutions: list[Solution] = []
    for position, scenario in enumerate(scenarios):
        if cancel is not None and cancel.is_set():
            break
        if progress is not None:
            progress(Progress("scenarios", position, len(names), scenario.name))
        base = solutions[0] if solutions and heeds(options.get("method", "auto"), "start") else None
        solutions.append(scenario.solve(start=base, progress=progress, cancel=cancel, **options))
    if progress is not None:
        progress(Progress("scenarios", len(solutions), len(names)))
    return Comparison(tuple(scenarios), tuple(solutions))


def plan_cost(solution: Solution) -> float:
    """Return what a plan costs together."""
    return math.fsum(pc.fill_null(solution.plan["cost"], 0.0).to_numpy())
