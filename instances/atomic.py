"""Outputs are written aside and renamed, so that a failed write leaves the former output whole."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from couponry.instances.errors import ExistsError

__all__ = ["check_free", "write_directory", "write_file"]

_MARK = ".couponry"


@contextmanager
def write_file(path: str | Path) -> Iterator[Path]:
    """Give a path aside; on success it takes the place of ``path``, on failure it is removed.

    Yields
    ------
    Path
        Where to write.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    os.close(handle)
    aside = Path(name)
    try:
        yield aside
        _flush(aside)
        aside.chmod(0o644)
        os.replace(aside, target)
    finally:
        aside.unlink(missing_ok=True)


@contextmanager
def write_directory(path: str | Path, *, kind: str, force: bool = False) -> Iterator[Path]:
    """Give a directory aside; on success it takes the place of ``path``, on failure it is removed.

    What stands there already is overwritten only with ``force``; files that are not couponry's stay even then.

    Parameters
    ----------
    path : str or Path
    kind : str
        What it holds, such as ``"plan"``; kept in a file ``.couponry`` inside.
    force : bool
        Overwrite whatever is there.

    Yields
    ------
    Path
        Where to write.

    Raises
    ------
    ExistsError
        If ``path`` holds something and ``force`` is not given.
    """
    target = Path(path)
    check_free(target, force=force)
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        yield aside
        (aside / _MARK).write_text(kind + "\n")
        for file in aside.rglob("*"):
            if file.is_file():
                _flush(file)
        aside.chmod(0o755)
        _swap(aside, target)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def check_free(path: str | Path, *, force: bool = False) -> None:
    """Refuse an output place that holds something, before long work begins.

    Raises
    ------
    ExistsError
        If ``path`` is a file, or a directory that is not empty, and ``force`` is not given.
    """
    target = Path(path)
    if force or not target.exists() or (target.is_dir() and not any(target.iterdir())):
        return
    held = "a file" if target.is_file() else "a directory that is not empty"
    raise ExistsError(f"the output exists already: {held}", file=target, mend="Choose another, or give --force")


def _swap(aside: Path, target: Path) -> None:
    """Put ``aside`` in the place of ``target``; the former content goes only when the new one stands."""
    if not target.exists():
        os.replace(aside, target)
    elif target.is_dir() and not (target / _MARK).is_file():
        _merge(aside, target)
    else:
        former = Path(tempfile.mkdtemp(prefix=f".{target.name}.former.", dir=target.parent))
        os.replace(target, former / "was")
        try:
            os.replace(aside, target)
        except OSError:
            os.replace(former / "was", target)
            raise
        finally:
            if target.exists():
                shutil.rmtree(former, ignore_errors=True)


def _merge(aside: Path, target: Path) -> None:
    """Move entries into a directory that holds other people's files; those stay."""
    for entry in list(aside.iterdir()):
        place = target / entry.name
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place)
        os.replace(entry, place)


def _flush(file: Path) -> None:
    descriptor = os.open(file, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
