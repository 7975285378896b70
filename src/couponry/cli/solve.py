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
    Stream,
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
    "couponry solve campaign --out plan --stream",
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
    stream: Stream = False,
    json: Json = False,
    force: Force = False,
) -> None:
    """Find the plan, and prove how far from the best possible it can be.

    Writes plan.parquet, certificate.json and summary.json. Ctrl-C once keeps the best plan so far; with
    --stream it keeps nothing.
    """
    if stream:
        _refuse_with_stream(method, engine, csv=csv)
        _solve_streamed(instance, out, gap, time_limit, seed, json=json, force=force)
        return
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


def _refuse_with_stream(method: str, engine: str, *, csv: bool) -> None:
    from couponry.instances.errors import InputError

    for option, given, allowed in (
        ("--method", method, ("auto", "priced")),
        ("--engine", engine, ("local",)),
        ("--csv", csv, (False,)),
    ):
        if given not in allowed:
            mend = "Leave it out" if option == "--csv" else f"Use {allowed[-1]}"
            raise InputError(
                f"{option} cannot be had with --stream",
                parameter=option,
                value=given,
                mend=f"{mend}, or solve whole",
            )


def _solve_streamed(
    instance: Path, out: Path, gap: float, time_limit: float | None, seed: int, *, json: bool, force: bool
) -> None:
    from couponry.cli.outcome import print_outcome, print_rules
    from couponry.instances.streamed import open_instance
    from couponry.solver.streamed import solve_streamed

    with cancel_if_heeded("priced") as cancel, progress_bars(shown=not json) as progress:
        given = open_instance(instance)
        solution = solve_streamed(
            given,
            out,
            gap=gap,
            time_limit=time_limit,
            seed=seed,
            force=force,
            progress=progress,
            cancel=cancel,
        )
    if json:
        print_json(solution.summary())
        return
    print_outcome(given, solution)
    print_rules(solution)
    say(f"Plan, certificate and summary: {out}")


def has_plan(solution: Solution) -> bool:
    """Return whether a plan was found."""
    return solution.status.value in ("optimal", "feasible")


def _show(instance: Instance, solution: Solution, out: Path) -> None:
    from couponry.cli.outcome import print_outcome, print_rules

    print_outcome(instance, solution)
    print_rules(solution)
    say(f"Plan, certificate and summary: {out}")
