"""``couponry least``."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]


def test_target(run: Run, campaign: Path) -> None:
    """5 conversions need two coupons at 1 each."""
    done = run("least", campaign, "--target", "5")
    assert done.exit_code == 0, done.stderr
    assert done.stdout == "2 CNY are enough for 5 conversions; no plan does it for less.\n"
    found = json.loads(run("least", campaign, "--target", "4.5", "--json").stdout)
    assert (found["target"], found["measure"], found["enough"], found["given"]) == (4.5, "value", 2, 2)
    assert found["least"] == pytest.approx(2, abs=1e-6)
    assert found["status"] == "optimal"


def test_to_keep_a_result_and_its_proof(run: Run, campaign: Path, tmp_path: Path) -> None:
    """The money of an earlier plan is enough for its result; plan and instance are written and verify."""
    assert run("solve", campaign, "--out", tmp_path / "plan").exit_code == 0
    places = ("--out", tmp_path / "least", "--instance-out", tmp_path / "turned")
    done = run("least", campaign, "--keep-result", tmp_path / "plan", *places)
    assert done.exit_code == 0, done.stderr
    assert done.stdout.startswith("2 CNY are enough for 5 conversions")
    assert run("verify", tmp_path / "turned", tmp_path / "least", "--certificate").exit_code == 0
    # The plan keeps the campaign's own rules too, its budget of 2 included.
    assert run("verify", campaign, tmp_path / "least").exit_code == 0
    assert run("least", campaign, "--target", "5", *places).exit_code == 2


def test_more_than_can_be_won(run: Run, campaign: Path, tmp_path: Path) -> None:
    """Beyond the 6 that all three users give there is no plan: exit code 3, and nothing is written."""
    done = run("least", campaign, "--target", "7", "--out", tmp_path / "plan", "--json")
    assert done.exit_code == 3
    assert "No money is enough for 7 conversions" in done.stderr
    assert json.loads(done.stdout)["enough"] is None
    assert not (tmp_path / "plan").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "the least money is asked for one thing. Give either target or keep_result"),
        (("--target", "5", "--measure", "margin"), "no such measure"),
        (("--keep-result", "nowhere"), "there is no such plan"),
    ],
)
def test_bad_input(run: Run, campaign: Path, arguments: tuple[str, ...], message: str) -> None:
    """No question, an unknown measure, and a plan that is not there are bad input."""
    done = run("least", campaign, *arguments)
    assert done.exit_code == 2
    assert message in done.stderr
