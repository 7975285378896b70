"""The benchmark of response models: how trials that nobody told it of are read, and what it writes."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from benchmarks.prediction.trials import read_trial

ROOT = Path(__file__).parents[2]


def drawn(n: int = 600, seed: int = 0) -> pd.DataFrame:
    """Return a trial of three arms as other people write it, with what came afterwards."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame({"customer_id": [f"k{i}" for i in range(n)], "age": rng.normal(40, 9, n).round(1)})
    table["town"] = rng.choice(["a", "b"], n)
    table["treatment_group"] = rng.choice(["Control", "mail", "call"], n)
    table["conversion"] = (rng.random(n) < 0.2 + 0.1 * (table["treatment_group"] != "Control")).astype(int)
    table["spend"] = table["conversion"] * rng.gamma(2, 10, n)
    table["exposure"] = (table["treatment_group"] != "Control").astype(int)
    return table


def read(table: pd.DataFrame, to: Path, **said):
    """Write a table and read it as a trial."""
    path = to / "trial.csv"
    table.to_csv(path, index=False)
    options = {"arm": None, "none": None, "outcomes": [], "spend": None, "drop": [], "keep": []} | said
    return read_trial(path, **options)


def test_columns_are_told_by_their_names(tmp_path, capsys):
    """Arms, outcome and money are found; names of people and what came afterwards are no features."""
    trial = read(drawn(), tmp_path)
    assert trial.arms == ["Control", "call", "mail"]
    assert list(trial.outcomes) == ["conversion"]
    assert trial.spend is not None
    assert trial.columns == ["age", "town_a", "town_b"]
    said = capsys.readouterr().err
    assert all(
        word in said for word in ("--arm", "--none", "--outcomes", "--spend", "exposure", "customer_id")
    )


def test_what_differs_between_arms_came_afterwards(tmp_path, capsys):
    """Whatever it is called, and be it rare; columns that are said to be features stay."""
    table = drawn(6000)
    called = table["treatment_group"] == "call"
    table["redeemed_cost"] = table["conversion"] * called * 5.0
    table["unsubscribed"] = np.random.default_rng(1).random(len(table)) < np.where(called, 0.05, 0.005)
    assert read(table, tmp_path).columns == ["age", "town_a", "town_b"]
    assert "'unsubscribed' is left out, as it differs between arms" in capsys.readouterr().err
    kept = read(table, tmp_path, keep=["unsubscribed", "exposure"])
    assert kept.columns == ["age", "exposure", "unsubscribed", "town_a", "town_b"]


def test_what_tells_the_outcome_came_after_it(tmp_path, capsys):
    """A basket's value under a name that says nothing is no feature; an arm without effect would not tell."""
    table = drawn()
    table["basket"] = table["conversion"] * np.random.default_rng(1).gamma(2, 10, len(table))
    assert read(table, tmp_path).columns == ["age", "town_a", "town_b"]
    assert "'basket' is left out, as it alone tells an outcome" in capsys.readouterr().err


@pytest.mark.parametrize("none", ["nothing", "none", "None", "NA", "0", "holdout", "No E-Mail", "ctrl", ""])
def test_who_had_none_is_told_by_the_arms_name(tmp_path, none):
    """Also where it comes last by name, where pandas would call it a gap, and where the cell is empty."""
    table = drawn()
    table["treatment_group"] = table["treatment_group"].replace(
        {"Control": none, "mail": "10off", "call": "5off"}
    )
    trial = read(table, tmp_path)
    assert trial.arms[0] == (none or "none")
    assert (trial.arm == 0).sum() == (drawn()["treatment_group"] == "Control").sum()


def test_which_arm_is_none_is_asked_where_names_do_not_tell(tmp_path):
    """A wrong guess would turn every effect about."""
    table = drawn()
    table["treatment_group"] = table["treatment_group"].replace({"Control": "A", "mail": "B", "call": "C"})
    with pytest.raises(SystemExit, match=r"--none.*'A'"):
        read(table, tmp_path)
    assert read(table, tmp_path, none="B").arms == ["B", "A", "C"]
    gaps = drawn()
    gaps.loc[::50, "treatment_group"] = None
    with pytest.raises(SystemExit, match=r"--none.*'empty'.*'Control'"):
        read(gaps, tmp_path)


@pytest.mark.parametrize(
    ("no", "yes"), [(0, 1), (1, 2), ("no", "yes"), (False, True), ("N", "Y"), (0.0, 1.0)]
)
def test_an_outcome_of_two_values_is_nought_and_one(tmp_path, no, yes):
    """However it is written."""
    table = drawn()
    expected = table["conversion"].to_numpy()
    table["conversion"] = np.where(expected == 1, str(yes), str(no))
    assert np.array_equal(read(table, tmp_path).outcomes["conversion"], expected)


def test_what_cannot_be_an_outcome_is_refused(tmp_path):
    """One value on all rows, or text of many values."""
    table = drawn()
    with pytest.raises(SystemExit, match="on all rows"):
        read(table.assign(conversion=1), tmp_path, outcomes=["conversion"])
    with pytest.raises(SystemExit, match="one of two values"):
        read(table, tmp_path, outcomes=["customer_id"])
    with pytest.raises(SystemExit, match="no column 'bought'"):
        read(table, tmp_path, outcomes=["bought"])
    with pytest.raises(SystemExit, match="cannot be read"):
        read_trial(tmp_path / "absent.csv", None, None, [], None, [], [])


def run(*arguments: str) -> subprocess.CompletedProcess:
    """Run the benchmark with a quick model."""
    command = [sys.executable, str(ROOT / "benchmarks" / "predictors.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)


def test_records_have_the_fields_and_metrics_that_are_promised(tmp_path):
    """For two arms and for all, random beside every model; a gap of money is no NaN in the file."""
    table = drawn(1500)
    table.loc[::7, "spend"] = np.nan
    table.to_csv(tmp_path / "t.csv", index=False)
    out = tmp_path / "out.json"
    quick = ["--models", "s:sklearn", "--peers", "none"]
    ran = run("--data", str(tmp_path / "t.csv"), "--seeds", "3", "4", "--json", str(out), *quick)
    assert ran.returncode == 0, ran.stderr
    records = json.loads(out.read_text(), parse_constant=pytest.fail)
    fields = {"package", "model", "arms", "outcome", "seed", "metric", "value", "seconds"}
    assert all(set(record) == fields for record in records)
    assert {r["seed"] for r in records} == {3, 4}
    metrics = {arms: {r["metric"] for r in records if r["arms"] == arms} for arms in (2, 3)}
    assert metrics[3] == {"v30", "vfree", "spend30"}
    assert metrics[2] == metrics[3] | {"qini", "auuc", "uplift@30"}
    assert {"s:sklearn", "random", "mail to some"} <= {r["model"] for r in records}
    again = run(
        "--data", str(tmp_path / "t.csv"), "--seeds", "3", "--with", str(out), "--json", str(out), *quick
    )
    assert again.returncode == 0, again.stderr
    assert len(json.loads(out.read_text())) == len(records)


def test_a_model_of_ours_that_fails_is_an_error(tmp_path):
    """Its records are missing, the others are written, and the exit status says so; absent peers are told."""
    table = drawn()
    table.loc[5:9, "treatment_group"] = "gift"
    table.to_csv(tmp_path / "t.csv", index=False)
    out = tmp_path / "out.json"
    quick = ["--models", "s:sklearn", "--peers", "bogus"]
    ran = run("--data", str(tmp_path / "t.csv"), "--seeds", "0", "--json", str(out), *quick)
    assert ran.returncode == 1
    assert "no peer here has 'bogus'" in ran.stderr
    assert "1 of 2 runs" in ran.stderr
    assert "s:sklearn" in {r["model"] for r in json.loads(out.read_text()) if r["arms"] == 2}


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--seeds", "0"], "--data"),
        (["--worlds", "--kinds", "nonsense"], "nonsense"),
        (["--data", "x.csv", "--json", "absent/x.json"], "absent"),
        (["--data", "absent.csv"], "absent.csv"),
    ],
)
def test_what_cannot_be_run_is_said_before_anything_runs(arguments, word):
    """In one line, without a traceback."""
    ran = run(*arguments)
    assert ran.returncode != 0
    assert word in ran.stderr
    assert "Traceback" not in ran.stderr
