"""Numbers as people read them: thousands apart, sensible digits, the campaign's currency."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeGuard

__all__ = ["DASH", "Formats", "plural"]

DASH = "–"
_MINUS = "−"
_JOINED = "\u00a0"  # keeps a number and its unit on one line


def plural(count: float, one: str, many: str | None = None) -> str:
    """Return ``one`` or ``many`` (by default ``one`` with an s) as the count asks."""
    return one if count == 1 else many or one + "s"


@dataclass(frozen=True)
class Formats:
    """Text of numbers; what is missing or infinite is a dash.

    Attributes
    ----------
    currency : str
        The campaign's; written behind every amount, or nowhere when empty.
    """

    currency: str = ""

    def count(self, value: float | None) -> str:
        """Return a whole number: ``12,345``."""
        return _signed(value, 0) if _present(value) else DASH

    def number(self, value: float | None, digits: int = 4) -> str:
        """Return a number with about so many significant digits; no digit of its whole part is lost."""
        return _trimmed(_signed(value, _decimals(value, digits))) if _present(value) else DASH

    def money(self, value: float | None) -> str:
        """Return an amount: no decimals from 1,000 on, two below, more where it is very small."""
        if not _present(value):
            return DASH
        whole = abs(value) >= 1000 or value == round(value)
        decimals = 0 if whole else max(2, _decimals(value, 2))
        return _signed(value, decimals) + (f"{_JOINED}{self.currency}" if self.currency else "")

    def percent(self, share: float | None, digits: int = 3) -> str:
        """Return a share as a percentage: ``12.3 %``."""
        if not _present(share):
            return DASH
        value = 100 * share
        return _trimmed(_signed(value, min(_decimals(value, digits), 12))) + f"{_JOINED}%"

    def share(self, share: float | None) -> str:
        """Return a share with one decimal, as shares of one whole stand below each other: ``35.0 %``."""
        if not _present(share):
            return DASH
        if 0 < share < 0.0005:
            return f"< 0.1{_JOINED}%"
        return _signed(100 * share, 1) + f"{_JOINED}%"

    def column(self, values: Sequence[float | None], *, money: bool = False, digits: int = 4) -> list[str]:
        """Return numbers of one column, without a unit and with as many decimals as the largest asks for."""
        largest = max((abs(value) for value in values if _present(value)), default=0.0)
        decimals = min(_decimals(largest, digits), 12)
        if money:
            decimals = 0 if largest >= 1000 else max(2, _decimals(largest, 2))
        return [_signed(value, decimals) if _present(value) else DASH for value in values]

    def in_currency(self, text: str) -> str:
        """Return a column's heading with the currency behind it."""
        return f"{text}, {self.currency}" if self.currency else text

    def measure(self, name: str, value: float | None, digits: int = 4) -> str:
        """Return a number as its measure asks: amounts for cost and revenue, whole numbers for counts."""
        if name in ("cost", "liability") or name.startswith("revenue"):
            return self.money(value)
        return self.number(value, digits)

    def seconds(self, value: float | None) -> str:
        """Return a duration: ``0.42 s``, ``3 min 20 s``."""
        if not _present(value):
            return DASH
        if value >= 120:
            return f"{int(value // 60):,}{_JOINED}min {int(value % 60)}{_JOINED}s"
        return f"{self.number(value, 2)}{_JOINED}s"


def _present(value: float | None) -> TypeGuard[float]:
    return value is not None and math.isfinite(value)


def _decimals(value: float, digits: int) -> int:
    if value == 0:
        return 0
    return max(0, digits - 1 - math.floor(math.log10(abs(value))))


def _signed(value: float, decimals: int) -> str:
    text = f"{value:,.{decimals}f}"
    if text.startswith("-"):
        return text[1:] if not text.strip("-0.,") else _MINUS + text[1:]
    return text


def _trimmed(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text
