"""``couponry fair``: the plan that is fairest between the groups of a segment."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from couponry.cli.console import figure, print_json, print_table, progress_bars, say
from couponry.cli.interrupt import cancel_if_heeded
from couponry.cli.options import Force, Gap, InstancePath, Json, Seed, TimeLimit

if TYPE_CHECKING:
    from couponry.solver.fair_answer import FairPlan

__all__ = ["EXAMPLES", "fair"]

EXAMPLES = (
    "couponry fair campaign --segment region --gap 1e-3",
    "couponry fair campaign --segment age_band --alpha inf --out plan --instance-out weighted",
    "couponry fair campaign --segment region --alpha 2 --measure revenue --json",
)


def fair(
    instance: InstancePath,
    segment: Annotated[
        str,
        typer.Option("--segment", metavar="NAME", help="The users' column between whose groups to be fair."),
    ],
    alpha: Annotated[
        float,
        typer.Option(
            "--alpha",
            metavar="A",
            help="0 adds up; 1 weighs a group's loss of 1 % as another's gain of 1 %; inf lifts the least.",
        ),
    ] = 1.0,
    measure: Annotated[
        str, typer.Option("--measure", metavar="NAME", help="What is to be shared fairly, per head.")
    ] = "value",
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Write the plan, as 'couponry solve' does.")
    ] = None,
    instance_out: Annotated[
        Path | None,
        typer.Option(
            "--instance-out",
            metavar="DIR",
            help="Write the instance whose groups are weighted, to verify the proof by.",
        ),
    ] = None,
    gap: Gap = 1e-4,
    time_limit: TimeLimit = None,
    method: Annotated[
        str,
        typer.Option(
            "--method", metavar="METHOD", help="auto, which is priced; cvxpy: one convex program, if small."
        ),
    ] = "auto",
    seed: Seed = 0,
    json: Json = False,
    force: Force = False,
) -> None:
    """Find the plan that is fairest between the groups of a segment, within all rules.

    The campaign's own objective plays no part. The answer is proven: no plan is fairer by more than the gap.
    """
    from couponry.instances.atomic import check_free
    from couponry.instances.files import read_instance, write_instance
    from couponry.solver.fair import fair_plan
    from couponry.solver.fair_answer import weighted_solution
    from couponry.solver.solution_files import write_solution

    for place in (out, instance_out):
        if place is not None:
            check_free(place, force=force)
    with cancel_if_heeded(method) as cancel, progress_bars(shown=not json) as progress:
        found = fair_plan(
            read_instance(instance),
            segment=segment,
            alpha=alpha,
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
    assert found.weighted is not None
    if instance_out is not None:
        write_instance(found.weighted, instance_out, force=force)
        say(f"Instance with weighted groups: {instance_out}")
    if out is not None:
        solution = weighted_solution(found)
        write_solution(solution, out, campaign=found.weighted.campaign, force=force)
        say(f"Plan, certificate and summary: {out}")
    if not json:
        _show(found)


def _refuse_without_plan(found: FairPlan) -> None:
    from couponry.instances.errors import InfeasibleError, NoSolutionError

    if found.infeasibility is not None:
        raise InfeasibleError(found.infeasibility.words)
    if found.value != found.value or found.certificate is None:
        raise NoSolutionError(f"There is no fair plan. {found.stopped_by.words}")


def _show(found: FairPlan) -> None:
    print_table(
        f"{found.status.value}. {found.stopped_by.words}",
        (found.segment, "users", found.measure, "per head"),
        [
            (
                str(row[found.segment]),
                figure(row["users"]),
                figure(row["total"]),
                figure(row["per_head"]),
            )
            for row in found.segments.to_dict("records")
        ],
    )
    typer.echo(
        f"As fair as {figure(found.value)} shared equally (α = {found.alpha:g}); "
        f"no plan is fairer than {figure(found.bound)} shared equally, a gap of {found.gap:.1e}."
    )


def _record(found: FairPlan) -> dict[str, Any]:
    from couponry.cli.tables import plain_number, plain_records

    numbers = ("value", "bound", "gap", "utility", "utility_bound")
    return {
        "segment": found.segment,
        "measure": found.measure,
        "alpha": plain_number(found.alpha),
        "status": found.status.value,
        "stopped_by": found.stopped_by.value,
        **{name: plain_number(getattr(found, name)) for name in numbers},
        "given": found.plan.num_rows,
        "segments": plain_records(found.segments),
    }
