"""Failures as exit codes and paragraphs."""

import errno
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from couponry.cli.errors import ExitCode, describe
from couponry.instances.errors import (
    BackendError,
    ExistsError,
    InfeasibleError,
    InputError,
    MissingExtraError,
    NoSolutionError,
)


@pytest.mark.parametrize(
    ("failure", "code", "words"),
    [
        (
            InputError("bad", file="f.csv", row=3, column="cost", value=-1),
            2,
            "f.csv, row 3, column 'cost': bad (got -1)",
        ),
        (ExistsError("held", file="out", mend="Give --force"), 2, "out: held. Give --force"),
        (MissingExtraError("torch is not installed"), 2, "torch is not installed"),
        (InfeasibleError("budget clashes"), 3, "budget clashes"),
        (NoSolutionError("time"), 4, "time"),
        (BackendError("HiGHS failed"), 1, "HiGHS failed"),
        (PermissionError(errno.EACCES, "Permission denied", "/x"), 2, "/x: Permission denied"),
        (OSError(errno.ENOSPC, "No space left on device", "/x"), 1, "/x: No space left on device"),
        (MemoryError(), 1, "There is not enough memory"),
        (KeyboardInterrupt(), 130, "Stopped."),
        (ZeroDivisionError("by zero"), 1, "ZeroDivisionError: by zero"),
    ],
)
def test_failure_has_code_and_words(failure: BaseException, code: int, words: str) -> None:
    """Each kind of failure ends with the code that the contract gives it, and says what happened."""
    found, said = describe(failure)
    assert found == ExitCode(code)
    assert said.startswith(words)


def test_error_is_one_paragraph_without_traceback(run: Callable[..., Any], tmp_path: Path) -> None:
    """Bad input is told on stderr in one line, and stdout stays empty."""
    done = run("solve", tmp_path / "nowhere", "--out", tmp_path / "plan")
    assert done.exit_code == 2
    assert done.stdout == ""
    assert done.stderr == (
        f"Error: {tmp_path / 'nowhere'}: there is no such instance. Give a directory with instance.toml, or "
        "a long table user_id, coupon_id, value, cost\n"
    )


@pytest.mark.parametrize("first", [True, False])
def test_debug_shows_the_traceback(run: Callable[..., Any], tmp_path: Path, first: bool) -> None:
    """``--debug``, before or after the command, adds where in the code the error arose."""
    arguments = ["solve", tmp_path / "nowhere", "--out", tmp_path / "plan"]
    done = run("--debug", *arguments) if first else run(*arguments, "--debug")
    assert done.exit_code == 2
    assert "Traceback (most recent call last)" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("Error: ")
