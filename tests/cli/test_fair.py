"""``couponry fair``."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from couponry.instances.coupons import Coupons
from couponry.instances.files import write_instance
from couponry.instances.instance import Instance
from couponry.instances.response import Response
from couponry.instances.rules import Budget
from couponry.instances.users import Users

Run = Callable[..., Any]


@pytest.fixture
def two_regions(tmp_path: Path) -> Path:
    """Return an instance: one coupon is worth 4 and 3 in the north, 2 and 1 in the south; money buys two."""
    instance = Instance(
        Coupons(pd.DataFrame({"coupon_id": ["A"]})),
        Users(pa.table({"user_id": [1, 2, 3, 4], "region": ["north", "north", "south", "south"]})),
        Response({"value": np.array([[4.0], [3.0], [2.0], [1.0]]), "cost": np.ones((4, 1))}),
        (Budget(amount=2),),
    )
    write_instance(instance, tmp_path / "regions")
    return tmp_path / "regions"


def totals(found: dict[str, Any]) -> list[float]:
    """Return what each region gets."""
    return [group["total"] for group in found["segments"]]


def test_each_region_gets_its_best_user(run: Run, two_regions: Path) -> None:
    """Adding up gives both coupons to the north, 7 in all; being fair gives each region its best, 4 and 2."""
    most = json.loads(run("fair", two_regions, "--segment", "region", "--alpha", "0", "--json").stdout)
    assert (totals(most), most["value"]) == ([7, 0], pytest.approx(7))
    found = json.loads(run("fair", two_regions, "--segment", "region", "--json").stdout)
    assert (totals(found), found["given"]) == ([4, 2], 2)
    # Two users each: the geometric mean of 2 and 1 a head, times four users.
    assert found["value"] == pytest.approx(4 * 2**0.5)
    assert found["value"] <= found["bound"]
    least = json.loads(run("fair", two_regions, "--segment", "region", "--alpha", "inf", "--json").stdout)
    assert (least["alpha"], least["utility"]) == (None, pytest.approx(1))


def test_told_in_the_terminal(run: Run, two_regions: Path) -> None:
    """A line a region, and how near the plan is to the fairest."""
    done = run("fair", two_regions, "--segment", "region")
    assert done.exit_code == 0, done.stderr
    assert "north" in done.stdout
    assert "south" in done.stdout
    assert "As fair as 5.657 shared equally (α = 1); no plan is fairer than " in done.stdout


@pytest.mark.parametrize("frozen", [False, True])
def test_plan_and_proof_are_verified(run: Run, two_regions: Path, tmp_path: Path, frozen: bool) -> None:
    """The plan keeps the campaign's rules, and the weighted instance proves it; frozen pairs stay."""
    if frozen:
        plan = tmp_path / "sent.csv"
        plan.write_text("user_id,coupon_id\n2,A\n")
        rules = (two_regions / "instance.toml").read_text() + f'\n[freeze]\nplan = "{plan}"\n'
        (two_regions / "instance.toml").write_text(rules)
    places = ("--out", tmp_path / "plan", "--instance-out", tmp_path / "weighted")
    done = run("fair", two_regions, "--segment", "region", *places)
    assert done.exit_code == 0, done.stderr
    assert run("verify", two_regions, tmp_path / "plan").exit_code == 0
    checked = run("verify", tmp_path / "weighted", tmp_path / "plan", "--certificate")
    assert checked.exit_code == 0, checked.stdout
    users = pd.read_parquet(tmp_path / "plan" / "plan.parquet")["user_id"].tolist()
    assert users == ([2, 3] if frozen else [1, 3])
    assert run("fair", two_regions, "--segment", "region", *places).exit_code == 2


def test_no_plan_is_exit_code_3(run: Run, impossible: Path, tmp_path: Path) -> None:
    """Where rules clash the answer says which, and nothing is written."""
    done = run("fair", impossible, "--segment", "region", "--out", tmp_path / "plan")
    assert done.exit_code == 3
    assert "No plan can meet these rules together" in done.stderr
    assert not (tmp_path / "plan").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--segment", "regoin"), "the users have no such segment. Did you mean 'region'?"),
        (("--segment", "region", "--alpha", "-1"), "alpha must be at least 0"),
        (("--segment", "region", "--measure", "margin"), "no such measure"),
        (("--segment", "region", "--method", "highs"), "unknown method"),
    ],
)
def test_bad_input(run: Run, two_regions: Path, arguments: tuple[str, ...], message: str) -> None:
    """An unknown segment, measure or method, and a negative alpha are bad input."""
    done = run("fair", two_regions, *arguments)
    assert done.exit_code == 2
    assert message in done.stderr
