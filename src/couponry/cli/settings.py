"""Parameters of a model, as ``NAME=VALUE`` on the command line."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from couponry.instances.errors import InputError

__all__ = ["read_settings"]

_ELSEWHERE = {
    "seed": "--seed",
    "base": "--base",
    "holdout": "--holdout",
    "assignment": "--assignment",
    "calibrate": "--calibrate",
}


def read_settings(given: Sequence[str]) -> dict[str, Any]:
    """Read parameters: values are JSON where they can be, else words.

    Raises
    ------
    InputError
        If one has no value, is given twice, or has an option of its own.
    """
    found: dict[str, Any] = {}
    for one in given:
        name, equals, value = one.partition("=")
        if not equals or not name:
            raise InputError(
                "a parameter is NAME=VALUE", parameter="--set", value=one, mend="Such as --set folds=5"
            )
        if name in found or name in _ELSEWHERE:
            problem = "a parameter is given twice" if name in found else "this parameter has an option"
            raise InputError(
                problem, parameter="--set", value=name, mend=f"Use {_ELSEWHERE.get(name, 'one of them')}"
            )
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found
