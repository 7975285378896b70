"""Bad input at the command line: a clear error, exit code 2, and nothing lost."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from couponry.instances.plan import read_plan

Run = Callable[..., Any]

FILES = {
    "instance.toml": '[campaign]\nname = "spring"\n\n[[budget]]\namount = 2\n',
    "coupons.csv": "coupon_id,kind,stock\nA,gift,5\nB,fixed_off,\n",
    "users.csv": "user_id,region\nu1,north\nu2,south\n",
    "responses.csv": "user_id,coupon_id,value,cost\nu1,A,3,1\nu1,B,2.5,1\nu2,A,2,1\nu2,B,0.5,1\n",
}


@pytest.fixture
def campaign(tmp_path: Path) -> Path:
    """Return an instance as people write it by hand."""
    folder = tmp_path / "campaign"
    folder.mkdir()
    for name, text in FILES.items():
        (folder / name).write_text(text)
    return folder


def snapshot(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder with its bytes."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def shard(folder: Path, name: str, **columns: object) -> None:
    """Write one shard of users with two places a user."""
    table = pa.table({"user_id": ["u1", "u2"], "region": ["north", "south"]} | columns)
    (folder / "users").mkdir(exist_ok=True)
    pq.write_table(table, folder / "users" / name)


VALUE = pa.array([[3.0, 2.5], [2.0, 0.5]], pa.list_(pa.float32(), 2))
COST = pa.array([[1.0, 1.0], [1.0, 1.0]], pa.list_(pa.float32(), 2))


def shards_that_disagree(folder: Path) -> None:
    """Give a second shard that lacks a column."""
    (folder / "responses.csv").unlink()
    shard(folder, "part-0.parquet", value=VALUE, cost=COST)
    shard(folder, "part-1.parquet", value=VALUE)


def truncated(folder: Path) -> None:
    """Cut a shard in the middle."""
    (folder / "responses.csv").unlink()
    shard(folder, "part-0.parquet", value=VALUE, cost=COST)
    whole = (folder / "users" / "part-0.parquet").read_bytes()
    (folder / "users" / "part-0.parquet").write_bytes(whole[: len(whole) // 2])


def replaced(name: str, old: str, new: str) -> Callable[[Path], None]:
    """Return a change of one file's text."""

    def change(folder: Path) -> None:
        text = (folder / name).read_text()
        assert old in text
        (folder / name).write_text(text.replace(old, new))

    return change


BAD = {
    "missing column": (
        replaced("responses.csv", "cost", "price"),
        "responses.csv",
        "'cost'",
        "a column is missing",
    ),
    "unknown rule key": (
        replaced("instance.toml", "amount", "amuont"),
        "instance.toml",
        "'amuont'",
        "'amount'",
    ),
    "unknown rule": (replaced("instance.toml", "budget", "bugdet"), "instance.toml", "'bugdet'", "'budget'"),
    "unknown segment value": (
        replaced("instance.toml", "amount = 2", 'amount = 2\nusers = { region = "nroth" }'),
        "instance.toml",
        "'nroth'",
        "'north'",
    ),
    "duplicate user": (replaced("users.csv", "u2,south", "u1,south"), "users.csv", "'u1'", "twice"),
    "duplicate coupon": (replaced("coupons.csv", "B,", "A,"), "coupons.csv", "'A'", "twice"),
    "NaN cost": (replaced("responses.csv", "u2,A,2,1", "u2,A,2,nan"), "responses.csv", "'cost'", "nan"),
    "infinite cost": (replaced("responses.csv", "u2,A,2,1", "u2,A,2,inf"), "responses.csv", "'cost'", "inf"),
    "negative budget": (replaced("instance.toml", "= 2", "= -2"), "instance.toml", "'amount'", "-2"),
    "negative stock": (replaced("coupons.csv", "gift,5", "gift,-5"), "coupons.csv", "'stock'", "-5"),
    "share above 1": (
        replaced("instance.toml", "[[budget]]", '[keep]\nplan = "plan.csv"\nshare = 1.5\n[[budget]]'),
        "instance.toml",
        "'share'",
        "1.5",
    ),
    "coupon not in the menu": (replaced("responses.csv", "u2,B", "u2,C"), "responses.csv", "'C'", "menu"),
    "empty file": (lambda folder: (folder / "responses.csv").write_text(""), "responses.csv", "empty", ""),
    "shards that disagree": (shards_that_disagree, "part-1.parquet", "cost", ""),
    "truncated parquet": (truncated, "part-0.parquet", "cut short", ""),
    "not TOML": (replaced("instance.toml", "amount = 2", "amount 2"), "instance.toml", "not TOML", "line 5"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_instance_is_told_and_the_former_plan_stays(
    run: Run, campaign: Path, tmp_path: Path, name: str
) -> None:
    """The error names file, place and value; exit code 2; the plan that stood there is untouched."""
    assert run("solve", campaign, "--out", tmp_path / "plan").exit_code == 0
    before = snapshot(tmp_path / "plan")
    damage, *words = BAD[name]
    damage(campaign)
    done = run("solve", campaign, "--out", tmp_path / "plan", "--force")
    assert done.exit_code == 2
    assert done.stdout == ""
    assert done.stderr.startswith("Error: ")
    for word in words:
        assert word in done.stderr
    assert snapshot(tmp_path / "plan") == before


@pytest.mark.parametrize("command", ["solve", "frontier", "verify", "explain", "compare"])
def test_bad_instance_is_told_by_every_command(
    run: Run, campaign: Path, tmp_path: Path, command: str
) -> None:
    """Whatever is asked of it, a bad instance is the same error."""
    assert run("solve", campaign, "--out", tmp_path / "plan").exit_code == 0
    replaced("instance.toml", "= 2", "= -2")(campaign)
    arguments = {
        "solve": ("--out", tmp_path / "new"),
        "frontier": ("--out", tmp_path / "new.csv"),
        "verify": (tmp_path / "plan",),
        "explain": (tmp_path / "plan", "u1"),
        "compare": ("--edit", "without A", "--out", tmp_path / "new.csv"),
    }
    done = run(command, campaign, *arguments[command])
    assert done.exit_code == 2
    assert "'amount'" in done.stderr
    assert not (tmp_path / "new").exists()
    assert not (tmp_path / "new.csv").exists()


def test_errors_of_a_real_process(run_process: Callable[..., Any], campaign: Path, tmp_path: Path) -> None:
    """As a process of its own: exit code 2, one paragraph on stderr, nothing on stdout, no traceback."""
    replaced("coupons.csv", "gift,5", "gift,-5")(campaign)
    done = run_process("solve", campaign, "--out", tmp_path / "plan")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"Error: {campaign / 'coupons.csv'}, ")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "plan").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="limits of file size are POSIX")
def test_disk_that_fills_up_leaves_the_former_plan(run: Run, campaign: Path, tmp_path: Path) -> None:
    """Where the system refuses to write on, the former plan stays whole and nothing half-written is left."""
    assert run("solve", campaign, "--out", tmp_path / "plan").exit_code == 0
    before = snapshot(tmp_path)
    limited = f'ulimit -f 1; exec "{sys.executable}" -m couponry.cli "$@"'
    command = [
        "bash",
        "-c",
        limited,
        "bash",
        "solve",
        str(campaign),
        "--out",
        str(tmp_path / "plan"),
        "--force",
    ]
    done = subprocess.run(command, env=dict(os.environ), capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert "cannot be written" in done.stderr
    assert "what stood here before is untouched" in done.stderr
    assert snapshot(tmp_path) == before
    assert read_plan(tmp_path / "plan").num_rows == 2


def test_unwritable_place_is_told(run: Run, campaign: Path, tmp_path: Path) -> None:
    """An output below a file cannot be: told with its path, exit code 2."""
    (tmp_path / "file").write_text("mine")
    done = run("solve", campaign, "--out", tmp_path / "file" / "plan")
    assert done.exit_code == 2
    assert str(tmp_path / "file" / "plan") in done.stderr
    assert (tmp_path / "file").read_text() == "mine"
