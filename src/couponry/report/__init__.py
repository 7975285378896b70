"""The report: one self-contained page, the plan, and a summary for a spreadsheet."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from couponry.report.write import write_report

__all__ = ["write_report"]


def __getattr__(name: str) -> object:
    """Import the writer on first use: charts and templates take a while to load."""
    if name != "write_report":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from couponry.report.write import write_report

    return write_report
