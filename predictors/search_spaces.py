"""Which options of a model a search tries, and between what values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from couponry.instances.errors import InputError
from couponry.predictors.registry import model_entry

__all__ = ["Choice", "Range", "space_of"]


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
}
_OWN: dict[str, dict[str, Range | Choice]] = {"efin": {"width": Range(4, 16, log=True)}}


def space_of(model: str) -> dict[str, Range | Choice]:
    """Return the usual space of a model: those of its options that are worth a search.

    Parameters
    ----------
    model : str

    Raises
    ------
    InputError
        If there is no such model.
    """
    options = model_entry(model).options
    return {name: part for name, part in _USUAL.items() if name in options} | _OWN.get(model, {})
