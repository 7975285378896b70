"""Links between the pages."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.docs.pages import PAGES, ROOT, headings, links


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_relative_links_lead_somewhere(page: Path) -> None:
    """Every relative link is to a file or folder that exists, and its anchor to a heading there."""
    for target in links(page):
        if "://" in target or target.startswith("mailto:"):
            continue
        path, _, anchor = target.partition("#")
        file = page if not path else (page.parent / path)
        assert file.exists(), f"{page.name} links to {target}, which is not there"
        if anchor:
            assert anchor in headings(file), f"{page.name} links to {target}: no such heading"


def test_every_page_is_linked_from_the_readme() -> None:
    """A reader who starts at README.md finds every page of docs/ with one click."""
    linked = {target.partition("#")[0] for target in links(ROOT / "README.md")}
    for page in sorted((ROOT / "docs").glob("*.md")):
        assert f"docs/{page.name}" in linked
