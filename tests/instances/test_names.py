"""The names of the vocabulary."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from couponry import instances


def test_type_checkers_see_what_is_imported() -> None:
    """The imports under TYPE_CHECKING name the module that the lazy import takes each name from."""
    tree = ast.parse(Path(instances.__file__).read_text(encoding="utf-8"))
    guarded = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {
        alias.name: str(node.module).rsplit(".", 1)[1]
        for node in guarded.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert seen == {name: module for module, names in instances._NAMES.items() for name in names}
    assert sorted(seen) == instances.__all__
    assert set(instances.__all__) <= set(dir(instances))


@pytest.mark.parametrize("name", instances.__all__)
def test_name_is_there(name: str) -> None:
    """Every name can be had from the package."""
    assert getattr(instances, name) is not None


def test_unknown_name_is_an_attribute_error() -> None:
    """A name that does not exist is refused as for any other module."""
    with pytest.raises(AttributeError, match=r"module 'couponry.instances' has no attribute 'Coupon'"):
        instances.Coupon  # noqa: B018


def test_errors_are_light() -> None:
    """What the command line needs to refuse bad input loads neither pandas nor pyarrow."""
    program = (
        "import sys, couponry.instances.atomic, couponry.instances.errors, couponry.instances.progress\n"
        "print({'numpy', 'pandas', 'pyarrow', 'pydantic'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
