"""The tables of an evaluation in the terminal, each with its baselines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from couponry.cli.console import figure, percent, print_table

if TYPE_CHECKING:
    from couponry.predictors.evaluate import Evaluation

__all__ = ["print_areas", "print_budgets", "print_campaign", "print_classification", "print_ranking"]

_DIVIDED = ("qini_causalml", "auuc_causalml", "aucc")
_SURE = 2.0  # standard errors


def print_ranking(evaluation: Evaluation) -> None:
    """Print how well users are ranked for each coupon, by each definition.

    Figures that are divided by the effect of giving the coupon to all are left out where it is not sure.
    """
    coupons = evaluation.coupons
    sure = coupons["observed"].abs() > _SURE * coupons["standard_error"]
    ranking = evaluation.ranking.copy()
    ranking.loc[~ranking["coupon_id"].isin(coupons.loc[sure, "coupon_id"]), list(_DIVIDED)] = float("nan")
    rows = [
        (
            row["coupon_id"],
            row["rank_by"],
            figure(row["qini"]),
            figure(row["auuc"]),
            figure(row["qini_causalml"]),
            figure(row["auuc_causalml"]),
            percent(row["uplift_at_share"]),
            figure(row["aucc"]),
        )
        for row in ranking.to_dict("records")
    ]
    top = f"uplift of top {evaluation.share:.0%}"
    header = ("coupon", "ranked by", "Qini", "AUUC", "Qini (causalml)", "AUUC (causalml)", top, "AUCC")
    title = "How users are ranked; random is 0, and 1/2 for causalml's AUUC and for AUCC"
    unsure = "" if sure.all() else "; – where the coupon's effect on all, which they divide by, may be 0"
    print_table(title + unsure, header, rows)


def print_classification(evaluation: Evaluation) -> None:
    """Print how well buyers are told from the others."""
    names = ("accuracy", "precision", "recall", "f1", "auc", "log_loss", "calibration_error")
    rows = [
        (row["predicted_by"], row["arm"], f"{row['rows']:,}", *(figure(row[name]) for name in names))
        for row in evaluation.classification.to_dict("records")
    ]
    header = ("predicted by", "arm", "rows", "accuracy", "precision", "recall", "F1", "AUC", "log loss")
    print_table(
        "Who buys; called a buyer where likelier than the average", (*header, "calibration error"), rows
    )


def print_areas(evaluation: Evaluation) -> None:
    """Print the multi-arm Qini curves' mean value over all budgets, and AUCC."""
    rows = [
        (
            row["policy"],
            _per_thousand(row["area"], row["area_se"]),
            _per_thousand(row["over_random"], row["over_random_se"]),
            figure(row["aucc"]),
        )
        for row in evaluation.areas.to_dict("records")
    ]
    header = ("coupons given by", "won", "over random", "multi-arm AUCC")
    print_table("Conversions won by 1,000 users, averaged over all budgets, ± standard error", header, rows)


def print_budgets(evaluation: Evaluation) -> None:
    """Print what policies win at several budgets."""
    rows = [
        (
            figure(1000 * row["budget"]),
            row["policy"],
            _per_thousand(row["value"], row["value_se"]),
            _per_thousand(row["over_random"], row["over_random_se"]),
            _per_thousand(row["cost"], row["cost_se"]),
        )
        for row in evaluation.budgets.to_dict("records")
    ]
    header = ("budget", "coupons given by", "won", "over random", "cost observed")
    print_table("Conversions won by 1,000 users at a budget, ± standard error", header, rows)


def print_campaign(evaluation: Evaluation) -> None:
    """Print campaign measures, one row a policy."""
    table = evaluation.campaign
    names = list(dict.fromkeys(table["measure"]))
    by_policy = table.groupby("policy", sort=False)
    rows = []
    for policy, measures in by_policy:
        found = measures.set_index("measure").to_dict("index")
        cells = [_with_error(found[name]["value"], found[name]["standard_error"]) for name in names]
        rows.append((str(policy), *cells))
    header = ("policy", *(name.replace("_", " ") for name in names))
    print_table("Campaign measures a user, self-normalised IPW, ± standard error", header, rows)


def _with_error(value: float, error: float) -> str:
    return f"{figure(value)} ± {figure(error)}" if error > 0 else figure(value)


def _per_thousand(value: float, error: float) -> str:
    return f"{1000 * value:.1f} ± {1000 * error:.1f}"
