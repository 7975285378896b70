"""The summary as one sheet: headline, budgets, rules, coupons, as numbers that can be reckoned with."""

from __future__ import annotations

import datetime as dt
import math
from pathlib import Path
from typing import Any

from couponry.instances.errors import require_extra
from couponry.report.formats import Formats
from couponry.report.summary import Summary

__all__ = ["write_workbook"]

_WIDTHS = (30, 34, 18, 18, 18, 18, 18, 60)
_CREATED = dt.datetime(2000, 1, 1)  # the same figures give the same file


def write_workbook(summary: Summary, path: Path) -> None:
    """Write the workbook.

    Parameters
    ----------
    summary : Summary
        Of a solution with a plan.
    path : Path

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    xlsxwriter = require_extra("xlsxwriter", "report")
    workbook = xlsxwriter.Workbook(str(path), {"in_memory": True})
    workbook.set_properties({"title": summary.title, "created": _CREATED})
    sheet = _Sheet(workbook, summary.formats)
    sheet.title(summary)
    _headline(sheet, summary)
    _budgets(sheet, summary)
    _rules(sheet, summary)
    _coupons(sheet, summary)
    sheet.finish()
    try:
        workbook.close()
    except xlsxwriter.exceptions.FileCreateError as error:
        raise OSError(str(error)) from error


class _Sheet:
    """One worksheet, written from top to bottom."""

    def __init__(self, workbook: Any, formats: Formats) -> None:
        self.row = 0
        self.sheet = workbook.add_worksheet("Summary")
        self.formats = formats
        text = {"valign": "top", "text_wrap": True}
        money = f'#,##0.00" {formats.currency.replace(chr(34), "")}"' if formats.currency else "#,##0.00"
        self.styles = {
            "title": workbook.add_format({"bold": True, "font_size": 16}),
            "lead": workbook.add_format({"font_color": "#404a57"}),
            "heading": workbook.add_format({"bold": True, "font_size": 12, "bottom": 1}),
            "head": workbook.add_format(
                {"bold": True, "bg_color": "#e3eefa", "border": 1, "border_color": "#c9d3df"} | text
            ),
            "text": workbook.add_format(text),
            "number": workbook.add_format({"num_format": "#,##0.####", "valign": "top"}),
            "price": workbook.add_format({"num_format": "#,##0.000000", "valign": "top"}),
            "count": workbook.add_format({"num_format": "#,##0", "valign": "top"}),
            "money": workbook.add_format({"num_format": money, "valign": "top"}),
            "percent": workbook.add_format({"num_format": "0.0#%", "valign": "top"}),
            "gap": workbook.add_format({"num_format": "0.000000%", "valign": "top"}),
        }

    def title(self, summary: Summary) -> None:
        """Write what the sheet is about."""
        for text, style in (
            (summary.title, "title"),
            (summary.status, "lead"),
            (summary.headline, "lead"),
            (summary.certificate, "lead"),
        ):
            self.sheet.write_string(self.row, 0, text, self.styles[style])
            self.row += 1
        self.sheet.freeze_panes(1, 0)

    def heading(self, text: str, heads: list[str]) -> None:
        """Begin a block."""
        self.row += 1
        for column in range(max(len(heads), 1)):
            self.sheet.write_blank(self.row, column, None, self.styles["heading"])
        self.sheet.write_string(self.row, 0, text, self.styles["heading"])
        for column, head in enumerate(heads):
            self.sheet.write_string(self.row + 1, column, head, self.styles["head"])
        self.row += 2

    def line(self, *cells: tuple[str | float | None, str]) -> None:
        """Write one row of (content, style); what is missing or infinite stays empty."""
        for column, (content, style) in enumerate(cells):
            if isinstance(content, str):
                self.sheet.write_string(self.row, column, content, self.styles[style])
            elif content is not None and math.isfinite(content):
                self.sheet.write_number(self.row, column, content, self.styles[style])
        self.row += 1

    def bars(self, column: int, first: int) -> None:
        """Draw the shares from row ``first`` to here as bars in their cells."""
        if self.row > first:
            ends = {"min_type": "num", "min_value": 0, "max_type": "num", "max_value": 1}
            bar = {"type": "data_bar", "bar_color": "#8fbce6"} | ends
            self.sheet.conditional_format(first, column, self.row - 1, column, bar)

    def finish(self) -> None:
        """Set widths and the printed page."""
        for column, width in enumerate(_WIDTHS):
            self.sheet.set_column(column, column, width)
        self.sheet.hide_gridlines(2)
        self.sheet.set_landscape()
        self.sheet.set_paper(9)
        self.sheet.fit_to_pages(1, 0)


def _headline(sheet: _Sheet, summary: Summary) -> None:
    sheet.heading("Headline", ["Figure", "", "Value"])
    for figure in summary.figures:
        style = "gap" if figure.label.startswith("Gap") else figure.style
        sheet.line((figure.label, "text"), (figure.note, "text"), (figure.value, style))


def _budgets(sheet: _Sheet, summary: Summary) -> None:
    if not summary.budgets:
        return
    sheet.heading(
        "Budget",
        ["Budget", "Of what", "Amount", "Used", "Share used", "A little more", "would bring", "In words"],
    )
    first = sheet.row
    for line in summary.budgets:
        style = _style(line.rule.measure)
        sheet.line(
            (line.rule.name, "text"),
            (line.rule.scope, "text"),
            (line.rule.upper, style),
            (line.rule.activity, style),
            (line.used, "percent"),
            (line.step, style),
            (line.gain, "number"),
            (line.words, "text"),
        )
    sheet.bars(4, first)


def _rules(sheet: _Sheet, summary: Summary) -> None:
    if not summary.rules:
        return
    sheet.heading(
        "Rules", ["Rule", "Of what", "In the plan", "At least", "At most", "Price", "State", "In words"]
    )
    states = {"broken": "broken", "binding": "limits the plan", "room": "has room"}
    for line in summary.rules:
        style = _style(line.measure)
        sheet.line(
            (line.name, "text"),
            (line.scope, "text"),
            (line.activity, style),
            (line.lower, style),
            (line.upper, style),
            (line.price, "price"),
            (states[line.state], "text"),
            (line.worth, "text"),
        )


def _coupons(sheet: _Sheet, summary: Summary) -> None:
    sheet.heading(
        "Coupons",
        [
            "Coupon",
            "Terms",
            "Given",
            "Stock",
            "Conversions won",
            "Expected cost",
            "Cost per conversion",
            "Mean uplift",
        ],
    )
    for coupon in summary.coupons:
        sheet.line(
            (coupon.coupon_id, "text"),
            (coupon.terms, "text"),
            (coupon.given, "count"),
            (coupon.stock, "count"),
            (coupon.value, "number"),
            (coupon.cost, "money"),
            (_over(coupon.cost, coupon.value), "money"),
            (_over(coupon.value, coupon.given), "percent"),
        )


def _style(measure: str) -> str:
    """Return how a measure's numbers are written."""
    if measure == "cost" or measure.startswith("revenue"):
        return "money"
    return "number"


def _over(above: float, below: float) -> float | None:
    return above / below if below > 0 else None
