"""When to stop, and the seconds each phase took."""

from __future__ import annotations

import math
import threading
import time

import pytest

from couponry.instances import Progress
from couponry.solver.clock import Clock
from couponry.solver.solution import StoppedBy


def test_nothing_stops_a_clock_without_limits() -> None:
    """Without a limit there is no end, and as much time left as one asks for."""
    clock = Clock()
    assert clock.stopped_by is None
    assert clock.left() == math.inf
    assert clock.left(3.0) == 3.0


def test_time_runs_out() -> None:
    """Once its seconds are over the clock says so, and no time is left."""
    clock = Clock(time_limit=0.01)
    assert 0 < clock.left() <= 0.01
    time.sleep(0.02)
    assert clock.stopped_by is StoppedBy.TIME_LIMIT
    assert clock.left() == 0.0
    assert clock.seconds >= 0.02


def test_time_left_is_at_most_what_one_asks_for() -> None:
    """Of a long limit only the asked part is handed out."""
    assert Clock(time_limit=100).left(2.0) == 2.0
    assert 2.0 < Clock(time_limit=100).left(1000.0) <= 100


def test_cancelled_comes_before_the_time_limit() -> None:
    """Who cancels is told so, even after the time was over."""
    cancel = threading.Event()
    clock = Clock(time_limit=1e-9, cancel=cancel)
    reasons = [clock.stopped_by]
    cancel.set()
    reasons.append(clock.stopped_by)
    assert reasons == [StoppedBy.TIME_LIMIT, StoppedBy.CANCELLED]


def test_steps_are_told() -> None:
    """Each step reaches the report as it was given; without one nothing happens."""
    heard: list[Progress] = []
    Clock(report=heard.append).tell("prices", 2, 5, "bound 7")
    assert heard == [Progress("prices", 2, 5, "bound 7")]
    Clock().tell("prices", 2)


def test_phases_add_up() -> None:
    """A phase that is entered twice has the seconds of both."""
    clock = Clock()
    for _ in range(2):
        with clock.phase("dual"):
            time.sleep(0.01)
    assert clock.seconds_by_phase["dual"] >= 0.02
    assert clock.seconds >= clock.seconds_by_phase["dual"]


def test_a_phase_that_fails_is_counted() -> None:
    """The seconds of a phase that ends in an error are there, and the error goes on."""
    clock = Clock()
    with pytest.raises(RuntimeError, match="broken"), clock.phase("plan"):
        raise RuntimeError("broken")
    assert clock.seconds_by_phase["plan"] >= 0
