"""Write the report, the plan and the summary beside each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from couponry.instances.atomic import check_free, write_file
from couponry.instances.errors import ExistsError, InputError, require_extra
from couponry.instances.plan import read_plan
from couponry.instances.wording import setting
from couponry.report.allocation import Allocation
from couponry.report.budgets import frontier_section
from couponry.report.chosen import chosen as chosen_section
from couponry.report.evidence import policies as policy_section
from couponry.report.evidence import truth as truth_section
from couponry.report.page import render
from couponry.report.predictions import prediction_parts
from couponry.report.summary import summarise
from couponry.report.workbook import write_workbook
from couponry.solver.solution import Solution, Status

if TYPE_CHECKING:
    import pandas as pd

    from couponry.instances.instance import Instance
    from couponry.predictors.evaluate import Evaluation
    from couponry.solver.frontier import Frontier

__all__ = ["write_report"]

_PAGE, _WORKBOOK, _PLANS = "report.html", "summary.xlsx", ("plan.parquet", "plan.csv")


def write_report(
    instance: Instance,
    solution: Solution,
    out: str | Path,
    *,
    frontier: Frontier | pd.DataFrame | None = None,
    evaluation: Evaluation | None = None,
    policies: pd.DataFrame | None = None,
    chosen: pd.DataFrame | None = None,
    truth: Mapping[str, float] | None = None,
    doubts: Sequence[str] = (),
    title: str | None = None,
    force: bool = False,
) -> Path:
    """Write ``report.html``, ``summary.xlsx``, ``plan.parquet`` and ``plan.csv`` into a directory.

    The page is one file that loads nothing. All files are written aside first and renamed together; other
    files in the directory stay. A plan that stands there already, as ``couponry solve`` leaves it, is kept.
    Without a plan (infeasible, or none found) only the page is written.

    Parameters
    ----------
    instance : Instance
    solution : Solution
        Of this instance.
    out : str or Path
        The directory; made where it does not exist.
    frontier : Frontier or DataFrame, optional
        What :func:`couponry.solver.frontier` found, or a table ``budget, value, bound`` and, where known,
        ``gap, spend, price``; one row a budget.
    evaluation : Evaluation, optional
        What :func:`couponry.predictors.evaluate.evaluate_model` says of the predictions on held-out rows.
    policies : DataFrame, optional
        By default the evaluation's. ``policy``, with ``snips, snips_se`` or ``dr, dr_se`` or both:
        conversions a user on held-out rows; and, where known, ``gain, gain_se`` over giving nothing,
        ``share`` of users given a coupon and ``cost`` a user. The plan's own policy stands first.
    chosen : DataFrame, optional
        What :func:`couponry.predictors.evaluate.chosen_pairs` says of the plan's pairs.
    truth : mapping from str to float, optional
        True conversions won under ``"plan"``, ``"oracle"`` and ``"random"``, where the world is known.
    doubts : sequence of str
        What training found doubtful about its log: ``card["checks"]["warnings"]`` of the model.
    title : str, optional
        By default named after the campaign.
    force : bool
        Overwrite an earlier report, and a plan that differs from the solution's.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    ExistsError
        If a report, or another plan, stands there and ``force`` is not given.
    InputError
        If the solution is not of this instance, or a table lacks a column.
    MissingExtraError
        If jinja2, matplotlib or xlsxwriter is not installed.
    """
    for module in ("jinja2", "matplotlib", "xlsxwriter"):
        require_extra(module, "report")
    folder = Path(out)
    has_plan = solution.status in (Status.OPTIMAL, Status.FEASIBLE)
    plans = _plans_to_write(folder, solution.plan, force) if has_plan else []
    for name in (_PAGE, _WORKBOOK) if has_plan else (_PAGE,):
        check_free(folder / name, force=force)
    allocation = Allocation(instance, solution.plan) if has_plan else None
    summary = summarise(instance, solution, allocation, title=title)
    if policies is None and evaluation is not None:
        policies = evaluation.policies
    parts = {
        "frontier": None
        if frontier is None
        else frontier_section(instance, solution, frontier, summary.formats),
        "doubts": list(doubts),
        "predictors": None if evaluation is None else prediction_parts(evaluation, summary.formats),
        "chosen": None if chosen is None or chosen.empty else chosen_section(chosen, summary.formats),
        "policies": None if policies is None or policies.empty else policy_section(policies, summary.formats),
        "truth": None
        if allocation is None or not truth
        else truth_section(truth, float(allocation.measures["value"].sum()), summary.formats),
    }
    page = render(solution, summary, allocation, parts)
    with ExitStack() as renames:
        renames.enter_context(write_file(folder / _PAGE)).write_text(page, encoding="utf-8")
        if has_plan:
            write_workbook(summary, renames.enter_context(write_file(folder / _WORKBOOK)))
        for name in plans:
            _write_plan(solution.plan, renames.enter_context(write_file(folder / name)), name)
    return folder / _PAGE


def _plans_to_write(folder: Path, plan: pa.Table, force: bool) -> list[str]:
    """Return the plan files that are missing, or to be overwritten.

    Raises
    ------
    ExistsError
        If one holds another plan and ``force`` is not given.
    """
    if folder.is_file():
        raise ExistsError("the output is a file, not a directory", file=folder, mend="Choose another")
    missing = []
    for name in _PLANS:
        if not (folder / name).exists() or force:
            missing.append(name)
        elif not _same_pairs(folder / name, plan):
            raise ExistsError(
                "another plan stands there",
                file=folder / name,
                mend=f"Choose another, or give {setting('force', True)}",
            )
    return missing


def _same_pairs(file: Path, plan: pa.Table) -> bool:
    try:
        held = read_plan(file)
    except InputError:
        return False
    pairs = [table.select(["user_id", "coupon_id"]) for table in (held, plan)]
    text = pa.schema([("user_id", pa.string()), ("coupon_id", pa.string())])
    first, second = (table.cast(text) for table in pairs)
    return bool(first.equals(second))


def _write_plan(plan: pa.Table, aside: Path, name: str) -> None:
    if name.endswith(".csv"):
        pyarrow.csv.write_csv(plan, aside)
    else:
        pq.write_table(plan, aside)
