"""Imports go one way, and the judge shares nothing with the judged."""

import subprocess
import sys
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[2]


def test_verify_imports_nothing_of_the_solver() -> None:
    """No module of ``couponry.solver`` outside ``verify`` is reached from it, directly or by a chain."""
    graph = grimp.build_graph("couponry", cache_dir=None)
    judge = {"couponry.solver.verify", *graph.find_descendants("couponry.solver.verify")}
    reached = set().union(*(graph.find_upstream_modules(module) for module in judge))
    assert {m for m in reached - judge if m == "couponry.solver" or m.startswith("couponry.solver.")} == set()


@pytest.mark.parametrize("part", ["solver", "predictors", "instances"])
@pytest.mark.parametrize("form", ["import {}", "from {}.anything import name"])
def test_top_level_name_is_banned(part: str, form: str) -> None:
    """Importing a part by its folder's name is refused, with the name to use instead."""
    source = form.format(part) + "\n"
    command = [sys.executable, "-m", "ruff", "check", "--no-cache", "--select", "TID251", "-"]
    done = subprocess.run(command, input=source, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 1
    assert f"Import it as couponry.{part}" in done.stdout
