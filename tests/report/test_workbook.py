"""The summary for a spreadsheet, as openpyxl reads it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Protocol

import openpyxl
import pytest

from couponry.instances import Instance
from couponry.report.allocation import Allocation
from couponry.report.summary import summarise
from couponry.report.workbook import write_workbook
from couponry.solver.solution import Solution


class Reported(Protocol):
    """A report on disk and what it was written from."""

    instance: Instance
    solution: Solution
    page: Path


@pytest.fixture(scope="module")
def sheet(reported: Reported) -> Any:
    """The workbook's sheet."""
    workbook = openpyxl.load_workbook(reported.page.with_name("summary.xlsx"))
    assert workbook.sheetnames == ["Summary"]
    return workbook["Summary"]


def block(sheet: Any, heading: str) -> dict[str, list[Any]]:
    """Return the rows below a heading, by their first cell, up to the next empty row."""
    rows = list(sheet.iter_rows(values_only=True))
    first = next(i for i, row in enumerate(rows) if row[0] == heading) + 2
    found = {}
    for row in rows[first:]:
        if row[0] is None:
            break
        found[row[0]] = list(row[1:])
    return found


def test_headline_is_the_summary(sheet: Any, reported: Reported) -> None:
    """The headline numbers are those of the solution, unrounded."""
    numbers = {name: cells[1] for name, cells in block(sheet, "Headline").items()}
    summary = reported.solution.summary()
    assert numbers["Conversions won"] == pytest.approx(summary["value"], rel=1e-12)
    assert numbers["Coupons given"] == summary["given"]
    assert numbers["Gap to the best possible"] == summary["gap"]
    cost = math.fsum(reported.solution.plan["cost"].to_pylist())
    assert numbers["Expected cost"] == pytest.approx(cost, rel=1e-12)
    assert numbers["Cost per conversion"] == pytest.approx(cost / summary["value"], rel=1e-12)
    users = len(set(reported.solution.plan["user_id"].to_pylist()))
    assert numbers["Users reached"] == users


def test_rules_are_the_summary(sheet: Any, reported: Reported) -> None:
    """Every row stands there with activity, limits and price; without a limit the cell is empty."""
    rules = block(sheet, "Rules")
    summary = reported.solution.summary()["rules"]
    assert list(rules) == [rule["name"] for rule in summary]
    for rule in summary:
        _, activity, lower, upper, price, *_ = rules[rule["name"]]
        written = {"activity": activity, "lower": lower, "upper": upper, "price": price}
        for key, number in written.items():
            assert (number is None) == (rule[key] is None)
            assert number is None or number == pytest.approx(rule[key], rel=1e-12)


def test_budget(sheet: Any, reported: Reported) -> None:
    """A budget tells its amount, what is used, and what a little more would bring."""
    rules = {rule["name"]: rule for rule in reported.solution.summary()["rules"]}
    for name, (_, amount, used, share, step, gain, words) in block(sheet, "Budget").items():
        assert amount == rules[name]["upper"]
        assert used == pytest.approx(rules[name]["activity"], rel=1e-12)
        assert share == pytest.approx(used / amount)
        assert gain == pytest.approx(abs(rules[name]["price"]) * step)
        assert words.endswith(".")


def test_coupons_sum_to_the_plan(sheet: Any, reported: Reported) -> None:
    """Counts, conversions and costs of the coupons make those of the plan."""
    coupons = block(sheet, "Coupons")
    assert list(coupons) == reported.instance.coupons.ids
    assert sum(cells[1] for cells in coupons.values()) == reported.solution.plan.num_rows
    assert sum(cells[3] for cells in coupons.values()) == pytest.approx(reported.solution.value)


def test_names_are_never_formulas(sheet: Any) -> None:
    """A coupon called like a formula is text, and so cannot reckon in the reader's sheet."""
    cells = [cell for row in sheet.iter_rows() for cell in row if cell.value == "=SUM(A1:A9)"]
    assert cells
    assert all(cell.data_type == "s" for cell in cells)
    assert not [cell for row in sheet.iter_rows() for cell in row if cell.data_type == "f"]


def test_numbers_are_formatted(sheet: Any) -> None:
    """Amounts are numbers shown with the currency, shares as percentages."""
    cells = {cell.value: cell for row in sheet.iter_rows() for cell in row if cell.value is not None}
    assert cells[800].number_format == '#,##0.00" CNY"'
    row = next(row for row in sheet.iter_rows() if row[0].value == "text messages")
    assert row[4].number_format.endswith("%")
    assert isinstance(row[4].value, float)
    assert sheet.freeze_panes == "A2"
    assert sheet.page_setup.fitToHeight == 0


def test_a_workbook_that_cannot_be_written(reported: Reported, tmp_path: Path) -> None:
    """Whatever the library says, it is the system's refusal that is passed on."""
    allocation = Allocation(reported.instance, reported.solution.plan)
    with pytest.raises(OSError, match="summary"):
        write_workbook(
            summarise(reported.instance, reported.solution, allocation), tmp_path / "no" / "summary.xlsx"
        )
