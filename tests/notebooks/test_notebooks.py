"""The notebooks run from top to bottom, and what is committed came from such a run."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
HILLSTROM = Path(os.environ.get("COUPONRY_HILLSTROM", ROOT.parent / "shared" / "data" / "hillstrom.csv.gz"))


def execute(path: Path) -> Any:
    """Run a notebook in its own folder and return it with its outputs; the file stays as it is."""
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=540, resources={"metadata": {"path": str(path.parent)}}).execute()
    return notebook


def pictures(notebook: Any) -> int:
    """Return how many pictures a notebook shows."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return sum("image/png" in output.get("data", {}) for output in outputs)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_from_log_to_plan_runs() -> None:
    """01 trains, plans, proves and draws its four plots, on a world of its own."""
    assert pictures(execute(ROOT / "notebooks" / "01_from_log_to_plan.ipynb")) == 4


def printed(notebook: Any) -> str:
    """Return what a notebook prints."""
    return "".join(output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", []))


@pytest.mark.slow
@pytest.mark.data
@pytest.mark.timeout(900)
def test_hillstrom_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """02 goes from the published file to the held-out value of a plan, and draws its three plots."""
    if not HILLSTROM.is_file():
        pytest.skip(f"the Hillstrom data are not at {HILLSTROM}; COUPONRY_HILLSTROM names another place")
    monkeypatch.setenv("COUPONRY_HILLSTROM", str(HILLSTROM))
    assert pictures(execute(ROOT / "notebooks" / "02_hillstrom.ipynb")) == 3


@pytest.mark.slow
def test_hillstrom_says_where_the_data_are_missed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without the file, 02 stops at once and says which variable names it."""
    monkeypatch.setenv("COUPONRY_HILLSTROM", str(tmp_path / "hillstrom.csv"))
    with pytest.raises(CellExecutionError, match=r"The Hillstrom data are not at .*Set COUPONRY_HILLSTROM"):
        execute(ROOT / "notebooks" / "02_hillstrom.ipynb")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_budgets_and_scenarios_runs() -> None:
    """03 draws the frontier, scenarios, what staying near a plan costs, and what drawn campaigns spend."""
    assert pictures(execute(ROOT / "notebooks" / "03_budgets_and_scenarios.ipynb")) == 4


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_uplift_models_compared_runs() -> None:
    """04 trains nine models, draws Qini and budget curves, and what each truly wins in three shops."""
    notebook = execute(ROOT / "notebooks" / "04_uplift_models_compared.ipynb")
    assert pictures(notebook) == 3
    assert "customers with the coupon and 1,231 with none" in printed(notebook)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_confounded_logs_runs() -> None:
    """05 draws propensities, effects with their errors, and a log whose regression is wrong.

    Weighing mends there what the regression does not; and training refuses a log without overlap, in the
    figures of the table that follows.
    """
    notebook = execute(ROOT / "notebooks" / "05_confounded_logs.ipynb")
    assert pictures(notebook) == 3
    said = printed(notebook)
    off = re.search(
        r"The regression alone is off by (\S+) per 100.* weighed it is off by (\S+) ± (\S+),", said
    )
    assert off is not None
    alone, weighed, error = map(float, off.groups())
    assert abs(weighed) < 3 * error < alone
    refused = re.search(
        r"does not tell the effect of 'off40-over199-app'.* \((\d+)% of .* tell as much as (\d+) rows",
        said,
    )
    assert refused is not None
    table = notebook.cells[-1].outputs[-1]["data"]["text/plain"].splitlines()[1].split()
    assert [f"{100 * float(table[-3]):.0f}", f"{float(table[-2]):.0f}"] == list(refused.groups())


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_committed_outputs_are_of_one_clean_run(path: Path) -> None:
    """Cells ran in order and without errors, nothing was written to stderr, and the file stays small."""
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    outputs = [output for cell in code for output in cell.outputs]
    assert not [o for o in outputs if o.output_type == "error" or o.get("name") == "stderr"]
    assert str(Path.home()) not in path.read_text(encoding="utf-8")
    assert path.stat().st_size < 250_000
