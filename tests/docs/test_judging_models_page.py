"""docs/judging_models.md: its Python runs and prints the figures that stand beside it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.docs.pages import ROOT, blocks
from tests.instances.loaders.data import public

PAGE = ROOT / "docs" / "judging_models.md"
FILES = ("open_bandit_men_item_context.csv", "open_bandit_random_men.csv.gz", "open_bandit_bts_men.csv.gz")


@pytest.mark.data
def test_the_other_policys_value_is_as_on_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a folder with Open Bandit's files, to the digits that are told."""
    for name in FILES:
        (tmp_path / name).symlink_to(public(name))
    monkeypatch.chdir(tmp_path)
    (block,) = blocks(PAGE, "python")
    exec(compile(block.text, str(PAGE), "exec"), {})
    told = re.findall(r"# ([\d. ]+)$", block.text, flags=re.MULTILINE)[-1].split()
    assert [f"{float(figure):.4f}" for figure in capsys.readouterr().out.split()] == told
