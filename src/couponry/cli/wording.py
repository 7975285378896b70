"""What arguments of Python are called on the command line."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["as_option"]

_OTHER_NAMES = {
    "coupons": ("coupons", "menu"),
    "item_context": ("menu",),
    "costs": ("cost",),
    "match_cost": ("cost",),
    "time_limit": ("time_limit", "seconds"),
}
_SCHEMA = ("columns", "attributes")


def as_option(parameters: Iterable[Any], name: str, value: Any) -> str | None:
    """Return how a command sets an argument of Python.

    Parameters
    ----------
    parameters : iterable of click's parameters
        Of the command.
    name : str
    value : object
        None to be told the option alone.

    Returns
    -------
    str or None
        None where the command has no option for it.
    """
    options = {p.name: p for p in parameters if p.opts[0].startswith("--")}
    for alias in _OTHER_NAMES.get(name, (name,)):
        if alias in options:
            flag: str = options[alias].opts[0]
            return flag if value is None or options[alias].is_flag else f"{flag} {value}"
    if value is None:
        return None
    if name in _SCHEMA and "schema" in options:
        return f"--schema FILE, with {_schema_line(value)} under [{name}] in it"
    if "settings" in options:
        return f"--set {shlex.quote(f'{name}={value if isinstance(value, str) else json.dumps(value)}')}"
    return None


def _schema_line(value: Mapping[str, Any]) -> str:
    return ", ".join(f"{_key(column)} = {_choice(choice)}" for column, choice in value.items())


def _choice(choice: Any) -> str:
    """Return what is chosen for a column as TOML: a kind, or a table."""
    if isinstance(choice, Mapping):
        return f"{{ {_schema_line(choice)} }}"
    return json.dumps(choice, ensure_ascii=False)


def _key(column: str) -> str:
    """Return a TOML key: bare where it may be."""
    bare = column.isascii() and column.replace("_", "").replace("-", "").isalnum()
    return column if bare else json.dumps(column, ensure_ascii=False)
