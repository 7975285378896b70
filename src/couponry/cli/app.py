"""The command ``couponry`` and its commands, each in a module of its name."""

from __future__ import annotations

from typing import Annotated

import typer

import couponry
from couponry.cli import (
    compare,
    demo,
    evaluate,
    explain,
    fair,
    frontier,
    generate,
    instances,
    least,
    overlap,
    predict,
    profile,
    report,
    solve,
    train,
    value,
    verify,
)
from couponry.cli.errors import Commands

__all__ = ["app", "main"]

_HELP = """
Which customer gets which coupon, within budgets, stock and fairness, with a proof of how good it is.

Everything at once: [bold]couponry demo --out out/demo[/bold].
Step by step: generate a world or bring a log, then train, predict, solve, verify, report.
"""
_EPILOG = """
Exit codes: 0 done; 1 verify found a broken rule, or a failure; 2 bad input; 3 no plan can meet all rules;
4 stopped without a plan; 130 aborted. Ctrl-C once keeps the best plan so far, twice aborts.
"""

app = typer.Typer(
    name="couponry",
    cls=Commands,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help=_HELP,
    epilog=_EPILOG,
)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(couponry.__version__)
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show where in the code an error arose.")] = False,
) -> None:
    """Take the options that stand before every command."""


def _examples(commands: tuple[str, ...]) -> str:
    return "\n\n".join(["[bold]Examples[/bold]", *(f"  {command}" for command in commands)])


app.command(epilog=_examples(demo.EXAMPLES))(demo.demo)
app.command(epilog=_examples(generate.EXAMPLES))(generate.generate)
app.command(epilog=_examples(overlap.EXAMPLES))(overlap.overlap)
app.command(epilog=_examples(train.EXAMPLES))(train.train)
app.command(epilog=_examples(evaluate.EXAMPLES))(evaluate.evaluate)
app.command(epilog=_examples(value.EXAMPLES))(value.value)
app.command(epilog=_examples(predict.EXAMPLES))(predict.predict)
app.command(epilog=_examples(solve.EXAMPLES))(solve.solve)
app.command(epilog=_examples(verify.EXAMPLES))(verify.verify)
app.command(epilog=_examples(frontier.EXAMPLES))(frontier.frontier)
app.command(epilog=_examples(least.EXAMPLES))(least.least)
app.command(epilog=_examples(fair.EXAMPLES))(fair.fair)
app.command(epilog=_examples(compare.EXAMPLES))(compare.compare)
app.command(epilog=_examples(explain.EXAMPLES))(explain.explain)
app.command(epilog=_examples(report.EXAMPLES))(report.report)
app.add_typer(profile.commands, name="profile", epilog=_examples(profile.EXAMPLES))
app.add_typer(instances.commands, name="instances", epilog=_examples(instances.EXAMPLES))


def main() -> None:
    """Run the command line."""
    app()
