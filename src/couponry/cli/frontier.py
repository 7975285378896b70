"""``couponry frontier``: the best value as a function of the budget."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from couponry.cli.console import figure, money, percent, print_json, print_table, progress_bars, say
from couponry.cli.interrupt import cancel_on_interrupt
from couponry.cli.options import Force, Gap, InstancePath, Json, Seed

if TYPE_CHECKING:
    from couponry.solver.frontier import Frontier

__all__ = ["EXAMPLES", "frontier"]

EXAMPLES = (
    "couponry frontier campaign --out frontier.csv --figure frontier.png",
    "couponry frontier campaign --budgets 10000,20000,40000 --out frontier.csv --force",
    'couponry frontier campaign --rule "sms budget" --points 5 --out sms.parquet',
)


def frontier(
    instance: InstancePath,
    out: Annotated[
        Path,
        typer.Option(
            "--out", metavar="FILE", help="Table to write (.csv, .parquet or .json).", show_default=False
        ),
    ],
    points: Annotated[
        int, typer.Option("--points", metavar="N", help="How many budgets to try.", min=2)
    ] = 11,
    budgets: Annotated[
        str | None, typer.Option("--budgets", metavar="A,B,C", help="These budgets, instead.")
    ] = None,
    rule: Annotated[
        str | None,
        typer.Option("--rule", metavar="NAME", help="The budget to vary, where there are several."),
    ] = None,
    figure_file: Annotated[
        Path | None,
        typer.Option("--figure", metavar="FILE", help="Draw it too (.png, .svg or .pdf)."),
    ] = None,
    gap: Gap = 1e-4,
    seed: Seed = 0,
    json: Json = False,
    force: Force = False,
) -> None:
    """Solve for many budgets: what more money buys, and where it stops to pay.

    Writes one row a budget: value, bound and gap; what is spent; what one more unit of money is worth there,
    by price and by difference; conversions, revenue and ROI for the money; and says where the knee is.
    Ctrl-C keeps the budgets that are done.
    """
    from couponry.cli.tables import check_table_place, plain_records, write_table
    from couponry.instances.files import read_instance
    from couponry.solver.edits import find_rule
    from couponry.solver.figures import check_figure_place, write_figure
    from couponry.solver.frontier import frontier as frontier_of

    check_table_place(out, force=force)
    if figure_file is not None:
        check_figure_place(figure_file, force=force)
    amounts = None if budgets is None else _amounts(budgets)
    with cancel_on_interrupt() as cancel, progress_bars(shown=not json) as progress:
        given = read_instance(instance)
        found = frontier_of(
            given,
            budgets=amounts,
            points=points,
            rule=None if rule is None else find_rule(given, rule),
            gap=gap,
            seed=seed,
            progress=progress,
            cancel=cancel,
        )
        write_table(found.table, out)
    if figure_file is not None:
        write_figure(found.figure(), figure_file)
        say(f"Figure: {figure_file}")
    if json:
        print_json(plain_records(found.table))
        return
    _show(found)
    say(f"Table: {out}")


def _show(found: Frontier) -> None:
    spent = money if found.measure in ("cost", "revenue") else lambda amount, _: figure(amount)
    rows = [
        (
            spent(row["budget"], found.unit) + (" ← knee" if row["budget"] == found.knee else ""),
            figure(row["value"]),
            figure(row["bound"]),
            spent(row["spend"], found.unit),
            figure(row["price"]),
            figure(row["marginal"]),
            figure(row["value_per_cost"]),
            percent(row["roi"]),
        )
        for row in found.table.to_dict("records")
    ]
    header = (
        "budget",
        "value",
        "best possible",
        "spent",
        "one more unit is worth",
        "by difference",
        "conversions a unit of cost",
        "ROI",
    )
    print_table("", header, rows)
    typer.echo(found.words)


def _amounts(text: str) -> list[float]:
    from couponry.instances.errors import InputError

    try:
        return [float(part) for part in text.split(",") if part.strip()]
    except ValueError:
        raise InputError(
            "budgets are numbers with commas between",
            parameter="--budgets",
            value=text,
            mend="Write 1000,2000,4000",
        ) from None
