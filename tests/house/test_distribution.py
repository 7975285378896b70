"""What is built holds the whole program, links followed, and works away from the checkout."""

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

import couponry

ROOT = Path(__file__).parents[2]
PARTS = ("cli", "report", "solver", "predictors", "instances")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the sdist, and the wheel that was built from that sdist."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="session")
def installed(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder into which the wheel alone is installed."""
    folder = tmp_path_factory.mktemp("installed")
    (wheel,) = built.glob("*.whl")
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "-q",
        "--no-index",
        "--no-deps",
        "--target",
        str(folder),
    ]
    done = subprocess.run([*command, str(wheel)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def sources() -> set[str]:
    """Return every file of the package, as ``couponry/...``, with the links followed."""
    package = ROOT / "src" / "couponry"
    folders = (
        Path(folder) / name for folder, _, names in os.walk(package, followlinks=True) for name in names
    )
    kept = (path for path in folders if "__pycache__" not in path.parts and path.suffix != ".pyc")
    return {path.relative_to(package.parent).as_posix() for path in kept}


def test_wheel_holds_every_file(built: Path) -> None:
    """The wheel holds each file of the package: code, py.typed, templates and styles."""
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if name.startswith("couponry/")}
    assert names == sources()
    assert "couponry/py.typed" in names
    assert {Path(name).suffix for name in names} >= {".py", ".j2", ".css"}


def test_sdist_holds_every_file(built: Path) -> None:
    """The sdist holds the same files as ordinary files, the tests, and the licence."""
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        members = {member.name.split("/", 1)[1]: member for member in archive.getmembers()}
    assert {f"src/{name}" for name in sources()} <= {
        name for name, member in members.items() if member.isfile()
    }
    assert {"LICENSE", "README.md", "pyproject.toml", "tests/house/test_distribution.py"} <= set(members)
    assert [name for name, member in members.items() if member.issym()] == []


@pytest.mark.parametrize("part", PARTS)
def test_installed_part_is_imported_from_the_wheel(installed: Path, tmp_path: Path, part: str) -> None:
    """Away from the checkout each part is imported from where the wheel was installed."""
    program = f"import couponry.{part} as part; print(part.__file__)"
    assert Path(run(installed, tmp_path, program)).is_relative_to(installed / "couponry")


def test_installed_public_names_resolve(installed: Path, tmp_path: Path) -> None:
    """Away from the checkout every public name can be had."""
    program = "import couponry; print(len([getattr(couponry, name) for name in couponry.__all__]))"
    assert int(run(installed, tmp_path, program)) == len(couponry.__all__)


def run(installed: Path, folder: Path, program: str) -> str:
    """Run ``program`` in ``folder`` over the installed wheel and return what it printed."""
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
