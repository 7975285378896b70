"""Ctrl-C: the first asks the work to stop and hand back its best plan, the second aborts at once."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from types import FrameType

from couponry.cli.console import say
from couponry.cli.errors import ExitCode

__all__ = ["cancel_if_heeded", "cancel_on_interrupt"]

_SHOW_CURSOR = "\x1b[?25h"
_PATIENCE = 1.0
"""Seconds that a second Ctrl-C leaves for tidying up."""
_PAUSE = 0.1


def cancel_if_heeded(method: str) -> AbstractContextManager[threading.Event | None]:
    """Give such an event where a solve by this method heeds it; elsewhere the first Ctrl-C aborts."""
    from couponry.solver.backends import heeds

    return cancel_on_interrupt() if heeds(method, "cancel") else nullcontext()


@contextmanager
def cancel_on_interrupt() -> Iterator[threading.Event]:
    """Give an event that the first Ctrl-C sets, while the work goes on; the second ends the process.

    Yields
    ------
    threading.Event
        To be handed on as ``cancel``.
    """
    if threading.current_thread() is not threading.main_thread():
        yield threading.Event()  # signals are the main thread's affair
        return
    listener = _Listener()
    former = signal.signal(signal.SIGINT, listener.handle)
    former_wakeup = signal.set_wakeup_fd(listener.mouth.fileno(), warn_on_full_buffer=False)
    listener.start()
    try:
        yield listener.cancel
        listener.handle()
    finally:
        signal.set_wakeup_fd(former_wakeup)
        listener.stop()
        signal.signal(signal.SIGINT, former)


class _Listener(threading.Thread):
    """Hears of signals at once.

    A handler written in Python waits until the main thread comes back from compiled code, and then it runs
    once however many signals came. The interpreter writes each signal's number to a socket without waiting.
    """

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.cancel = threading.Event()
        self.abort = threading.Event()
        self._raised = False
        self._over = threading.Event()
        self._ear, self.mouth = socket.socketpair()
        self.mouth.setblocking(False)

    def handle(self, _signal: int = 0, _frame: FrameType | None = None) -> None:
        """In the main thread: raise once after the second signal, so that tidying up is left in peace."""
        if self.abort.is_set() and not self._raised:
            self._raised = True
            raise KeyboardInterrupt

    def run(self) -> None:
        """Set the events; after the second signal, end the process where the main thread does not."""
        while heard := self._ear.recv(1):
            if heard[0] != signal.SIGINT:
                continue
            if self.cancel.is_set():
                self.abort.set()
                self._wake()
                return
            say("Stopping at the next step to keep the best plan so far. Ctrl-C again aborts at once.")
            self.cancel.set()

    def _wake(self) -> None:
        """Interrupt the main thread, again and again: a signal that comes just before a wait is missed."""
        main = threading.main_thread().ident
        assert main is not None
        for _ in range(int(_PATIENCE / _PAUSE)):
            signal.pthread_kill(main, signal.SIGINT)
            if self._over.wait(_PAUSE):
                return
        say(_SHOW_CURSOR * sys.stderr.isatty() + "Aborted.")
        os._exit(int(ExitCode.ABORTED))

    def stop(self) -> None:
        """End the thread."""
        self._over.set()
        self.mouth.close()
        self.join()
        self._ear.close()
