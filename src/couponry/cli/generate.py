"""``couponry generate``: a world whose truth is known, to try everything on."""

from __future__ import annotations

from typing import Annotated

import typer

from couponry.cli.console import say
from couponry.cli.options import Force, OutDirectory, Seed

__all__ = ["EXAMPLES", "generate"]

EXAMPLES = (
    "couponry generate --out world",
    "couponry generate --out world --users 100000 --coupons 12 --rows 300000 --seed 7",
)


def generate(
    out: OutDirectory,
    users: Annotated[int, typer.Option("--users", metavar="N", help="Customers.", min=1)] = 20_000,
    coupons: Annotated[int, typer.Option("--coupons", metavar="J", help="Coupons on the menu.", min=1)] = 8,
    seed: Seed = 0,
    rows: Annotated[
        int | None,
        typer.Option("--rows", metavar="N", help="Rows of the log; by default one a customer.", min=1),
    ] = None,
    budget_share: Annotated[
        float,
        typer.Option("--budget-share", metavar="S", help="Budget, as a share of what giving all would cost."),
    ] = 0.3,
    force: Force = False,
) -> None:
    """Draw a world: customers, coupons and a randomised log, with the true response known.

    Writes log/ (to train on), users.parquet and coupons.csv (to plan for), and truth/, an instance with the
    true response, whose instance.toml holds the rules.
    """
    from couponry.instances.atomic import check_free
    from couponry.instances.world import World

    check_free(out, force=force)
    world = World.draw(users, coupons, seed)
    world.write(out, log=world.log(rows or users), budget_share=budget_share, force=force)
    say(f"World: {out}")
    say(f"Next: couponry train {out} --out model")
