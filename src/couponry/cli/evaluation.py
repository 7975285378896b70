"""How good a model is, in the terminal; and a plan judged by what held-out users did."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from couponry.cli.console import figure, percent, print_table

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd
    import pyarrow as pa

    from couponry.instances.log import Log
    from couponry.predictors.evaluate import Evaluation
    from couponry.predictors.learner import Outcomes
    from couponry.predictors.model import Model

__all__ = [
    "HOLDOUT",
    "judge_chosen",
    "judge_plan",
    "plan_policy",
    "plan_share",
    "print_chosen",
    "print_coupons",
    "print_policies",
    "read_holdout",
]

HOLDOUT = "holdout"
"""Name of the held-out log in a model's directory."""


def print_coupons(evaluation: Evaluation) -> None:
    """Print, for every coupon, the uplift that was predicted and what held-out rows say of it.

    The same of a ranking by response stands in brackets; the other two baselines are in the title.
    """
    from couponry.predictors.evaluate.baselines import BEST_SINGLE, BY_RESPONSE, RANDOM

    ranking = evaluation.ranking.to_dict("records")
    by_response = {row["coupon_id"]: row for row in ranking if row["rank_by"] == BY_RESPONSE}
    best = "".join(f"; {BEST_SINGLE}: {row['coupon_id']}" for row in ranking if row["rank_by"] == BEST_SINGLE)
    rows = [
        (
            row["coupon_id"],
            f"{row['treated']:,}",
            f"{row['control']:,}",
            percent(row["predicted"]),
            f"{percent(row.get('observed'))} ± {percent(row.get('standard_error'))}",
            *_ranked(row, by_response.get(row["coupon_id"], {})),
        )
        for row in evaluation.coupons.to_dict("records")
    ]
    top = f"uplift of top {evaluation.share:.0%}"
    title = (
        f"On {evaluation.rows:,} held-out rows; in brackets: {BY_RESPONSE}; {RANDOM}: Qini and AUUC 0, {top} "
        f"as observed{best}"
    )
    print_table(title, ("coupon", "given", "none", "predicted", "observed", "Qini", "AUUC", top), rows)


def _ranked(own: dict[Any, Any], by_response: dict[Any, Any]) -> list[str]:
    if not by_response:  # the log gave the coupon to nobody
        return ["–"] * 3
    pairs = [(own[name], by_response[name]) for name in ("qini", "auuc", "uplift_at_share")]
    scores = [f"{figure(round(mine, 3))} ({figure(round(other, 3))})" for mine, other in pairs[:2]]
    return [*scores, "{} ({})".format(*map(percent, pairs[2]))]


def print_policies(table: pd.DataFrame) -> None:
    """Print what policies are worth on held-out rows: conversions a thousand users, with standard errors."""
    rows = [
        (
            row["policy"],
            percent(row["share"]),
            *(f"{1000 * row[m]:.1f} ± {1000 * row[f'{m}_se']:.1f}" for m in ("snips", "dr")),
            f"{1000 * row['gain']:+.1f} ± {1000 * row['gain_se']:.1f}",
            f"{row['effective_sample_size']:,.0f}",
            figure(1000 * row["cost"]),
        )
        for row in table.to_dict("records")
    ]
    header = ("policy", "given", "SNIPS", "DR", "DR over nothing", "effective rows", "cost")
    print_table("Conversions per 1,000 held-out users, ± standard error", header, rows)


def judge_chosen(held: Log, plan: pa.Table, arms: npt.NDArray[np.int32], outcomes: Outcomes) -> pd.DataFrame:
    """Compare what a plan's pairs were predicted to bring with what held-out rows say.

    Predicted is what the plan itself says of its pairs where it does, else what the model says now. Columns
    are those of :func:`~couponry.predictors.evaluate.chosen.chosen_pairs`.
    """
    import numpy as np

    from couponry.predictors.evaluate import chosen_pairs

    rows, coupon = np.arange(held.n), np.maximum(arms, 0)
    conversion = np.asarray(outcomes.conversion, np.float64)
    with_coupon = conversion[rows, coupon + 1]
    predicted = {
        "value": with_coupon - conversion[:, 0],
        "cost": np.asarray(outcomes.cost, np.float64)[rows, coupon + 1],
    }
    for name in predicted:
        if name in plan.column_names:
            said = dict(zip(map(str, plan["user_id"].to_pylist()), plan[name].to_pylist(), strict=True))
            own = np.array([said.get(str(user), 0.0) for user in held.user_id], dtype=np.float64)
            predicted[name] = own
    expected = (with_coupon + conversion[:, 0]) / 2
    return chosen_pairs(held, arms, predicted["value"], predicted["cost"], expected=expected)


def print_chosen(table: pd.DataFrame) -> None:
    """Print predicted and realised value and cost of the pairs that a plan chose."""
    rows = [
        (
            row["group"] if row["by"] != "predicted value" else f"fifth {row['group']}",
            f"{row['pairs']:,}",
            f"{row['given']:,}",
            percent(row["predicted"]),
            _with_error(percent(row["realised"]), percent(row["standard_error"])),
            figure(row["cost_predicted"]),
            _with_error(figure(row["cost_realised"]), figure(row["cost_standard_error"])),
        )
        for row in table.to_dict("records")
    ]
    header = ("pairs of the plan", "pairs", "given so", "predicted uplift", "realised", "predicted cost")
    print_table("Chosen pairs, fifths by predicted value, ± standard error", (*header, "realised cost"), rows)


def judge_plan(model: Model, held: Log, plan: pa.Table) -> tuple[Evaluation, pd.DataFrame, pd.DataFrame]:
    """Judge a model on held-out rows, and the plan beside policies that reach as many users.

    Parameters
    ----------
    model : Model
        Which has not seen the rows.
    held : Log
    plan : pyarrow.Table
        ``user_id, coupon_id``; users that it does not name get none.

    Returns
    -------
    Evaluation
    DataFrame
        The columns of :attr:`Evaluation.policies`, the plan first.
    DataFrame
        Of :func:`judge_chosen`.

    Raises
    ------
    InputError
        If the plan names no user of the log, gives one two coupons, or a coupon that the log never gave.
    """
    import pandas as pd

    from couponry.predictors.evaluate import policy_table
    from couponry.predictors.evaluate.evaluate import judged

    arms = plan_policy(held, plan)
    evaluation = judged(model, held, share=plan_share(arms))
    outcomes = model.predict_outcomes(held.features, held.coupons)
    own = policy_table(held, {"this plan": arms}, outcomes)
    chosen = judge_chosen(held, plan, arms, outcomes)
    return evaluation, pd.concat([own, evaluation.policies], ignore_index=True), chosen


def plan_share(arms: npt.NDArray[np.int32]) -> float:
    """Return the share of rows to which a plan gives a coupon, of which policies can give to as many."""
    return min(max(float((arms >= 0).mean()), 0.01), 0.99)


def plan_policy(held: Log, plan: pa.Table) -> npt.NDArray[np.int32]:
    """Return the arm that a plan gives each row of a log, −1 for none.

    Raises
    ------
    InputError
        If the plan names no user of the log, gives one two coupons, or a coupon that is not in its menu.
    """
    from couponry.instances.errors import InputError
    from couponry.predictors.evaluate import plan_arms

    pairs = zip(plan["user_id"].to_pylist(), plan["coupon_id"].to_pylist(), strict=True)
    arms = plan_arms(pairs, held.user_id, held.coupons)
    if not (arms >= 0).any():
        raise InputError(
            "the plan gives no user of the log anything, so they say nothing about it",
            file=held.source,
            mend="Plan for its users, such as those held out: couponry predict MODEL --holdout …",
        )
    return arms


def read_holdout(model: Path) -> Log:
    """Read the rows that a model's training held out.

    Raises
    ------
    InputError
        If there are none.
    """
    from couponry.instances.errors import InputError
    from couponry.instances.log import Log

    if not (model / HOLDOUT).is_dir():
        raise InputError(
            "this model's training held out nothing",
            file=model / HOLDOUT,
            mend="Train it again with --holdout 0.3",
        )
    return Log.read(model / HOLDOUT)


def _with_error(value: str, error: str) -> str:
    return value if value == "–" else f"{value} ± {error}"
