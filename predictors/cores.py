"""How many processor cores to work on."""

from __future__ import annotations

import os

__all__ = ["spare_cores"]

_MOST = 8


def spare_cores() -> int:
    """Return half of the cores this process may use, at least 1 and at most 8.

    Threads that share a core with other work wait for one another, which costs more than they bring.
    """
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(_MOST, usable // 2))
