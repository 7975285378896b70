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


def test_rule(run: Run, campaign: Path, plan: Path) -> None:
    """``--rule`` says what the rule costs and shows its rows: all three users win 6, two of them 5."""
    done = run("explain", campaign, plan, "--rule", "budget")
    assert done.exit_code == 0, done.stderr
    words = "Without 'budget' the plan would win about 1 more conversions: 6 instead of 5."
    assert done.stdout.startswith(words)
    assert "holds while the limit is" in done.stdout
    found = json.loads(run("explain", campaign, plan, "--rule", "budget", "--json").stdout)
    assert (found["value"], found["value_without"], found["cost"]) == (5, 6, 1)
    assert [row["name"] for row in found["prices"]] == ["budget"]


def test_ranges(run: Run, campaign: Path, plan: Path) -> None:
    """``--ranges`` shows every rule with the limits between which its price holds."""
    assert "in words" in run("explain", campaign, plan, "--ranges").stdout
    (row,) = json.loads(run("explain", campaign, plan, "--ranges", "--json").stdout)
    assert (row["name"], row["side"], row["limit"]) == ("budget", "upper", 2)
    assert row["holds_from"] <= 2 <= row["holds_to"]


def test_budgets(run: Run, campaign: Path, plan: Path) -> None:
    """u1 keeps A until there is no money, which is looked for where one asks."""
    found = json.loads(run("explain", campaign, plan, "u1", "--budget", "--json").stdout)
    assert [(change["rule"], change["now"], change["gets"]) for change in found["budget_changes"]] == [
        ("budget", 2, [])
    ]
    assert "or if budget fell from 2 to about" in found["words"]
    assert json.loads(run("explain", campaign, plan, "u1", "--json").stdout)["budget_changes"] == []


@pytest.mark.parametrize("arguments", [(), ("u1", "--rule", "budget"), ("--rule", "budget", "--ranges")])
def test_one_question_at_a_time(run: Run, campaign: Path, plan: Path, arguments: tuple[str, ...]) -> None:
    """A user, a rule, or the ranges: none or two of them is bad input."""
    done = run("explain", campaign, plan, *arguments)
    assert done.exit_code == 2
    assert "one thing is explained at a time. Give a USER_ID, or --rule NAME, or --ranges" in done.stderr
