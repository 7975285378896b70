"""``couponry instances``: the library of benchmark instances."""

from __future__ import annotations

from typing import Annotated

import typer

from couponry.cli.console import figure, print_json, print_table, progress_bars, say
from couponry.cli.errors import Subcommands
from couponry.cli.options import Force, Json, OutDirectory

__all__ = ["EXAMPLES", "commands"]

EXAMPLES = (
    "couponry instances list",
    "couponry instances make alike-5k --out alike",
    "couponry instances make easy-10m --out easy --shard-rows 500000",
)

commands = typer.Typer(
    cls=Subcommands,
    no_args_is_help=True,
    help="Twelve named benchmark instances with the best known plan and bound of each.",
)


@commands.command(name="list")
def list_instances(json: Json = False) -> None:
    """Show the instances, the best known value of each, what no plan exceeds, and what it is for."""
    from couponry.instances import library

    entries = [(library.entry(name), library.known(name)) for name in library.names()]
    if json:
        print_json(
            [
                {
                    "name": entry.name,
                    "users": entry.recipe.users,
                    "coupons": entry.recipe.coupons,
                    "rows": known.rows,
                    "value": known.value,
                    "bound": known.bound,
                    "gap": known.gap,
                    "bound_by": known.bound_by or None,
                    "found_by": known.found_by or None,
                    "fingerprint": known.fingerprint,
                    "purpose": entry.purpose,
                }
                for entry, known in entries
            ]
        )
        return
    rows = [
        (
            entry.name,
            f"{entry.recipe.users:,} × {entry.recipe.coupons}",
            figure(known.rows),
            "not yet solved" if known.value is None else f"{known.value:.6f}",
            "" if known.bound is None else f"{known.bound:.6f}",
            "" if known.gap is None else f"{known.gap:.0e}",
            entry.purpose,
        )
        for entry, known in entries
    ]
    print_table("", ("instance", "size", "rows", "best known", "bound", "gap", "what for"), rows)


@commands.command()
def make(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A name of the list.", show_default=False)],
    out: OutDirectory,
    shard_rows: Annotated[
        int, typer.Option("--shard-rows", metavar="N", help="Most users a file.", min=1)
    ] = 1_000_000,
    force: Force = False,
) -> None:
    """Draw an instance to disk, block by block: memory stays small however many users it has."""
    from couponry.instances import library

    with progress_bars() as progress:
        library.write(name, out, shard_rows=shard_rows, force=force, progress=progress)
    say(f"Instance: {out}")
    say(f"Next: couponry solve {out} --out plan")
