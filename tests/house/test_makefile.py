"""The two commands set everything up by themselves, or say what is missing."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# Set-up that gets as far as pip, which then finds nothing.
INSTALL_WITHOUT_INDEX = ("install", f"PYTHON={sys.executable}", "PIP_ARGS=--no-index --find-links=nowhere")

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a folder that holds what set-up reads, and no .venv."""
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run make in ``folder``, apart from any make that runs these tests."""
    command = ["env", "-u", "MAKEFLAGS", "-u", "MAKELEVEL", "-u", "MFLAGS", "make", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("target", ["demo", "test"])
def test_old_python_is_refused(checkout: Path, target: str) -> None:
    """An interpreter older than 3.11 is named with its version and with what to do; nothing is made."""
    old = checkout / "python3.9"
    old.write_text('#!/bin/sh\n[ "$1" = -V ] && echo "Python 3.9.18" || exit 1\n')
    old.chmod(0o755)
    done = make(checkout, target, f"PYTHON={old}")
    assert done.returncode == 2
    assert f"couponry needs Python 3.11 or newer, and '{old}' is Python 3.9.18" in done.stderr
    assert "name another: make PYTHON=python3.12" in done.stderr
    assert not (checkout / ".venv").exists()


def test_missing_python_is_named(checkout: Path) -> None:
    """An interpreter that does not exist is named, with how to give another."""
    done = make(checkout, "demo", "PYTHON=no-such-python")
    assert done.returncode == 2
    assert "there is no 'no-such-python'; name one: make PYTHON=" in done.stderr


@pytest.mark.slow
def test_failed_installation_is_tried_again(checkout: Path) -> None:
    """Where pip fails, make fails, shows pip's error, and does not count the environment as set up."""
    for _ in range(2):
        done = make(checkout, *INSTALL_WITHOUT_INDEX)
        assert done.returncode == 2
        assert "ERROR: " in done.stdout
        assert "The installation failed; see .venv/install.log" in done.stdout
    assert not (checkout / ".venv" / ".installed").exists()


@pytest.mark.slow
def test_copied_environment_is_made_anew(checkout: Path) -> None:
    """A .venv that was made elsewhere runs the code of elsewhere, so it is not used here."""
    (checkout / ".venv").mkdir()
    (checkout / ".venv" / ".installed").write_text("/elsewhere/couponry")
    (checkout / ".venv" / "left-behind").touch()
    done = make(checkout, *INSTALL_WITHOUT_INDEX)
    assert ".venv was made in /elsewhere/couponry: making it anew" in done.stdout
    assert not (checkout / ".venv" / "left-behind").exists()


def test_help_lists_the_commands() -> None:
    """Plain ``make`` changes nothing and lists the commands."""
    done = make(ROOT)
    assert done.returncode == 0
    assert "make demo" in done.stdout
    assert "make test" in done.stdout
