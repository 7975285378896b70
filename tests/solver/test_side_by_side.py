"""Tasks that bring further tasks: all are done, words are told, and errors end the work."""

from __future__ import annotations

import threading

import pytest

from couponry.instances.generators import draw_instance
from couponry.solver.local import LocalEngine, share_of_cores
from couponry.solver.side_by_side import SideBySide


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_all_tasks_and_those_that_follow_are_done_once(threads: int) -> None:
    """Halving 0 to 100 down to single numbers meets each of them once."""
    met: list[int] = []

    def halve(span: tuple[int, int]) -> list[tuple[int, int]]:
        first, last = span
        if last - first == 1:
            met.append(first)
            return []
        middle = (first + last) // 2
        return [(first, middle), (middle, last)]

    SideBySide(halve, lambda word: None, threads).run([(0, 50), (50, 100)])
    assert sorted(met) == list(range(100))


def test_the_latest_task_is_done_first() -> None:
    """One thread goes to the end of a branch before it begins another."""
    met: list[str] = []

    def grow(name: str) -> list[str]:
        met.append(name)
        return [name + "a", name + "b"] if len(name) < 3 else []

    SideBySide(grow, lambda word: None, 1).run(["x"])
    assert met == ["x", "xb", "xbb", "xba", "xa", "xab", "xaa"]


def test_words_are_told_by_the_thread_that_runs() -> None:
    """What tasks tell in their threads is heard in this one."""
    heard: list[tuple[int, str]] = []

    def work(task: int) -> tuple[()]:
        side.tell(task)
        return ()

    side: SideBySide[int, int] = SideBySide(
        work, lambda word: heard.append((word, threading.current_thread().name)), 2
    )
    side.run(range(6))
    assert {word for word, _ in heard} == set(range(6))
    assert {name for _, name in heard} == {threading.current_thread().name}


def test_an_error_in_a_task_is_raised_and_ends_the_others() -> None:
    """Of endless tasks one fails: the work ends with its error."""

    def work(task: int) -> list[int]:
        if task == 40:
            raise ZeroDivisionError
        return [task + 1]

    with pytest.raises(ZeroDivisionError):
        SideBySide(work, lambda word: None, 2).run([0, -1000])


def test_threads_beside_each_other_share_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of eight cores an engine takes all, and within one of three workers two."""
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    program = draw_instance(50, 3, seed=0).program
    assert LocalEngine(program).threads == 8
    with share_of_cores(3):
        assert LocalEngine(program).threads == 2
    assert LocalEngine(program).threads == 8
