"""From a world to a report: ``generate``, ``train``, ``predict``, ``solve``, ``report`` in turn."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from couponry.instances.files import read_instance
from couponry.instances.log import Log
from couponry.instances.world import World
from couponry.predictors.model import load_model

Run = Callable[..., Any]
USERS, COUPONS = 1500, 3


@pytest.fixture(scope="module")
def shop(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with world/, model/, campaign/ (the held-out users) and plan/, made by the commands."""
    folder = tmp_path_factory.mktemp("shop")
    world, model, campaign = folder / "world", folder / "model", folder / "campaign"
    rules = folder / "rules.toml"
    rules.write_text(
        '[campaign]\nname = "autumn"\ncurrency = "CNY"\n[[budget]]\namount = 60\n'
        '[[coverage]]\nsegment = "region"\nat_least = 0.05\n'
    )
    for arguments in (
        ("generate", "--out", world, "--users", USERS, "--coupons", COUPONS, "--seed", 1, "--rows", 3000),
        ("train", world, "--model", "s", "--holdout", 0.4, "--out", model),
        ("predict", model, "--holdout", "--rules", rules, "--out", campaign),
        ("solve", campaign, "--out", folder / "plan", "--gap", "1e-3"),
    ):
        done = run(*arguments)
        assert done.exit_code == 0, done.output
    return folder


def test_generate_writes_what_train_and_predict_read(shop: Path) -> None:
    """The world's directory holds a log of the asked length, users, menu, and an instance with the truth."""
    assert Log.read(shop / "world" / "log").n == 3000
    assert pq.read_table(shop / "world" / "users.parquet").num_rows == USERS
    truth = read_instance(shop / "world" / "truth")
    assert (len(truth.users), len(truth.coupons)) == (USERS, COUPONS)
    drawn = World.draw(USERS, COUPONS, 1).true_response().measure("value")
    assert np.array_equal(truth.response.measure("value"), drawn)


def test_train_prints_what_held_out_rows_say(run: Run, shop: Path, tmp_path: Path) -> None:
    """Coupons and policies stand beside baselines; ``--json`` gives the card's figures alone."""
    arguments = ("train", shop / "world", "--model", "t", "--base", "sklearn", "--out")
    done = run(*arguments, tmp_path / "model")
    assert done.exit_code == 0, done.stderr
    baselines = ("rank by response", "random: Qini", "best single coupon", "random 30%", "nothing")
    for word in ("Qini", "AUUC", *baselines, *load_model(tmp_path / "model").coupons.ids):
        assert word in " ".join(done.stdout.split())
    metrics = json.loads(run(*arguments, tmp_path / "again", "--json").stdout)
    assert metrics == load_model(tmp_path / "again").card["metrics"]
    assert len(metrics["coupons"]) == COUPONS


def test_evaluate_prints_every_table_with_its_baselines(run: Run, shop: Path) -> None:
    """The plan stands first among the policies, and ``--json`` gives the same figures alone."""
    arguments = ("evaluate", shop / "model", "--plan", shop / "plan", "--budget", 60)
    done = run(*arguments)
    assert done.exit_code == 0, done.stderr
    for word in ("(causalml)", "F1", "multi-arm AUCC", "this plan", "budget of 60", "roi", "realised"):
        assert word in done.stdout
    figures = json.loads(run(*arguments, "--json").stdout)
    shares = {row["policy"]: row["share"] for row in figures["policies"]}
    assert next(iter(shares)) == "this plan"
    same = next(share for policy, share in shares.items() if policy.startswith("top "))
    assert same == pytest.approx(shares["this plan"], abs=0.01)  # held against as many coupons
    assert figures["chosen"][0]["by"] == "all"
    assert figures["chosen"][0]["pairs"] >= figures["chosen"][0]["given"] > 0
    for table, column in (("ranking", "rank_by"), ("classification", "predicted_by"), ("areas", "policy")):
        names = {row[column] for row in figures[table]}
        assert {"random", "rank by response", "best single coupon"} <= names


def test_evaluate_reads_another_log(run: Run, shop: Path) -> None:
    """A model can be judged by a log of its own choosing, here the whole world's."""
    done = run("evaluate", shop / "model", "--log", shop / "world", "--json")
    assert json.loads(done.stdout)["rows"] == 3000


def test_train_searches_for_settings(run: Run, shop: Path, tmp_path: Path) -> None:
    """The trials stand on the model's card, the defaults first; a search keeps no checkpoints."""
    pytest.importorskip("optuna")
    search = ("train", shop / "world", "--model", "dr", "--base", "sklearn", "--search", 2)
    judged = ("--search-score", "policy_value", "--search-share", 0.2)
    done = run(*search, "--search-method", "random", *judged, "--out", tmp_path / "model")
    assert done.exit_code == 0, done.stderr
    found = load_model(tmp_path / "model").card["search"]
    assert (found["method"], len(found["trials"])) == ("random", 2)
    assert found["trials"][0]["options"] == {}
    assert (found["score"], found["share"]) == ("policy_value", 0.2)
    done = run(*search, "--set", f"checkpoint={tmp_path / 'going'}", "--out", tmp_path / "other")
    assert done.exit_code == 2
    assert "a search keeps no checkpoints" in done.stderr


def test_held_out_users_are_planned_for(shop: Path) -> None:
    """The campaign's users are those whom training has not seen, each once, with the log's segments."""
    held = Log.read(shop / "model" / "holdout")
    instance = read_instance(shop / "campaign")
    assert sorted(instance.users.ids.to_pylist()) == sorted(set(held.user_id))
    seen = set(Log.read(shop / "world" / "log").user_id)
    assert len(instance.users) == pytest.approx(0.4 * len(seen), abs=1)
    assert set(instance.users.segment_names) == set(held.segments)
    assert instance.campaign.name == "autumn"


def test_predict_for_a_table_of_users(run: Run, shop: Path, tmp_path: Path) -> None:
    """Users of a file get the model's response, with a menu and segments of this campaign's own."""
    menu = pd.read_csv(shop / "world" / "coupons.csv").iloc[:2].assign(stock=7)
    menu.to_csv(tmp_path / "menu.csv", index=False)
    users = pq.read_table(shop / "world" / "users.parquet").slice(0, 40)
    pq.write_table(users, tmp_path / "users.parquet")
    out = tmp_path / "campaign"
    done = run(
        "predict",
        shop / "model",
        tmp_path / "users.parquet",
        *("--coupons", tmp_path / "menu.csv", "--segments", "region, tier", "--out", out),
    )
    assert done.exit_code == 0, done.stderr
    instance = read_instance(out)
    assert instance.coupons.stock.tolist() == [7, 7]
    assert instance.users.segment_names == ("region", "tier")
    expected = load_model(shop / "model").predict_response(users.to_pandas(), instance.coupons)
    assert np.array_equal(instance.response.measure("cost"), expected.measure("cost"))


def test_report_judges_the_plan_by_held_out_rows(run: Run, shop: Path, tmp_path: Path) -> None:
    """With the model the plan stands beside simpler policies, on the page and in the terminal."""
    done = run(
        "report",
        shop / "campaign",
        shop / "plan",
        "--model",
        shop / "model",
        "--points",
        3,
        "--out",
        tmp_path,
    )
    assert done.exit_code == 0, done.stderr
    assert "this plan" in done.stdout
    assert "by predicted uplift" in done.stdout
    page = (tmp_path / "report.html").read_text()
    assert "autumn" in page.lower()
    assert "by predicted uplift" in page
    assert {p.name for p in tmp_path.iterdir()} == {"report.html", "summary.xlsx", "plan.parquet", "plan.csv"}
    assert run("report", shop / "campaign", shop / "plan", "--out", tmp_path).exit_code == 2


def test_report_beside_the_plan(run: Run, shop: Path) -> None:
    """A report may be written into the plan's own directory, which stays a plan."""
    done = run("report", shop / "campaign", shop / "plan", "--points", 0, "--out", shop / "plan")
    assert done.exit_code == 0, done.stderr
    assert run("verify", shop / "campaign", shop / "plan", "--certificate").exit_code == 0


def test_report_repeats_what_training_doubted(run: Run, shop: Path, tmp_path: Path) -> None:
    """A plan is no better than the log that its model learnt from: in the terminal and on the page."""
    log = Log.read(shop / "world" / "log")
    joined = [f"{1 + i % 28:02}/05/2024" for i in range(log.n)]
    replace(log, features=log.features.assign(joined=joined)).write(tmp_path / "log")
    for arguments in (
        ("train", tmp_path / "log", "--model", "s", "--holdout", 0.4, "--out", tmp_path / "model"),
        ("predict", tmp_path / "model", "--holdout", "--out", tmp_path / "campaign"),
        ("solve", tmp_path / "campaign", "--out", tmp_path / "plan", "--gap", "1e-3"),
    ):
        assert run(*arguments).exit_code == 0
    out = tmp_path / "report"
    done = run(
        *("report", tmp_path / "campaign", tmp_path / "plan", "--points", 0),
        *("--model", tmp_path / "model", "--out", out),
    )
    assert done.exit_code == 0, done.stderr
    assert "Warning: column 'joined' is taken for a category" in " ".join(done.output.split())
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "Column &#39;joined&#39; is taken for a category" in page


def test_plan_for_other_users_cannot_be_judged(run: Run, shop: Path, tmp_path: Path) -> None:
    """Held-out users say nothing about a plan that names none of them, and nothing is written."""
    users = pd.read_parquet(shop / "world" / "users.parquet").head(50)
    users["user_id"] = [f"new{i}" for i in range(50)]
    users.to_parquet(tmp_path / "new.parquet")
    for arguments in (
        ("predict", shop / "model", tmp_path / "new.parquet", "--out", tmp_path / "new"),
        ("solve", tmp_path / "new", "--out", tmp_path / "plan"),
    ):
        assert run(*arguments).exit_code == 0
    done = run(
        "report", tmp_path / "new", tmp_path / "plan", "--model", shop / "model", "--out", tmp_path / "report"
    )
    assert done.exit_code == 2
    assert "the plan gives no user of the log anything" in done.stderr
    assert not (tmp_path / "report").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "whom to plan for is not said. Give either a table of users or --holdout"),
        (("world/users.parquet", "--holdout"), "whom to plan for is said twice"),
        (("world/nobody.parquet",), "there is no such file"),
        (("world/coupons.csv",), "column 'user_id': a column is missing"),
        (("--holdout", "--rules", "world/none.toml"), "there is no such file"),
        (("--holdout", "--segments", "regoin"), "did you mean 'region'"),
    ],
)
def test_bad_prediction_is_told(
    run: Run, shop: Path, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    """What cannot be predicted is said with the file or option, and nothing is written."""
    placed = [shop / a if a.startswith("world/") else a for a in arguments]
    done = run("predict", shop / "model", *placed, "--out", tmp_path / "campaign")
    assert done.exit_code == 2
    assert message.lower() in done.stderr.lower()
    assert not (tmp_path / "campaign").exists()


def test_rules_that_do_not_fit_are_told_with_their_file(run: Run, shop: Path, tmp_path: Path) -> None:
    """A rule that names a segment value that no user has is refused with the rules file's name."""
    rules = tmp_path / "rules.toml"
    rules.write_text('[[budget]]\namount = 5\nusers = { region = "nroth" }\n')
    done = run("predict", shop / "model", "--holdout", "--rules", rules, "--out", tmp_path / "campaign")
    assert done.exit_code == 2
    assert str(rules) in done.stderr
    assert "'nroth'" in done.stderr
    assert not (tmp_path / "campaign").exists()


def test_a_column_that_is_no_segment_yet_is_told_how_to_become_one(
    run: Run, shop: Path, tmp_path: Path
) -> None:
    """A flat log names no segments, and its rules may still speak of any of its columns."""
    rules = tmp_path / "rules.toml"
    rules.write_text('[[coverage]]\nsegment = "town"\nat_least = 0.1\n')
    done = run("predict", shop / "model", "--holdout", "--rules", rules, "--out", tmp_path / "campaign")
    assert done.exit_code == 2
    told = " ".join(done.stderr.split())
    assert "A column of the users becomes a segment by --segments A,B" in told


def test_model_that_is_damaged_is_told(run: Run, tmp_path: Path) -> None:
    """A directory that is no model is bad input."""
    (tmp_path / "model").mkdir()
    done = run("predict", tmp_path / "model", tmp_path / "users.csv", "--out", tmp_path / "campaign")
    assert done.exit_code == 2


FLAT = "user_id,arm,conversion,cost,propensity,age\n" + "".join(
    f"u{i},{'A' if i % 2 else ''},{int(i % 3 == 0)},{i % 2},0.5,{i % 7}\n" for i in range(400)
)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("conversion", "bought", ["log.csv", "'conversion'"]),
        ("u3,A,1,1,0.5", "u3,A,1,1,0", ["log.csv", "'propensity'", "(got 0.0)", "(0, 1]"]),
        ("u3,A,1,1,0.5", "u3,A,1,1,1.5", ["log.csv", "'propensity'", "(got 1.5)"]),
        ("u3,A,1,1,0.5", "u3,A,1.5,1,0.5", ["log.csv", "'conversion'", "(got 1.5)", "[0, 1]"]),
        ("u3,A,1,1,0.5", "u3,A,1,nan,0.5", ["log.csv", "'cost'"]),
        ("u3,A,1,1,0.5", "u3,Z,1,1,0.5", ["log.csv", "'arm'", "(got 'Z')"]),
        (FLAT, "", ["log.csv", "empty"]),
    ],
)
def test_bad_log_is_told(run: Run, tmp_path: Path, old: str, new: str, words: list[str]) -> None:
    """A log that cannot be learnt from is refused with file, column and value; a former model stays."""
    (tmp_path / "coupons.csv").write_text("coupon_id\nA\n")
    (tmp_path / "log.csv").write_text(FLAT.replace(old, new))
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "former").write_text("mine")
    done = run("train", tmp_path / "log.csv", "--model", "s", "--out", tmp_path / "model", "--force")
    assert done.exit_code == 2, done.output
    for word in words:
        assert word in done.stderr
    assert [p.name for p in (tmp_path / "model").iterdir()] == ["former"]


def test_arm_never_seen_is_told(run: Run, tmp_path: Path) -> None:
    """A coupon of the menu that the log never gave cannot be learnt: it is named, with what to do."""
    (tmp_path / "coupons.csv").write_text("coupon_id\nA\nB\n")
    (tmp_path / "log.csv").write_text(FLAT)
    done = run("train", tmp_path / "log.csv", "--model", "s", "--out", tmp_path / "model")
    assert done.exit_code == 2
    assert "the log never gave coupon 'B', so its effect cannot be learnt (got 'B')" in done.stderr
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--format", "hilstrom"), "unknown format (got 'hilstrom'). Did you mean 'hillstrom'?"),
        (("--cost", "A=much"), "(got 'A=much'). Write for instance --cost mens=0.1"),
        (("--cost", "A=-1"), "(got 'A=-1')"),
        (("--cost", "A=1"), "format 'couponry' has no such option"),
        (("--outcome", "visit"), "format 'couponry' has no such option"),
        (("--model", "forest"), "no such model (got 'forest')"),
        (("--holdout", "1.5"), "option '--holdout': this must lie strictly between 0 and 1 (got 1.5)"),
    ],
)
def test_bad_training_option_is_told(
    run: Run, shop: Path, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    """An option that cannot be is refused with its value, and nothing is written."""
    done = run("train", shop / "world", *arguments, "--out", tmp_path / "model")
    assert done.exit_code == 2
    assert message in done.stderr
    assert not (tmp_path / "model").exists()


def test_outputs_are_checked_before_long_work(run: Run, tmp_path: Path) -> None:
    """Every command that writes refuses a place that holds something before it reads anything."""
    (tmp_path / "held").mkdir()
    (tmp_path / "held" / "report.html").write_text("mine")
    nowhere = tmp_path / "nowhere"
    for arguments in (
        ("demo",),
        ("generate",),
        ("train", nowhere),
        ("predict", nowhere, "--holdout"),
        ("solve", nowhere),
        ("report", nowhere, nowhere),
    ):
        done = run(*arguments, "--out", tmp_path / "held")
        assert done.exit_code == 2
        assert "the output exists already" in done.stderr
        assert (tmp_path / "held" / "report.html").read_text() == "mine"


def test_a_schema_is_followed_and_doubts_are_printed(run: Run, shop: Path, tmp_path: Path) -> None:
    """What the file says stands on the card; a constant column is warned of on stderr, also under --json."""
    log = Log.read(shop / "world" / "log")
    frame = log.features.assign(user_id=log.user_id, arm=log._arm_names(), conversion=log.conversion)
    frame["land"] = "here"
    names = [name for name in frame if not frame[name].map(lambda cell: isinstance(cell, np.ndarray)).any()]
    frame[names].to_csv(tmp_path / "log.csv", index=False)
    first = log.features.select_dtypes("number").columns[0]
    (tmp_path / "schema.toml").write_text(f'[columns]\n{first} = {{ missing = "mean", clip = [0, 0.9] }}\n')
    arguments = ("train", tmp_path / "log.csv", "--menu", shop / "world" / "coupons.csv", "--model", "t")
    arguments += ("--base", "sklearn", "--schema", tmp_path / "schema.toml", "--json")
    arguments += ("--out", tmp_path / "m")
    done = run(*arguments)
    assert done.exit_code == 0, done.stderr
    assert "Warning: nothing can be learnt from what is the same on all rows" in done.stderr
    json.loads(done.stdout)
    schema = {column["name"]: column for column in load_model(tmp_path / "m").card["schema"]}
    assert (schema[first]["missing"], schema[first]["clip"]) == ("mean", [0.0, 0.9])
    (tmp_path / "schema.toml").write_text('[columns]\nagee = "number"\n')
    refused = run(*arguments, "--force")
    assert refused.exit_code == 2
    assert "column 'agee': no such feature" in refused.stderr


def test_predict_block_by_block_writes_the_same_numbers(run: Run, shop: Path, tmp_path: Path) -> None:
    """In shards of the asked size, ready for the streamed solver; held-out users are read whole."""
    users = shop / "world" / "users.parquet"
    arguments = ("predict", shop / "model", users, "--rules", shop / "rules.toml", "--out")
    for name, more in (("whole", ()), ("blocks", ("--stream", "--shard-rows", 600))):
        done = run(*arguments, tmp_path / name, *more)
        assert done.exit_code == 0, done.stderr
    assert f"couponry solve {tmp_path / 'blocks'} --out plan --stream" in done.stderr
    assert len(list((tmp_path / "blocks" / "users").iterdir())) == 3
    whole, blocks = (read_instance(tmp_path / name) for name in ("whole", "blocks"))
    for measure, array in whole.response.measures.items():
        assert np.array_equal(array, blocks.response.measure(measure))
    refused = run("predict", shop / "model", "--holdout", "--stream", "--out", tmp_path / "held")
    assert refused.exit_code == 2
    assert "held-out users are read whole" in refused.stderr
    unsure = run(*arguments, tmp_path / "shrunk", "--shrink")
    assert unsure.exit_code == 2
    assert "the model's values have no errors to shrink by" in unsure.stderr


def test_cells_are_told_with_their_line(run: Run, tmp_path: Path) -> None:
    """Text among numbers is warned of in training and, once the column is a number, refused in predicting."""
    (tmp_path / "coupons.csv").write_text("coupon_id\nA\n")
    written = [line.split(",") for line in FLAT.splitlines()]
    for number in range(7, 400, 10):
        written[number][-1] = "N/A"
    (tmp_path / "log.csv").write_text("\n".join(",".join(line) for line in written))
    (tmp_path / "schema.toml").write_text('[columns]\nage = "number"\n')
    train = ("train", tmp_path / "log.csv", "--model", "t", "--base", "sklearn", "--out", tmp_path / "model")
    doubtful = run(*train, "--holdout", "0")
    assert doubtful.exit_code == 0, doubtful.stderr
    assert "40 of 400 cannot be read so, the first 'N/A' in row 6 (line 8)" in " ".join(
        doubtful.stderr.split()
    )
    assert '--schema FILE, with age = "number" under [columns]' in " ".join(doubtful.stderr.split())
    assert run(*train, "--force", "--schema", tmp_path / "schema.toml").exit_code == 0
    users = tmp_path / "users.csv"
    for content, words in (
        (
            "user_id,age\na,3\nb,?\nc,old\n",
            "users.csv, row 2 (line 4), column 'age': not a number",
        ),
        ("user_id,years\na,3\n", "users.csv, column 'age': the users lack the column 'age'"),
    ):
        users.write_text(content)
        for more in ((), ("--stream",)):
            refused = run("predict", tmp_path / "model", users, "--out", tmp_path / "campaign", *more)
            assert refused.exit_code == 2
            assert words in " ".join(refused.stderr.split())
