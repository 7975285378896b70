"""How good the predictions are: uplift by tenth, what is won from the best users on, coupon by coupon."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from couponry.report.charts import TWO_SIDED_95, decile_chart, gain_chart
from couponry.report.drawing import Chart
from couponry.report.formats import Formats
from couponry.report.tables import Table

if TYPE_CHECKING:
    from couponry.predictors.evaluate import Evaluation

__all__ = ["PredictionPart", "averaged", "prediction_parts"]

_MOST_CHARTS = 3


@dataclass(frozen=True)
class PredictionPart:
    """One view of the predictions; its table is folded away where there is a chart."""

    heading: str
    words: str
    chart: Chart | None
    caption: str
    table: Table


def prediction_parts(evaluation: Evaluation, formats: Formats) -> list[PredictionPart]:
    """Return the views of an evaluation: a chart of tenths a coupon where they are few, else one of all."""
    names = list(dict.fromkeys(evaluation.deciles["coupon_id"]))
    all_coupons = averaged(evaluation.deciles)
    if len(names) <= _MOST_CHARTS:
        by_coupon = evaluation.deciles.groupby("coupon_id", sort=False)
        parts = [
            _tenths(f"Uplift of {name}", table.reset_index(drop=True), f"deciles-{k}", "", formats)
            for k, (name, table) in enumerate(by_coupon)
        ]
    else:
        note = (
            f"Averaged over {len(names)} coupons; the intervals are as wide as if their errors went together."
        )
        parts = [_tenths("Uplift by tenth of users", all_coupons, "deciles", note, formats)]
    if all_coupons["observed"].notna().all():
        parts.append(_gain(all_coupons, len(names), formats))
    parts.append(_coupons(evaluation, formats))
    return parts


def averaged(deciles: pd.DataFrame) -> pd.DataFrame:
    """Average the bins of several coupons, weighted by rows.

    The coupons share the users without a coupon, so their errors are not independent: the standard error
    given is their mean, which is what it would be if all errors went together, and never too small.

    Parameters
    ----------
    deciles : DataFrame
        ``coupon_id, bin, rows, predicted, observed, standard_error``.

    Returns
    -------
    DataFrame
        ``bin, rows, predicted, observed, standard_error``; rows are summed, bins that no coupon observed NaN.
    """
    averages = []
    for number, bins in deciles.groupby("bin"):
        seen = bins[bins["observed"].notna()]
        record = {"bin": number, "rows": int(bins["rows"].sum())}
        record |= {"predicted": float(np.average(bins["predicted"], weights=bins["rows"]))}
        for column in ("observed", "standard_error"):
            record[column] = float(np.average(seen[column], weights=seen["rows"])) if len(seen) else np.nan
        averages.append(record)
    return pd.DataFrame(averages)


def _tenths(heading: str, table: pd.DataFrame, name: str, note: str, formats: Formats) -> PredictionPart:
    inside = np.abs(table["predicted"] - table["observed"]) <= TWO_SIDED_95 * table["standard_error"]
    held = "all" if inside.all() else f"{int(inside.sum())}"
    words = (
        f"Users are ordered by predicted uplift and cut into {len(table)} groups of equal size. In {held} of "
        "them the prediction lies within the 95 % interval of what was observed."
    )
    predicted, observed, error = (
        formats.column([100 * value for value in table[column]], digits=3)
        for column in ("predicted", "observed", "standard_error")
    )
    groups = [str(number) for number in table["bin"]]
    users = [formats.count(rows) for rows in table["rows"]]
    return PredictionPart(
        heading,
        words,
        decile_chart(name, table),
        note,
        Table(
            ["Group", "Users", "Predicted, %", "Observed, %", "Standard error, %"],
            list(zip(groups, users, predicted, observed, error, strict=True)),
        ),
    )


def _gain(table: pd.DataFrame, coupons: int, formats: Formats) -> PredictionPart:
    """Return what is won as more and more users are given a coupon, the best first."""
    users = table["rows"].to_numpy(np.float64)
    total = users.sum()
    share = np.append(0.0, users.cumsum() / total)
    gain = np.append(0.0, (users * table["observed"]).cumsum() / total)
    error = np.append(0.0, np.sqrt(((users * table["standard_error"]) ** 2).cumsum()) / total)
    half = float(np.interp(0.5, share, gain))
    everyone = float(gain[-1])
    words = "What a coupon wins as more users are given one, highest predicted uplift first, as observed."
    if everyone > 0:
        words += (
            f" The first half of the users brings {formats.percent(half / everyone, 2)} of what all bring."
        )
    return PredictionPart(
        "Whom to give a coupon first",
        words,
        gain_chart(share, 1000 * gain, 1000 * error),
        f"Averaged over {coupons} coupons. " * (coupons > 1) + "The band is the 95 % interval.",
        Table(
            ["Users given a coupon", "Conversions won per 1,000 users", "Standard error", "At random"],
            list(
                zip(
                    [formats.percent(s) for s in share],
                    formats.column(list(1000 * gain), digits=3),
                    formats.column(list(1000 * error), digits=3),
                    formats.column(list(1000 * everyone * share), digits=3),
                    strict=True,
                )
            ),
        ),
    )


def _coupons(evaluation: Evaluation, formats: Formats) -> PredictionPart:
    """Return the coupons' table: each in its own order, and in those of the baselines."""
    from couponry.predictors.evaluate.baselines import BEST_SINGLE, BY_RESPONSE, RANDOM

    table = evaluation.coupons
    ranked = {name: _ranked(evaluation.ranking, name) for name in (BY_RESPONSE, RANDOM, BEST_SINGLE)}
    shares = ("predicted", "observed", "standard_error", "calibration_error")
    columns: list[list[str]] = [
        [str(coupon) for coupon in table["coupon_id"]],
        [formats.count(treated) for treated in table["treated"]],
        *(formats.column([100 * value for value in _column(table, name)], digits=3) for name in shares),
        *_qini_columns(table, [ranked[BY_RESPONSE], ranked[RANDOM]], formats),
    ]
    words = (
        f"On {formats.count(evaluation.rows)} rows held out of training. Predicted probabilities of a "
        f"conversion are off by {formats.number(100 * evaluation.response_error, 2)} in 100 on average. "
        "Qini is 0 for an order no better than chance and 1 for one that knows the outcomes. Beside it stand "
        "ranking by response, which puts those first who will buy anyway or not, and random orders."
    )
    for coupon in ranked[BEST_SINGLE]:
        words += f" The best single coupon by predicted uplift is {coupon}: given to all it ranks nobody, "
        words += "and brings what was observed of it."
    heads = ["Coupon", "Users with it", "Mean uplift predicted, %", "Observed, %", "Standard error, %"]
    heads += ["Tenths off by, %", "Qini", f"Qini, {BY_RESPONSE}", f"Qini, {RANDOM}"]
    return PredictionPart("Coupon by coupon", words, None, "", Table(heads, list(zip(*columns, strict=True))))


def _qini_columns(
    table: pd.DataFrame, baselines: list[dict[str, float]], formats: Formats
) -> list[list[str]]:
    """Return the Qini of the model's order and of the baselines', with as many decimals in each column."""
    found = _column(table, "qini")
    for qini in baselines:
        found += [qini.get(coupon, np.nan) for coupon in table["coupon_id"]]
    texts = formats.column(found, digits=3)
    return [texts[start : start + len(table)] for start in range(0, len(texts), len(table))]


def _ranked(ranking: pd.DataFrame, rank_by: str) -> dict[str, float]:
    """Return the Qini of the coupons whose users were ranked so."""
    if ranking.empty:
        return {}
    own = ranking[ranking["rank_by"] == rank_by]
    return dict(zip(own["coupon_id"], own["qini"], strict=True))


def _column(table: pd.DataFrame, name: str) -> list[float]:
    return [float(value) for value in table[name]] if name in table else [np.nan] * len(table)
