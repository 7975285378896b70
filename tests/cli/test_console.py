"""Figures, tables and progress bars as people see them."""

import math
from pathlib import Path
from typing import Any

import pytest

from couponry.cli.console import figure, money, percent, print_table, progress_bars

DASH = "–"


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (1234567, "1,234,567"),
        (1234.567, "1,234.57"),
        (0.000123456, "0.0001235"),
        (-12.5, "-12.5"),
        (-6.7e-17, "0"),
        (math.inf, "∞"),
        (-math.inf, "−∞"),
        (math.nan, DASH),
        (None, DASH),
    ],
)
def test_figure(number: float | None, text: str) -> None:
    """Large numbers have commas, small ones four digits that matter, none a dash, rounding errors 0."""
    assert figure(number) == text


def test_money_and_percent() -> None:
    """Amounts have two decimals and their currency; shares one decimal, and more where they are tiny."""
    assert money(1200.5, "CNY") == "1,200.50 CNY"
    assert money(1, "") == "1.00"
    assert money(math.nan, "CNY") == DASH
    assert [percent(x) for x in (0.123, -1e-17, 0.00012, math.nan)] == ["12.3 %", "0.0 %", "0.012 %", DASH]


def test_table_takes_text_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    """Names with brackets are not read as markup, and rows keep their order."""
    print_table("Rules", ("rule", "price"), [("coverage [north]", "1.5"), ("[bold]x", DASH)])
    lines = capsys.readouterr().out.splitlines()
    assert any("coverage [north]" in line for line in lines)
    assert any("[bold]x" in line for line in lines)


def test_no_bars_without_a_terminal() -> None:
    """Where stderr is no terminal, or under --json, there is nothing to draw on."""
    with progress_bars() as progress:
        assert progress is None
    with progress_bars(shown=False) as progress:
        assert progress is None


def test_bars_on_a_terminal(terminal: Any, campaign: Path, tmp_path: Path) -> None:
    """On a terminal each stage that reports has a bar, which ends full; stdout holds the result alone."""
    process = terminal("solve", campaign, "--out", tmp_path / "plan", "--method", "highs")
    code, out = process.finish()
    assert code == 0
    assert "spring: optimal" in out
    assert "\x1b" not in out
    assert "integer program" in process.shown
    assert "100%" in process.shown.split("integer program")[-1]


def test_no_bars_under_json(terminal: Any, campaign: Path, tmp_path: Path) -> None:
    """Under ``--json`` a terminal stays empty."""
    process = terminal("solve", campaign, "--out", tmp_path / "plan", "--json")
    code, _ = process.finish()
    assert (code, process.shown) == (0, "")
