"""Errors and warnings of the command line name its options, with lines of the files that were given."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.predictors.small_world import SmallWorld, menu

from couponry.instances.files import read_instance
from couponry.instances.log import Log
from couponry.instances.wording import setting
from couponry.predictors.model import load_model

Run = Callable[..., Any]


def flat(users: int = 600) -> pd.DataFrame:
    """Return a flat log of a small world, whose arms are words."""
    log = SmallWorld.draw(users, 0).log(0)
    arms = np.array([*log.coupons.ids, None], dtype=object)[log.arm]
    return log.features.assign(
        user_id=log.user_id, arm=arms, conversion=log.conversion, cost=log.cost, revenue=log.revenue
    )


@pytest.fixture
def files(tmp_path: Path) -> Callable[..., Path]:
    """Return what writes a flat log and its menu, and gives the log's path."""

    def write(table: pd.DataFrame, *, beside: bool = True) -> Path:
        (tmp_path / "logs").mkdir(exist_ok=True)
        table.to_csv(tmp_path / "logs" / "log.csv", index=False)
        menu().table.to_csv(tmp_path / ("logs" if beside else "") / "coupons.csv", index=False)
        return tmp_path / "logs" / "log.csv"

    return write


def test_in_python_a_setting_is_an_argument() -> None:
    """A word in capitals is for the reader to fill in; other values stand as Python writes them."""
    assert setting("coupons", "FILE") == "coupons=FILE"
    assert setting("assignment", "features") == "assignment='features'"
    assert setting("columns", {"points": "ignore"}) == "columns={'points': 'ignore'}"


@pytest.mark.parametrize("command", ["train", "overlap", "evaluate"])
def test_a_missing_menu_is_given_by_the_commands_own_option(
    run: Run, files: Callable[..., Path], tmp_path: Path, command: str
) -> None:
    """Whoever does what the error says gets further."""
    log = files(flat(), beside=False)
    model = tmp_path / "model"
    if command == "evaluate":
        done = run(
            "train",
            log,
            "--menu",
            tmp_path / "coupons.csv",
            "--model",
            "s",
            "--base",
            "sklearn",
            "--out",
            model,
        )
        assert done.exit_code == 0, done.stderr
        asked: tuple[object, ...] = ("evaluate", model, "--log", log)
    else:
        asked = (
            command,
            log,
            *(("--out", model, "--base", "sklearn", "--model", "s") * (command == "train")),
        )
    refused = run(*asked)
    assert refused.exit_code == 2
    assert "the log has no menu. Give --menu FILE, or put coupons.csv beside it" in refused.stderr
    done = run(*asked, "--menu", tmp_path / "coupons.csv")
    assert done.exit_code == 0, done.stderr


def test_a_new_coupon_is_answered_as_the_error_says(
    run: Run, files: Callable[..., Path], tmp_path: Path
) -> None:
    """The error names --allow-new, the menu's file and the line; with it the instance has the new coupon."""
    model, new = tmp_path / "model", tmp_path / "new.csv"
    assert run("train", files(flat()), "--model", "content", "--out", model).exit_code == 0
    table = menu().table
    pd.concat([table, table.tail(1).assign(coupon_id="thirty", face_value=30.0)]).to_csv(new, index=False)
    users = tmp_path / "users.csv"
    flat(50).drop(columns=["arm", "conversion", "cost", "revenue"]).to_csv(users, index=False)
    asked = ("predict", model, users, "--coupons", new, "--out", tmp_path / "i")
    refused = run(*asked)
    assert refused.exit_code == 2
    assert f"{new}, row 3 (line 5), column 'coupon_id': the model has seen no rows" in refused.stderr
    assert "answers for new ones with --allow-new" in refused.stderr
    for further in ((), ("--stream", "--force")):
        done = run(*asked, "--allow-new", *further)
        assert done.exit_code == 0, done.stderr
        assert read_instance(tmp_path / "i").coupons.ids[-1] == "thirty"


def test_a_leak_is_left_out_as_the_warning_says(run: Run, files: Callable[..., Path], tmp_path: Path) -> None:
    """The warning names --schema and the line to write; with that file the warning is gone."""
    table = flat()
    log = files(table.assign(points=table["conversion"] * 10))
    asked = ("train", log, "--model", "s", "--base", "sklearn", "--force", "--out", tmp_path / "model")
    done = run(*asked)
    assert '--schema FILE, with points = "ignore" under [columns] in it' in done.stderr
    (tmp_path / "schema.toml").write_text('[columns]\npoints = "ignore"\n')
    assert "points" not in run(*asked, "--schema", tmp_path / "schema.toml").stderr


def test_other_dates_are_read_as_the_warning_says(
    run: Run, files: Callable[..., Path], tmp_path: Path
) -> None:
    """The line for the schema is TOML; with it the column is one of dates."""
    table = flat()
    log = files(table.assign(joined=[f"{1 + i % 28}/{1 + i % 12}/2024" for i in range(len(table))]))
    asked = ("train", log, "--model", "s", "--base", "sklearn", "--force", "--out", tmp_path / "model")
    line = 'joined = { format = "%d/%m/%Y" }'
    assert f"--schema FILE, with {line} under [columns] in it" in run(*asked).stderr
    (tmp_path / "schema.toml").write_text(f"[columns]\n{line}\n")
    done = run(*asked, "--schema", tmp_path / "schema.toml")
    assert done.exit_code == 0, done.stderr
    assert "joined" not in done.stderr
    kinds = {column["name"]: column["kind"] for column in load_model(tmp_path / "model").card["schema"]}
    assert kinds["joined"] == "date"


def test_a_late_date_is_told_at_its_line(run: Run, files: Callable[..., Path], tmp_path: Path) -> None:
    """Though training holds out rows, the row and line are those of the file."""
    table = flat().assign(given_at="2024-05-01", seen="2024-04-01")
    train, _ = Log.from_frame(table, menu()).split(0.3, 0)
    late = int(np.flatnonzero(table["user_id"] == train.user_id[200])[0])
    assert late > 200
    table["seen"] = table["seen"].where(table.index != late, "2024-06-01")
    table["seen"] = pd.to_datetime(table["seen"])
    log = files(table)
    done = run("train", log, "--model", "s", "--base", "sklearn", "--out", tmp_path / "model")
    assert f"(the first: row {late} (line {late + 2}))" in done.stderr


def test_rows_of_an_arm_are_counted_in_the_file(run: Run, files: Callable[..., Path], tmp_path: Path) -> None:
    """Too few in the file, or enough there and too few of them to learn from: both figures are told."""
    table = flat()
    twenty = table[table["arm"] == "twenty"]
    others = table[table["arm"] != "twenty"]
    asked = ("--model", "s", "--base", "sklearn", "--out", tmp_path / "model")
    few = run("train", files(pd.concat([others, twenty.head(13)])), *asked)
    assert "the log has 13 rows of this arm; at least 50 are needed (got 'twenty'). Log more" in few.stderr
    some = run("train", files(pd.concat([others, twenty.head(55)])), *asked)
    assert "the log has 55 rows of this arm, " in some.stderr
    assert " of them among those to learn from; at least 50 are needed (got 'twenty')" in some.stderr
    assert "Hold out fewer users (--holdout 0.1)" in some.stderr


def test_a_control_group_written_0_is_kept(run: Run, files: Callable[..., Path], tmp_path: Path) -> None:
    """The error says how many rows have the arm and how none is written; done so, the log trains."""
    table = flat()
    log = files(table.assign(arm=table["arm"].fillna("0")))
    asked = ("train", log, "--model", "s", "--base", "sklearn", "--out", tmp_path / "model")
    refused = run(*asked)
    first = int(np.flatnonzero(table["arm"].isna())[0])
    assert f"{log}, row {first} (line {first + 2}), column 'arm'" in refused.stderr
    assert f"{table['arm'].isna().sum()} of 600 rows have it (got '0')" in refused.stderr
    assert "if it is the control group, leave the cells of 'arm' empty, or write none" in refused.stderr
    files(table.assign(arm=table["arm"].fillna("none")))
    assert run(*asked).exit_code == 0


def test_a_log_without_a_control_group_says_what_it_is_good_for(
    run: Run, files: Callable[..., Path], tmp_path: Path
) -> None:
    """``train`` and ``overlap`` say the same of it."""
    log = files(flat().dropna(subset="arm"))
    for asked in (("train", log, "--out", tmp_path / "model"), ("overlap", log)):
        refused = run(*asked)
        assert refused.exit_code == 2
        assert "the log has no rows without a coupon, so no coupon's effect can be learnt" in refused.stderr
        assert "If one of the arms stands for none" in refused.stderr
        assert "cp.policy_value judges by it policies that always give one" in refused.stderr


def test_one_user_is_told_as_such(run: Run, files: Callable[..., Path], tmp_path: Path) -> None:
    """With and without held-out rows."""
    log = files(flat().assign(user_id="same"))
    for share in (0, 0.3):
        refused = run("train", log, "--holdout", share, "--out", tmp_path / "model")
        assert refused.exit_code == 2
        assert (
            "column 'user_id': the log has 1 user; folds and held-out rows are made of whole users"
            in refused.stderr
        )


def test_coupons_given_by_choice_are_told_of(run: Run, files: Callable[..., Path], tmp_path: Path) -> None:
    """Where features tell who got what and no propensity is given, --assignment features is named."""
    table = flat(2000)
    gave = np.where(table["age"] > 0, "twenty", table["arm"].where(table["arm"] != "twenty", "ten"))
    asked = ("--model", "s", "--base", "sklearn", "--force", "--out", tmp_path / "model")
    done = run("train", files(table.assign(arm=gave, cost=0.0)), *asked)
    assert done.exit_code == 0, done.stderr
    assert "of who got which coupon, 'age' alone" in done.stderr
    assert "train with --assignment features" in done.stderr
    assert 'leave that out by --schema FILE, with age = "ignore" under [columns] in it' in done.stderr
    assert any("--assignment" in text for text in load_model(tmp_path / "model").card["checks"]["warnings"])
    assert "who got which coupon" not in run("train", files(table), *asked).stderr


def test_a_log_that_says_little_of_a_model_is_told_of(
    run: Run, files: Callable[..., Path], tmp_path: Path
) -> None:
    """``evaluate`` warns of rows that were learnt from and of choices, and names only options it has."""
    table, model = flat(2000), tmp_path / "model"
    assert run("train", files(table), "--model", "s", "--base", "sklearn", "--out", model).exit_code == 0
    assert "Warning" not in run("evaluate", model).stderr
    gave = np.where(table["age"] > 0, "twenty", table["arm"].where(table["arm"] != "twenty", "ten"))
    log = files(table.assign(arm=gave, cost=0.0))
    done = run("evaluate", model, "--log", log)
    assert done.exit_code == 0, done.stderr
    assert "Warning: the model has learnt from " in done.stderr
    assert "of the 2,000 rows that it is judged by" in done.stderr
    assert "or judge with --assignment features" in done.stderr
    assert "train the model without 'age'" in done.stderr
    assert "--schema" not in done.stderr
    mended = run("evaluate", model, "--log", log, "--assignment", "features")
    assert mended.exit_code == 0, mended.stderr
    assert "who got which coupon" not in mended.stderr


def test_what_decided_is_not_looked_for_among_ignored_columns(
    run: Run, files: Callable[..., Path], tmp_path: Path
) -> None:
    """Propensities of held-out rows are not learnt from clicks that the schema leaves out."""
    table = flat(1000)
    log = files(table.assign(clicks=table["arm"].notna() * 1))
    (tmp_path / "schema.toml").write_text('[columns]\nclicks = "ignore"\n')
    asked = ("--model", "s", "--base", "sklearn", "--assignment", "features", "--out", tmp_path / "model")
    done = run("train", log, "--schema", tmp_path / "schema.toml", *asked)
    assert done.exit_code == 0, done.stderr
    assert Log.read(tmp_path / "model" / "holdout").propensity.max() < 0.6
    assert load_model(tmp_path / "model").card["log"]["propensities"] == "learnt"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            ("--set", "epochs=abc"),
            "parameter 'epochs': this must be a whole number of at least 1 (got 'abc')",
        ),
        (("--set", "mixed_precision=maybe"), "parameter 'mixed_precision': this must be true or false"),
        (("--set", "least_rows=x"), "parameter 'least_rows': this must be a whole number of at least 0"),
        (("--search-seconds", "5"), "'--search-seconds': there is no search to say this of (got 5.0)"),
        (("--search-score", "qini"), "'--search-score': there is no search to say this of (got 'qini')"),
        (("--search", "2", "--search-score", "auc"), "'--search-score': unknown (got 'auc')"),
        (
            ("--search", "2", "--search-budget", "5"),
            "this is of the value of a policy (got 5.0). Say --search-score policy_value too",
        ),
        (
            ("--search", "2", "--search-seconds", "-1"),
            "'--search-seconds': this must be a number of at least 0",
        ),
        (("--search", "-1"), "'--search': this must be a whole number of at least 1 (got -1)"),
    ],
)
def test_values_that_cannot_be_are_refused(
    run: Run, files: Callable[..., Path], tmp_path: Path, options: tuple[str, ...], words: str
) -> None:
    """As bad input, and not as what should not happen."""
    done = run("train", files(flat()), "--model", "tarnet", *options, "--out", tmp_path / "model")
    assert done.exit_code == 2
    assert words in done.stderr


def test_what_a_format_does_not_take_is_told_by_the_commands_options(
    run: Run, files: Callable[..., Path], tmp_path: Path
) -> None:
    """Those that it does take are listed as options, and only those that the command has."""
    log = files(flat())
    done = run("train", log, "--format", "in_vehicle", "--outcome", "x", "--out", tmp_path / "model")
    assert "option '--outcome': format 'in_vehicle' has no such option. Known: --cost\n" in done.stderr
