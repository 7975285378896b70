"""docs/hillstrom.md: its commands, typed as they stand, go from the published file to a judged plan."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pyarrow.compute as pc
import pytest
from tests.docs.pages import ROOT, blocks

import couponry as cp
from couponry.instances.plan import read_plan

PAGE = ROOT / "docs" / "hillstrom.md"
DATA = Path(os.environ.get("COUPONRY_HILLSTROM", ROOT.parent / "shared" / "data" / "hillstrom.csv.gz"))
HELD_OUT = 19_200

pytestmark = [
    pytest.mark.slow,
    pytest.mark.data,
    pytest.mark.timeout(900),
    pytest.mark.skipif(
        not DATA.is_file(),
        reason=f"the Hillstrom data are not at {DATA}; COUPONRY_HILLSTROM names another place",
    ),
]


@dataclass(frozen=True)
class Judged:
    """One line of the report's table: visits a thousand customers and their standard error."""

    ipw: float
    ipw_se: float
    robust: float
    robust_se: float


@dataclass(frozen=True)
class Job:
    """Where the job ran, and what its last command printed."""

    folder: Path
    printed: str

    def judged(self) -> dict[str, Judged]:
        """Return the table of policies by name."""
        found = {}
        for line in self.printed.splitlines():
            numbers = re.findall(r"(-?[\d.]+) ± ([\d.]+)", line)
            if len(numbers) >= 2:
                (ipw, ipw_se), (robust, robust_se) = numbers[:2]
                name = line.strip("│ ").split("│")[0].strip()
                found[name] = Judged(float(ipw), float(ipw_se), float(robust), float(robust_se))
        return found


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Job:
    """Run the page's commands one after the other."""
    folder = tmp_path_factory.mktemp("hillstrom")
    (folder / "examples").symlink_to(ROOT / "examples")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    printed = ""
    for block in blocks(PAGE, "sh"):
        for command in block.text.splitlines():
            typed = command.replace("../shared/data/hillstrom.csv.gz", str(DATA))
            done = subprocess.run(
                ["bash", "-c", typed],
                cwd=folder,
                env={**os.environ, "PATH": path},
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
            printed = done.stdout
    return Job(folder, printed)


def test_plan_keeps_its_rules(job: Job) -> None:
    """One e-mail each for three in ten, a quarter of every zip-code class, within 576 USD; and proven."""
    instance, plan = cp.read_instance(job.folder / "campaign"), read_plan(job.folder / "plan")
    certificate = json.loads((job.folder / "plan" / "certificate.json").read_text(encoding="utf-8"))
    finding = cp.verify(instance, plan, certificate)
    assert finding.ok, finding.words()
    assert finding.cost <= 576
    assert len(instance.users) == HELD_OUT
    assert 0.29 * HELD_OUT < plan.num_rows <= 0.30 * HELD_OUT
    assert pc.count_distinct(plan["user_id"]).as_py() == plan.num_rows
    table = instance.users.table
    written_to = pc.is_in(table["user_id"], value_set=plan["user_id"].combine_chunks())
    for zip_code in pc.unique(table["zip_code"]).to_pylist():
        inside = pc.equal(table["zip_code"], zip_code)
        assert pc.sum(pc.and_(inside, written_to)).as_py() >= 0.25 * pc.sum(inside).as_py(), zip_code


def test_plan_is_judged_beside_simpler_ones(job: Job) -> None:
    """The table has both estimates of each policy, each with a standard error of a few in a thousand."""
    judged = job.judged()
    for part in (
        "this plan",
        "by predicted uplift",
        "by predicted conversion",
        "random",
        "'mens' to the first",
    ):
        (name,) = [name for name in judged if part in name]
        found = judged[name]
        assert 1 < found.ipw_se < 10, name
        assert 1 < found.robust_se < 10, name
        assert abs(found.ipw - found.robust) < 2 * found.ipw_se, name


def test_plan_is_no_worse_than_lots(job: Job) -> None:
    """What the plan would have won is not below lots by more than two standard errors, by either estimate."""
    judged = job.judged()
    plan = judged["this plan"]
    (lots,) = [found for name, found in judged.items() if name.startswith("random")]
    assert plan.ipw > lots.ipw - 2 * (plan.ipw_se**2 + lots.ipw_se**2) ** 0.5
    assert plan.robust > lots.robust - 2 * (plan.robust_se**2 + lots.robust_se**2) ** 0.5


def test_differences_are_judged_row_by_row(
    job: Job, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The page's Python sets the plan beside four others, paired; it is below none by two errors."""
    monkeypatch.chdir(job.folder)
    for block in blocks(PAGE, "python"):
        exec(compile(block.text, str(PAGE), "exec"), {})
    printed = re.findall(r"plan less (.+): ([-+][\d.]+) ± ([\d.]+)", capsys.readouterr().out)
    assert len(printed) == 4
    for name, difference, error in printed:
        assert float(difference) > -2 * float(error), name


def test_page_of_the_report_tells_it(job: Job) -> None:
    """The report shows the plan beside the others."""
    page = (job.folder / "plan" / "report.html").read_text(encoding="utf-8")
    assert "Value on held-out users" in page
    assert "this plan" in page.lower()
