"""A model on disk.

::

    model.json             what it is, its card, encoders, and the SHA-256 of every other file
    arrays.safetensors     all arrays
    trees/0000.txt …       LightGBM's own text format, one file a model

Nothing is pickled: reading a model runs no code of whoever wrote it.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from couponry.instances.atomic import write_directory
from couponry.instances.errors import InputError, require_extra
from couponry.predictors.features import FeatureEncoder
from couponry.predictors.menu import Menu
from couponry.predictors.registry import model_entry
from couponry.predictors.state import State

if TYPE_CHECKING:
    from couponry.predictors.model import Model

__all__ = ["read_model", "write_model"]

_FORMAT, _VERSION = "couponry-model", 1
_HEAD, _ARRAYS, _TREES = "model.json", "arrays.safetensors", "trees"


def write_model(model: Model, path: str | Path, *, force: bool = False) -> None:
    """Write a model aside and rename it.

    Raises
    ------
    ExistsError
        If ``path`` holds something and ``force`` is not given.
    """
    safetensors = require_extra("safetensors.numpy", "predict")
    state = State()
    state.put("features", model.features.state())
    state.put("menu", model.menu.state())
    state.put("learner", model.learner.state())
    with write_directory(path, kind="model", force=force) as folder:
        arrays = {name: np.ascontiguousarray(array) for name, array in state.arrays.items()}
        (folder / _ARRAYS).write_bytes(safetensors.save(arrays))
        (folder / _TREES).mkdir()
        texts = {f"{_TREES}/{i:04d}.txt": name for i, name in enumerate(sorted(state.texts))}
        for file, name in texts.items():
            (folder / file).write_text(state.texts[name], encoding="utf-8")
        head = {
            "format": _FORMAT,
            "version": _VERSION,
            "learner": model.card["model"],
            "card": model.card,
            "parts": state.facts,
            "texts": texts,
            "sha256": {file: _digest(folder / file) for file in (_ARRAYS, *texts)},
        }
        (folder / _HEAD).write_text(json.dumps(head, indent=1, ensure_ascii=False), encoding="utf-8")


def read_model(path: str | Path) -> Model:
    """Read a model directory.

    Raises
    ------
    InputError
        If it is no model directory, or a file is missing, damaged or of a later version.
    """
    from couponry.predictors.model import Model

    folder = Path(path)
    head = _read_head(folder)
    for file, digest in head["sha256"].items():
        if not (folder / file).is_file():
            raise InputError(
                "the model lacks a file", file=folder / file, mend="Copy the whole directory again"
            )
        if _digest(folder / file) != digest:
            raise InputError(
                "the file is damaged: it is not what was written",
                file=folder / file,
                mend="Copy the directory again, or train again",
            )
    try:
        texts = {name: (folder / file).read_text(encoding="utf-8") for file, name in head["texts"].items()}
        state = State(head["parts"], _read_arrays(folder / _ARRAYS), texts)
        return Model(
            FeatureEncoder.from_state(state.part("features")),
            Menu.from_state(state.part("menu")),
            model_entry(head["learner"]).load().from_state(state.part("learner")),
            head["card"],
        )
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise InputError(
            f"the model cannot be put together: {error}", file=folder / _HEAD, mend="Train again"
        ) from error


def _read_head(folder: Path) -> dict[str, Any]:
    file = folder / _HEAD
    if not file.is_file():
        raise InputError("this is no model directory", file=file, mend="Name one that 'couponry train' wrote")
    try:
        head = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"the file is damaged: {error}", file=file, mend="Train again") from error
    if not isinstance(head, dict) or head.get("format") != _FORMAT:
        raise InputError(
            "this is not a model of couponry", file=file, mend="Name one that 'couponry train' wrote"
        )
    if head.get("version") != _VERSION:
        raise InputError(
            f"the model is of format version {head.get('version')}; this release reads {_VERSION}",
            file=file,
            mend="Use the release that wrote it, or train again",
        )
    return head


def _read_arrays(file: Path) -> dict[str, npt.NDArray[Any]]:
    safetensors = require_extra("safetensors.numpy", "predict")
    arrays: dict[str, npt.NDArray[Any]] = safetensors.load_file(file)
    return arrays


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
