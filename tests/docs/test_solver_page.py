"""docs/solver.md: its message and its words are those of the program."""

from __future__ import annotations

from pathlib import Path

from tests.docs.pages import ROOT, blocks
from tests.docs.test_instance_format import ALL_RULES, write

import couponry as cp
from couponry.solver.solution import Status, StoppedBy

PAGE = ROOT / "docs" / "solver.md"


def test_rules_that_clash_are_told_as_on_the_page(tmp_path: Path) -> None:
    """With a budget of 5 the example has no plan, the answer reads as on the page, and its mend mends."""
    write(tmp_path / "campaign", ALL_RULES.replace("amount = 7.00", "amount = 5.00"))
    solution = cp.solve(cp.read_instance(tmp_path / "campaign"))
    assert solution.infeasibility is not None
    (shown,) = blocks(PAGE, "text")
    assert " ".join(shown.text.split()) == solution.infeasibility.words
    (mend,) = [clash for clash in solution.infeasibility.clashes if clash.mended_limit is not None]
    write(tmp_path / "campaign", ALL_RULES.replace("amount = 7.00", f"amount = {mend.mended_limit}"))
    assert cp.solve(cp.read_instance(tmp_path / "campaign")).status is Status.OPTIMAL


def test_every_status_is_told() -> None:
    """The page names each status and each reason to stop."""
    text = PAGE.read_text(encoding="utf-8")
    for word in (*Status, *StoppedBy):
        assert f"`{word.value}`" in text
