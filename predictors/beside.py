"""Work beside other work: compiled code that leaves Python's interpreter to others."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager

__all__ = ["beside"]


@contextmanager
def beside() -> Iterator[Executor]:
    """Do what is handed in one after another, in a thread.

    Leaving waits for it. Where the work within ends by an error or an interrupt, what has not begun is not.
    """
    with ThreadPoolExecutor(1) as executor:
        try:
            yield executor
        except BaseException:
            executor.shutdown(wait=False, cancel_futures=True)
            raise
