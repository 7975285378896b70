"""``couponry verify``."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from couponry.instances.plan import write_plan

Run = Callable[..., Any]


@pytest.fixture
def plan(run: Run, campaign: Path, tmp_path: Path) -> Path:
    """Return the directory of the campaign's plan."""
    assert run("solve", campaign, "--out", tmp_path / "plan").exit_code == 0
    return tmp_path / "plan"


def test_valid_plan_and_certificate(run: Run, campaign: Path, plan: Path) -> None:
    """What solve wrote keeps every rule, and its multipliers prove its bound."""
    done = run("verify", campaign, plan, "--certificate")
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("Every rule is kept: 2 coupons given, objective 5, cost 2.")


def test_valid_plan_as_json(run: Run, campaign: Path, plan: Path) -> None:
    """``--json`` prints the finding as JSON, with the certificate's check where it was asked for."""
    finding = json.loads(run("verify", campaign, plan, "--certificate", "--json").stdout)
    assert (finding["ok"], finding["value"], finding["violations"]) == (True, 5, [])
    assert finding["certificate"]["bound"] >= 5
    assert json.loads(run("verify", campaign, plan, "--json").stdout)["certificate"] is None


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_broken_plan_ends_with_one(run: Run, campaign: Path, tmp_path: Path, suffix: str) -> None:
    """A plan from elsewhere that spends 3 of 2 is told by rule, sum and excess, with exit code 1."""
    table = pa.table({"user_id": ["u1", "u2", "u3"], "coupon_id": ["A", "A", "B"]})
    write_plan(table, tmp_path / f"theirs{suffix}")
    done = run("verify", campaign, tmp_path / f"theirs{suffix}")
    assert done.exit_code == 1
    assert "budget" in done.stdout
    assert "is 3, at most 2 allowed: 1 too much" in done.stdout


def test_forged_certificate_ends_with_one(run: Run, campaign: Path, plan: Path) -> None:
    """A bound below what the multipliers prove is found out."""
    file = plan / "certificate.json"
    record = json.loads(file.read_text())
    file.write_text(json.dumps(record | {"certificate_bound": 4.0, "bound": 4.0, "bound_source": "prices"}))
    done = run("verify", campaign, plan, "--certificate")
    assert done.exit_code == 1
    assert "certificate" in done.stdout


def test_damaged_files_are_bad_input(run: Run, campaign: Path, plan: Path) -> None:
    """A truncated plan or certificate cannot be judged: exit code 2 with the file's name."""
    for name in ("certificate.json", "plan.parquet"):
        file = plan / name
        whole = file.read_bytes()
        file.write_bytes(whole[:30])
        done = run("verify", campaign, plan, "--certificate")
        assert done.exit_code == 2
        assert str(file) in done.stderr
        file.write_bytes(whole)


def test_stream_finds_the_same(run: Run, campaign: Path, plan: Path, tmp_path: Path) -> None:
    """By --stream the plan is as valid; one that spends too much ends with code 1, a CSV with code 2."""
    assert run("verify", campaign, plan, "--certificate", "--stream").stdout == (
        run("verify", campaign, plan, "--certificate").stdout
    )
    table = pa.table({"user_id": ["u1", "u2", "u3"], "coupon_id": ["A", "A", "B"]})
    write_plan(table, tmp_path / "theirs.parquet")
    done = run("verify", campaign, tmp_path / "theirs.parquet", "--stream")
    assert done.exit_code == 1
    assert "is 3, at most 2 allowed: 1 too much" in done.stdout
    write_plan(table, tmp_path / "theirs.csv")
    done = run("verify", campaign, tmp_path / "theirs.csv", "--stream")
    assert done.exit_code == 2
    assert "check a CSV without --stream" in done.stderr
