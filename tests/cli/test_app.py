"""The command and its help."""

import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from typer.main import get_command

import couponry
from couponry.cli.app import app

COMMANDS = [
    "demo",
    "generate",
    "overlap",
    "train",
    "evaluate",
    "value",
    "predict",
    "solve",
    "verify",
    "frontier",
    "least",
    "fair",
    "compare",
    "explain",
    "report",
    "profile",
    "instances",
]
HEAVY = {"highspy", "jinja2", "lightgbm", "numba", "numpy", "pandas", "plotly", "pyarrow", "sklearn", "torch"}


def test_commands_are_those_of_the_contract() -> None:
    """The command line has these commands, in the order in which they are used."""
    assert list(get_command(app).commands) == COMMANDS  # type: ignore[attr-defined]


@pytest.mark.parametrize("arguments", [["--help"], ["solve", "--help"], ["demo", "-h"], ["--version"]])
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    """Help and version are answered without any numerical library, and so at once."""
    program = f"""
import sys
sys.argv = ["couponry", *{arguments!r}]
from couponry.cli import main
try:
    main()
except SystemExit as stop:
    assert not stop.code, stop.code
print("HELD", *({HEAVY!r} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "HELD"


@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_examples(run: Callable[..., Any], command: str) -> None:
    """Each command's help says what it does and ends with examples of it."""
    shown = run(command, "--help")
    assert shown.exit_code == 0
    assert "Examples" in shown.stdout
    assert f"couponry {command} " in shown.stdout.split("Examples")[1]


def test_help_tells_the_exit_codes(run: Callable[..., Any]) -> None:
    """The help of the whole command lists what scripts rely on."""
    words = " ".join(run("--help").stdout.split())
    assert "Exit codes: 0 done; 1 verify found a broken rule, or a failure; 2 bad input; 3 no plan" in words


def test_version(run: Callable[..., Any]) -> None:
    """``--version`` prints the version alone."""
    assert run("--version").stdout == f"{couponry.__version__}\n"


def test_unknown_command_and_option_are_bad_input(run: Callable[..., Any]) -> None:
    """What typer refuses ends with the code for bad input too, and names it."""
    for arguments in (["sovle"], ["solve", "campaign", "--out", "plan", "--gaap", "1"], ["solve"]):
        done = run(*arguments)
        assert done.exit_code == 2
        assert re.search("sovle|gaap|Missing argument", done.stderr)


def test_the_package_runs_as_the_command() -> None:
    """``python -m couponry`` is ``couponry``."""
    command = [sys.executable, "-m", "couponry", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert couponry.__version__ in done.stdout
