"""``couponry solve``: from an instance to a plan, its certificate and its summary."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from couponry.cli.console import print_json, progress_bars, say
from couponry.cli.interrupt import cancel_if_heeded
from couponry.cli.options import (
    Engine,
    Force,
    Gap,
    InstancePath,
    Json,
    Method,
    OutDirectory,
    Seed,
    TimeLimit,
)

if TYPE_CHECKING:
    from couponry.instances.instance import Instance
    from couponry.solver.solution import Solution

__all__ = ["EXAMPLES", "solve"]

EXAMPLES = (
    "couponry solve campaign --out plan",
    "couponry solve campaign --out plan --gap 1e-4 --time-limit 60 --force",
    "couponry solve responses.csv --out plan --csv --json",
)


def solve(
    instance: InstancePath,
    out: OutDirectory,
    gap: Gap = 1e-6,
    time_limit: TimeLimit = None,
    method: Method = "auto",
    engine: Engine = "local",
    seed: Seed = 0,
    csv: Annotated[bool, typer.Option("--csv", help="Write the plan as plan.csv too.")] = False,
    json: Json = False,
    force: Force = False,
) -> None:
    """Find the plan, and prove how far from the best possible it can be.

    Writes plan.parquet, certificate.json and summary.json. Ctrl-C once keeps the best plan so far.
    """
    from couponry.instances.atomic import check_free
    from couponry.instances.files import read_instance
    from couponry.solver.solution_files import write_solution
    from couponry.solver.solve import solve as solve_instance

    check_free(out, force=force)
    with cancel_if_heeded(method) as cancel:
        with progress_bars(shown=not json) as progress:
            given = read_instance(instance)
            solution = solve_instance(
                given,
                method=method,
                gap=gap,
                time_limit=time_limit,
                engine=engine,
                seed=seed,
                progress=progress,
                cancel=cancel,
            )
        if json and not has_plan(solution):
            print_json(solution.summary())
        write_solution(solution, out, campaign=given.campaign, csv=csv, force=force)
    if json:
        print_json(solution.summary())
    else:
        _show(given, solution, out)


def has_plan(solution: Solution) -> bool:
    """Return whether a plan was found."""
    return solution.status.value in ("optimal", "feasible")


def _show(instance: Instance, solution: Solution, out: Path) -> None:
    from couponry.cli.outcome import print_outcome, print_rules

    print_outcome(instance, solution)
    print_rules(solution)
    say(f"Plan, certificate and summary: {out}")
