"""benchmarks/solver.py runs, and its figures agree with one another."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


def run(tmp_path: Path, *arguments: str) -> tuple[str, dict[str, Any]]:
    """Return what the benchmark prints, and its figures."""
    file = tmp_path / "figures.json"
    command = [sys.executable, "-m", "benchmarks.solver", *arguments, "--json", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    return done.stdout, json.loads(file.read_text())


@pytest.mark.slow
def test_bounds_of_all_solvers_agree(tmp_path: Path) -> None:
    """The bounds recomputed from each solver's multipliers agree, caps and exclusions included."""
    printed, figures = run(tmp_path, "--only", "peers", "--users", "4000", "--coupons", "5")
    peers = figures["peers"]
    assert "HiGHS interior point" in printed
    assert abs(peers["bound above highs"]) <= 1e-7
    # PDLP ends at a relative tolerance of 1e-6, in rows and in objective.
    assert peers["bound above pdlp"] <= 1e-7
    assert peers["rows"] > 50


@pytest.mark.slow
def test_sections_print_what_must_be_reached(tmp_path: Path) -> None:
    """Each section measures, has its plans judged, and prints its figures beside what they must reach."""
    sizes = ("--users", "9000", "--coupons", "5")
    printed, figures = run(tmp_path, "--only", "million", "resolve", *sizes)
    assert set(figures) == {"million", "resolve"}
    assert figures["million"]["passes"] >= 2
    assert "at most 150" in printed
    assert "at most 3" in printed


@pytest.mark.slow
def test_a_clash_is_told_and_mended(tmp_path: Path) -> None:
    """Half the budget of a campaign with a target has no plan: that is proven again, and rows are mended."""
    _, figures = run(tmp_path, "--only", "clash", "--users", "20000", "--coupons", "8")
    assert figures["clash"]["mends"] >= 1
