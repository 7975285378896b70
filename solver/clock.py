"""When to stop: a deadline, a cancel flag, and the seconds each phase took."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from couponry.instances.progress import Cancel, Progress, Report
from couponry.solver.solution import StoppedBy

__all__ = ["Clock"]


class Clock:
    """Deadline, cancel flag and progress of one solve.

    Parameters
    ----------
    time_limit : float or None
        Seconds.
    cancel : Cancel or None
    report : callable or None
        Called with a :class:`couponry.instances.progress.Progress` at each step.
    """

    def __init__(
        self, time_limit: float | None = None, cancel: Cancel | None = None, report: Report | None = None
    ) -> None:
        self.began = time.perf_counter()
        self.time_limit = time_limit
        self.cancel = cancel
        self.report = report
        self.seconds_by_phase: dict[str, float] = {}

    @property
    def seconds(self) -> float:
        """Seconds since the solve began."""
        return time.perf_counter() - self.began

    def left(self, most: float = float("inf")) -> float:
        """Return the seconds left, at most ``most``."""
        return most if self.time_limit is None else max(0.0, min(most, self.time_limit - self.seconds))

    @property
    def stopped_by(self) -> StoppedBy | None:
        """Why to stop now; None to go on."""
        if self.cancel is not None and self.cancel.is_set():
            return StoppedBy.CANCELLED
        if self.time_limit is not None and self.seconds >= self.time_limit:
            return StoppedBy.TIME_LIMIT
        return None

    def tell(self, stage: str, done: float, total: float | None = None, message: str = "") -> None:
        """Report a step."""
        if self.report is not None:
            self.report(Progress(stage, done, total, message))

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Add the time spent inside to a phase."""
        began = time.perf_counter()
        try:
            yield
        finally:
            spent = time.perf_counter() - began
            self.seconds_by_phase[name] = self.seconds_by_phase.get(name, 0.0) + spent
