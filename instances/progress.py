"""How long work reports what it is doing, and how it is asked to stop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

__all__ = ["Cancel", "Progress", "Report"]


@dataclass(frozen=True, slots=True)
class Progress:
    """One step of long work.

    Attributes
    ----------
    stage : str
        What is being done, such as ``"training"`` or ``"dual"``.
    done, total : float
        Steps done, and steps in all (``None`` where that is not known).
    message : str
        Figures worth showing, such as the loss or the current gap.
    """

    stage: str
    done: float
    total: float | None = None
    message: str = ""


Report = Callable[[Progress], None]


class Cancel(Protocol):
    """Anything with ``is_set``, such as :class:`threading.Event`."""

    def is_set(self) -> bool:
        """Whether the work should stop and hand back the best so far."""
        ...
