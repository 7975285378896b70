"""``couponry instances``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from couponry.instances import library, read_instance
from couponry.instances.library import Known

Run = Callable[..., Any]


def test_list_shows_every_instance(run: Run) -> None:
    """Each name with its size stands in the table."""
    shown = run("instances", "list")
    assert shown.exit_code == 0, shown.stderr
    for name in library.names():
        assert name in shown.stdout
    assert "10,000,000 × 20" in shown.stdout


def test_list_says_what_is_not_solved(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no value is known, the table says so; with --json it is null."""
    monkeypatch.setattr(
        library, "known", lambda name: Known(value=2.0, bound=2.5) if "easy" in name else Known()
    )
    assert "not yet" in run("instances", "list").stdout
    records = {each["name"]: each for each in json.loads(run("instances", "list", "--json").stdout)}
    assert records["nine-1m"]["value"] is None
    assert records["easy-500"]["value"] == 2.0
    assert records["easy-500"]["gap"] == 0.2
    assert list(records) == list(library.names())


def test_make_writes_what_is_drawn(run: Run, tmp_path: Path) -> None:
    """The directory holds the named instance, in shards of the asked size; the next command is named."""
    done = run("instances", "make", "easy-500", "--out", tmp_path / "easy", "--shard-rows", "200")
    assert done.exit_code == 0, done.stderr
    assert f"Next: couponry solve {tmp_path / 'easy'} --out plan" in done.stderr
    assert len(list((tmp_path / "easy" / "users").iterdir())) == 3
    assert library.fingerprint(read_instance(tmp_path / "easy")) == library.fingerprint(
        library.make("easy-500")
    )


def test_a_wrong_name_is_bad_input(run: Run, tmp_path: Path) -> None:
    """The right one is suggested, and nothing is written."""
    done = run("instances", "make", "easy-50", "--out", tmp_path / "easy")
    assert done.exit_code == 2
    assert (
        "there is no benchmark instance of this name (got 'easy-50'). Did you mean 'easy-500'?" in done.stderr
    )
    assert not (tmp_path / "easy").exists()


def test_what_stands_there_is_kept(run: Run, tmp_path: Path) -> None:
    """A second one is written over the first only with --force."""
    asked = ("instances", "make", "easy-500", "--out", tmp_path / "easy")
    assert run(*asked).exit_code == 0
    assert run(*asked).exit_code == 2
    assert run(*asked, "--force").exit_code == 0
