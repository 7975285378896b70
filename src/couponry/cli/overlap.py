"""``couponry overlap``: whether a log tells the effect of its coupons."""

from __future__ import annotations

from typing import Annotated

import typer

from couponry.cli.console import percent, print_json, print_table, say
from couponry.cli.options import Json, LogFormat, LogPath, Menu, Seed

__all__ = ["EXAMPLES", "overlap"]

EXAMPLES = (
    "couponry overlap world",
    "couponry overlap log.csv --menu coupons.csv --json",
)


def overlap(
    log: LogPath,
    log_format: LogFormat = "couponry",
    menu: Menu = None,
    base: Annotated[
        str,
        typer.Option("--base", metavar="BASE", help="What propensities are learnt by: lightgbm or sklearn."),
    ] = "lightgbm",
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Say whether arms were drawn by lot, and whether alike customers got each coupon and none.

    Where they did not, no model can tell what the coupon does: 'couponry train --assignment features' refuses
    such a log.
    """
    from couponry.cli.log_options import read_log
    from couponry.predictors.overlap import overlap as find_overlap

    found = find_overlap(read_log(log, log_format, menu=menu), base=base, seed=seed)
    if json:
        print_json(found.summary())
        return
    rows = [
        (
            row["coupon_id"],
            f"{row['rows']:,}",
            f"{row['control']:,}",
            percent(row["outside"]),
            f"{row['effective']:,.0f}",
            percent(row["efficiency"]),
            row["status"],
        )
        for row in found.arms.to_dict("records")
    ]
    print_table(
        "Overlap of each coupon with none",
        ("coupon", "rows", "without", "trimmed", "worth rows", "of a lottery's", "status"),
        rows,
    )
    if found.by_lot:
        say("The features tell nothing of who got what: as if drawn by lot.")
    else:
        say(
            f"Features explain {percent(found.explained)} of who got what: train with --assignment features; "
            "without those that were recorded after the coupon was given, such as clicks (--schema)."
        )
    for row in found.arms[found.arms["status"] != "good"].to_dict("records"):
        say(f"{row['coupon_id']}: {row['mend']}.")
