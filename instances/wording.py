"""How users say a setting from where they are: as an argument in Python, as an option on the command line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

__all__ = ["Wording", "arguments", "called", "setting", "worded"]

Wording = Callable[[str, Any], str | None]
"""Puts the setting of an argument to a value in words, or its name where the value is None.

Answers None where nothing here sets it."""

_wording: ContextVar[Wording | None] = ContextVar("wording", default=None)


@contextmanager
def worded(wording: Wording) -> Iterator[None]:
    """Say settings by ``wording`` for a while."""
    before = _wording.set(wording)
    try:
        yield
    finally:
        _wording.reset(before)


def setting(name: str, value: Any) -> str:
    """Return how to set an argument to a value, for the mend of an error or a warning.

    Parameters
    ----------
    name : str
        Of the argument in Python.
    value : object
        A word in capitals stands for what the user has to fill in, such as ``FILE``.
    """
    wording = _wording.get()
    said = None if wording is None else wording(name, value)
    if said is not None:
        return said
    return f"{name}={value if isinstance(value, str) and value.isupper() else repr(value)}"


def called(name: str) -> str:
    """Return what an argument is called, for an error."""
    wording = _wording.get()
    return (None if wording is None else wording(name, None)) or name


def arguments(names: Iterable[str]) -> list[str]:
    """Return what those of some arguments are called that can be set from where the user is."""
    wording = _wording.get()
    if wording is None:
        return list(names)
    return [said for name in names if (said := wording(name, None))]
