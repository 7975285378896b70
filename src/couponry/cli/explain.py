"""``couponry explain``: why a user gets this coupon, and what would have changed it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from couponry.cli.console import figure, print_json, print_table
from couponry.cli.options import InstancePath, Json, PlanPath

if TYPE_CHECKING:
    from couponry.solver.explain import Explanation

__all__ = ["EXAMPLES", "explain"]

_LARGEST = 3

EXAMPLES = ("couponry explain campaign plan u000017", "couponry explain campaign plan u000017 --json")


def explain(
    instance: InstancePath,
    plan: PlanPath,
    user_id: Annotated[str, typer.Argument(metavar="USER_ID", help="The user.", show_default=False)],
    json: Json = False,
) -> None:
    """Say why a user gets this coupon or none, and what would have changed it.

    The prices of the rules are those of the plan's certificate: what a coupon adds to the objective, less
    what each rule charges for it, is what a user is chosen by.
    """
    from couponry.instances.files import read_instance
    from couponry.solver.explain import explain as explain_user
    from couponry.solver.solution_files import read_solution

    found = explain_user(read_instance(instance), read_solution(plan), user_id)
    if json:
        _print_json(found)
    else:
        _show(found)


def _print_json(found: Explanation) -> None:
    record = asdict(found)
    if found.margin != found.margin:
        record["margin"] = None
    print_json(record | {"words": found.words})


def _show(found: Explanation) -> None:
    typer.echo(found.words)
    if not found.offers:
        return
    rows = [
        (
            offer.coupon_id + (" ✓" if offer.given else ""),
            figure(offer.value),
            figure(offer.cost),
            figure(offer.worth),
            figure(offer.worth - offer.reduced_value),
            figure(offer.reduced_value),
            ", ".join(f"{price.row} {figure(price.paid)}" for price in offer.prices[:_LARGEST]),
        )
        for offer in found.offers
    ]
    header = ("coupon", "value", "cost", "adds", "prices ask", "left", "largest prices")
    print_table("", header, rows)
