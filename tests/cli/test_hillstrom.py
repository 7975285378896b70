"""The main job on real input: a plan for held-out customers of an e-mail trial, judged by what they did."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from couponry.instances.files import read_instance
from couponry.instances.plan import read_plan
from couponry.solver.solution_files import read_solution

Run = Callable[..., Any]
ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data" / "hillstrom.csv.gz"

pytestmark = [
    pytest.mark.data,
    pytest.mark.slow,
    pytest.mark.skipif(not DATA.is_file(), reason=f"the public file is not at {DATA}"),
]


@pytest.fixture(scope="module")
def job(run: Run, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Return the folder in which the commands of the job were run, and what the report printed."""
    folder = tmp_path_factory.mktemp("hillstrom")
    costs = ("--cost", "mens=0.1", "--cost", "womens=0.1")
    printed = ""
    for arguments in (
        ("train", DATA, "--format", "hillstrom", "--outcome", "visit", *costs, "--out", folder / "model"),
        (
            *("predict", folder / "model", "--holdout", "--rules", ROOT / "examples" / "hillstrom.toml"),
            *("--out", folder / "campaign"),
        ),
        ("solve", folder / "campaign", "--gap", "1e-3", "--out", folder / "plan"),
        ("verify", folder / "campaign", folder / "plan", "--certificate"),
        (
            *("report", folder / "campaign", folder / "plan", "--model", folder / "model", "--points", 0),
            *("--out", folder / "plan"),
        ),
    ):
        done = run(*arguments)
        assert done.exit_code == 0, done.output
        printed = done.stdout
    return folder, printed


def test_plan_keeps_the_campaign_s_rules(job: tuple[Path, str]) -> None:
    """Three in ten of the held-out customers get one e-mail, and a quarter of every zip-code class."""
    folder, _ = job
    instance, plan = read_instance(folder / "campaign"), read_plan(folder / "plan")
    given = set(plan["user_id"].to_pylist())
    assert len(instance.users) == 19_200
    assert len(given) == plan.num_rows
    assert 0.29 * 19_200 < len(given) <= 0.3 * 19_200
    zip_code = instance.users.segment("zip_code")
    reached = [user in given for user in instance.users.ids.to_pylist()]
    for code in range(3):
        group = [r for r, c in zip(reached, zip_code.codes, strict=True) if c == code]
        assert sum(group) >= 0.25 * len(group)
    assert read_solution(folder / "plan").gap <= 1e-3


def test_plan_beats_chance_on_what_customers_did(job: tuple[Path, str]) -> None:
    """The held-out value of the plan is above that of random e-mails and of men's e-mails to the first."""
    # Lines of policies have a second estimate, the doubly robust one; those of the chosen pairs have not.
    robust = {
        line.split("│")[1].strip(): float(told[1])
        for line in job[1].splitlines()
        if len(told := re.findall(r"([-+\d.]+) ± [\d.]+", line)) > 1
    }
    plan = robust["this plan"]
    assert plan > next(value for name, value in robust.items() if name.startswith("random 30%"))
    assert plan > next(value for name, value in robust.items() if "to the first 30%" in name)
    assert plan > robust["nothing"]


def test_page_tells_the_held_out_value(job: tuple[Path, str]) -> None:
    """The report has the plan's value by both estimators beside the baselines."""
    page = (job[0] / "plan" / "report.html").read_text()
    for words in (
        "This plan",
        "by predicted conversion",
        "to the first 30",
        "inverse propensity",
        "oubly robust",
    ):
        assert words.lower() in page.lower()
