"""benchmarks/solver.py runs, and its figures agree with one another."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_bounds_of_all_solvers_agree() -> None:
    """The bounds recomputed from each solver's multipliers agree, and no objective is above them."""
    run = subprocess.run(
        [sys.executable, ROOT / "benchmarks" / "solver.py", "--users", "400", "--coupons", "4"],
        capture_output=True,
        text=True,
        check=True,
    )
    rows = re.findall(
        r"^(.+?) +([\d.]+) +[\d.]+ +([\d.]+) +([\d.]+) +[-\de.+]+$", run.stdout, flags=re.MULTILINE
    )
    found = {solver: (float(value), float(bound)) for solver, _, value, bound in rows}
    assert {"couponry", "HiGHS IPM"} <= set(found)
    best = min(bound for _, bound in found.values())
    for solver, (value, bound) in found.items():
        assert bound <= best * (1 + 1e-4), solver
        assert value <= bound * (1 + 1e-5), solver
