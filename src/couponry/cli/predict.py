"""``couponry predict``: from a model and users to an instance that can be solved."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from couponry.cli.console import progress_bars, say
from couponry.cli.evaluation import read_holdout
from couponry.cli.options import Force, OutDirectory

if TYPE_CHECKING:
    import pandas as pd

    from couponry.instances.instance import Instance
    from couponry.instances.log import Log
    from couponry.predictors.model import Model

__all__ = ["EXAMPLES", "predict", "users_of"]

EXAMPLES = (
    "couponry predict model world/users.parquet --rules world/truth/instance.toml --out campaign",
    (
        "couponry predict model users.csv --coupons next_menu.csv --rules rules.toml --segments region,tier "
        "--out campaign"
    ),
    "couponry predict model users.csv --coupons menu_with_a_new_coupon.csv --allow-new --out campaign",
    "couponry predict model --holdout --rules rules.toml --out campaign",
    "couponry predict model world/users.parquet --out large --stream --shard-rows 250000",
)


def predict(
    model: Annotated[
        Path,
        typer.Argument(metavar="MODEL", help="Directory that 'couponry train' wrote.", show_default=False),
    ],
    out: OutDirectory,
    users: Annotated[
        Path | None,
        typer.Argument(metavar="[USERS]", help="Users to plan for: user_id and features, .csv or .parquet."),
    ] = None,
    holdout: Annotated[
        bool, typer.Option("--holdout", help="Plan for the users that training held out, instead.")
    ] = False,
    coupons: Annotated[
        Path | None,
        typer.Option("--coupons", metavar="FILE", help="The menu; by default that of the training log."),
    ] = None,
    rules: Annotated[
        Path | None,
        typer.Option(
            "--rules", metavar="FILE", help="Campaign and rules as in instance.toml; without it no rules."
        ),
    ] = None,
    segments: Annotated[
        str | None,
        typer.Option(
            "--segments", metavar="A,B", help="Columns that rules may speak of; by default those of the log."
        ),
    ] = None,
    stream: Annotated[
        bool,
        typer.Option("--stream", help="Read users and write shards block by block: memory does not grow."),
    ] = False,
    allow_new: Annotated[
        bool,
        typer.Option(
            "--allow-new", help="Answer also for coupons that the log never gave, by their attributes."
        ),
    ] = False,
    shrink: Annotated[
        bool,
        typer.Option(
            "--shrink", help="Draw uncertain values towards their coupon's mean before any is picked."
        ),
    ] = False,
    shard_rows: Annotated[
        int, typer.Option("--shard-rows", metavar="N", help="Most users a file.", min=1)
    ] = 1_000_000,
    force: Force = False,
) -> None:
    """Predict how each user responds to each coupon, and write an instance.

    The instance holds value (conversions won), cost (every redemption counts, also of users who would have
    bought anyway) and revenue of each pair, with the menu and the rules.
    """
    from couponry.instances.atomic import check_free
    from couponry.instances.files import read_rules, write_instance
    from couponry.instances.menu_file import read_coupons
    from couponry.instances.rules import Campaign
    from couponry.instances.source import Source
    from couponry.predictors.model import load_model
    from couponry.predictors.predict import predict as predict_instance
    from couponry.predictors.predict_streamed import predict_streamed

    check_free(out, force=force)
    _check_whom(users, holdout=holdout, stream=stream)
    fitted = load_model(model)
    campaign, given = (Campaign(), ()) if rules is None else read_rules(rules, plans=not stream)
    named = None if segments is None else [name.strip() for name in segments.split(",")]
    menu = None if coupons is None else read_coupons(Source(coupons))
    with progress_bars() as progress:
        if stream and users is not None:
            words = repr(
                predict_streamed(
                    fitted,
                    users,
                    out,
                    menu,
                    given,
                    campaign,
                    named,
                    shard_rows=shard_rows,
                    allow_new=allow_new,
                    shrink=shrink,
                    rules_file=rules,
                    force=force,
                    progress=progress,
                )
            )
        else:
            table = users_of(read_holdout(model)) if users is None else _users(fitted, users, named)
            with _about(users):
                instance = predict_instance(
                    fitted,
                    table,
                    menu,
                    given,
                    campaign,
                    named,
                    allow_new=allow_new,
                    shrink=shrink,
                    progress=progress,
                )
            _check_rules(instance, rules)
            write_instance(instance, out, force, shard_rows=shard_rows)
            words = repr(instance)
    say(f"Instance: {words} in {out}")
    say(f"Next: couponry solve {out} --out plan{' --stream' * stream}")


def users_of(log: Log) -> pd.DataFrame:
    """Return the users of a log with their features, as in their last row."""
    table = log.features.assign(user_id=log.user_id)
    return table.drop_duplicates("user_id", keep="last").reset_index(drop=True)


def _check_whom(users: Path | None, *, holdout: bool, stream: bool) -> None:
    from couponry.instances.errors import InputError

    if holdout == (users is not None):
        raise InputError(
            "whom to plan for is said twice" if holdout else "whom to plan for is not said",
            column="USERS",
            mend="Give either a table of users or --holdout",
        )
    if holdout and stream:
        raise InputError(
            "held-out users are read whole",
            parameter="--stream",
            value="--holdout",
            mend="Leave one of them out",
        )


def _users(model: Model, users: Path, segments: list[str] | None) -> pd.DataFrame:
    """Read a table of users; what is wrong with it is told with its file, row and line."""
    from couponry.instances.csv_lines import placed
    from couponry.instances.errors import InputError
    from couponry.instances.source import Source
    from couponry.instances.tables import read_table, require_columns
    from couponry.predictors.predict import check_users

    source = Source(users)
    table = read_table(source, text=("user_id",))
    require_columns(source, table.column_names, ("user_id",))
    frame: pd.DataFrame = table.to_pandas()
    try:
        check_users(model, frame, segments)
    except InputError as error:
        raise placed(error, source) from None
    return frame


@contextmanager
def _about(users: Path | None) -> Iterator[None]:
    """Tell of a row of the users' table where it stands in the file."""
    from couponry.instances.csv_lines import placed
    from couponry.instances.errors import InputError

    try:
        yield
    except InputError as error:
        if users is None or error.file is not None or not isinstance(error.row, int):
            raise
        raise placed(error, users) from None


def _check_rules(instance: Instance, rules: Path | None) -> None:
    """Refuse rules that name what the instance does not have, before anything is written."""
    from couponry.instances.errors import InputError

    try:
        instance.program  # noqa: B018  # compiled now
    except InputError as error:
        raise error.located(file=rules) from None
