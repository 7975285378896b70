"""What people see: progress bars and tables. Scripts get plain JSON instead."""

from __future__ import annotations

import json
import math
import re
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

import typer

from couponry.instances.errors import DataWarning

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

    from couponry.instances.progress import Progress, Report

__all__ = ["figure", "money", "percent", "print_json", "print_table", "progress_bars", "say", "warnings_said"]


_FIGURE = re.compile(r"[-−+±≤≥]?\s?(∞|[\d,.]+(e[-+]?\d+)?)( %| [A-Z]{3})?")
_ROUNDING = 1e-12


@contextmanager
def progress_bars(*, shown: bool = True) -> Iterator[Report | None]:
    """Give a callback that draws one bar a stage on stderr.

    Parameters
    ----------
    shown : bool
        False under ``--json``. Nothing is drawn either where stderr is no terminal.

    Yields
    ------
    callable or None
        To be handed on as ``progress``; None where nothing is drawn.
    """
    if not shown or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, SpinnerColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    columns = (
        SpinnerColumn(finished_text="[green]✓"),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[message]}", style="dim"),
    )
    with Bars(*columns, console=Console(stderr=True)) as bars:
        stages = _Stages(bars)
        yield stages
        stages.finish()


class _Stages:
    """One bar a stage, in the order in which stages first report."""

    def __init__(self, bars: Bars) -> None:
        self.bars = bars
        self.tasks: dict[str, TaskID] = {}
        self.latest: dict[str, Progress] = {}

    def __call__(self, step: Progress) -> None:
        """Draw one step. A stage that starts over starts its bar over."""
        if step.stage not in self.tasks:
            self._end_open_ones()
            self.tasks[step.stage] = self.bars.add_task(step.stage, total=step.total, message="")
        elif step.done < min(self.latest[step.stage].done, step.total or math.inf):
            self.bars.reset(self.tasks[step.stage], total=step.total)
        self.latest[step.stage] = step
        self.bars.update(self.tasks[step.stage], completed=step.done, total=step.total, message=step.message)

    def _end_open_ones(self) -> None:
        """End the stages that never said how long they are: another one has begun."""
        for stage, step in self.latest.items():
            if step.total is None:
                self._end(stage)

    def _end(self, stage: str) -> None:
        done = max(self.latest[stage].done, 1)
        self.bars.update(self.tasks[stage], total=done, completed=done)

    def finish(self) -> None:
        """Mark every stage as done: the work that reported it is over."""
        for stage in self.tasks:
            self._end(stage)


def say(text: str = "") -> None:
    """Write a line for people to stderr, so that stdout stays free for results."""
    typer.echo(text, err=True)


@contextmanager
def warnings_said() -> Iterator[None]:
    """Say what is doubtful about data as a line for people, not as a place in the code."""
    with warnings.catch_warnings():
        warnings.simplefilter("always", DataWarning)
        others = warnings.showwarning

        def show(message: Warning | str, category: type[Warning], filename: str, *place: Any) -> None:
            if issubclass(category, DataWarning):
                say(f"Warning: {message}")
            else:
                others(message, category, filename, *place)

        warnings.showwarning = cast("Callable[..., None]", show)
        yield


def print_json(record: Any) -> None:
    """Write a record to stdout, and nothing else."""
    typer.echo(json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False))


def print_table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Write a table to stdout; columns after the first are set to the right where they hold figures."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(
        title=title or None,
        title_justify="left",
        title_style="bold",
        show_header=any(header),
        box=box.ROUNDED,
    )
    for position, name in enumerate(header):
        figures = position > 0 and all(_is_figure(row[position]) for row in rows)
        table.add_column(name, justify="right" if figures else "left", overflow="fold")
    for row in rows:
        table.add_row(*row)
    console = Console(file=sys.stdout, width=None if sys.stdout.isatty() else 120, highlight=False)
    console.print(table, markup=False)


def figure(number: float | None) -> str:
    """Return a number as people read it; a dash where there is none. Nought up to rounding errors is 0."""
    if number is None or number != number:
        return "–"
    if abs(number) < _ROUNDING:
        return "0"
    if abs(number) == float("inf"):
        return "∞" if number > 0 else "−∞"
    if number == int(number) and abs(number) < 1e15:
        return f"{int(number):,}"
    return f"{number:,.2f}" if abs(number) >= 100 else f"{number:.4g}"


def money(number: float | None, currency: str) -> str:
    """Return an amount with its currency."""
    if number is None or number != number:
        return "–"
    return f"{number:,.2f} {currency}".strip()


def percent(share: float | None) -> str:
    """Return a share as a percentage; a dash where there is none."""
    if share is None or share != share:
        return "–"
    if abs(share) < _ROUNDING:
        share = 0.0
    return f"{100 * share:.1f} %" if abs(share) >= 1e-3 or share == 0 else f"{100 * share:.2g} %"


def _is_figure(cell: str) -> bool:
    return cell in ("", "–") or _FIGURE.fullmatch(cell) is not None
