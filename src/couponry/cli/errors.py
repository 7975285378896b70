"""Failures become one readable paragraph on stderr and an exit code that scripts can rely on.

==== =====================================================================
0    done
1    ``verify`` found a broken rule; or a failure that nobody foresaw
2    bad input
3    no plan can meet all rules
4    a limit was reached, or the solve was cancelled, before there was a plan
130  aborted by Ctrl-C
==== =====================================================================
"""

from __future__ import annotations

import traceback
from enum import IntEnum
from typing import Any

import typer
from typer.core import TyperGroup

from couponry.cli.console import warnings_said
from couponry.cli.wording import as_option
from couponry.instances.errors import (
    BackendError,
    CouponryError,
    InfeasibleError,
    InputError,
    MissingExtraError,
    NoSolutionError,
)
from couponry.instances.wording import worded

__all__ = ["Commands", "ExitCode", "Subcommands", "describe"]

_BAD_PLACE = (PermissionError, FileNotFoundError, NotADirectoryError, IsADirectoryError)


class ExitCode(IntEnum):
    """What the process ends with."""

    DONE = 0
    FAILED = 1
    BAD_INPUT = 2
    INFEASIBLE = 3
    NO_PLAN = 4
    ABORTED = 130


class Subcommands(TyperGroup):
    """A group of commands that lets the group of all know which one is run."""

    running: Any = None

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Note which command is run."""
        found = super().resolve_command(ctx, args)
        ctx.find_root().command.running = found[1]
        return found


class Commands(Subcommands):
    """The group of all commands: catches what they raise, and has settings said as their options."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Let ``--debug`` stand after the command too."""
        if "--debug" in args:
            args = ["--debug", *(a for a in args if a != "--debug")]
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> object:
        """Run a command; on failure say why and leave with the code that tells scripts."""
        try:
            with worded(self._say), warnings_said():
                return super().invoke(ctx)
        except (CouponryError, OSError, MemoryError, KeyboardInterrupt) as error:
            failure: BaseException = error
        except Exception as error:
            if type(error).__module__.split(".")[0] in ("typer", "click"):
                raise  # their own usage errors and exits
            failure = error
        _show(failure, debug=bool(ctx.params.get("debug")))
        raise typer.Exit(int(describe(failure)[0]))

    def _say(self, name: str, value: Any) -> str | None:
        return None if self.running is None else as_option(self.running.params, name, value)


def describe(failure: BaseException) -> tuple[ExitCode, str]:
    """Return the exit code of a failure, and what to say of it."""
    if isinstance(failure, KeyboardInterrupt):
        return ExitCode.ABORTED, "Stopped. Nothing was written; what stood there before stands there still."
    if isinstance(failure, InfeasibleError):
        return ExitCode.INFEASIBLE, str(failure)
    if isinstance(failure, NoSolutionError):
        return ExitCode.NO_PLAN, str(failure)
    if isinstance(failure, InputError | MissingExtraError):
        return ExitCode.BAD_INPUT, str(failure)
    if isinstance(failure, BackendError | CouponryError):
        return ExitCode.FAILED, str(failure)
    if isinstance(failure, OSError):
        return _describe_os_error(failure)
    if isinstance(failure, MemoryError):
        return ExitCode.FAILED, "There is not enough memory for this. Nothing was written."
    return (
        ExitCode.FAILED,
        f"{type(failure).__name__}: {failure}. This should not happen; --debug shows where it did.",
    )


def _describe_os_error(failure: OSError) -> tuple[ExitCode, str]:
    code = ExitCode.BAD_INPUT if isinstance(failure, _BAD_PLACE) else ExitCode.FAILED
    place = f"{failure.filename}: " if failure.filename else ""
    return code, f"{place}{failure.strerror or failure}. What stood there before stands there still."


def _show(failure: BaseException, *, debug: bool) -> None:
    if debug:
        typer.echo("".join(traceback.format_exception(failure)), err=True)
    typer.secho(f"Error: {describe(failure)[1]}", err=True, fg=typer.colors.RED)
