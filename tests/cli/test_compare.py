"""``couponry compare``."""

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


def test_edits_side_by_side(run: Run, campaign: Path) -> None:
    """5 as it stands, 6 with half as much money again, 3 without A; the change is told beside."""
    done = run("compare", campaign, "--edit", "budget x1.5", "--edit", "without A", "--json")
    assert done.exit_code == 0, done.stderr
    rows = json.loads(done.stdout)
    assert [(row["scenario"], row["value"], row["change"]) for row in rows] == [
        ("campaign", 5, 0),
        ("budget x1.5", 6, 1),
        ("without A", 3, -2),
    ]


def test_table_for_people_and_as_a_file(run: Run, campaign: Path, tmp_path: Path) -> None:
    """The table is printed, and written where a file is named; several edits make one scenario."""
    out = tmp_path / "scenarios.csv"
    done = run("compare", campaign, "--edit", "budget x1.5; without A", "--out", out)
    assert done.exit_code == 0, done.stderr
    assert "budget x1.5; without A" in done.stdout
    assert "-34.0 %" in done.stdout or "-35.0 %" in done.stdout
    assert list(pd.read_csv(out)["value"]) == [5, 3.25]


def test_figure(run: Run, campaign: Path, tmp_path: Path) -> None:
    """``--figure`` draws the scenarios; one that stands there is refused before any work."""
    arguments = ("compare", campaign, "--edit", "budget x1.5", "--figure", tmp_path / "scenarios.png")
    done = run(*arguments)
    assert done.exit_code == 0, done.stderr
    assert (tmp_path / "scenarios.png").read_bytes().startswith(b"\x89PNG")
    assert run(*arguments).exit_code == 2
    assert run(*arguments, "--force", "--json").exit_code == 0


def test_instances_side_by_side(run: Run, campaign: Path, tmp_path: Path) -> None:
    """Several directories are compared with the first, under their own names."""
    write_instance(small_instance(Budget(amount=1)), tmp_path / "lean")
    rows = json.loads(run("compare", campaign, tmp_path / "lean", "--json").stdout)
    assert [(row["scenario"], row["value"]) for row in rows] == [("campaign", 5), ("lean", 3)]


def test_infeasible_scenario_is_a_row(run: Run, campaign: Path) -> None:
    """A scenario without a plan has no value; the reason is told below the table, and the exit code is 0."""
    edit = 'with coverage segment = "region", at_least = 1'
    done = run("compare", campaign, "--edit", edit)
    assert done.exit_code == 0, done.stderr
    assert "infeasible" in done.stdout
    assert "'budget'" in done.stdout
    assert json.loads(run("compare", campaign, "--edit", edit, "--json").stdout)[1]["value"] is None


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        ("budget", "this edit cannot be read (got 'budget')"),
        ("without Z", "no coupon and no rule has this name (got 'Z')"),
        ("budget -200%", "greater than or equal to 0"),
    ],
)
def test_bad_edit_is_named(run: Run, campaign: Path, edit: str, message: str) -> None:
    """An edit that cannot be made is refused before anything is solved."""
    done = run("compare", campaign, "--edit", edit)
    assert done.exit_code == 2
    assert message in done.stderr


def test_bad_output_is_refused_first(run: Run, campaign: Path, tmp_path: Path) -> None:
    """A name of no known kind, and a file that stands there, are refused before any work."""
    done = run("compare", campaign, "--edit", "without A", "--out", tmp_path / "table.docx")
    assert done.exit_code == 2
    assert "End it in .csv, .parquet or .json" in done.stderr
    (tmp_path / "table.csv").write_text("mine")
    done = run("compare", campaign, "--edit", "without A", "--out", tmp_path / "table.csv")
    assert done.exit_code == 2
    assert (tmp_path / "table.csv").read_text() == "mine"
