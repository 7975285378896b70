"""``couponry compare``: scenarios side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from couponry.cli.console import figure, money, percent, print_json, print_table, progress_bars, say
from couponry.cli.interrupt import cancel_if_heeded
from couponry.cli.options import Force, Gap, Json, Method, Seed, TimeLimit

if TYPE_CHECKING:
    from couponry.solver.scenario import Comparison, Scenario

__all__ = ["EXAMPLES", "compare"]

EXAMPLES = (
    'couponry compare campaign --edit "budget x1.2" --edit "without C3"',
    'couponry compare campaign --edit "budget -10%; user cap 2" --out scenarios.csv --figure scenarios.png',
    "couponry compare spring summer autumn",
)


def compare(
    instances: Annotated[
        list[Path],
        typer.Argument(metavar="INSTANCE...", help="The first is the base.", show_default=False),
    ],
    edit: Annotated[
        list[str] | None,
        typer.Option(
            "--edit",
            metavar="EDIT",
            help="A change of the first instance, several joined by ';'. May be given many times.",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write the table too (.csv or .parquet).")
    ] = None,
    figure_file: Annotated[
        Path | None,
        typer.Option("--figure", metavar="FILE", help="Draw it too (.png, .svg or .pdf)."),
    ] = None,
    gap: Gap = 1e-6,
    time_limit: TimeLimit = None,
    method: Method = "auto",
    seed: Seed = 0,
    json: Json = False,
    force: Force = False,
) -> None:
    """Solve what-if scenarios and set them beside the plan as it stands.

    Edits: "budget x1.2", "budget -10%", "sms budget 50000", "parity 0.05", "stock C3 x2", "user cap 2",
    "user cap money 30", "without C3" (a coupon), "without parity" (a rule), or a new rule in the words of
    instance.toml: 'with coverage segment = "region", at_least = 0.1'.
    """
    from couponry.cli.tables import check_table_place, plain_records, write_table
    from couponry.solver.figures import check_figure_place, write_figure
    from couponry.solver.scenario import compare as compare_scenarios

    if out is not None:
        check_table_place(out, force=force)
    if figure_file is not None:
        check_figure_place(figure_file, force=force)
    scenarios = _scenarios(instances, edit or [])
    with cancel_if_heeded(method) as cancel, progress_bars(shown=not json) as progress:
        found = compare_scenarios(
            scenarios,
            method=method,
            gap=gap,
            time_limit=time_limit,
            seed=seed,
            progress=progress,
            cancel=cancel,
        )
    if out is not None:
        write_table(found.table, out)
        say(f"Table: {out}")
    if figure_file is not None:
        write_figure(found.figure(), figure_file)
        say(f"Figure: {figure_file}")
    if json:
        print_json(plain_records(found.table))
    else:
        _show(found)


def _scenarios(paths: list[Path], edits: list[str]) -> list[Scenario]:
    from couponry.instances.files import read_instance
    from couponry.solver.scenario import Scenario

    names = [path.name for path in paths]
    distinct = len(set(names)) == len(names)
    scenarios = [Scenario(read_instance(path), path.name if distinct else str(path)) for path in paths]
    for text in edits:
        parts = [part.strip() for part in text.split(";") if part.strip()]
        scenarios.append(scenarios[0].edit(text, *parts))
    return scenarios


def _show(found: Comparison) -> None:
    currency = found.scenarios[0].instance.campaign.currency
    rows = [
        (
            row["scenario"],
            row["status"],
            figure(row["value"]),
            figure(row["change"]),
            percent(row["change_share"]),
            figure(row["bound"]),
            f"{row['gap']:.1e}",
            money(row["cost"], currency),
            f"{row['given']:,}",
        )
        for row in found.table.to_dict("records")
    ]
    header = ("scenario", "status", "value", "change", "", "best possible", "gap", "cost", "given")
    print_table("", header, rows)
    for row in found.table.to_dict("records"):
        if row["note"]:
            typer.echo(f"{row['scenario']}: {row['note']}")
