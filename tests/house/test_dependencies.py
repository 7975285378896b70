"""Whatever the code imports is declared, and what the base imports comes with the base."""

import ast
import re
import sys
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
FOLDERS = {
    "solver": "",
    "solver/backends": "models",
    "solver/figures": "report",
    "instances": "",
    "src/couponry/cli": "",
    "predictors": "predict",
    "predictors/profile": "profile",
    "src/couponry/report": "report",
}


def declared(extra: str) -> set[str]:
    """Return the distributions that couponry requires with ``extra`` (the base alone for an empty name)."""
    lines = [Requirement(line) for line in requires("couponry") or ()]
    held = (r for r in lines if r.marker is None or r.marker.evaluate({"extra": extra}))
    return {canonicalize_name(r.name) for r in held}


def imported(folder: Path) -> set[str]:
    """Return the top-level names of all modules that the code in ``folder`` imports from elsewhere."""
    names = set()
    parts = {ROOT / part for part in FOLDERS} - {folder}
    for file in folder.rglob("*.py"):
        if parts.intersection(file.parents) - set(folder.parents):
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                names.add(node.module or "")
    return {name.split(".")[0] for name in names} - sys.stdlib_module_names - {"couponry"}


@pytest.mark.parametrize(("folder", "extra"), FOLDERS.items(), ids=FOLDERS)
def test_imports_are_declared(folder: str, extra: str) -> None:
    """Each library that a part imports is required by the base or by that part's own extra."""
    distributions = packages_distributions()
    needed = {canonicalize_name(distributions[name][0]) for name in imported(ROOT / folder)}
    assert needed - declared(extra) == set()


def test_missing_extra_is_named_as_it_is_declared() -> None:
    """Each extra that an error message tells the user to install exists."""
    extras = {m for line in requires("couponry") or () for m in re.findall(r"extra == ['\"](\w+)['\"]", line)}
    told = set()
    for folder in FOLDERS:
        for file in (ROOT / folder).rglob("*.py"):
            told |= set(
                re.findall(r"require_extra\([^)]*,\s*[\"'](\w+)[\"']\)", file.read_text(encoding="utf-8"))
            )
    assert told, "no call of require_extra was found"
    assert told <= extras
