"""Plans on disk."""

import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from couponry.instances import InputError, read_plan, write_plan

PLAN = pa.table(
    {
        "user_id": ["007", "NA"],
        "coupon_id": ["1", "sms"],
        "value": [0.1, 0.30000000000000004],
        "cost": [2.0, 1e-9],
    }
)


def refusal(path: Path) -> str:
    """Return what is said when this plan is refused."""
    with pytest.raises(InputError) as caught:
        read_plan(path)
    return str(caught.value)


@pytest.mark.parametrize("name", ["plan.parquet", "plan.csv", "deep/er/plan.parquet"])
def test_round_trip(tmp_path: Path, name: str) -> None:
    """Ids stay text and numbers keep every digit, in CSV as in Parquet."""
    write_plan(PLAN, tmp_path / name)
    assert read_plan(tmp_path / name).equals(PLAN)


def test_directory_holds_its_plan(tmp_path: Path) -> None:
    """What ``solve`` wrote is given as a whole."""
    write_plan(PLAN, tmp_path / "out" / "plan.parquet")
    assert read_plan(tmp_path / "out").equals(PLAN)


def test_no_plan(tmp_path: Path) -> None:
    """A path without a plan is named."""
    assert refusal(tmp_path / "plan.csv") == (
        f"{tmp_path / 'plan.csv'}: there is no such plan. Give a plan written by 'couponry solve'"
    )
    assert refusal(tmp_path).startswith(f"{tmp_path / 'plan.parquet'}: there is no such plan")


def test_missing_column(tmp_path: Path) -> None:
    """A plan has users and coupons."""
    write_plan(PLAN.drop_columns(["coupon_id"]), tmp_path / "plan.csv")
    assert refusal(tmp_path / "plan.csv") == (
        f"{tmp_path / 'plan.csv'}, column 'coupon_id': a column is missing. "
        "Add it; columns found: user_id, value, cost"
    )


def test_damaged_plan(tmp_path: Path) -> None:
    """A plan that was cut short is told as such."""
    write_plan(PLAN, tmp_path / "plan.parquet")
    whole = (tmp_path / "plan.parquet").read_bytes()
    (tmp_path / "plan.parquet").write_bytes(whole[: len(whole) // 2])
    message = refusal(tmp_path / "plan.parquet")
    assert message.startswith(f"{tmp_path / 'plan.parquet'}: the Parquet file is damaged or was cut short")
    assert message.endswith("Write or copy it again")


@pytest.mark.parametrize("name", ["plan.parquet", "plan.csv"])
def test_full_disk_leaves_the_former_plan_whole(tmp_path: Path, name: str) -> None:
    """A plan that does not fit is told, and the one before it is there to the last byte."""
    write_plan(PLAN, tmp_path / name)
    before = (tmp_path / name).read_bytes()
    program = """
import resource, sys
import numpy as np, pyarrow as pa
from couponry.instances import InputError, write_plan

resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
n = 100_000
random = np.random.default_rng(0).random(n)
plan = pa.table({"user_id": np.arange(n), "coupon_id": ["A"] * n, "value": random, "cost": random})
try:
    write_plan(plan, sys.argv[1])
except InputError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / name)], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith(f"{tmp_path / name}: cannot be written: [Errno 27]")
    assert done.stdout.endswith("Free space or choose another place; what stood here before is untouched\n")
    assert (tmp_path / name).read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == [name]
