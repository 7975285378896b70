"""Figures of a training as it goes: to whoever asked to be told, and to TensorBoard."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from couponry.instances.errors import require_extra
from couponry.instances.progress import Progress, Report

__all__ = ["Logs", "told"]


class Logs:
    """Where figures go after every pass.

    Parameters
    ----------
    folder : str, optional
        TensorBoard's; its extra is needed then.
    name : str
        Of the run within.
    tell : callable, optional
        Called with the number of the pass and a message.

    Raises
    ------
    MissingExtraError
        If a folder is given and tensorboard is not installed.
    """

    def __init__(self, folder: str | None, name: str, tell: Callable[[int, str], None] | None) -> None:
        self.tell = tell
        self.offset = 0
        self.writer: Any = None
        if folder is not None:
            require_extra("tensorboard", "logs")
            from torch.utils.tensorboard.writer import SummaryWriter

            self.writer = SummaryWriter(str(Path(folder) / name))

    def after(self, epochs: int) -> Self:
        """Count further passes from here on."""
        self.offset = epochs
        return self

    def write(self, epoch: int, figures: dict[str, float]) -> None:
        """Note the figures of a pass."""
        at = self.offset + epoch
        if self.writer is not None:
            for name, value in figures.items():
                self.writer.add_scalar(name, value, at)
        if self.tell is not None:
            self.tell(at, ", ".join(f"{name} {value:.5f}" for name, value in figures.items()))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.writer is not None:
            self.writer.close()


def told(progress: Report | None, epochs: int) -> Callable[[int, str], None] | None:
    """Return what tells ``progress`` of every pass, of so many at most."""
    if progress is None:
        return None
    return lambda epoch, message: progress(Progress("training", epoch, epochs, message))
