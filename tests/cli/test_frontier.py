"""``couponry frontier``."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from tests.cli.conftest import small_instance

from couponry.instances.files import write_instance
from couponry.instances.rules import Budget

Run = Callable[..., Any]


def test_given_budgets(run: Run, campaign: Path, tmp_path: Path) -> None:
    """One, two and three units of money buy 3, 5 and 6 conversions; the table is printed and written."""
    out = tmp_path / "frontier.csv"
    done = run("frontier", campaign, "--budgets", "1,2,3", "--out", out)
    assert done.exit_code == 0, done.stderr
    table = pd.read_csv(out)
    assert list(table["budget"]) == [1, 2, 3]
    assert list(table["value"]) == [3, 5, 6]
    assert "3.00 CNY" in done.stdout


def test_knee_and_returns_are_told(run: Run, campaign: Path, tmp_path: Path) -> None:
    """Beside each budget stand its marginal conversions and returns; the knee and the words come below."""
    arguments = ("frontier", campaign, "--budgets", "0,1,2,3,4", "--out", tmp_path / "frontier.csv")
    done = run(*arguments)
    assert done.exit_code == 0, done.stderr
    # 0, 3, 5, 6 and 6 conversions: two units of money are furthest above the straight line.
    assert "2.00 CNY ← knee" in done.stdout
    assert "From 0 CNY to 4 CNY, conversions won go from 0 to 6. The knee is at 2 CNY" in done.stdout
    rows = json.loads(run(*arguments, "--force", "--json").stdout)
    assert [row["marginal"] for row in rows] == [None, 3, 2, 1, 0]
    assert [row["value_per_cost"] for row in rows] == [None, 3, 2.5, 2, 2]
    assert [row["roi"] for row in rows] == [None] * 5


def test_figure(run: Run, campaign: Path, tmp_path: Path) -> None:
    """``--figure`` draws it; a name of no known kind is refused before any work."""
    arguments = ("frontier", campaign, "--budgets", "1,2,3", "--out")
    done = run(*arguments, tmp_path / "a.csv", "--figure", tmp_path / "a.svg")
    assert done.exit_code == 0, done.stderr
    assert "<svg" in (tmp_path / "a.svg").read_text()
    done = run(*arguments, tmp_path / "b.csv", "--figure", tmp_path / "b.docx")
    assert done.exit_code == 2
    assert "End it in .png, .svg or .pdf" in done.stderr
    assert not (tmp_path / "b.csv").exists()


def test_points_around_the_present_budget(run: Run, campaign: Path, tmp_path: Path) -> None:
    """Without amounts, so many budgets are tried, and more money never buys less."""
    done = run("frontier", campaign, "--points", 4, "--out", tmp_path / "frontier.parquet", "--json")
    assert done.exit_code == 0, done.stderr
    rows = json.loads(done.stdout)
    values = [row["value"] for row in rows]
    assert len(rows) == len(pd.read_parquet(tmp_path / "frontier.parquet")) == 4
    assert values == sorted(values)


def test_budget_is_chosen_by_name(run: Run, tmp_path: Path) -> None:
    """Where there are several budgets, the one to vary is named; one that is not there is bad input."""
    rules = (Budget(amount=3), Budget(name="north", amount=1, users={"region": ["north"]}))
    write_instance(small_instance(*rules), tmp_path / "two")
    arguments = ("frontier", tmp_path / "two", "--budgets", "0,2", "--json", "--out")
    rows = json.loads(run(*arguments, tmp_path / "a.csv", "--rule", "north").stdout)
    assert [row["value"] for row in rows] == [1, 6]  # the south's u3 alone; then u1 and u2 too
    done = run(*arguments, tmp_path / "b.csv", "--rule", "south")
    assert done.exit_code == 2
    assert "no rule has this name (got 'south')" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--budgets", "1,two"), "budgets are numbers with commas between (got '1,two')"),
        (("--budgets", "-5"), "-5"),
        (("--points", "1"), "Invalid value for '--points'"),
    ],
)
def test_bad_budgets(
    run: Run, campaign: Path, tmp_path: Path, arguments: tuple[str, str], message: str
) -> None:
    """Budgets that cannot be are refused, and nothing is written."""
    done = run("frontier", campaign, *arguments, "--out", tmp_path / "frontier.csv")
    assert done.exit_code == 2
    assert message in done.stderr
    assert not (tmp_path / "frontier.csv").exists()


def test_output_is_checked_first(run: Run, tmp_path: Path) -> None:
    """A file that stands there is refused before the instance is read."""
    (tmp_path / "frontier.csv").write_text("mine")
    done = run("frontier", tmp_path / "nowhere", "--out", tmp_path / "frontier.csv")
    assert done.exit_code == 2
    assert "the output exists already" in done.stderr
    assert (tmp_path / "frontier.csv").read_text() == "mine"
