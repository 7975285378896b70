"""A model on disk; the files are those of :mod:`couponry.predictors.state_files`.

``model.json`` holds the card and the encoders, ``trees/`` LightGBM's own text format, one file a model.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from couponry.instances.atomic import write_directory
from couponry.instances.errors import InputError
from couponry.predictors.calibration import Calibration
from couponry.predictors.features import FeatureEncoder
from couponry.predictors.menu import Menu
from couponry.predictors.registry import model_entry
from couponry.predictors.rows_seen import RowsSeen
from couponry.predictors.state import State
from couponry.predictors.state_files import Form, read_state, write_state

if TYPE_CHECKING:
    from couponry.predictors.model import Model

__all__ = ["read_model", "write_model"]

_FORM = Form("model", 6, "couponry train")


def write_model(model: Model, path: str | Path, *, force: bool = False) -> None:
    """Write a model aside and rename it.

    Raises
    ------
    ExistsError
        If ``path`` holds something and ``force`` is not given.
    """
    state = State()
    state.put("features", model.features.state())
    state.put("menu", model.menu.state())
    state.put("learner", model.learner.state())
    if model.calibration is not None:
        state.put("calibration", model.calibration.state())
    if model.rows_seen is not None:
        state.put("rows_seen", model.rows_seen.state())
    with write_directory(path, kind="model", force=force) as folder:
        write_state(folder, _FORM, state, {"learner": model.card["model"], "card": model.card})


def read_model(path: str | Path) -> Model:
    """Read a model directory.

    Raises
    ------
    InputError
        If it is no model directory, or a file is missing, damaged or of another version.
    """
    from couponry.predictors.model import Model

    folder = Path(path)
    head, state = read_state(folder, _FORM)
    try:
        return Model(
            FeatureEncoder.from_state(state.part("features")),
            Menu.from_state(state.part("menu")),
            model_entry(head["learner"]).load().from_state(state.part("learner")),
            head["card"],
            Calibration.from_state(state.part("calibration")) if "calibration" in state.facts else None,
            RowsSeen.from_state(state.part("rows_seen")) if "rows_seen" in state.facts else None,
        )
    except (LookupError, AttributeError, TypeError, ValueError, RuntimeError) as error:
        raise InputError(
            f"the model cannot be put together: {error}", file=folder / _FORM.head, mend="Train again"
        ) from error
