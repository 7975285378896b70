"""A fitted thing on disk, as JSON, safetensors and text; whatever is not as it was written is refused.

::

    model.json             what it is, its facts, the SHA-256 of every other file, and one of itself
    arrays.safetensors     all arrays
    trees/0000.txt …       long texts, one a file

Nothing is pickled: reading it runs no code of whoever wrote it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from couponry.instances.errors import InputError, require_extra
from couponry.predictors.state import State

__all__ = ["Form", "read_state", "write_state"]

_ARRAYS, _TREES = "arrays.safetensors", "trees"


@dataclass(frozen=True)
class Form:
    """What a directory of one kind is called, in its files and in messages.

    Attributes
    ----------
    what : str
        ``"model"`` or the like; its head is ``WHAT.json``.
    version : int
        Of the files' form. Another one is refused.
    command : str
        The command that writes it.
    """

    what: str
    version: int
    command: str

    @property
    def head(self) -> str:
        """Name of the file that says what it is."""
        return f"{self.what}.json"

    @property
    def name(self) -> str:
        """What the head calls its format."""
        return f"couponry-{self.what}"


def write_state(folder: Path, form: Form, state: State, more: dict[str, Any]) -> None:
    """Write a state into a folder.

    Parameters
    ----------
    folder : Path
        Which is there already.
    form : Form
    state : State
    more : dict
        What else the head says, in JSON's words.
    """
    safetensors = require_extra("safetensors.numpy", "predict")
    arrays = {name: np.ascontiguousarray(array) for name, array in state.arrays.items()}
    (folder / _ARRAYS).write_bytes(safetensors.save(arrays))
    texts = {f"{_TREES}/{i:04d}.txt": name for i, name in enumerate(sorted(state.texts))}
    (folder / _TREES).mkdir()
    for file, name in texts.items():
        (folder / file).write_text(state.texts[name], encoding="utf-8")
    head = {
        "format": form.name,
        "version": form.version,
        **more,
        "parts": state.facts,
        "texts": texts,
        "sha256": {file: _digest(folder / file) for file in (_ARRAYS, *texts)},
    }
    head = json.loads(json.dumps(head, ensure_ascii=False))  # sealed as it will be read
    head["seal"] = _seal(head)
    (folder / form.head).write_text(json.dumps(head, indent=1, ensure_ascii=False), encoding="utf-8")


def read_state(folder: Path, form: Form) -> tuple[dict[str, Any], State]:
    """Read what :func:`write_state` wrote; return the head and the state.

    Raises
    ------
    InputError
        If the folder holds no such thing, or a file is missing, damaged or of another version.
    """
    head = _read_head(folder, form)
    for file, digest in head["sha256"].items():
        if not (folder / file).is_file():
            raise InputError(
                f"the {form.what} lacks a file", file=folder / file, mend="Copy the whole directory again"
            )
        if _digest(folder / file) != digest:
            raise _damaged(folder / file)
    texts = {name: (folder / file).read_text(encoding="utf-8") for file, name in head["texts"].items()}
    return head, State(head["parts"], _read_arrays(folder / _ARRAYS), texts)


def _read_head(folder: Path, form: Form) -> dict[str, Any]:
    file = folder / form.head
    mend = f"Name one that '{form.command}' wrote"
    if folder.is_file():
        raise InputError(f"a {form.what} is a directory, and this is a file", file=folder, mend=mend)
    if not file.is_file():
        raise InputError(f"this is no {form.what} directory", file=file, mend=mend)
    try:
        head = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise _damaged(file, f": {error}") from error
    if not isinstance(head, dict) or head.get("format") != form.name:
        raise InputError(f"this is not a {form.what} of couponry", file=file, mend=mend)
    if head.get("version") != form.version:
        raise InputError(
            f"the {form.what} is of format version {head.get('version')}; this release reads {form.version}",
            file=file,
            mend=f"Use the release that wrote it, or write it again with '{form.command}'",
        )
    if head.pop("seal", None) != _seal(head):
        raise _damaged(file)
    return head


def _read_arrays(file: Path) -> dict[str, npt.NDArray[Any]]:
    safetensors = require_extra("safetensors.numpy", "predict")
    arrays: dict[str, npt.NDArray[Any]] = safetensors.load_file(file)
    return arrays


def _damaged(file: Path, how: str = ": it is not what was written") -> InputError:
    return InputError(
        f"the file is damaged{how}", file=file, mend="Copy the directory again, or write it again"
    )


def _seal(head: dict[str, Any]) -> str:
    """Return a SHA-256 of all that the head says."""
    return hashlib.sha256(json.dumps(head, sort_keys=True).encode()).hexdigest()


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
