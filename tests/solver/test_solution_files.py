"""A solution on disk comes back as it was, and damage is told."""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from couponry.instances.coupons import Coupons
from couponry.instances.errors import ExistsError, InfeasibleError, InputError, NoSolutionError
from couponry.instances.instance import Instance
from couponry.instances.response import Response
from couponry.instances.rules import Budget, Campaign, Coverage
from couponry.instances.users import Users
from couponry.solver.solution import Solution, Status, StoppedBy
from couponry.solver.solution_files import (
    check_same_rows,
    read_certificate,
    read_solution,
    write_solution,
)
from couponry.solver.solve import solve

INSTANCE = Instance(
    Coupons(pd.DataFrame({"coupon_id": ["A", "B"], "stock": [1, None]})),
    Users(pa.table({"user_id": ["u1", "u2", "u3"], "region": ["north", "north", "south"]})),
    Response({"value": np.array([[3, 2.5], [2, 0.5], [1, 0.25]]), "cost": np.ones((3, 2))}),
    (Budget(amount=2), Coverage(segment="region", at_least=0.3)),
)
FILES = ["certificate.json", "plan.parquet", "summary.json"]


@pytest.fixture(scope="module")
def solution() -> Solution:
    """Return the instance's solution."""
    return solve(INSTANCE)


def test_solution_comes_back_as_it_was(solution: Solution, tmp_path: Path) -> None:
    """Figures, plan, prices, multipliers and statistics survive writing and reading."""
    write_solution(solution, tmp_path / "plan", campaign=INSTANCE.campaign)
    read = read_solution(tmp_path / "plan")
    assert (read.status, read.stopped_by) == (solution.status, solution.stopped_by)
    assert (read.value, read.bound, read.gap) == (solution.value, solution.bound, solution.gap)
    assert read.plan.equals(solution.plan)
    pd.testing.assert_frame_equal(read.prices, solution.prices)
    assert read.certificate.names == solution.certificate.names
    assert list(read.certificate.multipliers) == list(solution.certificate.multipliers)
    assert read.certificate.bound == solution.certificate.bound
    assert read.stats == solution.stats
    assert read.summary() == solution.summary()


def test_files_are_those_that_scripts_rely_on(solution: Solution, tmp_path: Path) -> None:
    """The directory holds plan, certificate and summary, and a CSV of the plan where it is asked for."""
    write_solution(solution, tmp_path / "plan", campaign=INSTANCE.campaign)
    assert sorted(p.name for p in (tmp_path / "plan").iterdir() if p.name[0] != ".") == FILES
    write_solution(solution, tmp_path / "plan", campaign=INSTANCE.campaign, csv=True, force=True)
    lines = (tmp_path / "plan" / "plan.csv").read_text().splitlines()
    assert len(lines) == 1 + solution.plan.num_rows
    certificate = json.loads((tmp_path / "plan" / "certificate.json").read_text())
    assert (certificate["objective"], certificate["sense"]) == ("value", "maximise")
    assert list(certificate["multipliers"]) == [row.name for row in INSTANCE.program.rows]


def test_figures_that_json_cannot_hold_come_back(solution: Solution, tmp_path: Path) -> None:
    """A bound that nothing proves is infinite before and after, in the direction of the objective."""
    unproven = replace(
        solution,
        status=Status.FEASIBLE,
        bound=-math.inf,
        gap=math.inf,
        certificate=replace(solution.certificate, bound=-math.inf),
    )
    write_solution(unproven, tmp_path / "plan", campaign=Campaign(objective="cost", sense="minimise"))
    read = read_solution(tmp_path / "plan")
    assert (read.bound, read.gap, read.certificate.bound) == (-math.inf, math.inf, -math.inf)
    assert "Infinity" not in (tmp_path / "plan" / "summary.json").read_text()


@pytest.mark.parametrize(
    ("status", "stopped_by", "error"),
    [
        (Status.INFEASIBLE, StoppedBy.INFEASIBLE, InfeasibleError),
        (Status.NO_SOLUTION, StoppedBy.TIME_LIMIT, NoSolutionError),
    ],
)
def test_no_plan_writes_nothing(
    solution: Solution, tmp_path: Path, status: Status, stopped_by: StoppedBy, error: type[Exception]
) -> None:
    """Without a plan nothing is written, and a former plan stays as it was, even with force."""
    write_solution(solution, tmp_path / "plan", campaign=INSTANCE.campaign)
    before = {p: p.read_bytes() for p in (tmp_path / "plan").iterdir()}
    failed = replace(solution, status=status, stopped_by=stopped_by, value=math.nan)
    with pytest.raises(error):
        write_solution(failed, tmp_path / "plan", campaign=INSTANCE.campaign, force=True)
    assert {p: p.read_bytes() for p in (tmp_path / "plan").iterdir()} == before


def test_former_output_is_not_overwritten(solution: Solution, tmp_path: Path) -> None:
    """A directory that holds something needs force."""
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ExistsError, match="give force=True"):
        write_solution(solution, tmp_path, campaign=INSTANCE.campaign)
    assert [p.name for p in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("name", FILES)
def test_missing_file_is_named(solution: Solution, tmp_path: Path, name: str) -> None:
    """A directory that lacks a file is refused with the file's name."""
    write_solution(solution, tmp_path / "plan", campaign=INSTANCE.campaign)
    (tmp_path / "plan" / name).unlink()
    with pytest.raises(InputError) as caught:
        read_solution(tmp_path / "plan")
    assert caught.value.file == str(tmp_path / "plan" / name)


@pytest.mark.parametrize("name", FILES)
def test_truncated_file_is_named(solution: Solution, tmp_path: Path, name: str) -> None:
    """A file that was cut short is refused with its name."""
    write_solution(solution, tmp_path / "plan", campaign=INSTANCE.campaign)
    file = tmp_path / "plan" / name
    file.write_bytes(file.read_bytes()[:40])
    with pytest.raises(InputError, match=r"cannot be read|cut short") as caught:
        read_solution(tmp_path / "plan")
    assert caught.value.file == str(file)


@pytest.mark.parametrize(
    ("name", "key", "value", "message"),
    [
        ("summary.json", "status", "great", r"column 'status': unknown word \(got 'great'\)"),
        ("summary.json", "value", "much", r"column 'value': not a number \(got 'much'\)"),
        ("summary.json", "rules", 3, "column 'rules': the file lacks an entry, or it is of another kind"),
        ("summary.json", "rules", [], "the certificate and the summary speak of different rows"),
        ("summary.json", "rules", [7], "column 'name': the file lacks an entry"),
        ("certificate.json", "multipliers", {"budget": None}, "column 'budget': not a number"),
        ("certificate.json", "multipliers", {"budget": 1.0}, "speak of different rows"),
        ("certificate.json", "sense", None, "column 'sense': the file lacks an entry"),
    ],
)
def test_damaged_entry_is_named(
    solution: Solution, tmp_path: Path, name: str, key: str, value: object, message: str
) -> None:
    """An entry of another kind is refused with file, key and value."""
    write_solution(solution, tmp_path / "plan", campaign=INSTANCE.campaign)
    file = tmp_path / "plan" / name
    file.write_text(json.dumps(json.loads(file.read_text()) | {key: value}))
    with pytest.raises(InputError, match=message) as caught:
        read_solution(tmp_path / "plan")
    assert caught.value.mend == "Write it again with 'couponry solve'" or "different rows" in str(
        caught.value
    )


def test_no_directory_is_named(tmp_path: Path) -> None:
    """A place where nothing is gets a plain answer."""
    with pytest.raises(InputError, match="there is no such plan directory"):
        read_solution(tmp_path / "nowhere")


def test_certificate_of_other_rules_is_refused(solution: Solution, tmp_path: Path) -> None:
    """A certificate is only good for the rows that it was made for."""
    write_solution(solution, tmp_path / "plan", campaign=INSTANCE.campaign)
    certificate = read_certificate(tmp_path / "plan")
    check_same_rows(INSTANCE, certificate)
    other = replace(INSTANCE, rules=INSTANCE.rules[:1])
    with pytest.raises(InputError, match=r"made for other rules.*coverage region=north"):
        check_same_rows(other, certificate)
