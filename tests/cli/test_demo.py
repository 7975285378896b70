"""``couponry demo``: everything at once, and what it leaves behind."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from couponry.solver.solution_files import read_solution

Run = Callable[..., Any]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def made(run: Run, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """Return the demo's directory and what it printed."""
    out = tmp_path_factory.mktemp("demo") / "out"
    done = run("demo", "--out", out, "--users", 2000, "--coupons", 4)
    assert done.exit_code == 0, done.output
    return out, done


def test_demo_leaves_what_the_commands_leave(made: tuple[Path, Any]) -> None:
    """World, model, campaign and plan are directories; the report and the plan's files lie beside them."""
    names = {path.name for path in made[0].iterdir()}
    assert names >= {"world", "model", "campaign", "plan", "report.html", "summary.xlsx", "plan.csv"}


def test_demo_tells_predicted_and_true_figures(made: tuple[Path, Any]) -> None:
    """The closing table has the plan's value, bound, money, and the truth beside oracle and chance."""
    out, done = made
    for words in (
        "Conversions won (predicted)",
        "Best possible (proven)",
        "Used of budget",
        "all kept",
        "Conversions won (true)",
        "by an oracle",
        "at random",
    ):
        assert words in done.stdout
    assert read_solution(out / "plan").gap < 0.05
    assert f"Report: {out / 'report.html'}" in done.stderr


def test_other_commands_run_on_what_it_made(run: Run, made: tuple[Path, Any]) -> None:
    """The plan verifies with its certificate, and a user of the campaign can be explained."""
    out, _ = made
    assert run("verify", out / "campaign", out / "plan", "--certificate").exit_code == 0
    assert run("explain", out / "campaign", out / "plan", "U0000000").exit_code == 0


def test_commands_that_it_shows_can_be_typed(run: Run, made: tuple[Path, Any], tmp_path: Path) -> None:
    """The commands shown to make an instance and a plan by hand do so."""
    shown = re.findall(r"^  couponry (.*)$", made[1].stderr, re.MULTILINE)
    assert [line.split()[0] for line in shown] == [
        "train",
        "predict",
        "solve",
        "verify",
        "report",
        "explain",
        "compare",
        "frontier",
    ]
    predict = next(line for line in shown if line.startswith("predict"))
    arguments = [made[0] / "model" if a == "model" else a for a in predict.split()]
    arguments[-1] = tmp_path / "campaign"
    assert run(*arguments).exit_code == 0
