"""``couponry value``: what policies would have been worth, by a log that another policy wrote."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from couponry.cli.console import percent, print_json, print_table, say
from couponry.cli.options import Json, Seed

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

    from couponry.instances.log import Log

__all__ = ["EXAMPLES", "value"]

EXAMPLES = (
    "couponry value world --policy who_gets_what.csv",
    "couponry value model/holdout --plan plan --measure profit",
    "couponry value log.csv --menu coupons.csv --policy new.parquet --policy old.parquet --method dr --json",
    "couponry value hillstrom.csv.gz --format hillstrom --outcome visit --policy rows.csv",
)

_WORDS = {"ips": "IPS", "snips": "SNIPS", "dr": "DR", "switch-dr": "switch-DR"}
_READ_BY = "dr"
"""The method of the second table, where all are asked for."""


def value(
    log: Annotated[
        Path, typer.Argument(metavar="LOG", help="A log: directory or file, by format.", show_default=False)
    ],
    policy: Annotated[
        list[Path] | None,
        typer.Option(
            "--policy",
            metavar="FILE",
            help="A table of who would get what: coupon_id, or a probability a coupon, for each row or "
            "user_id. May be given several times.",
        ),
    ] = None,
    plan: Annotated[
        list[Path] | None,
        typer.Option(
            "--plan", metavar="DIR", help="A plan of 'couponry solve'; users without a row get none."
        ),
    ] = None,
    measure: Annotated[
        str,
        typer.Option(
            "--measure", metavar="MEASURE", help="conversion, revenue, cost or profit (revenue less cost)."
        ),
    ] = "conversion",
    method: Annotated[
        str | None,
        typer.Option("--method", metavar="METHOD", help="ips, snips, dr or switch-dr; by default all."),
    ] = None,
    log_format: Annotated[
        str,
        typer.Option(
            "--format", metavar="FORMAT", help="couponry, hillstrom, karlan_list, in_vehicle or open_bandit."
        ),
    ] = "couponry",
    menu: Annotated[
        Path | None,
        typer.Option("--menu", metavar="FILE", help="Table of the coupons, where the log has it apart."),
    ] = None,
    outcome: Annotated[
        str | None,
        typer.Option(
            "--outcome", metavar="COLUMN", help="What counts as a conversion, where the log has several."
        ),
    ] = None,
    cost: Annotated[
        list[str] | None,
        typer.Option(
            "--cost", metavar="COUPON=MONEY", help="What giving a coupon costs, where the log does not say."
        ),
    ] = None,
    assignment: Annotated[
        str,
        typer.Option(
            "--assignment",
            metavar="HOW",
            help="How the log's arms were chosen, if it does not say: by lot, or by what the features tell.",
        ),
    ] = "lot",
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Say what policies would have been worth, by a log of what another policy gave.

    Beside them stand the log's own policy, random coupons, ranking by response, the best single coupon and
    giving nothing. The log must tell its propensities, or its coupons have been drawn by lot.
    """
    from couponry.cli.log_options import read_log
    from couponry.predictors.evaluate import value_table
    from couponry.predictors.evaluate.evaluate import records
    from couponry.predictors.evaluate.off_policy import METHODS

    given = read_log(log, log_format, costs=cost or [], outcome=outcome, menu=menu)
    policies = _policies(given, policy or [], plan or [])
    methods: Any = METHODS if method is None else (method,)
    table = value_table(
        given, policies, outcome=_measure(measure), methods=methods, assignment=assignment, seed=seed
    )
    if json:
        print_json({"rows": given.n, "measure": measure, "policies": records(table)})
        return
    if method is None:
        _print_methods(table, measure)
    _print_differences(table[table["method"] == (method or _READ_BY)], measure)


def _measure(name: str) -> Any:
    """Refuse a measure that there is not, by the name that it has here."""
    from couponry.instances.errors import InputError, did_you_mean
    from couponry.predictors.evaluate.off_policy import OUTCOMES

    if name not in OUTCOMES:
        raise InputError("unknown", parameter="--measure", value=name, mend=did_you_mean(name, OUTCOMES))
    return name


def _policies(log: Log, files: list[Path], plans: list[Path]) -> dict[str, npt.ArrayLike]:
    from couponry.cli.evaluation import plan_policy
    from couponry.instances.errors import InputError
    from couponry.instances.plan import read_plan
    from couponry.predictors.evaluate import read_policy

    if not files and not plans:
        raise InputError("what to judge is not said", mend="Give --policy FILE or --plan DIR")
    names = _names([*files, *plans])
    policies: dict[str, npt.ArrayLike] = {names[path]: read_policy(path, log) for path in files}
    for path in plans:
        pairs = read_plan(path)
        try:
            policies[names[path]] = plan_policy(log, pairs)
        except InputError as error:
            raise error.located(file=path) from None
        _say_of_users(path, log, set(map(str, pairs["user_id"].to_pylist())))
    return policies


def _names(paths: list[Path]) -> dict[Path, str]:
    """Return short names of files and directories, whole ones where short ones are alike."""
    short = [path.name for path in paths]
    names = {path: path.name if short.count(path.name) == 1 else str(path) for path in paths}
    return {path: f"{name}/" if path.is_dir() else name for path, name in names.items()}


def _say_of_users(path: Path, log: Log, planned: set[str]) -> None:
    """Say how much of a plan the log judges."""
    users = set(map(str, log.user_id))
    both, more = len(planned & users), len(planned - users)
    told = f"; {more:,} others of the plan are not in the log" if more else ""
    say(f"{path}: gives a coupon to {both:,} of the log's {len(users):,} users{told}")


def _print_methods(table: pd.DataFrame, measure: str) -> None:
    names = list(dict.fromkeys(table["method"]))
    rows = []
    for policy, found in table.groupby("policy", sort=False):
        by = found.set_index("method").to_dict("index")
        values = [_with_error(by[name]["value"], by[name]["standard_error"]) for name in names]
        effective = f"{by[names[0]]['effective_sample_size']:,.0f}"
        rows.append((str(policy), percent(by[names[0]]["share"]), *values, effective))
    header = ("policy", "given", *(_WORDS[name] for name in names), "effective rows")
    print_table(f"{_titled(measure)} per 1,000 rows of the log, ± standard error", header, rows)


def _print_differences(table: pd.DataFrame, measure: str) -> None:
    rows = [
        (
            row["policy"],
            percent(row["share"]),
            _with_error(row["value"], row["standard_error"]),
            f"{_per_thousand(row['low'])} to {_per_thousand(row['high'])}",
            _with_error(row["over_logged"], row["over_logged_se"], "+"),
            _with_error(row["over_nothing"], row["over_nothing_se"], "+"),
            f"{row['effective_sample_size']:,.0f}",
        )
        for row in table.to_dict("records")
    ]
    word = _WORDS[table["method"].iloc[0]]
    header = ("policy", "given", word, "95 % interval", "over as logged", "over nothing", "effective rows")
    print_table(f"{_titled(measure)} per 1,000 rows of the log, by {word}, ± standard error", header, rows)


def _titled(measure: str) -> str:
    return "Conversions" if measure == "conversion" else measure.capitalize()


def _with_error(amount: float, error: float, sign: str = "") -> str:
    if amount != amount or (sign and amount == error == 0):  # a policy's difference to itself
        return "–"
    return f"{_per_thousand(amount, sign)} ± {_per_thousand(error)}"


def _per_thousand(amount: float, sign: str = "") -> str:
    return f"{1000 * amount:{sign},.{0 if abs(amount) >= 1 else 1}f}"
