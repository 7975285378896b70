"""Where no rule binds everybody has what they like best, however many they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from couponry.instances import (
    Budget,
    Coupons,
    Coverage,
    Instance,
    Parity,
    Response,
    Rule,
    Stock,
    Target,
    UserCap,
    Users,
)
from couponry.instances.files import write_instance
from couponry.instances.streamed import open_instance
from couponry.solver.solution import Status
from couponry.solver.solve import solve
from couponry.solver.streamed import solve_streamed
from couponry.solver.verify import verify

SLACK: dict[str, tuple[Rule, ...]] = {
    "no rule": (),
    "an ample budget": (Budget(amount=1e6),),
    "a budget that is just enough": (),  # its amount is what everybody's best costs
    "an ample stock": (Stock(coupons=["A"], at_most=10**6),),
    "a low target": (Target(at_least=1, measure="count"),),
    "a low coverage": (Coverage(segment="region", at_least=0.01),),
    "parity of equals": (Parity(segment="region", tolerance=0.5),),
    "all of them": (
        Budget(amount=1e6),
        Stock(coupons=["B"], at_most=10**6),
        Target(at_least=1, measure="count"),
        Parity(segment="region", tolerance=0.5),
    ),
}


def campaign(name: str, users: int, most: int, *, losses: bool) -> tuple[Instance, float]:
    """Return users with two coupons, of whole costs, and the best value of all."""
    rng = np.random.default_rng(users)
    value = rng.random((users, 2)) - (0.4 if losses else 0.0)
    cost = rng.integers(1, 4, (users, 2)).astype(float)
    ordered = np.sort(np.maximum(value, 0.0), axis=1)[:, ::-1]
    taken = np.argsort(np.argsort(-value, axis=1), axis=1) < most
    spent = float(cost[taken & (value > 0)].sum())
    rules = (Budget(amount=spent),) if name == "a budget that is just enough" else SLACK[name]
    instance = Instance(
        Coupons(pd.DataFrame({"coupon_id": ["A", "B"]})),
        Users(
            pa.table(
                {
                    "user_id": np.arange(users),
                    "region": np.array(["north", "south"])[np.arange(users) % 2],
                }
            )
        ),
        Response({"value": value, "cost": cost}),
        (*rules, UserCap(coupons=most)),
    )
    return instance, float(ordered[:, :most].sum())


@pytest.mark.parametrize("losses", [False, True])
@pytest.mark.parametrize("users", [40, 3500, pytest.param(70_000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", SLACK)
def test_everybody_has_what_they_like_best(name: str, users: int, losses: bool) -> None:
    """The value is the sum of everybody's best one or two coupons, proven optimal."""
    for most in (1, 2):
        instance, best = campaign(name, users, most, losses=losses)
        solution = solve(instance)
        assert solution.status is Status.OPTIMAL
        near = 1e-6 if name == "a budget that is just enough" else 1e-9  # the former binds: the gap holds
        assert solution.value == pytest.approx(best, rel=near)
        assert verify(instance, solution.plan, solution.certificate).ok
        again = solve(instance, start=solution)
        assert again.value == pytest.approx(best, rel=near)


@pytest.mark.parametrize("name", ["an ample budget", "all of them"])
def test_streams_give_everybody_what_they_like_best(name: str, tmp_path: Path) -> None:
    """So does a solve of shards on disk."""
    instance, best = campaign(name, 5000, 1, losses=False)
    write_instance(instance, tmp_path / "instance", shard_rows=1500)
    solution = solve_streamed(open_instance(tmp_path / "instance"), tmp_path / "solution")
    assert solution.value == pytest.approx(best, rel=1e-9)
