"""A solution put together: the plan as a table, every row with its activity and price, the gap."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from tests.instances.small import four_users

from couponry.instances import (
    Budget,
    Campaign,
    Coupons,
    Coverage,
    Instance,
    Parity,
    Response,
    ReturnFloor,
    Users,
)
from couponry.solver.clock import Clock
from couponry.solver.engine import Pairs
from couponry.solver.exact_sums import ExactTables
from couponry.solver.prices import PriceBook
from couponry.solver.result import (
    NO_PAIRS,
    build_solution,
    peak_memory_mb,
    plan_sums,
    plan_table,
    price_table,
    relative_gap,
)
from couponry.solver.solution import Certificate, Solution, Status, StoppedBy

# u1 has C, u2 A, u3 A, u4 B: value 0.3 + 0.2 + 0.4 + 0.5, cost 3 + 1 + 1 + 2
PLAN = Pairs(np.arange(4), np.array([2, 0, 0, 1]))


def sums(instance: Instance, pairs: Pairs) -> ExactTables:
    """Return exact sums of a plan."""
    return plan_sums(instance.program, pairs)


def built(instance: Instance, pairs: Pairs | None = PLAN, **changed: Any) -> Solution:
    """Return a solution of an instance with no prices."""
    rows = instance.program.rows
    certificate = Certificate(tuple(row.name for row in rows), np.zeros(len(rows)), 1.5)
    given: dict[str, Any] = {
        "status": Status.FEASIBLE,
        "stopped_by": StoppedBy.NO_PROGRESS,
        "value": 1.4,
        "bound": 1.5,
    }
    return build_solution(
        instance,
        PriceBook(instance.program),
        pairs=pairs,
        certificate=certificate,
        clock=Clock(),
        stats={"method": "highs", "seed": 3},
        **(given | changed),
    )


@pytest.mark.parametrize(
    ("value", "bound", "gap"),
    [
        (1.4, 1.5, 0.1 / 1.5),
        (0.25, 0.5, 0.25),  # of a bound below one the gap is absolute
        (-3.0, -4.0, 0.25),
        (5.0, 5.0, 0.0),
        (math.nan, 1.0, math.inf),
        (1.0, math.inf, math.inf),
        (1.0, -math.inf, math.inf),
    ],
)
def test_gap(value: float, bound: float, gap: float) -> None:
    """The gap is |bound − value| over the larger of 1 and |bound|; infinite without a plan or a bound."""
    assert relative_gap(value, bound) == pytest.approx(gap)


def test_plan_as_a_table() -> None:
    """One row a given coupon: the user's id, the coupon's id, value and cost."""
    assert plan_table(four_users(), PLAN).to_pylist() == [
        {"user_id": "u1", "coupon_id": "C", "value": 0.3, "cost": 3.0},
        {"user_id": "u2", "coupon_id": "A", "value": 0.2, "cost": 1.0},
        {"user_id": "u3", "coupon_id": "A", "value": 0.4, "cost": 1.0},
        {"user_id": "u4", "coupon_id": "B", "value": 0.5, "cost": 2.0},
    ]


def test_nothing_as_a_table() -> None:
    """The empty plan is a table of the same columns and types."""
    empty = plan_table(four_users(), NO_PAIRS)
    assert empty.num_rows == 0
    assert empty.schema == plan_table(four_users(), PLAN).schema


def test_whole_numbers_as_ids_and_shortlists() -> None:
    """Ids keep their type, and a place of a shortlist is the coupon that stands there."""
    instance = Instance(
        Coupons(pd.DataFrame({"coupon_id": ["A", "B", "C"]})),
        Users(pa.table({"user_id": [70, 30]})),
        Response(
            {"value": np.array([[0.5], [0.25]], np.float32), "cost": np.array([[1.5], [2.0]], np.float32)},
            np.array([[2], [0]], np.int32),
        ),
    )
    table = plan_table(instance, Pairs(np.arange(2), np.zeros(2, np.int64)))
    assert table["user_id"].to_pylist() == [70, 30]
    assert table["coupon_id"].to_pylist() == ["C", "A"]
    assert table["cost"].to_pylist() == [1.5, 2.0]
    assert table["cost"].type == pa.float64()


def test_rows_in_their_own_units() -> None:
    """Each row says its activity, limits and price as its rule speaks of it."""
    instance = four_users(
        Budget(amount=8), Coverage(segment="region", at_least=0.5), Parity(segment="tier", tolerance=0.25)
    )
    multipliers = np.array([0.0, 0.0, 0.5, 0.0, -0.25, 0.0, 0.0625, 0.0])
    table = price_table(instance, PriceBook(instance.program), sums(instance, PLAN), multipliers).set_index(
        "name"
    )
    assert list(table.index) == [
        "stock A",
        "stock B",
        "budget",
        "coverage region=east",
        "coverage region=north",
        "coverage region=south",
        "parity tier=1",
        "parity tier=2",
    ]
    assert table["rule"].tolist()[:4] == ["stock", "stock", "budget", "coverage"]
    assert table["position"].tolist() == [-1, -1, 0, 1, 1, 1, 2, 2]
    assert table["activity"].tolist() == [2, 1, 7, 1, 2, 1, 0, 0]
    assert table["lower"].tolist() == [-math.inf, 1, -math.inf, 0.5, 1, 0.5, -0.25, -0.25]
    assert table["upper"].tolist()[:3] == [2, math.inf, 8]
    # The row of tier 1 has 12 times the rates.
    assert table["price"].tolist() == [0, 0, 0.5, 0, -0.25, 0, 0.75, 0]
    assert table.loc["budget", "measure"] == "cost"
    assert table.loc["budget", "scope"] == "all coupons"
    said = str(table.loc["budget", "words"])
    assert said == "0.1 more would win about 0.05 more conversions."


def test_prices_of_a_least_cost_are_turned() -> None:
    """Where cost is minimised one more unit of a budget's room lowers it: the price is negative."""
    instance = four_users(Budget(amount=8), campaign=Campaign(objective="cost", sense="minimise"))
    table = price_table(
        instance, PriceBook(instance.program), sums(instance, PLAN), np.array([0.0, 0.0, 0.5])
    )
    assert table["price"].tolist() == [0, 0, -0.5]


def test_sums_of_money_are_rounded_once() -> None:
    """The activity of a budget is what a reader's own exact sum gives; of two measures their difference."""
    instance = Instance(
        Coupons(pd.DataFrame({"coupon_id": ["A"]})),
        Users(pa.table({"user_id": [1, 2, 3]})),
        Response(
            {
                "value": np.ones((3, 1)),
                "cost": np.array([[0.1], [0.2], [0.3]]),
                "revenue": np.array([[1.0], [2.0], [3.0]]),
            }
        ),
        (Budget(amount=1), ReturnFloor(ratio=5)),
    )
    everybody = Pairs(np.arange(3), np.zeros(3, np.int64))
    table = price_table(instance, PriceBook(instance.program), sums(instance, everybody), np.zeros(2))
    assert table["activity"][0] == 0.6  # and not 0.6000000000000001
    assert table["activity"][1] == pytest.approx(3.0)


def test_solution_of_a_plan() -> None:
    """A solution holds what it was given, its gap, and the sizes of the instance."""
    solution = built(four_users(Budget(amount=8)))
    assert solution.status is Status.FEASIBLE
    assert solution.stopped_by is StoppedBy.NO_PROGRESS
    assert solution.gap == pytest.approx(0.1 / 1.5)
    assert solution.plan.num_rows == 4
    assert solution.infeasibility is None
    assert {k: solution.stats[k] for k in ("users", "coupons", "rows", "method", "seed")} == {
        "users": 4,
        "coupons": 3,
        "rows": 3,
        "method": "highs",
        "seed": 3,
    }
    assert solution.stats["seconds"] >= 0
    assert solution.stats["peak_memory_mb"] > 10


def test_solution_without_a_plan() -> None:
    """Without a plan the table is empty, the gap infinite, and activities are those of nothing."""
    solution = built(four_users(Budget(amount=8)), None, status=Status.NO_SOLUTION, value=math.nan)
    assert solution.plan.num_rows == 0
    assert math.isinf(solution.gap)
    assert solution.prices["activity"].tolist() == [0, 0, 0]


def test_peak_memory_is_in_megabytes() -> None:
    """A Python process with numpy holds tens to thousands of megabytes."""
    assert 20 < peak_memory_mb() < 100_000
