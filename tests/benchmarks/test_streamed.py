"""benchmarks/streamed.py runs: shards on disk, and users who are drawn again at every pass."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(*arguments: str) -> str:
    """Return what the benchmark prints."""
    command = [sys.executable, "-m", "benchmarks.streamed", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout


@pytest.mark.slow
def test_shards_on_disk_are_solved_judged_and_removed(tmp_path: Path) -> None:
    """Within the gap and four passes; the judge agrees."""
    file = tmp_path / "figures.json"
    printed = run("--users", "150000", "--data", str(tmp_path / "shards"), "--json", str(file))
    (found,) = json.loads(file.read_text())
    assert found["verified"]["ok"]
    assert found["gap"] <= 1e-6
    assert found["passes"] <= 4
    assert "150,000" in printed
    assert not list((tmp_path / "shards").iterdir())


@pytest.mark.slow
def test_what_is_extrapolated_is_called_so() -> None:
    """A thousand million users are not met: a part is measured, the rest said to be reckoned."""
    printed = run("--virtual", "1000000000", "--part", "0.0003", "--coupons", "5")
    assert "1,000,000,000 users" in printed
    assert "Measured" in printed
    assert "Extrapolated, not measured" in printed
