"""Items made by a thread of their own, a few ahead of whoever takes them."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from typing import TypeVar

__all__ = ["ahead"]

Item = TypeVar("Item")
_PATIENCE = 0.1  # seconds between looks whether anybody still takes items


def ahead(items: Iterator[Item], most: int = 2) -> Iterator[Item]:
    """Return the same items, of which up to ``most`` are made before they are asked for.

    So reading goes on while what was read is worked on. An error in the thread is raised where the item would
    have come; whoever stops early ends the thread.
    """
    made: queue.Queue[tuple[str, Item | BaseException | None]] = queue.Queue(most)
    stopped = threading.Event()

    def put(kind: str, item: Item | BaseException | None) -> bool:
        while not stopped.is_set():
            try:
                made.put((kind, item), timeout=_PATIENCE)
            except queue.Full:
                continue
            return True
        return False

    def make() -> None:
        try:
            for item in items:
                if not put("item", item):
                    return
            put("end", None)
        except BaseException as error:
            put("error", error)

    thread = threading.Thread(target=make, daemon=True, name="couponry-reader")
    thread.start()
    try:
        while True:
            kind, item = made.get()
            if kind == "end":
                return
            if isinstance(item, BaseException):
                raise item
            yield item  # type: ignore[misc]
    finally:
        stopped.set()
        thread.join()
