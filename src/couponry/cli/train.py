"""``couponry train``: from a log to a model, and how good it is on users that it has not seen."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from couponry.cli.console import print_json, progress_bars, say
from couponry.cli.evaluation import HOLDOUT
from couponry.cli.options import (
    Assignment,
    Costs,
    Force,
    Json,
    LogFormat,
    LogPath,
    Menu,
    Outcome,
    OutDirectory,
    Seed,
)
from couponry.predictors.registry import MODELS

if TYPE_CHECKING:
    from couponry.instances.log import Log
    from couponry.instances.progress import Report
    from couponry.predictors.evaluate import Evaluation
    from couponry.predictors.model import Model

__all__ = ["EXAMPLES", "train", "train_and_write"]

EXAMPLES = (
    "couponry train world --out model",
    (
        "couponry train hillstrom.csv.gz --format hillstrom --outcome visit "
        "--cost mens=0.1 --cost womens=0.1 --out model"
    ),
    "couponry train world --model dr --set folds=5 --holdout 0.5 --seed 7 --out model --force",
    "couponry train log --model r --assignment features --out model",
    "couponry train world --model tarnet --search 20 --search-seconds 600 --out model --force",
    "couponry train world --search 20 --search-score policy_value --search-share 0.2 --out model --force",
)


def train(
    log: LogPath,
    out: OutDirectory,
    log_format: LogFormat = "couponry",
    model: Annotated[
        str, typer.Option("--model", metavar="MODEL", help=f"What to train: {', '.join(MODELS)}.")
    ] = "default",
    base: Annotated[
        str,
        typer.Option(
            "--base", metavar="BASE", help="What a meta-learner is built of: lightgbm, forest or sklearn."
        ),
    ] = "lightgbm",
    holdout: Annotated[
        float,
        typer.Option("--holdout", metavar="SHARE", help="Users kept to judge the model by; 0 for none."),
    ] = 0.3,
    assignment: Assignment = "lot",
    calibrate: Annotated[
        str | None,
        typer.Option("--calibrate", metavar="METHOD", help="Bring answers to scale: platt or isotonic."),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="A parameter of the model, such as epochs=5."),
    ] = None,
    cost: Costs = None,
    outcome: Outcome = None,
    menu: Menu = None,
    schema: Annotated[
        Path | None,
        typer.Option("--schema", metavar="FILE", help="What the log's columns are, in TOML."),
    ] = None,
    trials: Annotated[
        int,
        typer.Option(
            "--search", metavar="TRIALS", help="Try so many settings of the model, and keep the best."
        ),
    ] = 0,
    method: Annotated[
        str | None,
        typer.Option("--search-method", metavar="METHOD", help="tpe, random or grid; by default tpe."),
    ] = None,
    seconds: Annotated[
        float | None,
        typer.Option("--search-seconds", metavar="SECONDS", help="Begin no trial after so many seconds."),
    ] = None,
    score: Annotated[
        str | None,
        typer.Option(
            "--search-score",
            metavar="SCORE",
            help="What is best: by log_loss, qini or policy_value; by default log_loss.",
        ),
    ] = None,
    share: Annotated[
        float | None,
        typer.Option(
            "--search-share", metavar="SHARE", help="Of users whom the policy gives a coupon; by default 0.3."
        ),
    ] = None,
    budget: Annotated[
        float | None,
        typer.Option(
            "--search-budget", metavar="MONEY", help="A user that the policy spends, instead of a share."
        ),
    ] = None,
    seed: Seed = 0,
    json: Json = False,
    force: Force = False,
) -> None:
    """Train a model of how users respond to coupons.

    Writes the model, and the held-out rows into its holdout/: 'couponry predict MODEL --holdout' plans for
    those users, and 'couponry report --model MODEL' judges the plan by what they did.
    """
    from couponry.cli.evaluation import print_coupons, print_policies
    from couponry.cli.log_options import read_log
    from couponry.cli.settings import read_settings
    from couponry.instances.atomic import check_free

    check_free(out, force=force)
    told = {"method": method, "time_limit": seconds, "score": score, "share": share, "budget": budget}
    search = {name: value for name, value in told.items() if value is not None}
    _check_search(trials, search)
    with progress_bars(shown=not json) as progress:
        given = read_log(log, log_format, costs=cost or [], outcome=outcome, menu=menu)
        fitted, evaluation = train_and_write(
            given,
            out,
            model=model,
            base=base,
            holdout=holdout,
            seed=seed,
            schema=schema,
            force=force,
            progress=progress,
            assignment=assignment,
            calibrate=calibrate,
            **read_settings(settings or []),
            search={"trials": trials, **search} if trials else None,
        )
    for warning in fitted.card["checks"]["warnings"]:
        say(f"Warning: {warning}")
    if json:
        print_json(fitted.card["metrics"])
        return
    if evaluation is not None:
        print_coupons(evaluation)
        print_policies(evaluation.policies)
    say(f"Model: {out}")


def _check_search(trials: int, search: dict[str, Any]) -> None:
    """Refuse options of a search that is not asked for."""
    from couponry.instances.errors import InputError

    for name, value in search.items():
        if not trials:
            raise InputError(
                "there is no search to say this of",
                parameter=name,
                value=value,
                mend="Say --search 20 too",
            )


def train_and_write(
    log: Log,
    out: Path,
    *,
    model: str = "default",
    base: str = "lightgbm",
    holdout: float,
    seed: int,
    schema: Path | None = None,
    force: bool = False,
    progress: Report | None = None,
    assignment: str = "lot",
    search: dict[str, Any] | None = None,
    **options: Any,
) -> tuple[Model, Evaluation | None]:
    """Train on the users that are not held out, judge on the others, and write both.

    ``search`` holds arguments of :func:`couponry.predictors.search.search`. Further options are those of
    :func:`couponry.predictors.train.train`.
    """
    from couponry.instances.atomic import write_directory
    from couponry.instances.errors import DataWarning
    from couponry.instances.progress import Progress
    from couponry.predictors.evaluate.evaluate import judged
    from couponry.predictors.features.schema_file import read_schema
    from couponry.predictors.holdout import held_out
    from couponry.predictors.log_checks import LEAST_ROWS, check_log
    from couponry.predictors.train import train as train_model

    check_log(log, options.get("least_rows", LEAST_ROWS))  # said of the whole before it is parted
    said: dict[str, Any] = {} if schema is None else dict(read_schema(schema))
    said |= {"assignment": assignment, **options}
    seen, held = log, None
    if holdout:
        seen, held = held_out(log, holdout, columns=said.get("columns"), assignment=assignment, seed=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)  # the card has them, and they are printed from there
        if search is None:
            fitted = train_model(seen, model, base, seed=seed, progress=progress, **said)
        else:
            fitted = _searched(seen, model, base, seed, progress, search, said)
    if progress is not None:
        progress(Progress("training", 1, 1, f"{seen.n:,} rows"))  # it may have ended early
    evaluation = None
    if held is not None:
        evaluation = judged(fitted, held)
        fitted.card["metrics"] = evaluation.summary()
    with write_directory(out, kind="model", force=force) as folder:
        fitted.save(folder)
        if held is not None:
            held.write(folder / HOLDOUT)
    return fitted, evaluation


def _searched(
    seen: Log,
    model: str,
    base: str,
    seed: int,
    progress: Report | None,
    search: dict[str, Any],
    said: dict[str, Any],
) -> Model:
    from couponry.instances.errors import InputError
    from couponry.predictors.registry import model_entry
    from couponry.predictors.search import search as search_options

    for name in ("checkpoint", "logs"):
        if name in said:  # every trial is a training of its own
            raise InputError(
                "a search keeps no checkpoints and logs",
                parameter="--set",
                value=name,
                mend="Leave one of them out",
            )
    built_of: dict[str, Any] = {"base": base} if "base" in model_entry(model).options else {}
    return search_options(seen, model, seed=seed, progress=progress, **search, **built_of, **said).model
