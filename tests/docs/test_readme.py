"""README.md: what it tells people to type does what it says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from tests.docs.pages import ROOT, blocks, links

README, CHINESE = ROOT / "README.md", ROOT / "README.zh.md"


def run(script: str, folder: Path) -> None:
    """Run a shell block as a user would who has activated the environment."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{script}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_tours_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The shell blocks run one after the other in an empty folder, then the Python blocks in one session."""
    for block in blocks(README, "sh"):
        run(block.text, tmp_path)
    for name in ("report.html", "plan.csv", "plan.parquet", "summary.xlsx", "certificate.json"):
        assert (tmp_path / "plan" / name).stat().st_size > 0
    assert len(pd.read_csv(tmp_path / "frontier.csv")) == 5
    monkeypatch.chdir(tmp_path)
    session: dict[str, object] = {}
    for block in blocks(README, "python"):
        exec(compile(block.text, str(README), "exec"), session)
    plan = session["solution"].plan.to_pydict()  # type: ignore[attr-defined]
    assert plan["user_id"] == ["ann", "bob"]
    assert plan["coupon_id"] == ["5 off", "free shipping"]


def test_the_first_screen_has_the_two_commands_and_the_picture() -> None:
    """Both commands and the picture of the report stand above the first heading below the title."""
    first = README.read_text(encoding="utf-8").partition("\n## ")[0]
    assert "make demo" in first
    assert "make test" in first
    assert "docs/images/report.png" in first
    assert len(first.splitlines()) <= 25


def test_the_layout_names_what_is_there() -> None:
    """Every folder of the layout exists, and it has ten lines."""
    section = README.read_text(encoding="utf-8").partition("## The layout")[2].partition("\n## ")[0]
    named = re.findall(r"^    (\S+/) ", section, flags=re.MULTILINE)
    assert len(named) == 10
    assert [folder for folder in named if not (ROOT / folder).is_dir()] == []


def extras(page: Path) -> list[str]:
    """Return what the table of extras names, line after line."""
    first = re.findall(r"^\| ([^|]*`[^|]*)\|", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return [name for cell in first for name in re.findall("`([^`]+)`", cell)]


def test_both_languages_tell_the_same() -> None:
    """The Chinese page has the same code, extras and pages to read on as the English one."""
    kinds = ("sh", "python")
    assert [block.text for block in blocks(CHINESE, *kinds)] == [
        block.text for block in blocks(README, *kinds)
    ]
    assert extras(CHINESE) == extras(README)
    assert {t for t in links(CHINESE) if t.startswith(("docs/", "notebooks/"))} == {
        t for t in links(README) if t.startswith(("docs/", "notebooks/"))
    }
    assert README.read_text(encoding="utf-8").count("\n## ") == CHINESE.read_text(encoding="utf-8").count(
        "\n## "
    )
