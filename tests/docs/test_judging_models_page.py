"""docs/judging_models.md: its code runs, and prints the figures that stand beside it."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest
from tests.docs.pages import ROOT, blocks
from tests.instances.loaders.data import public
from typer.testing import CliRunner

from couponry.cli.app import app
from couponry.instances.world import World

PAGE = ROOT / "docs" / "judging_models.md"
FILES = ("open_bandit_men_item_context.csv", "open_bandit_random_men.csv.gz", "open_bandit_bts_men.csv.gz")


def test_a_policy_of_ones_own_is_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command and the Python below it, on a drawn log and a table that gives its first coupon to all."""
    monkeypatch.chdir(tmp_path)
    log = World.draw(400, 3, seed=1).log(800)
    frame = log.features.select_dtypes("number").assign(arm=log._arm_names(), conversion=log.conversion)
    frame.assign(user_id=log.user_id, revenue=log.revenue, cost=log.cost).to_csv("log.csv", index=False)
    log.coupons.table.to_csv("coupons.csv", index=False)
    users = pd.DataFrame({"user_id": sorted(set(log.user_id)), "coupon_id": log.coupons.ids[0]})
    users.to_csv("who_gets_what.csv", index=False)
    (command,) = blocks(PAGE, "sh")
    done = CliRunner().invoke(app, command.text.split()[1:])
    assert done.exit_code == 0, done.stderr
    block = next(block for block in blocks(PAGE, "python") if "read_policy" in block.text)
    exec(compile(block.text, str(PAGE), "exec"), {"log": log})
    assert "as logged" in capsys.readouterr().out


@pytest.mark.data
def test_the_other_policys_value_is_as_on_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a folder with Open Bandit's files, to the digits that are told."""
    for name in FILES:
        (tmp_path / name).symlink_to(public(name))
    monkeypatch.chdir(tmp_path)
    block = next(block for block in blocks(PAGE, "python") if "open_bandit" in block.text)
    exec(compile(block.text, str(PAGE), "exec"), {})
    told = re.findall(r"# ([\d. ]+)$", block.text, flags=re.MULTILINE)[-1].split()
    assert [f"{float(figure):.4f}" for figure in capsys.readouterr().out.split()] == told
