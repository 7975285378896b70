"""Numbers as people read them."""

from __future__ import annotations

import math

import pytest

from couponry.report.formats import DASH, Formats, plural

NBSP = "\u00a0"
formats = Formats("CNY")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (1234567.8, "1,234,568"),
        (98.634, "98.63"),
        (12.5, "12.5"),
        (0.00004241, "0.00004241"),
        (-3.25, "−3.25"),
        (-0.0, "0"),
        (math.nan, DASH),
        (math.inf, DASH),
        (None, DASH),
    ],
)
def test_number(value: float | None, text: str) -> None:
    """A number shows about four digits, thousands apart, and a dash where there is none."""
    assert formats.number(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1200000, f"1,200,000{NBSP}CNY"),
        (3070.6, f"3,071{NBSP}CNY"),
        (31.1379, f"31.14{NBSP}CNY"),
        (31.0, f"31{NBSP}CNY"),
        (0.00123, f"0.0012{NBSP}CNY"),
        (-45.5, f"−45.50{NBSP}CNY"),
        (None, DASH),
    ],
)
def test_money(value: float | None, text: str) -> None:
    """An amount carries the currency, and decimals only where they matter."""
    assert formats.money(value) == text


def test_money_without_a_currency() -> None:
    """A campaign without a currency has amounts without a unit."""
    assert Formats().money(12.3) == "12.30"
    assert Formats().in_currency("Cost") == "Cost"
    assert formats.in_currency("Cost") == "Cost, CNY"


def test_percent_keeps_what_a_tiny_gap_is() -> None:
    """A gap of four parts in ten million is not rounded to nothing."""
    assert formats.percent(4.3e-7, 2) == f"0.000043{NBSP}%"
    assert formats.percent(0.123456) == f"12.3{NBSP}%"
    assert formats.percent(1.0) == f"100{NBSP}%"


def test_share() -> None:
    """Shares have one decimal, and a little is told from nothing."""
    assert [formats.share(s) for s in (0.0, 0.0001, 0.35, 1.0)] == [
        f"0.0{NBSP}%",
        f"< 0.1{NBSP}%",
        f"35.0{NBSP}%",
        f"100.0{NBSP}%",
    ]


def test_column_aligns_decimals() -> None:
    """All numbers of a column have the decimals that the largest asks for."""
    assert formats.column([1254.2, 9.37, None, -0.001]) == ["1,254", "9", DASH, "0"]
    assert formats.column([29.224, 9.37, 24.4]) == ["29.22", "9.37", "24.40"]
    assert formats.column([999.994, 4.5], money=True) == ["999.99", "4.50"]
    assert formats.column([1000, 4.5], money=True) == ["1,000", "4"]
    assert formats.column([]) == []


def test_measure_knows_money() -> None:
    """Cost and revenue are amounts; conversions and counts are plain numbers."""
    assert formats.measure("cost", 5) == f"5{NBSP}CNY"
    assert formats.measure("revenue less 1.5 × cost", 5) == f"5{NBSP}CNY"
    assert formats.measure("value", 5) == "5"
    assert formats.measure("count", 5) == "5"


def test_seconds() -> None:
    """Long durations are in minutes."""
    assert formats.seconds(0.834) == f"0.83{NBSP}s"
    assert formats.seconds(200) == f"3{NBSP}min 20{NBSP}s"


def test_plural() -> None:
    """One is one, anything else is many."""
    assert [plural(n, "coupon") for n in (0, 1, 2)] == ["coupons", "coupon", "coupons"]
    assert plural(2, "user is", "users are") == "users are"
