"""Stopping a solver that asks nobody: a thread looks at the clock for it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from couponry.solver.clock import Clock

__all__ = ["stopped_with"]

EVERY = 0.05
"""Seconds between two looks."""


@contextmanager
def stopped_with(clock: Clock, stop: Callable[[], object]) -> Iterator[None]:
    """While inside, call ``stop`` once the clock says so; nothing is started without a cancel flag."""
    if clock.cancel is None:
        yield
        return
    over = threading.Event()

    def look() -> None:
        while not over.wait(EVERY):
            if clock.stopped_by is not None:
                stop()
                # A solver that had not begun yet forgets the call.
                continue

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
