"""A training in a process of its own, which is killed as it goes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

__all__ = ["train_until_killed"]

ROOT = Path(__file__).parents[2]


def train_until_killed(program: str, folder: Path, steps: int) -> None:
    """Run a program that prints a number after every pass, and kill it after so many.

    Parameters
    ----------
    program : str
        It reads the directory of its checkpoints off its first argument, and sleeps once it has printed.
    folder : Path
    steps : int
    """
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "src"), *sys.path])}
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(folder)],
        stdout=subprocess.PIPE,
        env=environment,
        cwd=ROOT,
        text=True,
    )
    with process:
        assert process.stdout is not None
        told = [float(next(process.stdout)) for _ in range(steps)]
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    assert told[-1] == steps
