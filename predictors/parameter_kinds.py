"""What the parameters of learners can be: a kind and its bounds by name, told once for all models.

Wherever a learner has a parameter of such a name, it means this; what differs stands in the learner's
``parameter_kinds``.
"""

from __future__ import annotations

import math
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from couponry.instances.errors import InputError, did_you_mean
from couponry.instances.wording import setting

__all__ = ["Even", "Flag", "Kind", "Names", "Number", "Options", "Place", "Whole", "Word", "check_parameters"]

_MOST = 2**31 - 1  # libraries take seeds and sizes as 32-bit numbers


class Kind(Protocol):
    """What a value can be."""

    @property
    def words(self) -> str:
        """What it must be, to stand behind "must be"."""
        ...

    def takes(self, value: Any) -> bool:
        """Return whether a value is of this kind."""
        ...

    def mend(self, value: Any) -> str | None:
        """Return what to do about one that is not, where there is more to say than :attr:`words`."""
        ...


@dataclass(frozen=True)
class _Said:
    """A kind that its words say all of."""

    def mend(self, value: Any) -> str | None:
        """Return nothing."""
        return None


@dataclass(frozen=True)
class Whole(_Said):
    """A whole number of at least ``least``; 0 too with ``or_none``, which stands for none of it."""

    least: int = 1
    or_none: bool = False

    @property
    def words(self) -> str:
        """What it must be."""
        return f"{'0 or ' * self.or_none}a whole number of at least {self.least}"

    def takes(self, value: Any) -> bool:
        """Return whether it is one; flags are none."""
        if not isinstance(value, int | np.integer) or isinstance(value, bool):
            return False
        return bool(self.least <= value <= _MOST or (self.or_none and value == 0))


@dataclass(frozen=True)
class Even(_Said):
    """A whole number of pairs."""

    words: str = "an even number of at least 2"

    def takes(self, value: Any) -> bool:
        """Return whether it is one."""
        return Whole(2).takes(value) and value % 2 == 0


@dataclass(frozen=True)
class Number(_Said):
    """A finite number of at least ``least``, or above it, and at most ``most``."""

    least: float = 0.0
    most: float = math.inf
    above: bool = False

    @property
    def words(self) -> str:
        """What it must be."""
        low = f"a number {'above' if self.above else 'of at least'} {self.least:g}"
        return low if math.isinf(self.most) else f"{low} and at most {self.most:g}"

    def takes(self, value: Any) -> bool:
        """Return whether it is one; flags are none."""
        if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
            return False
        inside = self.least < value if self.above else self.least <= value
        return bool(inside and value <= self.most and math.isfinite(value))


@dataclass(frozen=True)
class Word:
    """One of some words."""

    known: tuple[str, ...]

    @property
    def words(self) -> str:
        """What it must be."""
        return "a known word"

    def takes(self, value: Any) -> bool:
        """Return whether it is one of them."""
        return isinstance(value, str) and value in self.known

    def mend(self, value: Any) -> str | None:
        """Return the known words, the nearest first."""
        return did_you_mean(value, self.known)


@dataclass(frozen=True)
class Flag(_Said):
    """True or False."""

    words: str = "true or false"

    def takes(self, value: Any) -> bool:
        """Return whether it is a flag."""
        return isinstance(value, bool | np.bool_)


@dataclass(frozen=True)
class Place(_Said):
    """A path."""

    words: str = "a path"

    def takes(self, value: Any) -> bool:
        """Return whether it can be a path."""
        return isinstance(value, str | os.PathLike) and str(value) != ""


@dataclass(frozen=True)
class Names(_Said):
    """One name or several."""

    words: str = "a name or a list of names"

    def takes(self, value: Any) -> bool:
        """Return whether all are words."""
        return isinstance(value, str) or (
            isinstance(value, Collection) and all(isinstance(one, str) for one in value)
        )


@dataclass(frozen=True)
class Options:
    """Options of a part, by name; what each can be is the part's to say."""

    words: str = "options by name"

    def takes(self, value: Any) -> bool:
        """Return whether it is a mapping whose keys are words."""
        return isinstance(value, Mapping) and all(isinstance(name, str) for name in value)

    def mend(self, value: Any) -> str | None:
        """Return an example."""
        return f"Such as {setting('base_options', {'trees': 200})}"


_SIZE, _WEIGHT, _PENALTY = Whole(1), Number(0.0), Number(0.0, above=True)

_KINDS: dict[str, Kind] = {
    "seed": Whole(0),
    "holdout": Number(0.0, 1.0),
    "assignment": Word(("lot", "features")),
    "least_rows": Whole(0),
    "trials": _SIZE,
    "time_limit": Number(0.0),
    "budget": Number(0.0),
    "folds": Whole(2),
    "error_folds": Whole(2, or_none=True),
    "members": _SIZE,
    "width": _SIZE,
    "depth_width": _SIZE,
    "head_width": _SIZE,
    "depth": _SIZE,
    "rank": _SIZE,
    "channels": _SIZE,
    "length": _SIZE,
    "adapter_rank": _SIZE,
    "epochs": _SIZE,
    "patience": _SIZE,
    "batch": _SIZE,
    "rows_a_pass": _SIZE,
    "decision_epochs": Whole(0),
    "neighbours": _SIZE,
    "references": _SIZE,
    "trees": _SIZE,
    "leaves": Whole(2),
    "leaf_rows": _SIZE,
    "columns": Number(0.0, 1.0, above=True),
    "learning_rate": _PENALTY,
    "penalty": _PENALTY,
    "cross_penalty": _PENALTY,
    "shrink": _WEIGHT,
    "weight_decay": _WEIGHT,
    "money_weight": _WEIGHT,
    "effect_penalty": _WEIGHT,
    "own_penalty": _WEIGHT,
    "effect_lasso": _WEIGHT,
    "base_lasso": _WEIGHT,
    "balance_weight": _WEIGHT,
    "click_weight": _WEIGHT,
    "constraint_weight": _WEIGHT,
    "propensity_weight": _WEIGHT,
    "targeted_weight": _WEIGHT,
    "decision_anchor": _WEIGHT,
    "least_propensity": Number(0.0, 0.5),
    "mixed_precision": Flag(),
    "ladder_by": Names(),
    "checkpoint": Place(),
    "logs": Place(),
    "encoder": Place(),
    "base_options": Options(),
}


def check_parameters(
    given: Mapping[str, Any],
    defaults: Mapping[str, Any] | None = None,
    own: Mapping[str, Kind] | None = None,
) -> None:
    """Refuse parameters that are not there, or whose value is not of their kind.

    Parameters
    ----------
    given : mapping from name to value
    defaults : mapping from name to value, optional
        Of all parameters there are; without, those given are all. Where the default is None, None may be
        given.
    own : mapping from name to Kind, optional
        Kinds that differ from those of all models.

    Raises
    ------
    InputError
        Naming the parameter, what it must be, and the value.
    """
    kinds = {**_KINDS, **(own or {})}
    defaults = dict(given) if defaults is None else defaults
    for name, value in given.items():
        if name not in defaults:
            raise InputError(
                "this model has no such parameter", parameter=name, mend=did_you_mean(name, defaults)
            )
        if name not in kinds or (value is None and defaults[name] is None):
            continue
        if not kinds[name].takes(value):
            raise InputError(
                f"this must be {kinds[name].words}",
                parameter=name,
                value="None" if value is None else value,
                mend=kinds[name].mend(value),
            )
