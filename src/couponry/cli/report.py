"""``couponry report``: the page, the plan and the summary sheet."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from couponry.cli.console import progress_bars, say
from couponry.cli.interrupt import cancel_on_interrupt
from couponry.cli.options import Force, InstancePath, OutDirectory, PlanPath

if TYPE_CHECKING:
    from couponry.instances.instance import Instance
    from couponry.instances.progress import Cancel, Report
    from couponry.solver.frontier import Frontier

__all__ = ["EXAMPLES", "find_frontier", "report"]

EXAMPLES = (
    "couponry report campaign plan --out plan",
    "couponry report campaign plan --model model --points 0 --out report --force",
)


def report(
    instance: InstancePath,
    plan: PlanPath,
    out: OutDirectory,
    model: Annotated[
        Path | None,
        typer.Option("--model", metavar="MODEL", help="Judge the plan by users that its training held out."),
    ] = None,
    points: Annotated[
        int, typer.Option("--points", metavar="N", help="Budgets on the frontier curve; 0 for none.", min=0)
    ] = 7,
    force: Force = False,
) -> None:
    """Write report.html, one page that loads nothing, with the plan and a summary sheet beside it.

    Ctrl-C once ends the frontier early; the page is written with the budgets that are done.
    """
    from couponry.cli.evaluation import judge_plan, print_chosen, print_policies, read_holdout
    from couponry.instances.atomic import check_free
    from couponry.instances.files import read_instance
    from couponry.predictors.model import load_model
    from couponry.report import write_report
    from couponry.solver.solution_files import check_same_rows, read_solution

    check_free(out / "report.html", force=force)
    with cancel_on_interrupt() as cancel, progress_bars() as progress:
        given, solution = read_instance(instance), read_solution(plan)
        check_same_rows(given, solution.certificate)
        judged, doubts = None, []
        if model is not None:
            fitted = load_model(model)
            judged = judge_plan(fitted, read_holdout(model), solution.plan)
            doubts = fitted.card["checks"]["warnings"]
        page = write_report(
            given,
            solution,
            out,
            evaluation=None if judged is None else judged[0],
            policies=None if judged is None else judged[1],
            chosen=None if judged is None else judged[2],
            doubts=doubts,
            frontier=find_frontier(given, points, progress, cancel),
            force=force,
        )
    for doubt in doubts:
        say(f"Warning: {doubt}")
    if judged is not None:
        print_policies(judged[1])
        print_chosen(judged[2])
    say(f"Report: {page}")


def find_frontier(
    instance: Instance, points: int, progress: Report | None, cancel: Cancel | None
) -> Frontier | None:
    """Return the frontier; None where it was not asked for or there is no budget to vary."""
    from couponry.instances.rules import Budget
    from couponry.solver.frontier import frontier

    if points < 2 or not any(isinstance(rule, Budget) for rule in instance.rules):
        return None
    return frontier(instance, points=points, gap=1e-3, progress=progress, cancel=cancel)
