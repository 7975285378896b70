"""Arguments and options that several commands share, so that they read alike everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = [
    "Assignment",
    "Costs",
    "Engine",
    "Force",
    "Gap",
    "InstancePath",
    "Json",
    "LogFormat",
    "LogPath",
    "Menu",
    "Method",
    "OutDirectory",
    "Outcome",
    "PlanPath",
    "Seed",
    "Stream",
    "TimeLimit",
]

InstancePath = Annotated[
    Path,
    typer.Argument(
        metavar="INSTANCE",
        help="Directory with instance.toml, coupons, users; or a long table user_id, coupon_id, value, cost.",
        show_default=False,
    ),
]
LogPath = Annotated[
    Path, typer.Argument(metavar="LOG", help="A log: directory or file, by format.", show_default=False)
]
LogFormat = Annotated[
    str,
    typer.Option(
        "--format",
        metavar="FORMAT",
        help="Of the log: couponry, hillstrom, karlan_list, in_vehicle or open_bandit.",
    ),
]
Menu = Annotated[
    Path | None,
    typer.Option("--menu", metavar="FILE", help="Table of the coupons, where the log has it apart."),
]
Outcome = Annotated[
    str | None,
    typer.Option(
        "--outcome", metavar="COLUMN", help="What counts as a conversion, where the log has several."
    ),
]
Costs = Annotated[
    list[str] | None,
    typer.Option(
        "--cost", metavar="COUPON=MONEY", help="What giving a coupon costs, where the log does not say."
    ),
]
Assignment = Annotated[
    str,
    typer.Option(
        "--assignment",
        metavar="HOW",
        help="How the log's arms were chosen, if it does not say: by lot, or by what the features tell.",
    ),
]
PlanPath = Annotated[
    Path, typer.Argument(metavar="DIR", help="Directory that 'couponry solve' wrote.", show_default=False)
]
OutDirectory = Annotated[
    Path,
    typer.Option("--out", metavar="DIR", help="Where to write; made if need be.", show_default=False),
]
Stream = Annotated[
    bool,
    typer.Option(
        "--stream", help="Read users block by block, again at every pass: for what is larger than memory."
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Overwrite what stands in the output place.")]
Json = Annotated[
    bool, typer.Option("--json", help="Print the result as JSON on stdout and nothing else; no bars.")
]
Gap = Annotated[
    float,
    typer.Option(
        "--gap", metavar="G", help="Stop at a plan within this relative distance of the best possible."
    ),
]
TimeLimit = Annotated[
    float | None,
    typer.Option("--time-limit", metavar="SECONDS", help="Stop after so long with the best plan so far."),
]
Method = Annotated[
    str,
    typer.Option(
        "--method",
        metavar="METHOD",
        help="auto: by size; priced: for large instances; highs, cpsat, pyomo: one integer program; "
        "pdlp, cvxpy: the linear relaxation, rounded.",
    ),
]
Engine = Annotated[
    str, typer.Option("--engine", metavar="ENGINE", help="What runs the passes over the data.")
]
Seed = Annotated[int, typer.Option("--seed", metavar="N", help="Same seed, same result.", min=0)]
