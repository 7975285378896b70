"""The command line, in this process and as one of its own, and instances worked by hand."""

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from typer.testing import CliRunner, Result

from couponry.cli.app import app
from couponry.instances.coupons import Coupons
from couponry.instances.files import write_instance
from couponry.instances.instance import Instance
from couponry.instances.response import Response
from couponry.instances.rules import Budget, Campaign, Coverage, UserCap
from couponry.instances.users import Users

Run = Callable[..., Result]


@pytest.fixture(scope="session")
def run() -> Run:
    """Return a function that runs the command line in this process, with stdout and stderr apart."""
    runner = CliRunner()

    def invoke(*arguments: object) -> Result:
        return runner.invoke(app, [str(argument) for argument in arguments])

    return invoke


@pytest.fixture(scope="session")
def run_process() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Return a function that runs the command line as a process of its own, its outputs not a terminal."""

    def start(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "couponry.cli", *map(str, arguments)]
        environment = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1"}
        return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)

    return start


@pytest.fixture
def campaign(tmp_path: Path) -> Path:
    """Return the directory of an instance of three users and two coupons.

    A wins 3, 2, 1 conversions and B 2.5, 0.5, 0.25, each for 1; the budget is 2, so A goes to u1 and u2 and
    wins 5.
    """
    write_instance(small_instance(), tmp_path / "campaign")
    return tmp_path / "campaign"


@pytest.fixture
def impossible(tmp_path: Path) -> Path:
    """Return the directory of the same instance, where every region is to be covered and money buys two."""
    rules = (Budget(amount=2), Coverage(segment="region", at_least=1))
    write_instance(small_instance(*rules), tmp_path / "impossible")
    return tmp_path / "impossible"


@pytest.fixture(scope="session")
def hard() -> Instance:
    """Return an instance whose proof takes minutes: five budgets that all go with the value."""
    users, coupons, budgets = 200, 10, 5
    rng = np.random.default_rng(0)
    weights = rng.integers(20, 100, (budgets, users, coupons)).astype(float)
    measures = {"value": weights.mean(axis=0) + rng.integers(0, 10, (users, coupons)), "cost": weights[0]}
    measures |= {f"weight{k}": weights[k] for k in range(1, budgets)}
    names = [name for name in measures if name != "value"]
    rules = [Budget(name=m, measure=m, amount=float(round(measures[m].sum() * 0.05))) for m in names]
    return Instance(
        Coupons(pd.DataFrame({"coupon_id": [f"C{j}" for j in range(coupons)]})),
        Users(pa.table({"user_id": [f"u{i}" for i in range(users)]})),
        Response(measures),
        (*rules, UserCap(coupons=2)),
    )


class Terminal:
    """The command line as a process of its own whose stderr is a terminal."""

    def __init__(self, *arguments: object) -> None:
        self._ours, theirs = pty.openpty()
        command = [sys.executable, "-m", "couponry.cli", *map(str, arguments)]
        environment = {**os.environ, "COLUMNS": "120", "TERM": "xterm"}
        self.process = subprocess.Popen(command, stderr=theirs, stdout=subprocess.PIPE, env=environment)
        os.close(theirs)
        self.shown = ""

    def wait_for(self, text: str) -> None:
        """Read what is shown until ``text`` is there."""
        while text not in self.shown:
            assert self._read(), f"ended without {text!r}: {self.shown}"

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        self.process.send_signal(signal.SIGINT)

    def finish(self) -> tuple[int, str]:
        """Read to the end; return the exit code and stdout."""
        while self._read():
            pass
        out, _ = self.process.communicate()
        os.close(self._ours)
        return self.process.returncode, out.decode()

    def _read(self) -> bool:
        try:
            chunk = os.read(self._ours, 65536)
        except OSError:  # how Linux tells that nobody writes any more
            return False
        self.shown += chunk.decode(errors="replace")
        return bool(chunk)


@pytest.fixture
def terminal() -> type[Terminal]:
    """Return the class that runs the command line on a terminal."""
    return Terminal


def small_instance(*rules: Budget | Coverage) -> Instance:
    """Return three users and two coupons under a budget of 2, or under other rules."""
    return Instance(
        Coupons(pd.DataFrame({"coupon_id": ["A", "B"]})),
        Users(pa.table({"user_id": ["u1", "u2", "u3"], "region": ["north", "north", "south"]})),
        Response({"value": np.array([[3, 2.5], [2, 0.5], [1, 0.25]]), "cost": np.ones((3, 2))}),
        rules or (Budget(amount=2),),
        Campaign(name="spring", currency="CNY"),
    )
