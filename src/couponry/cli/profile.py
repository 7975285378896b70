"""``couponry profile``: from purchases and texts to feature columns, and what is bought with which coupon."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from couponry.cli.console import percent, print_json, print_table, say
from couponry.cli.errors import Subcommands
from couponry.cli.options import Force, Json, LogFormat, Menu, OutDirectory, Seed

if TYPE_CHECKING:
    import numpy as np

    from couponry.instances.log import Log

__all__ = ["EXAMPLES", "commands"]

EXAMPLES = (
    "couponry profile learn raw --log world/log --out profile",
    "couponry profile attach profile raw world/log --out log",
    "couponry profile attach profile raw users.csv --out users.parquet",
    "couponry profile rules raw --out rules.csv",
)

commands = typer.Typer(
    cls=Subcommands,
    no_args_is_help=True,
    help="Feature columns of what users bought and wrote, and which products go with which coupons.",
)

_MOST_SHOWN = 30

Tables = Annotated[
    Path,
    typer.Argument(
        metavar="TABLES",
        help="Directory with purchases (user_id, time, amount) and texts (user_id, text), .csv or .parquet.",
        show_default=False,
    ),
]
AsOf = Annotated[
    str | None,
    typer.Option(
        "--as-of",
        metavar="TIME",
        help="What is of this time or later is not looked at; by default the first of the log's given_at.",
    ),
]


@commands.command()
def learn(
    tables: Tables,
    out: OutDirectory,
    log: Annotated[
        Path | None,
        typer.Option("--log", metavar="LOG", help="Learn of the users of this log alone."),
    ] = None,
    log_format: LogFormat = "couponry",
    menu: Menu = None,
    holdout: Annotated[
        float,
        typer.Option("--holdout", metavar="SHARE", help="Leave out those whom 'train' will hold out."),
    ] = 0.3,
    as_of: AsOf = None,
    words: Annotated[int, typer.Option("--words", metavar="N", help="TF-IDF columns.", min=0)] = 32,
    topics: Annotated[int, typer.Option("--topics", metavar="N", help="Topics (LDA).", min=0)] = 8,
    groups: Annotated[int, typer.Option("--groups", metavar="N", help="Segments (k-means).", min=0)] = 5,
    seed: Seed = 0,
    force: Force = False,
) -> None:
    """Learn words, topics, limits of recency, frequency and money, and segments.

    With --log, --holdout and --seed as they will be given to 'couponry train', nothing is learnt of the users
    by whom the model will be judged.
    """
    from couponry.cli.log_options import read_log
    from couponry.instances.atomic import check_free
    from couponry.predictors.profile.attach import start_of
    from couponry.predictors.profile.profile import UserProfile
    from couponry.predictors.profile.tables import RawTables

    check_free(out, force=force)
    raw = RawTables.read(tables)
    users, start = None, None
    if log is not None:
        given = read_log(log, log_format, menu=menu)
        start = start_of(given.given_at)
        users = sorted(set((given.split(holdout, seed)[0] if holdout else given).user_id))
    profile = UserProfile(words=words, topics=topics, segments=groups, seed=seed)
    time = start if as_of is None else _time(as_of)
    if log is not None:
        _warn_without(time)
    profile.fit(raw, users, time)
    profile.save(out, force=force)
    say(f"Profile: {len(profile.columns_)} columns in {out}")
    say(f"Next: couponry profile attach {out} {tables} LOG --out NEW_LOG")


@commands.command()
def attach(
    profile: Annotated[
        Path, typer.Argument(metavar="PROFILE", help="What 'profile learn' wrote.", show_default=False)
    ],
    tables: Tables,
    target: Annotated[
        Path,
        typer.Argument(metavar="TARGET", help="A log, or a table of users.", show_default=False),
    ],
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            metavar="PATH",
            help="Of a directory a directory, of a table a .csv or .parquet.",
            show_default=False,
        ),
    ],
    as_of: AsOf = None,
    force: Force = False,
) -> None:
    """Lay the profile beside a log to train on, or beside users to predict for."""
    from couponry.instances.log import Log
    from couponry.instances.log_times import times_of
    from couponry.instances.source import Source
    from couponry.instances.tables import read_table
    from couponry.predictors.profile.attach import attach_to_log, attach_to_users, start_of
    from couponry.predictors.profile.profile import load_profile
    from couponry.predictors.profile.tables import RawTables

    learnt, raw = load_profile(profile), RawTables.read(tables)
    time = None if as_of is None else _time(as_of)
    if target.is_dir():
        log: Log = Log.read(target)
        ids = sorted(set(log.user_id.astype(str)))
        time = start_of(log.given_at) if time is None else time
        _warn_without(time)
        attach_to_log(log, learnt.transform(raw, ids, time)).write(out, force=force)
    else:
        found = read_table(Source(target), text=("user_id", "arm"))
        if target.suffix == out.suffix == ".csv":  # cells are written as they stood there: 007 is a code
            found = read_table(Source(target), text=found.column_names)
        table = found.to_pandas()
        ids = sorted(set(table["user_id"].astype(str))) if "user_id" in table else []
        if time is None and "given_at" in table:
            time = start_of(times_of(table["given_at"], "given_at", target))
        if "arm" in table:  # a log in one table
            _warn_without(time)
        _write_table(attach_to_users(table, learnt.transform(raw, ids, time)), out, force=force)
    say(f"{len(learnt.columns_)} columns beside {len(ids):,} users: {out}")


@commands.command()
def rules(
    tables: Tables,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write the table, .csv or .parquet.")
    ] = None,
    support: Annotated[
        float, typer.Option("--support", metavar="SHARE", help="Least share of all orders that hold both.")
    ] = 0.01,
    confidence: Annotated[
        float, typer.Option("--confidence", metavar="SHARE", help="Least share of the left side's orders.")
    ] = 0.1,
    json: Json = False,
    force: Force = False,
) -> None:
    """Show which products and kinds of coupon are found in the same orders (association rules).

    It tells what goes together, not what a coupon brings.
    """
    from couponry.predictors.profile.association import coupon_rules
    from couponry.predictors.profile.tables import RawTables

    found = coupon_rules(RawTables.read(tables), support=support, confidence=confidence)
    if out is not None:
        _write_table(found, out, force=force)
    if json:
        print_json(found.to_dict("records"))
        return
    shown = [
        (
            row["if"],
            row["then"],
            f"{row['orders']:,}",
            percent(row["support"]),
            percent(row["confidence"]),
            f"{row['lift']:.2f}",
        )
        for row in found.head(_MOST_SHOWN).to_dict("records")
    ]
    header = ("if", "then", "orders", "support", "confidence", "lift")
    print_table("Bought together, largest lift first", header, shown)
    if len(found) > _MOST_SHOWN:
        say(f"{len(found) - _MOST_SHOWN:,} more; --out FILE writes all.")


def _warn_without(time: np.datetime64 | None) -> None:
    if time is None:
        say(
            "Warning: the log does not tell when coupons were given (given_at), so purchases made with them "
            "are looked at, too, and would tell who converted. Give --as-of, when the first was given"
        )


def _time(text: str) -> np.datetime64:
    import numpy as np
    import pandas as pd

    from couponry.instances.errors import InputError
    from couponry.instances.log_times import times_of

    try:
        return np.datetime64(times_of(pd.Series([text]), "--as-of")[0], "us")
    except InputError as error:
        raise InputError(
            error.problem, parameter="--as-of", value=text, mend="Write it as 2024-05-31"
        ) from None


def _write_table(table: object, out: Path, *, force: bool) -> None:
    import pandas as pd
    import pyarrow as pa

    from couponry.instances.atomic import write_file
    from couponry.instances.errors import ExistsError, InputError
    from couponry.instances.parquet_files import write_parquet

    assert isinstance(table, pd.DataFrame)
    if out.suffix not in (".csv", ".parquet"):
        raise InputError(
            "a table is a .csv or a .parquet file", file=out, value=out.suffix, mend="Name it so"
        )
    if out.exists() and not force:
        raise ExistsError(
            "there is something already", file=out, mend="Choose another place, or give --force"
        )
    with write_file(out) as aside:
        if out.suffix == ".csv":
            table.to_csv(aside, index=False)
        else:
            write_parquet(pa.Table.from_pandas(table, preserve_index=False), aside)
