"""How good the predictions are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from couponry.predictors.evaluate import Evaluation
from couponry.report.formats import Formats
from couponry.report.predictions import averaged, prediction_parts

formats = Formats("CNY")


def evaluation(coupons: int, observed: float = 0.02) -> Evaluation:
    """Return an evaluation whose observed uplift falls over two groups, 100 rows each, for every coupon."""
    names = [f"c{k}" for k in range(coupons)]
    deciles = pd.DataFrame(
        [
            {
                "coupon_id": name,
                "bin": number,
                "rows": 100,
                "predicted": 0.05 / number,
                "observed": observed / number,
                "standard_error": 0.01,
            }
            for name in names
            for number in (1, 2)
        ]
    )
    by_coupon = pd.DataFrame(
        {
            "coupon_id": names,
            "treated": 50,
            "predicted": 0.0375,
            "observed": 0.015,
            "standard_error": 0.007,
            "qini": 0.25,
            "calibration_error": 0.0225,
        }
    )
    policies = pd.DataFrame({"policy": ["top"], "snips": [0.1], "snips_se": [0.01]})
    return Evaluation(200, 0.3, by_coupon, deciles, pd.DataFrame(), 0.004, policies)


def test_few_coupons_have_a_chart_each() -> None:
    """Up to three coupons are shown one by one; more are averaged in one chart."""
    assert [part.heading for part in prediction_parts(evaluation(2), formats)] == [
        "Uplift of c0",
        "Uplift of c1",
        "Whom to give a coupon first",
        "Coupon by coupon",
    ]
    assert [part.heading for part in prediction_parts(evaluation(4), formats)] == [
        "Uplift by tenth of users",
        "Whom to give a coupon first",
        "Coupon by coupon",
    ]


def test_groups_that_hold_are_counted() -> None:
    """5 % predicted, 2 ± 1 % observed is outside two errors; 2.5 % predicted, 1 ± 1 % is inside."""
    part = prediction_parts(evaluation(1), formats)[0]
    assert "In 1 of them the prediction lies within the 95 % interval" in part.words
    assert part.table.rows[0] == ("1", "100", "5.00", "2.00", "1.00")
    assert part.chart is not None
    assert "in 1 of them the prediction" in part.chart.wide


def test_gain_adds_up_from_the_best_group() -> None:
    """The first half of users brings 1 %, all bring 1.5 %: 10 and 15 in a thousand users; at random 7.5."""
    part = prediction_parts(evaluation(1), formats)[1]
    assert [row[:2] for row in part.table.rows] == [
        ("0\u00a0%", "0.0"),
        ("50\u00a0%", "10.0"),
        ("100\u00a0%", "15.0"),
    ]
    assert "The first half of the users brings 67\u00a0% of what all bring." in part.words
    # One group's error is 100 × 0.01 of 200 rows; two add as squares.
    assert [row[2] for row in part.table.rows] == ["0.00", "5.00", "7.07"]
    assert [row[3] for row in part.table.rows] == ["0.0", "7.5", "15.0"]


def test_coupon_by_coupon() -> None:
    """Each coupon has its predicted and observed uplift, with how far off it is."""
    part = prediction_parts(evaluation(1), formats)[-1]
    assert part.chart is None
    assert part.table.rows == [("c0", "50", "3.75", "1.50", "0.700", "2.25", "0.250", "–", "–")]
    assert "off by 0.4 in 100" in part.words


def test_coupons_stand_beside_the_baselines() -> None:
    """Each coupon's Qini by response and at random; the best single coupon is named once."""
    ranking = pd.DataFrame(
        [
            ("c0", "predicted uplift", 0.25),
            ("c0", "rank by response", 0.125),
            ("c0", "random", 0.01),
            ("c1", "predicted uplift", 0.25),
            ("c1", "rank by response", -0.5),
            ("c1", "random", 0.02),
            ("c1", "best single coupon", 0.0),
        ],
        columns=["coupon_id", "rank_by", "qini"],
    )
    part = prediction_parts(replace(evaluation(2), ranking=ranking), formats)[-1]
    assert part.table.heads[-3:] == ["Qini", "Qini, rank by response", "Qini, random"]
    assert [row[-3:] for row in part.table.rows] == [
        ("0.250", "0.125", "0.010"),
        ("0.250", "−0.500", "0.020"),
    ]
    assert part.words.count("best single coupon") == 1
    assert "best single coupon by predicted uplift is c1:" in part.words


def test_averages_weigh_rows_and_never_flatter() -> None:
    """The mean is weighted by rows, and the error is not divided by the number of coupons."""
    # (100 × 1 % + 300 × 3 %) / 400 = 2.5 %; errors (100 × 2 % + 300 × 2 %) / 400 = 2 %.
    deciles = pd.DataFrame(
        {
            "coupon_id": ["a", "b"],
            "bin": [1, 1],
            "rows": [100, 300],
            "predicted": [0.01, 0.03],
            "observed": [0.01, 0.03],
            "standard_error": [0.02, 0.02],
        }
    )
    (record,) = averaged(deciles).to_dict("records")
    assert record == pytest.approx(
        {"bin": 1, "rows": 400, "predicted": 0.025, "observed": 0.025, "standard_error": 0.02}
    )


def test_a_group_that_was_never_observed() -> None:
    """Where no coupon has users of both kinds in a group, its point is missing and no gain is drawn."""
    parts = prediction_parts(evaluation(1, observed=np.nan), formats)
    assert [part.heading for part in parts] == ["Uplift of c0", "Coupon by coupon"]
    assert parts[0].table.rows[0][3] == "–"


def test_coupons_without_any_treated_row() -> None:
    """A coupon that nobody was given has dashes, not errors."""
    one = evaluation(1)
    bare = Evaluation(
        one.rows,
        one.share,
        one.coupons[["coupon_id", "treated", "predicted"]],
        one.deciles,
        one.response,
        0.004,
        one.policies,
    )
    assert prediction_parts(bare, formats)[-1].table.rows == [("c0", "50", "3.75", *["–"] * 6)]
