"""``couponry evaluate``: how good a model is, and what a plan would have been worth."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from couponry.cli.console import print_json, progress_bars
from couponry.cli.options import Assignment, Json, LogFormat, Menu

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd
    import pyarrow as pa

    from couponry.instances.log import Log
    from couponry.predictors.evaluate import Evaluation
    from couponry.predictors.model import Model

__all__ = ["EXAMPLES", "evaluate"]

EXAMPLES = (
    "couponry evaluate model",
    "couponry evaluate model --plan plan --json",
    "couponry evaluate model --log later_log --share 0.2 --budget 5000",
)

_SHARE = 0.3  # of users, where neither a share nor a plan is given


def evaluate(
    model: Annotated[
        Path,
        typer.Argument(metavar="MODEL", help="Directory that 'couponry train' wrote.", show_default=False),
    ],
    log: Annotated[
        Path | None,
        typer.Option(
            "--log", metavar="LOG", help="A log to judge by; by default the rows that training held out."
        ),
    ] = None,
    log_format: LogFormat = "couponry",
    menu: Menu = None,
    plan: Annotated[
        Path | None,
        typer.Option("--plan", metavar="DIR", help="A plan for the users of the log, to judge beside them."),
    ] = None,
    assignment: Assignment = "lot",
    share: Annotated[
        float | None,
        typer.Option(
            "--share",
            metavar="SHARE",
            help="Of users that policies may give a coupon; by default as the plan, else 0.3.",
            show_default=False,
        ),
    ] = None,
    budget: Annotated[
        float | None,
        typer.Option(
            "--budget", metavar="MONEY", help="Judge also the policy that spends this on all users."
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Judge a model by users that it has not seen, beside random order, rank by response and one coupon."""
    from couponry.cli.evaluation import plan_policy, plan_share, read_holdout
    from couponry.cli.log_options import read_log
    from couponry.instances.plan import read_plan
    from couponry.predictors.evaluate import evaluate_model
    from couponry.predictors.evaluate.evaluate import records, with_learnt_propensity
    from couponry.predictors.model import load_model
    from couponry.predictors.parameter_kinds import check_parameters

    with progress_bars(shown=not json):
        fitted = load_model(model)
        held = read_holdout(model) if log is None else read_log(log, log_format, menu=menu)
        check_parameters({"assignment": assignment})
        given = None if plan is None else read_plan(plan)
        arms = None if given is None else plan_policy(held, given)
        if share is None:
            share = _SHARE if arms is None else plan_share(arms)
        evaluation = evaluate_model(fitted, held, share=share, budget=budget, assignment=assignment)
        policies, chosen = evaluation.policies, None
        if given is not None and arms is not None:
            if assignment == "features":
                held = with_learnt_propensity(fitted, held)  # the plan is judged by them too
            policies, chosen = _with_plan(fitted, held, given, arms, evaluation)
    if json:
        figures = evaluation.summary() | {"policies": records(policies)}
        print_json(figures if chosen is None else figures | {"chosen": records(chosen)})
        return
    _print(evaluation, policies, chosen)


def _with_plan(
    model: Model, held: Log, plan: pa.Table, arms: npt.NDArray[np.int32], evaluation: Evaluation
) -> tuple[pd.DataFrame, pd.DataFrame]:
    import pandas as pd

    from couponry.cli.evaluation import judge_chosen
    from couponry.predictors.evaluate import policy_table

    outcomes = model.predict_outcomes(held.features, held.coupons)
    own = policy_table(held, {"this plan": arms}, outcomes)
    table = pd.concat([own, evaluation.policies], ignore_index=True)
    return table, judge_chosen(held, plan, arms, outcomes)


def _print(evaluation: Evaluation, policies: pd.DataFrame, chosen: pd.DataFrame | None) -> None:
    from couponry.cli.evaluation import print_chosen, print_coupons, print_policies
    from couponry.cli.evaluation_tables import (
        print_areas,
        print_budgets,
        print_campaign,
        print_classification,
        print_ranking,
    )

    print_coupons(evaluation)
    print_ranking(evaluation)
    print_classification(evaluation)
    print_areas(evaluation)
    print_budgets(evaluation)
    print_policies(policies)
    if chosen is not None:
        print_chosen(chosen)
    print_campaign(evaluation)
