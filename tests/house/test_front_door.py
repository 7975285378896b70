"""The public names: documented, importable, and free until they are used."""

import ast
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import couponry

ROOT = Path(__file__).parents[2]
HEAVY = {
    "highspy",
    "jinja2",
    "lightgbm",
    "numba",
    "numpy",
    "ortools",
    "pandas",
    "matplotlib",
    "pyarrow",
    "scipy",
    "sklearn",
    "torch",
}


def heavy_after(program: str) -> set[str]:
    """Return which heavy libraries a fresh interpreter holds after ``program``."""
    report = f"{program}\nimport sys\nprint('HELD', *({HEAVY!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", report], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].split()[1:])


def test_api_page_lists_every_public_name() -> None:
    """docs/api.md has one line for each name in ``__all__``, and for no other."""
    page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    assert sorted(re.findall(r"^- `(\w+)", page, re.MULTILINE)) == sorted(couponry.__all__)


@pytest.mark.parametrize("name", couponry.__all__)
def test_public_name_is_the_thing_itself(name: str) -> None:
    """Each public name is a class or a function, never the module of the same name."""
    assert not isinstance(getattr(couponry, name), ModuleType)


def test_type_checkers_see_what_is_imported() -> None:
    """The imports under TYPE_CHECKING name the module that the lazy import takes each name from."""
    tree = ast.parse(Path(couponry.__file__).read_text(encoding="utf-8"))
    guarded = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {
        a.name: node.module for node in guarded.body if isinstance(node, ast.ImportFrom) for a in node.names
    }
    assert seen == {name: module for module, names in couponry._NAMES.items() for name in names}
    assert sorted(seen) == sorted(couponry.__all__)


def test_dir_lists_the_public_names() -> None:
    """``dir(couponry)`` offers each public name before it is imported."""
    assert set(couponry.__all__) <= set(dir(couponry))


def test_unknown_name_is_an_attribute_error() -> None:
    """A name that does not exist is refused as for any other module."""
    with pytest.raises(AttributeError, match=r"module 'couponry' has no attribute 'sovle'"):
        couponry.sovle  # noqa: B018


def test_import_is_light() -> None:
    """``import couponry`` loads no heavy library."""
    assert heavy_after("import couponry") == set()


def test_command_line_help_is_light() -> None:
    """``couponry --help`` is answered without loading any heavy library."""
    program = """
import sys
from couponry.cli import main
sys.argv = ["couponry", "--help"]
try:
    main()
except SystemExit as stop:
    assert not stop.code, stop.code
"""
    assert heavy_after(program) == set()


def test_a_name_whose_package_is_not_installed_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the extra that brings it."""
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(couponry.MissingExtraError, match=r"torch.*couponry\[predict\]"):
        couponry.__getattr__("PurchaseTime")
