"""benchmarks/shapes.py: its worlds are what they say, and it measures models in them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from benchmarks.prediction.shapes import FACE, SHAPES

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", list(SHAPES))
def test_logs_are_drawn_from_the_truth(name: str) -> None:
    """Conversions and costs of 30,000 rows are on the mean the arms' true ones, within five errors."""
    n = 30_000
    shape = SHAPES[name](0)
    table, arm, conversion, cost, shares = shape.draw(n, 1)
    without, given, spent = shape.truth(table)
    assert min(without.min(), given.min()) > 0
    assert max(without.max(), given.max()) < 1
    assert (spent >= 0).all()
    assert shares.sum(axis=1) == pytest.approx(np.ones(n))
    assert set(arm.tolist()) == set(range(-1, len(FACE)))
    every = np.arange(n)
    chance = np.where(arm < 0, without, given[every, arm])
    money = np.where(arm < 0, 0.0, spent[every, arm])
    for seen, expected in ((conversion, chance), (cost, money)):
        assert seen.mean() == pytest.approx(expected.mean(), abs=5 * seen.std() / np.sqrt(n))


@pytest.mark.slow
def test_a_model_is_measured() -> None:
    """Of 4,000 rows a model's plan wins some of an oracle's, never all."""
    script = ROOT / "benchmarks" / "shapes.py"
    command = [sys.executable, str(script), "--rows", "4000", "--shapes", "logit", "--models", "s"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    shape, model, share, *_ = done.stdout.strip().split("\n")[-1].split()
    assert (shape, model) == ("logit", "s")
    assert 0.3 < float(share) < 1
