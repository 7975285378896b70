"""``couponry value``: policies judged by a log, beside baselines."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from couponry.instances.log import Log
from couponry.predictors.evaluate import policy_value, read_policy

Run = Callable[..., Any]

# Weights of 'p to everyone' are 0, 4, 0, 2: SNIPS 4/6, IPS (4·1 + 2·0) / 4.
FOUR = """user_id,arm,conversion,cost,revenue,propensity,x
a,,0,0,0,.5,1
b,p,1,3,9,.25,2
c,q,1,5,9,.25,3
d,p,0,0,0,.5,4
"""


@pytest.fixture
def four(tmp_path: Path) -> Path:
    """Return a folder with a log of four rows, its menu, and the policy that gives p to everyone."""
    (tmp_path / "log.csv").write_text(FOUR)
    (tmp_path / "coupons.csv").write_text("coupon_id\np\nq\n")
    (tmp_path / "policy.csv").write_text("coupon_id\n" + 4 * "p\n")
    return tmp_path


@pytest.fixture(scope="module")
def world(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a drawn shop's directory."""
    world = tmp_path_factory.mktemp("shop") / "world"
    assert run("generate", "--out", world, "--users", 400, "--coupons", 3, "--rows", 900).exit_code == 0
    return world


def figures(done: Any) -> pd.DataFrame:
    """Return the policies of a JSON answer."""
    assert done.exit_code == 0, done.stderr
    return pd.DataFrame(json.loads(done.stdout)["policies"])


def test_four_rows_by_hand(run: Run, four: Path) -> None:
    """As a policy is worth by hand, so it is on the command line; that it rests on little is said."""
    value = ("value", four / "log.csv", "--policy", four / "policy.csv", "--json")
    done = run(*value)
    assert "Warning: 'policy.csv' rests on 2 effective rows" in done.stderr
    found = figures(done).query("policy == 'policy.csv'").set_index("method")
    assert found["value"]["snips"] == pytest.approx(4 / 6)
    assert found["value"]["ips"] == pytest.approx(1.0)
    assert found["matched"]["snips"] == 2
    assert list(found.index) == ["ips", "snips", "dr", "switch-dr"]
    profit = figures(run(*value, "--measure", "profit", "--method", "snips"))
    assert profit["value"][0] == pytest.approx(4 * (9 - 3) / 6)
    assert set(profit["method"]) == {"snips"}


def test_several_policies_stand_above_the_baselines(run: Run, world: Path, tmp_path: Path) -> None:
    """In the order in which they are given; the figures are those that Python gives."""
    log = Log.read(world / "log")
    users = pd.DataFrame({"user_id": sorted(set(log.user_id)), "coupon_id": log.coupons.ids[0]})
    users.to_csv(tmp_path / "users.csv", index=False)
    mixed = pd.DataFrame({"none": [0.5] * log.n, log.coupons.ids[1]: [0.5] * log.n})
    mixed.to_parquet(tmp_path / "mixed.parquet")
    judged = ("value", world, "--policy", tmp_path / "users.csv", "--policy", tmp_path / "mixed.parquet")
    done = run(*judged)
    assert done.exit_code == 0, done.stderr
    text = " ".join(done.stdout.split())
    rows = ("users.csv", "mixed.parquet", "as logged", "by predicted", "random", "to everyone", "nothing")
    assert sorted(rows, key=text.index) == list(rows)
    for word in ("IPS", "SNIPS", "DR", "switch-DR", "95 % interval", "effective rows", "over nothing"):
        assert word in text
    found = figures(run(*judged, "--json")).set_index(["policy", "method"])["value"]
    for path in ("users.csv", "mixed.parquet"):
        own = policy_value(log, read_policy(tmp_path / path, log), method="dr")
        assert found[path, "dr"] == own.value


def test_a_plan_is_judged_by_the_log_of_its_users(run: Run, world: Path, tmp_path: Path) -> None:
    """Users without a row get none, and it is said how many of the plan the log tells of."""
    plan = tmp_path / "plan"
    assert run("solve", world / "truth", "--out", plan, "--gap", "1e-2", "--csv").exit_code == 0
    done = run("value", world, "--plan", plan, "--json")
    log, given = Log.read(world / "log"), pd.read_parquet(plan / "plan.parquet")
    both = set(log.user_id) & set(given["user_id"])
    assert f"gives a coupon to {len(both)} of the log's {len(set(log.user_id))} users" in done.stderr
    share = pd.Series(log.user_id).isin(set(given["user_id"])).mean()
    assert figures(done)["share"][0] == pytest.approx(share)
    assert figures(done)["policy"][0] == "plan/"
    refused = run("value", world, "--policy", plan / "plan.csv")
    assert refused.exit_code == 2
    assert "a plan may leave these out (--plan)" in refused.stderr


def test_a_plan_of_a_coupon_that_the_log_never_had_is_told(run: Run, four: Path) -> None:
    """With the file, the coupon, how many get it and what could judge it."""
    (four / "plan.csv").write_text("user_id,coupon_id\na,p\nb,r\nc,r\n")
    done = run("value", four / "log.csv", "--plan", four / "plan.csv")
    assert done.exit_code == 2
    assert f"{four / 'plan.csv'}, column 'coupon_id': the plan gives a coupon that is not in" in done.stderr
    assert "2 of 3 users get it (got 'r'). Judge it by a log that gave this coupon." in done.stderr


def test_a_log_that_was_not_drawn_by_lot_is_warned_of(run: Run, tmp_path: Path) -> None:
    """Those of large x got p: the log tells no propensity, and the warning says so on stderr alone."""
    rows = [f"u{i},{'p' if i % 10 >= 5 else ''},{i % 3 // 2},{i % 10}" for i in range(600)]
    (tmp_path / "log.csv").write_text("user_id,arm,conversion,x\n" + "\n".join(rows) + "\n")
    (tmp_path / "coupons.csv").write_text("coupon_id\np\n")
    (tmp_path / "policy.csv").write_text("coupon_id\n" + 600 * "p\n")
    done = run("value", tmp_path / "log.csv", "--policy", tmp_path / "policy.csv", "--json")
    assert "Warning: features explain" in done.stderr
    assert "judge with --assignment features" in done.stderr
    assert json.loads(done.stdout)["rows"] == 600


def test_propensities_are_learnt_where_features_chose(run: Run, tmp_path: Path) -> None:
    """Those of large x buy more and mostly got p, so that p wins far less than its buyers make believe."""
    rng = np.random.default_rng(0)
    large = rng.random(4000) < 0.5
    given = rng.random(4000) < np.where(large, 0.8, 0.2)
    bought = (rng.random(4000) < np.where(large, 0.6, 0.2)).astype(int)  # whatever they are given: 0.4
    frame = pd.DataFrame({"user_id": range(4000), "arm": np.where(given, "p", ""), "conversion": bought})
    frame.assign(x=large + 0.1 * rng.random(4000)).to_csv(tmp_path / "log.csv", index=False)
    (tmp_path / "coupons.csv").write_text("coupon_id\np\n")
    (tmp_path / "policy.csv").write_text("coupon_id\n" + 4000 * "p\n")
    judged = (
        "value",
        tmp_path / "log.csv",
        "--policy",
        tmp_path / "policy.csv",
        "--method",
        "snips",
        "--json",
    )
    assert figures(run(*judged))["value"][0] > 0.5
    learnt = run(*judged, "--assignment", "features")
    assert "features explain" not in learnt.stderr
    assert figures(learnt)["value"][0] == pytest.approx(0.4, abs=0.04)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "what to judge is not said. Give --policy FILE or --plan DIR"),
        (("--policy", "nothing.csv"), "nothing.csv: there is no such file"),
        (("--policy", "."), "a policy is a table, not a directory"),
        (("--plan", "policy.csv"), "policy.csv, column 'user_id': a column is missing"),
        (
            ("--policy", "policy.csv", "--measure", "profits"),
            "'--measure': unknown (got 'profits'). Did you mean",
        ),
        (
            ("--policy", "policy.csv", "--method", "dm"),
            "option '--method': unknown method (got 'dm'). Known: ips, snips, dr, switch-dr",
        ),
        (("--policy", "policy.csv", "--outcome", "visit"), "format 'couponry' has no such option"),
    ],
)
def test_what_cannot_be_judged_is_told(
    run: Run, four: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], words: str
) -> None:
    """With the file or the option, and nothing on stdout."""
    monkeypatch.chdir(four)
    done = run("value", "log.csv", *arguments)
    assert done.exit_code == 2
    assert words in done.stderr
    assert done.stdout == ""
