"""``couponry overlap``, and training on what it says."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from couponry.cli.settings import read_settings
from couponry.instances.errors import InputError
from couponry.instances.world import World
from couponry.predictors.model import load_model

Run = Callable[..., Any]


@pytest.fixture(scope="module")
def chosen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the directory of a log whose coupons a marketing team chose."""
    folder = tmp_path_factory.mktemp("chosen")
    World.draw(3000, 2, 1).biased_log(3000, 1).write(folder / "log")
    return folder / "log"


def test_overlap_is_told_in_words_and_json(run: Run, chosen: Path) -> None:
    """A line a coupon, whether it looks like a lottery, and the same figures as JSON."""
    shown = run("overlap", chosen, "--base", "sklearn")
    assert shown.exit_code == 0, shown.stderr
    assert "train with --assignment features" in shown.stderr
    record = json.loads(run("overlap", chosen, "--base", "sklearn", "--json").stdout)
    assert record["by_lot"] is False
    for coupon in record["coupons"]:
        assert coupon["coupon_id"] in shown.stdout
        assert coupon["status"] in ("good", "poor", "fails")


def test_training_learns_what_chose(run: Run, chosen: Path, tmp_path: Path) -> None:
    """The card says so, and a parameter given by --set holds."""
    arguments = ("--model", "dr", "--base", "sklearn", "--assignment", "features", "--set", "folds=2")
    done = run("train", chosen, *arguments, "--calibrate", "platt", "--out", tmp_path / "model")
    assert done.exit_code == 0, done.stderr
    card = load_model(tmp_path / "model").card
    assert card["options"] == {"folds": 2}
    assert card["calibration"] == "platt"
    assert [row["status"] != "fails" for row in card["overlap"]["coupons"]] == [True, True]


def test_settings_are_json_where_they_can_be() -> None:
    """Numbers, lists and objects are read as such, other words as they are."""
    given = ["folds=3", 'base_options={"trees": 5}', "device=cpu", "batch=null"]
    assert read_settings(given) == {"folds": 3, "base_options": {"trees": 5}, "device": "cpu", "batch": None}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["folds"], r"a parameter is NAME=VALUE \(got 'folds'\)"),
        (["a=1", "a=2"], r"a parameter is given twice \(got 'a'\)"),
        (["seed=1"], r"this parameter has an option \(got 'seed'\). Use --seed"),
    ],
)
def test_settings_that_cannot_be_read_are_refused(given: list[str], words: str) -> None:
    """With what to write instead."""
    with pytest.raises(InputError, match=words):
        read_settings(given)


def test_the_log_was_drawn_as_said(chosen: Path) -> None:
    """The team's log has both coupons and rows without."""
    from couponry.instances.log import Log

    assert set(np.unique(Log.read(chosen).arm)) == {-1, 0, 1}
