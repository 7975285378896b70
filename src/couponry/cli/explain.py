"""``couponry explain``: why a user gets this coupon, what a rule costs, how far prices hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from couponry.cli.console import figure, print_json, print_table, progress_bars
from couponry.cli.interrupt import cancel_on_interrupt
from couponry.cli.options import Gap, InstancePath, Json, PlanPath, Seed

if TYPE_CHECKING:
    import pandas as pd

    from couponry.instances.instance import Instance
    from couponry.solver.explain import Explanation
    from couponry.solver.explain_rule import RuleExplanation
    from couponry.solver.solution import Solution

__all__ = ["EXAMPLES", "explain"]

_LARGEST = 3

EXAMPLES = (
    "couponry explain campaign plan u000017",
    "couponry explain campaign plan u000017 --budget --json",
    "couponry explain campaign plan --rule parity",
    "couponry explain campaign plan --ranges",
)


def explain(
    instance: InstancePath,
    plan: PlanPath,
    user_id: Annotated[
        str | None, typer.Argument(metavar="[USER_ID]", help="The user.", show_default=False)
    ] = None,
    rule: Annotated[
        str | None,
        typer.Option("--rule", metavar="NAME", help="Say what this rule costs, instead: solves without it."),
    ] = None,
    ranges: Annotated[
        bool, typer.Option("--ranges", help="Say how far the price of every rule holds, instead.")
    ] = False,
    budget: Annotated[
        bool,
        typer.Option("--budget", help="Look for the budgets that would flip it too: takes some solves."),
    ] = False,
    gap: Gap = 1e-6,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Say why a user gets this coupon or none, what a rule costs to keep, or how far prices hold.

    The prices of the rules are those of the plan's certificate: what a coupon adds to the objective, less
    what each rule charges for it, is what a user is chosen by.
    """
    from couponry.instances.files import read_instance
    from couponry.solver.solution_files import read_solution

    _check_question(user_id, rule, ranges)
    with cancel_on_interrupt() as cancel, progress_bars(shown=not json) as progress:
        given, solution = read_instance(instance), read_solution(plan)
        watched = {"seed": seed, "progress": progress, "cancel": cancel}
        show, record = _answer(given, solution, user_id, rule, budget, gap, watched)
    if json:
        print_json(record)
    else:
        show()


def _check_question(user_id: str | None, rule: str | None, ranges: bool) -> None:
    from couponry.instances.errors import InputError

    if sum((user_id is not None, rule is not None, ranges)) != 1:
        raise InputError(
            "one thing is explained at a time", mend="Give a USER_ID, or --rule NAME, or --ranges"
        )


def _answer(
    instance: Instance,
    solution: Solution,
    user_id: str | None,
    rule: str | None,
    budget: bool,
    gap: float,
    watched: dict[str, Any],
) -> tuple[Callable[[], None], Any]:
    """Return how to show the answer to people, and what scripts get of it."""
    from couponry.solver.explain import explain as explain_user
    from couponry.solver.explain_rule import explain_rule
    from couponry.solver.price_range import price_ranges

    if user_id is not None:
        user = explain_user(instance, solution, user_id, budget=budget, **watched)
        return lambda: _show_user(user), _user_record(user)
    if rule is not None:
        found = explain_rule(instance, solution, rule, gap=gap, **watched)
        return lambda: _show_rule(found), _rule_record(found)
    table = price_ranges(instance, solution, **watched)
    return lambda: _show_ranges(table), _range_records(table)


def _user_record(found: Explanation) -> dict[str, Any]:
    record = asdict(found)
    if found.margin != found.margin:
        record["margin"] = None
    return record | {"words": found.words}


def _show_user(found: Explanation) -> None:
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


def _rule_record(found: RuleExplanation) -> dict[str, Any]:
    from couponry.cli.tables import plain_number

    return {
        "rule": found.rule,
        "value": found.value,
        "value_without": plain_number(found.without.value),
        "bound_without": plain_number(found.without.bound),
        "cost": plain_number(found.cost),
        "cost_least": found.cost_least,
        "cost_most": plain_number(found.cost_most),
        "prices": _range_records(found.prices),
        "words": found.words,
    }


def _show_rule(found: RuleExplanation) -> None:
    typer.echo(found.words)
    if len(found.prices):
        _show_ranges(found.prices)


def _range_records(table: pd.DataFrame) -> list[dict[str, Any]]:
    from couponry.cli.tables import plain_records

    return plain_records(table)


def _show_ranges(table: pd.DataFrame) -> None:
    rows = [
        (
            row["name"],
            ("≤ " if row["side"] == "upper" else "≥ ") + figure(row["limit"]),
            figure(row["price"]) if row["price"] else "–",
            f"{figure(row['holds_from'])} to {figure(row['holds_to'])}",
            row["words"],
        )
        for row in table.to_dict("records")
    ]
    print_table("", ("rule", "limit", "price", "holds while the limit is", "in words"), rows)
