"""What a solve hands back: words for why it stopped, and a summary that JSON can hold."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from couponry.solver.solution import Certificate, Clash, Infeasibility, Solution, Status, StoppedBy

RULE = {
    "name": "budget",
    "rule": "budget",
    "position": 0,
    "measure": "cost",
    "scope": "all coupons",
    "activity": np.float64(3.5),
    "lower": -math.inf,
    "upper": 4.0,
    "price": 0.25,
    "words": "0.1 CNY more would win about 0.025 more conversions.",
}


def solution() -> Solution:
    """Return a small solution with every kind of number."""
    return Solution(
        status=Status.FEASIBLE,
        stopped_by=StoppedBy.TIME_LIMIT,
        value=np.float64(1.4),
        bound=1.5,
        gap=0.0667,
        plan=pa.table({"user_id": ["u1"], "coupon_id": ["A"], "value": [1.4], "cost": [3.5]}),
        prices=pd.DataFrame([RULE]),
        certificate=Certificate(("budget",), np.array([0.25]), 1.5),
        stats={
            "users": np.int64(4),
            "coupons": 3,
            "rows": 1,
            "passes": 7,
            "seconds": 0.5,
            "peak_memory_mb": math.nan,
            "method": "highs",
            "bound_source": "prices",
            "seed": 0,
            "seconds_by_phase": {"dual": 0.1},
        },
    )


def test_summary_holds_the_figures() -> None:
    """The summary has what was found, why it stopped, the sizes, and every rule."""
    summary = solution().summary()
    assert list(summary) == [
        "status",
        "stopped_by",
        "value",
        "bound",
        "gap",
        "given",
        "users",
        "coupons",
        "rows",
        "passes",
        "seconds",
        "peak_memory_mb",
        "method",
        "bound_source",
        "seed",
        "rules",
    ]
    assert summary["status"] == "feasible"
    assert summary["stopped_by"] == "time_limit"
    assert summary["given"] == 1
    assert summary["users"] == 4
    assert summary["rules"] == [
        {
            "name": "budget",
            "rule": "budget",
            "measure": "cost",
            "activity": 3.5,
            "lower": None,
            "upper": 4.0,
            "price": 0.25,
            "words": RULE["words"],
        }
    ]


def test_summary_is_plain_json() -> None:
    """Nothing in the summary is NaN, infinite or of numpy: any reader of JSON takes it."""
    text = json.dumps(solution().summary(), allow_nan=False)
    assert json.loads(text) == solution().summary()
    assert solution().summary()["peak_memory_mb"] is None


def test_summary_without_a_plan() -> None:
    """Without a plan value and gap are None, not NaN."""
    nothing = replace(solution(), status=Status.NO_SOLUTION, value=math.nan, gap=math.inf)
    summary = json.loads(json.dumps(nothing.summary(), allow_nan=False))
    assert summary["value"] is None
    assert summary["gap"] is None
    assert "infeasible" not in summary


def test_summary_of_what_clashes() -> None:
    """An infeasible answer says which rules clash and what would mend each; None where it alone does not."""
    clashes = (
        Clash("budget", "budget", "upper", 1.5, 2.0, "raise 'budget' from 1.500 to 2", 1.9),
        Clash("stock B", "stock", "lower", 1.0, None, "'stock B' (lower limit 1): no change of it alone"),
    )
    why = Infeasibility(clashes, "prices", np.array([1.0, -2.0]), "No plan can meet these rules together.")
    summary = replace(solution(), status=Status.INFEASIBLE, infeasibility=why).summary()
    assert json.loads(json.dumps(summary, allow_nan=False))["infeasible"] == {
        "words": "No plan can meet these rules together.",
        "proof": "prices",
        "clashes": [
            {
                "name": "budget",
                "rule": "budget",
                "side": "upper",
                "limit": 1.5,
                "mended_limit": 2.0,
                "least_limit": 1.9,
                "words": "raise 'budget' from 1.500 to 2",
            },
            {
                "name": "stock B",
                "rule": "stock",
                "side": "lower",
                "limit": 1.0,
                "mended_limit": None,
                "least_limit": None,
                "words": "'stock B' (lower limit 1): no change of it alone",
            },
        ],
    }


@pytest.mark.parametrize("reason", list(StoppedBy))
def test_every_reason_is_a_sentence(reason: StoppedBy) -> None:
    """Why a solve stopped reads as a sentence."""
    assert reason.words[0].isupper()
    assert reason.words.endswith(".")


def test_reasons_name_the_remedy() -> None:
    """Where one can do something about it the sentence says what."""
    assert StoppedBy.TIME_LIMIT.words == "The time limit was reached; give more time for a smaller gap."
    assert StoppedBy.CANCELLED.words == "It was cancelled; the best plan so far was kept."


def test_statuses_are_words_for_machines() -> None:
    """Statuses are the words of summary.json."""
    assert [str(status) for status in Status] == ["optimal", "feasible", "infeasible", "no_solution"]
