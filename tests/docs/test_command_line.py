"""docs/command_line.md: names every command, option and exit code there is."""

from __future__ import annotations

import re

import pytest
import typer.main
from tests.docs.pages import ROOT

from couponry.cli.app import app
from couponry.cli.errors import ExitCode
from couponry.instances.loaders import FORMATS
from couponry.predictors.train import MODELS

PAGE = (ROOT / "docs" / "command_line.md").read_text(encoding="utf-8")
COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]
# Options that mean the same everywhere are told once, or are for those who look for them.
SELF_EXPLAINING = {"--help", "--seed", "--engine", "--users", "--base"}


def options(command: str) -> set[str]:
    """Return the long options of a command, and of the commands below it."""
    below = getattr(COMMANDS[command], "commands", {}).values()
    params = [param for one in (COMMANDS[command], *below) for param in one.params]
    return {name for param in params for name in param.opts if name.startswith("--")}


def test_every_command_is_told() -> None:
    """The table of commands has each one, and no other."""
    told = re.findall(r"^\| `couponry ([a-z]+)", PAGE, flags=re.MULTILINE)
    assert sorted(told) == sorted(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_is_told(command: str) -> None:
    """Every option of the command stands on the page."""
    missing = {name for name in options(command) - SELF_EXPLAINING if f"{name}" not in PAGE}
    assert not missing


def test_no_option_is_told_that_is_not_there() -> None:
    """Every option on the page belongs to some command."""
    known = set().union(*(options(command) for command in COMMANDS)) | {"--debug", "--help"}
    assert set(re.findall(r"--[a-z][a-z-]+", PAGE)) <= known


def test_exit_codes_are_those_of_the_program() -> None:
    """The table has each exit code."""
    section = PAGE.partition("## Exit codes")[2].partition("\n## ")[0]
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", section, flags=re.MULTILINE)} == set(ExitCode)


def test_formats_and_models_are_told() -> None:
    """Every format of a log and every model has its word on the page."""
    for word in (*FORMATS, *MODELS):
        assert f"`{word}`" in PAGE
