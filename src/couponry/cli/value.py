"""``couponry value``: what policies would have been worth, by a log that another policy wrote."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from couponry.cli.console import print_json, say
from couponry.cli.options import Assignment, Costs, Json, LogFormat, LogPath, Menu, Outcome, Seed

if TYPE_CHECKING:
    import numpy.typing as npt

    from couponry.instances.log import Log

__all__ = ["EXAMPLES", "value"]

EXAMPLES = (
    "couponry value world --policy who_gets_what.csv",
    "couponry value model/holdout --plan plan --measure profit",
    "couponry value log.csv --menu coupons.csv --policy new.parquet --policy old.parquet --method dr --json",
    "couponry value hillstrom.csv.gz --format hillstrom --outcome visit --policy rows.csv",
)

_READ_BY = "dr"
"""The method of the second table, where all are asked for."""


def value(
    log: LogPath,
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
    log_format: LogFormat = "couponry",
    menu: Menu = None,
    outcome: Outcome = None,
    cost: Costs = None,
    assignment: Assignment = "lot",
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Say what policies would have been worth, by a log of what another policy gave.

    Beside them stand the log's own policy, random coupons, ranking by response, the best single coupon and
    giving nothing. The log must tell its propensities, or its coupons have been drawn by lot.
    """
    from couponry.cli.log_options import read_log
    from couponry.cli.policy_tables import print_differences, print_methods
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
        print_methods(table, measure)
    print_differences(table[table["method"] == (method or _READ_BY)], measure)


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
