"""Readers of logs: couponry's own, and public data sets by path.

Nothing is downloaded: give the file that you have.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from couponry.instances.errors import InputError, did_you_mean
from couponry.instances.log import Log
from couponry.instances.wording import arguments, called

__all__ = ["FORMATS", "read_log"]

_READERS = {
    "couponry": ("couponry_log", "read_couponry_log"),
    "hillstrom": ("hillstrom", "read_hillstrom"),
    "karlan_list": ("karlan_list", "read_karlan_list"),
    "in_vehicle": ("in_vehicle", "read_in_vehicle"),
    "open_bandit": ("open_bandit", "read_open_bandit"),
}

FORMATS = tuple(_READERS)
"""What :func:`read_log` reads."""


def read_log(path: str | Path, format: str = "couponry", **options: Any) -> Log:
    """Read a log.

    Parameters
    ----------
    path : str or Path
        A file, or a log directory.
    format : str
        One of ``FORMATS``.
    **options
        Options of the format's own reader, such as ``costs`` of
        :func:`couponry.instances.loaders.hillstrom.read_hillstrom`.

    Raises
    ------
    InputError
        If there is no such format or option, or the file cannot be used.
    """
    if format not in _READERS:
        raise InputError(
            "unknown format", parameter="format", value=format, mend=did_you_mean(format, FORMATS)
        )
    reader = _reader(format)
    known = [name for name in inspect.signature(reader).parameters if name != "path"]
    for name in options:
        if name not in known:
            raise InputError(
                f"format {format!r} has no such option",
                parameter=name,
                mend=did_you_mean(called(name), arguments(known)),
            )
    return reader(path, **options)


def _reader(format: str) -> Callable[..., Log]:
    module, name = _READERS[format]
    reader: Callable[..., Log] = getattr(import_module(f"{__name__}.{module}"), name)
    return reader
