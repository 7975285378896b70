"""Work through tasks that bring further tasks, a few at one time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import Generic, TypeVar

from couponry.solver.local import share_of_cores

__all__ = ["SideBySide"]

Task = TypeVar("Task")
Word = TypeVar("Word")


class SideBySide(Generic[Task, Word]):
    """Threads that work through tasks, the latest first, so that few wait.

    Parameters
    ----------
    work : callable
        Does a task and returns those that follow. Called in threads of its own.
    told : callable
        Called with each word, by the thread that called :meth:`run`. What it raises ends all work.
    threads : int
        Engines made within a task use one of so many shares of the cores.
    """

    def __init__(
        self, work: Callable[[Task], Iterable[Task]], told: Callable[[Word], None], threads: int
    ) -> None:
        self._work, self._told, self._threads = work, told, threads
        self._words: SimpleQueue[Word | None] = SimpleQueue()
        self._changed = threading.Condition()
        self._waiting: list[Task] = []
        self._busy = 0
        self._stopped = False

    def tell(self, word: Word) -> None:
        """Tell a word, from within a task."""
        self._words.put(word)

    def run(self, tasks: Iterable[Task]) -> None:
        """Do tasks and all that follow from them.

        What one of them raises is raised here, once the others at work have ended.
        """
        self._waiting += tasks
        with ThreadPoolExecutor(self._threads, thread_name_prefix="side") as pool:
            running = [pool.submit(self._one_after_the_other) for _ in range(self._threads)]
            try:
                ended = 0
                while ended < len(running):
                    word = self._words.get()
                    if word is None:
                        ended += 1
                    else:
                        self._told(word)
            finally:
                self._stop()
        for thread in running:
            thread.result()

    def _one_after_the_other(self) -> None:
        try:
            with share_of_cores(self._threads):
                while (task := self._next()) is not None:
                    further = list(self._work(task))
                    with self._changed:
                        self._waiting += further
                        self._busy -= 1
                        self._changed.notify_all()
        except BaseException:
            self._stop()
            raise
        finally:
            self._words.put(None)

    def _next(self) -> Task | None:
        """Return the latest task once there is one, or None where none can come any more."""
        with self._changed:
            while not self._waiting and self._busy and not self._stopped:
                self._changed.wait()
            if self._stopped or not self._waiting:
                return None
            self._busy += 1
            return self._waiting.pop()

    def _stop(self) -> None:
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
