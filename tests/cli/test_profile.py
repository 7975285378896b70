"""``couponry profile``: learnt, attached, read."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.predictors.profile.raw import PURCHASES, drawn
from tests.predictors.small_world import SmallWorld

from couponry.instances.log import Log
from couponry.predictors.profile.profile import UserProfile, load_profile
from couponry.predictors.profile.tables import RawTables

Run = Callable[..., Any]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Return a folder with raw/ and log/, whose users are those of the tables."""
    (tmp_path / "raw").mkdir()
    tables = drawn(100)
    tables.purchases.to_csv(tmp_path / "raw" / "purchases.csv", index=False)
    tables.texts.to_csv(tmp_path / "raw" / "texts.csv", index=False)
    log = SmallWorld.draw(100, 0).log(0)
    given_at = np.full(100, np.datetime64("2024-03-01", "us"))
    ids = np.array([f"u{i}" for i in range(100)], dtype=object)
    replace(log, user_id=ids, given_at=given_at).write(tmp_path / "log")
    return tmp_path


def test_a_profile_is_learnt_of_training_users_and_attached(run: Run, shop: Path) -> None:
    """It is that of the users whom ``train`` will learn from, before the first coupon; both get it."""
    learn = ("profile", "learn", shop / "raw", "--log", shop / "log", "--holdout", 0.3, "--seed", 4)
    done = run(*learn, "--words", 4, "--topics", 2, "--groups", 3, "--out", shop / "profile")
    assert done.exit_code == 0, done.stderr
    train = Log.read(shop / "log").split(0.3, 4)[0]
    same = UserProfile(words=4, topics=2, segments=3, seed=4)
    same.fit(RawTables.read(shop / "raw"), train.user_id, np.datetime64("2024-03-01"))
    learnt = load_profile(shop / "profile")
    assert learnt.state().facts == same.state().facts
    attach = ("profile", "attach", shop / "profile", shop / "raw")
    assert run(*attach, shop / "log", "--out", shop / "new").exit_code == 0
    assert set(learnt.columns_) <= set(Log.read(shop / "new").features)
    pd.DataFrame({"user_id": ["u3", "u5"]}).to_csv(shop / "users.csv", index=False)
    told = run(*attach, shop / "users.csv", "--as-of", "2024-03-01", "--out", shop / "users.parquet")
    assert told.exit_code == 0, told.stderr
    users = pd.read_parquet(shop / "users.parquet")
    assert users["money"].tolist() == Log.read(shop / "new").features["money"].tolist()[3:6:2]
    taken = run(*learn, "--out", shop / "profile")
    assert taken.exit_code == 2
    assert "or give --force" in taken.stderr
    again = run(*attach, shop / "users.csv", "--out", shop / "users.parquet")
    assert again.exit_code == 2
    assert "give --force" in again.stderr
    wrong = run(*attach, shop / "users.csv", "--as-of", "soon", "--out", shop / "other.csv")
    assert "option '--as-of': not a time (got 'soon')" in wrong.stderr


def test_a_log_in_one_table_is_a_log(run: Run, shop: Path) -> None:
    """A profile is learnt of it and attached as of a directory; its cells stay as they were written."""
    log = Log.read(shop / "log")
    ids = log.coupons.ids
    flat = pd.DataFrame(
        {
            "user_id": log.user_id,
            "arm": [ids[arm] if arm >= 0 else "" for arm in log.arm],
            "conversion": log.conversion.astype(int),
            "given_at": "2024-03-01",
            "code": "007",
        }
    )
    flat.to_csv(shop / "log.csv", index=False)
    log.coupons.table.to_csv(shop / "menu.csv", index=False)
    few = ("--words", 4, "--topics", 2, "--groups", 3)
    for name, menu in (("log", ()), ("log.csv", ("--menu", shop / "menu.csv"))):
        learn = ("profile", "learn", shop / "raw", "--log", shop / name, *menu, *few)
        done = run(*learn, "--out", shop / f"profile of {name}")
        assert done.exit_code == 0, done.stderr
    first, second = (load_profile(shop / f"profile of {name}") for name in ("log", "log.csv"))
    assert first.state().facts == second.state().facts
    for name, out in (("log", "new"), ("log.csv", "new.csv")):
        done = run(
            "profile", "attach", shop / "profile of log", shop / "raw", shop / name, "--out", shop / out
        )
        assert done.exit_code == 0, done.stderr
        assert "Warning" not in done.output
    new = pd.read_csv(shop / "new.csv", dtype={"code": str})
    assert new["frequency"].tolist() == Log.read(shop / "new").features["frequency"].tolist()
    assert set(new["code"]) == {"007"}


def test_a_log_without_times_may_show_what_came_after(run: Run, shop: Path) -> None:
    """It is said, with what to do; given the time, nothing is."""
    replace(Log.read(shop / "log"), given_at=None).write(shop / "untimed")
    learn = ("profile", "learn", shop / "raw", "--log", shop / "untimed", "--words", 4, "--topics", 2)
    warned = run(*learn, "--out", shop / "profile")
    assert warned.exit_code == 0, warned.stderr
    assert "Give --as-of, when the first was given" in " ".join(warned.output.split())
    timed = run(*learn, "--as-of", "2024-03-01", "--out", shop / "profile", "--force")
    assert "Warning" not in timed.output


def test_rules_are_shown_and_written(run: Run, tmp_path: Path) -> None:
    """As a table, as JSON, as a file."""
    pytest.importorskip("mlxtend")
    (tmp_path / "raw").mkdir()
    PURCHASES.to_csv(tmp_path / "raw" / "purchases.csv", index=False)
    done = run("profile", "rules", tmp_path / "raw", "--out", tmp_path / "rules.csv")
    assert done.exit_code == 0, done.stderr
    assert "product tea" in done.stdout
    found = json.loads(run("profile", "rules", tmp_path / "raw", "--confidence", 1, "--json").stdout)
    assert {rule["confidence"] for rule in found} == {1.0}
    assert len(pd.read_csv(tmp_path / "rules.csv")) >= len(found)
