"""Which options of a model a search tries, and between what values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from couponry.instances.errors import InputError
from couponry.predictors.registry import model_entry

__all__ = ["OF_BASE", "Choice", "Range", "space_of"]

OF_BASE = "base_options."
"""Before the name of an option of what a model is built of."""


@dataclass(frozen=True)
class Range:
    """Numbers between two ends.

    Attributes
    ----------
    low, high : float
        Whole numbers where both are.
    log : bool
        Drawn alike on a logarithmic scale.
    """

    low: float
    high: float
    log: bool = False

    def __post_init__(self) -> None:
        """Refuse an empty range."""
        if not self.low < self.high or (self.log and self.low <= 0):
            raise InputError(
                f"a range needs low < high{', and low > 0 on a logarithmic scale' if self.log else ''}",
                value=(self.low, self.high),
            )

    @property
    def whole(self) -> bool:
        """Whether the numbers are whole."""
        return isinstance(self.low, int) and isinstance(self.high, int)

    def suggest(self, trial: Any, name: str) -> float | int:
        """Ask an Optuna trial for a number."""
        if self.whole:
            drawn: int = trial.suggest_int(name, self.low, self.high, log=self.log)
            return drawn
        number: float = trial.suggest_float(name, self.low, self.high, log=self.log)
        return number

    def grid(self, count: int = 3) -> list[float | int]:
        """Return a few numbers from end to end."""
        spaced = np.geomspace if self.log else np.linspace
        points = spaced(self.low, self.high, count)
        if not self.whole:
            # Optuna checks that points lie in the range, so the ends are given as they were.
            return [self.low, *(float(p) for p in points[1:-1]), self.high]
        return sorted({round(float(p)) for p in points})

    def every(self) -> Sequence[Any] | None:
        """Return all numbers there are, or None where there is no end of them."""
        return range(int(self.low), int(self.high) + 1) if self.whole else None


@dataclass(frozen=True)
class Choice:
    """One of some values.

    Attributes
    ----------
    values : tuple
        Of words, numbers, flags or None.
    """

    values: tuple[Any, ...]

    def __post_init__(self) -> None:
        """Refuse no values."""
        if not self.values:
            raise InputError("a choice needs values", mend="Give at least one")

    def suggest(self, trial: Any, name: str) -> Any:
        """Ask an Optuna trial for a value."""
        return trial.suggest_categorical(name, list(self.values))

    def grid(self, count: int = 3) -> list[Any]:
        """Return all values."""
        return list(self.values)

    def every(self) -> Sequence[Any] | None:
        """Return all values."""
        return self.values


# Options that several models have, and between what values they are tried. Wherever a model has an option of
# such a name, it means this.
_USUAL: dict[str, Range | Choice] = {
    "learning_rate": Range(3e-4, 1e-2, log=True),
    "weight_decay": Range(1e-3, 1.0, log=True),
    "width": Range(16, 96, log=True),
    "head_width": Range(4, 32, log=True),
    "rank": Range(2, 16, log=True),
    "own_penalty": Range(1e-2, 1.0, log=True),
    "effect_lasso": Range(3e-2, 3.0, log=True),
    "balance_weight": Range(1e-3, 1.0, log=True),
    "targeted_weight": Range(0.1, 2.0, log=True),
    "constraint_weight": Range(1e-2, 1.0, log=True),
    "click_weight": Range(0.1, 2.0, log=True),
    "base": Choice(("lightgbm", "sklearn")),
    "folds": Range(2, 5),
    "penalty": Range(1.0, 300.0, log=True),
    "cross_penalty": Range(3.0, 3000.0, log=True),
    "neighbours": Range(30, 1000, log=True),
    "shrink": Range(2.0, 200.0, log=True),
    "trees": Range(20, 320, log=True),
}
# The same of what meta-learners are built of.
_OF_BASE: dict[str, Range | Choice] = {
    "trees": Range(30, 300, log=True),
    "leaves": Range(3, 32, log=True),
    "leaf_rows": Range(10, 300, log=True),
    "learning_rate": Range(0.01, 0.2, log=True),
    "columns": Range(0.2, 1.0),
    "penalty": Range(1.0, 1000.0, log=True),
}
_OWN: dict[str, dict[str, Range | Choice]] = {"efin": {"width": Range(4, 16, log=True)}}


def space_of(model: str) -> dict[str, Range | Choice]:
    """Return the usual space of a model: those of its options that are worth a search.

    Options of what it is built of are those of every base; a search draws those of the base that it draws.

    Parameters
    ----------
    model : str

    Raises
    ------
    InputError
        If there is no such model.
    """
    options = model_entry(model).options
    own = {name: part for name, part in _USUAL.items() if name in options}
    built_of = {OF_BASE + name: part for name, part in _OF_BASE.items() if "base_options" in options}
    return own | built_of | _OWN.get(model, {})
