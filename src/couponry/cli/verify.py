"""``couponry verify``: whether a plan keeps every rule, and a certificate proves its bound."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from couponry.cli.console import print_json
from couponry.cli.errors import ExitCode
from couponry.cli.options import InstancePath, Json, PlanPath, Stream

if TYPE_CHECKING:
    from couponry.solver.verify import Verification

__all__ = ["EXAMPLES", "verify"]

EXAMPLES = (
    "couponry verify campaign plan --certificate",
    "couponry verify campaign their_plan.csv --json",
    "couponry verify campaign plan --certificate --stream",
)


def verify(
    instance: InstancePath,
    plan: PlanPath,
    certificate: Annotated[
        bool, typer.Option("--certificate", help="Check the proof of the bound too, from its multipliers.")
    ] = False,
    stream: Stream = False,
    json: Json = False,
) -> None:
    """Check a plan against every rule, by code that shares nothing with the solver.

    DIR may be a plan file too (Parquet or CSV with user_id and coupon_id), from wherever it comes;
    --certificate needs the directory, --stream a Parquet plan in the users' order. Ends with exit code 1
    where the plan breaks a rule or the certificate does not hold.
    """
    from couponry.instances.files import read_instance
    from couponry.instances.plan import read_plan
    from couponry.instances.streamed import open_instance
    from couponry.solver.solution_files import read_certificate_record
    from couponry.solver.verify import verify as verify_plan
    from couponry.solver.verify import verify_streamed

    if stream:
        proof = read_certificate_record(plan) if certificate else None
        finding = verify_streamed(open_instance(instance), plan, proof)
    else:
        given = read_instance(instance)
        proof = read_certificate_record(plan) if certificate else None
        finding = verify_plan(given, read_plan(plan), proof)
    if json:
        print_json(_record(finding))
    else:
        colour = typer.colors.GREEN if finding.ok else typer.colors.RED
        typer.secho(finding.words(), fg=colour)
    if not finding.ok:
        raise typer.Exit(int(ExitCode.FAILED))


def _record(finding: Verification) -> dict[str, Any]:
    """Return a finding as JSON can hold it."""
    record = asdict(finding)
    for part in (record, record["certificate"] or {}, *record["violations"]):
        for key, value in part.items():
            if isinstance(value, float) and abs(value) == float("inf"):
                part[key] = None
    return record
