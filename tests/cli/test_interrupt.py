"""Ctrl-C, pressed on a real process."""

import json
import os
import signal
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from couponry.cli.interrupt import cancel_on_interrupt
from couponry.instances.files import write_instance
from couponry.instances.instance import Instance
from couponry.instances.plan import read_plan
from couponry.instances.rules import Target
from couponry.solver.verify import verify


@pytest.fixture
def solving(terminal: Any, hard: Instance, tmp_path: Path) -> Any:
    """Return a process in the midst of branch and bound."""
    write_instance(hard, tmp_path / "hard")
    process = terminal(
        "solve", tmp_path / "hard", "--out", tmp_path / "plan", "--method", "highs", "--gap", 0
    )
    process.wait_for("integer program")
    threading.Event().wait(2.0)  # until it has a plan
    return process


@pytest.mark.slow
def test_first_keeps_the_best_plan_so_far(solving: Any, hard: Instance, tmp_path: Path) -> None:
    """After one Ctrl-C the best plan so far is written, valid, and said to be cancelled; exit code 0."""
    solving.interrupt()
    code, out = solving.finish()
    assert code == 0, solving.shown
    assert "Ctrl-C again aborts at once" in solving.shown
    summary = json.loads((tmp_path / "plan" / "summary.json").read_text())
    assert (summary["status"], summary["stopped_by"]) == ("feasible", "cancelled")
    assert summary["gap"] > 0
    assert "It was cancelled; the best plan so far was kept." in " ".join(out.split())
    assert verify(hard, read_plan(tmp_path / "plan")).ok


@pytest.mark.slow
def test_first_without_a_plan(terminal: Any, hard: Instance, tmp_path: Path) -> None:
    """Where one Ctrl-C comes before there is any plan, the exit code is 4 and nothing is written."""
    write_instance(replace(hard, rules=(*hard.rules, Target(at_least=7014))), tmp_path / "asked")
    process = terminal("solve", tmp_path / "asked", "--out", tmp_path / "plan", "--method", "highs")
    process.wait_for("integer program")
    process.interrupt()
    code, _ = process.finish()
    assert code == 4, process.shown
    assert "There is no plan to write. It was cancelled" in " ".join(process.shown.split())
    assert not (tmp_path / "plan").exists()


@pytest.mark.slow
def test_second_aborts(solving: Any, tmp_path: Path) -> None:
    """After two Ctrl-C the process ends with 130, leaves no plan, and nothing half-written."""
    solving.interrupt()
    solving.wait_for("Ctrl-C again aborts at once")
    solving.interrupt()
    code, _ = solving.finish()
    assert code == 130
    assert sorted(p.name for p in tmp_path.iterdir()) == ["hard"]


def test_event_is_set_by_the_signal_and_the_handler_is_given_back() -> None:
    """Inside, SIGINT sets the event and raises nothing; afterwards it is Python's own again."""
    before = signal.getsignal(signal.SIGINT)
    with cancel_on_interrupt() as cancel:
        assert not cancel.is_set()
        os.kill(os.getpid(), signal.SIGINT)
        assert cancel.wait(5.0)
    assert signal.getsignal(signal.SIGINT) is before


def test_second_signal_raises() -> None:
    """The second signal stops the work in Python as Ctrl-C always does."""

    def work() -> None:
        with cancel_on_interrupt() as cancel:
            os.kill(os.getpid(), signal.SIGINT)
            assert cancel.wait(5.0)
            os.kill(os.getpid(), signal.SIGINT)
            threading.Event().wait(5.0)

    with pytest.raises(KeyboardInterrupt):
        work()


def test_other_threads_get_a_plain_event() -> None:
    """Signals belong to the main thread; elsewhere the event is there and nothing is installed."""
    seen: list[bool] = []

    def work() -> None:
        with cancel_on_interrupt() as cancel:
            seen.append(cancel.is_set())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [False]
