"""What a fitted part remembers, in forms that can be written without pickle."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["State"]

_SEPARATOR = "/"


@dataclass
class State:
    """A fitted part, taken to pieces.

    Attributes
    ----------
    facts : dict
        What JSON can hold.
    arrays : dict from str to ndarray
    texts : dict from str to str
        Long text, such as LightGBM's own model format.
    """

    facts: dict[str, Any] = field(default_factory=dict)
    arrays: dict[str, npt.NDArray[Any]] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)

    def put(self, name: str, part: State) -> None:
        """Store the state of a part under a name."""
        self.facts[name] = part.facts
        self.arrays |= {f"{name}{_SEPARATOR}{key}": array for key, array in part.arrays.items()}
        self.texts |= {f"{name}{_SEPARATOR}{key}": text for key, text in part.texts.items()}

    def part(self, name: str) -> State:
        """Return the state that was stored under a name."""
        prefix = name + _SEPARATOR
        return State(
            facts=self.facts[name],
            arrays={key.removeprefix(prefix): a for key, a in self.arrays.items() if key.startswith(prefix)},
            texts={key.removeprefix(prefix): t for key, t in self.texts.items() if key.startswith(prefix)},
        )

    def put_all(self, name: str, parts: list[State]) -> None:
        """Store the states of a list of parts under a name."""
        whole = State()
        for position, part in enumerate(parts):
            whole.put(str(position), part)
        self.put(name, whole)

    def parts(self, name: str) -> list[State]:
        """Return the states that were stored as a list."""
        whole = self.part(name)
        return [whole.part(str(position)) for position in range(len(whole.facts))]

    @staticmethod
    def json_ready(value: object) -> object:
        """Turn a numpy scalar into Python's own number, for JSON."""
        return value.item() if isinstance(value, np.generic) else value
