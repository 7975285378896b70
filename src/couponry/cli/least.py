"""``couponry least``: the least money for a target, or for an earlier result."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from couponry.cli.console import print_json, progress_bars, say
from couponry.cli.interrupt import cancel_on_interrupt
from couponry.cli.options import Force, Gap, InstancePath, Json, Method, Seed, TimeLimit

if TYPE_CHECKING:
    from couponry.solver.least_budget import LeastBudget

__all__ = ["EXAMPLES", "least"]

EXAMPLES = (
    "couponry least campaign --target 5000",
    "couponry least campaign --keep-result last_month --out plan --instance-out turned",
    "couponry least campaign --target 90000 --measure revenue --json",
)


def least(
    instance: InstancePath,
    target: Annotated[
        float | None, typer.Option("--target", metavar="N", help="At least so much is to be won.")
    ] = None,
    keep_result: Annotated[
        Path | None,
        typer.Option(
            "--keep-result", metavar="PLAN", help="As much as this earlier plan says it wins, instead."
        ),
    ] = None,
    measure: Annotated[
        str | None,
        typer.Option("--measure", metavar="NAME", help="What is to be won, if not what is maximised."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Write the plan, as 'couponry solve' does.")
    ] = None,
    instance_out: Annotated[
        Path | None,
        typer.Option(
            "--instance-out", metavar="DIR", help="Write the instance turned round, to verify the proof by."
        ),
    ] = None,
    gap: Gap = 1e-6,
    time_limit: TimeLimit = None,
    method: Method = "auto",
    seed: Seed = 0,
    json: Json = False,
    force: Force = False,
) -> None:
    """Find the least money that wins a target, all other rules as they are.

    Budgets of money over everybody are dropped and cost is minimised; the answer is proven on both sides: so
    much is enough, and with less than so much it cannot be done.
    """
    from couponry.instances.atomic import check_free
    from couponry.instances.files import read_instance, write_instance
    from couponry.solver.least_budget import least_budget
    from couponry.solver.solution_files import write_solution

    for place in (out, instance_out):
        if place is not None:
            check_free(place, force=force)
    with cancel_on_interrupt() as cancel, progress_bars(shown=not json) as progress:
        found = least_budget(
            read_instance(instance),
            target=target,
            keep_result=keep_result,
            measure=measure,
            method=method,
            gap=gap,
            time_limit=time_limit,
            seed=seed,
            progress=progress,
            cancel=cancel,
        )
    if json:
        print_json(_record(found))
    _refuse_without_plan(found)
    if instance_out is not None:
        write_instance(found.instance, instance_out, force=force)
        say(f"Instance turned round: {instance_out}")
    if out is not None:
        write_solution(found.solution, out, campaign=found.instance.campaign, force=force)
        say(f"Plan, certificate and summary: {out}")
    if not json:
        typer.echo(found.words)


def _refuse_without_plan(found: LeastBudget) -> None:
    from couponry.instances.errors import InfeasibleError, NoSolutionError

    if found.solution.infeasibility is not None:
        raise InfeasibleError(found.words)
    if found.enough != found.enough:
        raise NoSolutionError(found.words)


def _record(found: LeastBudget) -> dict[str, Any]:
    from couponry.cli.tables import plain_number

    return {
        "target": found.target,
        "measure": found.measure,
        "enough": plain_number(found.enough),
        "least": plain_number(found.least),
        "gap": plain_number(found.solution.gap),
        "status": found.solution.status.value,
        "stopped_by": found.solution.stopped_by.value,
        "given": found.solution.plan.num_rows,
        "words": found.words,
    }
