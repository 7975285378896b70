"""What the installed distribution says of itself agrees with the tree."""

import tomllib
from importlib.metadata import distribution, version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import couponry

ROOT = Path(__file__).parents[2]


def declared() -> list[Requirement]:
    """Return every requirement of the base and of all extras, references to couponry's own extras apart."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = [
        *project["dependencies"],
        *(r for extra in project["optional-dependencies"].values() for r in extra),
    ]
    return [r for r in map(Requirement, sorted(set(lines))) if r.name != "couponry"]


def pins() -> dict[str, str]:
    """Return the version that constraints.txt fixes for each distribution."""
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line]
    requirements = [Requirement(line) for line in lines if not line.startswith("#")]
    return {canonicalize_name(r.name): str(r.specifier).removeprefix("==") for r in requirements}


def test_version_is_the_installed_one() -> None:
    """``couponry.__version__`` is the version in the metadata."""
    assert couponry.__version__ == version("couponry")


def test_command_is_installed() -> None:
    """The distribution installs one command, ``couponry``, and it can be loaded."""
    commands = [e for e in distribution("couponry").entry_points if e.group == "console_scripts"]
    assert [(e.name, e.value) for e in commands] == [("couponry", "couponry.cli:main")]
    assert callable(commands[0].load())


@pytest.mark.parametrize("requirement", declared(), ids=lambda r: r.name)
def test_constraints_pin_every_requirement(requirement: Requirement) -> None:
    """Each declared dependency has an exact version in constraints.txt, and it lies in the declared range."""
    pinned = pins().get(canonicalize_name(requirement.name))
    assert pinned is not None, f"{requirement.name} is missing in constraints.txt"
    assert requirement.specifier.contains(pinned)


@pytest.mark.parametrize("name", ["solver", "predictors", "instances"])
def test_links_are_relative(name: str) -> None:
    """``src/couponry/NAME`` is a link that holds wherever the checkout is moved."""
    link = ROOT / "src" / "couponry" / name
    assert link.is_symlink(), f"{link} is no link; on Windows clone with core.symlinks = true"
    assert link.readlink() == Path("..") / ".." / name


def test_typed_marker_is_there() -> None:
    """``py.typed`` tells type checkers of dependent projects to read our annotations."""
    assert (ROOT / "src" / "couponry" / "py.typed").is_file()
