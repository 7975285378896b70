"""The page as text: complete, self-contained, escaped, readable."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Protocol

import pytest

from couponry.instances import Instance
from couponry.report.page import SECTIONS
from couponry.solver.solution import Solution


class Reported(Protocol):
    """A report on disk and what it was written from."""

    instance: Instance
    solution: Solution
    page: Path
    html: str


class Tree(HTMLParser):
    """Tags with their attributes, in order, and whether every tag is closed."""

    EMPTY = frozenset({"meta", "link", "br", "path", "use", "rect", "col"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.badly_closed: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an opening tag."""
        self.tags.append((tag, {key: value or "" for key, value in attrs}))
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag that closes itself."""
        self.tags.append((tag, {key: value or "" for key, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        """Compare a closing tag with what is open."""
        if tag in self.EMPTY:
            return
        if not self.open or self.open.pop() != tag:
            self.badly_closed.append(tag)


def test_every_section_is_there(reported: Reported) -> None:
    """A plan with all evidence has every section but the one on clashes."""
    tree = Tree(reported.html)
    found = [attrs["id"] for tag, attrs in tree.tags if tag == "section"]
    assert found == [name for name in SECTIONS if name != "clashes"]
    links = [attrs["href"] for tag, attrs in tree.tags if tag == "a"]
    assert links == [f"#{name}" for name in found]


def test_sections_without_data_are_left_out(contradiction: Reported) -> None:
    """Without a plan there is no budget, coupon or segment to speak of: only what clashes, and the solve."""
    found = [attrs["id"] for tag, attrs in Tree(contradiction.html).tags if tag == "section"]
    assert found == ["clashes", "solve"]
    assert "No plan can meet all rules" in contradiction.html
    infeasibility = contradiction.solution.infeasibility
    assert infeasibility is not None
    for clash in infeasibility.clashes:
        assert clash.name in contradiction.html
    assert "nan" not in re.sub("<[^>]*>", " ", contradiction.html).lower().split()


def test_nothing_is_loaded(reported: Reported, contradiction: Reported) -> None:
    """The page names no address, has no script, and forbids the browser to load anything."""
    for html in (reported.html, contradiction.html):
        assert "http" not in html.replace('http-equiv="Content-Security-Policy"', "")
        assert "//" not in re.sub(r"<style>.*?</style>", "", html, flags=re.S).replace("&lt;/", "")
        assert "@import" not in html
        assert "url(" not in re.sub(r"url\(#[^)]+\)", "", html)
        tags = Tree(html).tags
        assert not [
            tag for tag, _ in tags if tag in ("script", "iframe", "object", "embed", "img", "base", "form")
        ]
        assert [attrs["href"] for tag, attrs in tags if tag == "link"] == ["data:,"]
        assert not [key for _, attrs in tags for key in attrs if key == "src" or key.startswith("on")]
        policy = next(attrs["content"] for tag, attrs in tags if attrs.get("http-equiv"))
        assert policy == "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def test_hostile_names_are_text(reported: Reported) -> None:
    """A coupon called like a script is shown, not run."""
    assert "<script>" not in reported.html
    assert reported.html.count("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;") >= 3
    assert "south &amp; west" in reported.html


def test_the_page_is_well_formed(reported: Reported, contradiction: Reported) -> None:
    """Every tag is closed in its place, ids are unique, and headings do not skip a level."""
    for html in (reported.html, contradiction.html):
        tree = Tree(html)
        assert (tree.open, tree.badly_closed) == ([], [])
        ids = [attrs["id"] for _, attrs in tree.tags if "id" in attrs]
        assert len(ids) == len(set(ids))
        levels = [int(tag[1]) for tag, _ in tree.tags if re.fullmatch("h[1-6]", tag)]
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(after - before <= 1 for before, after in pairwise(levels))


def test_the_page_is_accessible(reported: Reported) -> None:
    """It names its language, table headers have a scope, and charts and bars a text."""
    tags = Tree(reported.html).tags
    assert dict(tags)["html"] == {"lang": "en"}
    assert all("scope" in attrs for tag, attrs in tags if tag == "th")
    images = [attrs for _, attrs in tags if attrs.get("role") == "img"]
    assert len([attrs for tag, attrs in tags if tag == "svg"]) == 12
    assert all(attrs.get("aria-label") for attrs in images)
    scrolled = [attrs for _, attrs in tags if attrs.get("class") == "scroll"]
    assert scrolled
    assert all(attrs["tabindex"] == "0" and attrs["aria-label"] for attrs in scrolled)


def test_the_plan_is_told(reported: Reported) -> None:
    """The headline, the budget and the proof are those of the solution."""
    text = re.sub("<[^>]*>", "", reported.html).replace("\u00a0", " ")
    value = reported.solution.value
    cost = sum(reported.solution.plan["cost"].to_pylist())
    assert f"{value:.2f} more conversions expected for {cost:.2f} CNY" in text
    assert "of 800 CNY used" in text
    assert "Proven: no" in text
    for row in reported.solution.prices["name"]:
        assert row in text.replace("&lt;", "<").replace("&gt;", ">").replace("&#39;", "'").replace(
            "&amp;", "&"
        )


def test_the_page_is_small(reported: Reported) -> None:
    """It can be mailed: well under 1.5 MB."""
    assert reported.page.stat().st_size < 400_000


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_contrast(theme: str) -> None:
    """Text keeps the contrast of 4.5 that WCAG 2.2 AA asks for, on every ground it stands on."""
    style = (files("couponry.report") / "templates" / "report.css").read_text(encoding="utf-8")
    blocks = re.findall(r":root \{(.*?)\}", style, flags=re.S)
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", blocks[0]))
    if theme == "dark":
        colours |= dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", blocks[1]))
    pairs = [(text, ground) for text in ("ink", "muted", "accent") for ground in ("page", "surface")]
    pairs += [("warm", "surface"), ("accent", "accent-soft"), ("warm", "warm-soft")]
    for text, ground in pairs:
        light, dark = sorted((_luminance(colours[text]), _luminance(colours[ground])), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, (text, ground)
