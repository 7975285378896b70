"""docs/benchmark_instances.md: names the instances that there are."""

from __future__ import annotations

import re
from dataclasses import fields

from tests.docs.pages import ROOT

from couponry.instances import library
from couponry.instances.library import Known

PAGE = (ROOT / "docs" / "benchmark_instances.md").read_text(encoding="utf-8")


def test_the_table_is_that_of_the_library() -> None:
    """Name, size and purpose of every instance, in their order."""
    told = re.findall(r"^\| `([a-z0-9-]+)` \| ([\d,]+) × (\d+) \| (.+) \|$", PAGE, flags=re.MULTILINE)
    entries = [library.entry(name) for name in library.names()]
    assert told == [
        (each.name, f"{each.recipe.users:,}", str(each.recipe.coupons), each.purpose) for each in entries
    ]


def test_every_key_of_a_record_is_told() -> None:
    """The keys of best_known.toml are explained."""
    section = PAGE.partition("## The figures")[2]
    for field in fields(Known):
        assert f"`{field.name}`" in section
