"""``couponry explain``."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]


@pytest.fixture
def plan(run: Run, campaign: Path, tmp_path: Path) -> Path:
    """Return the directory of the campaign's plan."""
    assert run("solve", campaign, "--out", tmp_path / "plan").exit_code == 0
    return tmp_path / "plan"


def test_user_with_a_coupon(run: Run, campaign: Path, plan: Path) -> None:
    """The words come first, then each coupon with what the rules charge for it."""
    done = run("explain", campaign, plan, "u1")
    assert done.exit_code == 0, done.stderr
    assert done.stdout.startswith("User u1 gets A. A adds 3 to the objective (value); the prices ask ")
    assert "A ✓" in done.stdout
    assert "largest prices" in done.stdout
    assert "budget" in done.stdout.split("largest prices")[1]


def test_user_without_a_coupon(run: Run, campaign: Path, plan: Path) -> None:
    """u3 gets nothing, and is told which coupon was nearest."""
    done = run("explain", campaign, plan, "u3")
    assert done.stdout.startswith("User u3 gets no coupon; nearest was A. A adds 1 to the objective (value)")


def test_json(run: Run, campaign: Path, plan: Path) -> None:
    """``--json`` holds the words, the offers and the changes."""
    found = json.loads(run("explain", campaign, plan, "u1", "--json").stdout)
    assert found["words"].startswith("User u1 gets A.")
    assert [offer["coupon_id"] for offer in found["offers"]] == ["A", "B"]
    assert found["offers"][0]["given"]
    assert found["runner_up"] == ["B"]


def test_unknown_user(run: Run, campaign: Path, plan: Path) -> None:
    """A user that is not there is bad input."""
    done = run("explain", campaign, plan, "u9")
    assert done.exit_code == 2
    assert "the instance has no such user (got 'u9'). User ids look like 'u1'" in done.stderr


def test_plan_of_another_campaign(run: Run, impossible: Path, plan: Path) -> None:
    """A plan that was made for other rules is bad input."""
    done = run("explain", impossible, plan, "u1")
    assert done.exit_code == 2
    assert "the plan was made for other rules than this instance has" in done.stderr
