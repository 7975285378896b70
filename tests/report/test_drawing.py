"""Charts as SVG that lives in a page."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from couponry.report.drawing import ACCENT, INK, MUTED, draw

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot(axes: Axes, narrow: bool) -> None:
    """Plot what uses colours, markers, clipping and hostile text."""
    axes.plot([0, 1, 2], [1, 3, 2], color=ACCENT, marker="o")
    axes.axhline(2, color=MUTED)
    axes.set_title("<b>满减 $x_1$ & more</b>", color=INK)


def test_colours_are_the_pages() -> None:
    """No colour of its own is left: all come from the page, so a chart follows its theme."""
    chart = draw("first", "words", plot)
    for svg in (chart.wide, chart.narrow):
        assert "var(--accent)" in svg
        assert "var(--muted)" in svg
        assert not re.findall(r"#[0-9a-f]{6}\b(?=[;\"])", svg)


def test_nothing_outside_is_named() -> None:
    """Neither addresses, nor styles that would reach the rest of the page."""
    svg = draw("first", "words", plot).wide
    assert "http" not in svg
    assert "<style" not in svg
    assert "font-family" not in svg


def test_ids_are_unique_in_the_page() -> None:
    """Two charts in one page do not take each other's markers."""
    charts = [draw("first", "words", plot), draw("second", "words", plot)]
    ids = [
        i
        for chart in charts
        for svg in (chart.wide, chart.narrow)
        for i in re.findall(r'\bid="([^"]+)"', svg)
    ]
    assert ids
    assert len(ids) == len(set(ids))
    for chart in charts:
        named = set(re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', chart.wide))
        assert {first or second for first, second in named} <= set(re.findall(r'\bid="([^"]+)"', chart.wide))


def test_text_stays_text() -> None:
    """Titles are text that can be searched, escaped, with dollars as dollars, in any script."""
    assert "&lt;b&gt;满减 $x_1$ &amp; more&lt;/b&gt;" in draw("first", "words", plot).wide


def test_words_are_read_aloud() -> None:
    """A chart is an image with a name for those who do not see it."""
    svg = draw("first", 'rises to "3" & falls', plot).narrow
    assert 'role="img"' in svg
    assert 'aria-label="rises to &quot;3&quot; &amp; falls"' in svg


def test_the_same_chart_twice_is_the_same() -> None:
    """Drawing depends on nothing but what is drawn."""
    assert draw("first", "words", plot) == draw("first", "words", plot)
