"""What people see: progress bars and tables. Scripts get plain JSON instead."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

    from couponry.instances.progress import Progress, Report

__all__ = ["figure", "money", "percent", "print_json", "print_table", "progress_bars", "say"]


_FIGURE = re.compile(r"[-−+±≤≥]?\s?(∞|[\d,.]+(e[-+]?\d+)?)( %| [A-Z]{3})?")


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
    """One bar a stage, in the order in which stages report."""

    def __init__(self, bars: Bars) -> None:
        self.bars = bars
        self.tasks: dict[str, TaskID] = {}
        self.latest: dict[str, float] = {}

    def __call__(self, step: Progress) -> None:
        """Draw one step; a stage that starts over gets a bar of its own."""
        if step.stage not in self.tasks or step.done < self.latest[step.stage]:
            self.tasks[step.stage] = self.bars.add_task(step.stage, total=step.total, message="")
        self.latest[step.stage] = step.done
        self.bars.update(self.tasks[step.stage], completed=step.done, total=step.total, message=step.message)

    def finish(self) -> None:
        """Mark every stage as done: the work that reported it is over."""
        for stage, task in self.tasks.items():
            done = max(self.latest[stage], 1)
            self.bars.update(task, total=done, completed=done)


def say(text: str = "") -> None:
    """Write a line for people to stderr, so that stdout stays free for results."""
    typer.echo(text, err=True)


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
    """Return a number as people read it; a dash where there is none."""
    if number is None or number != number:
        return "–"
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
    return f"{100 * share:.1f} %" if abs(share) >= 1e-3 or share == 0 else f"{100 * share:.2g} %"


def _is_figure(cell: str) -> bool:
    return cell in ("", "–") or _FIGURE.fullmatch(cell) is not None
