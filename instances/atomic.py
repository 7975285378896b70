"""Outputs are written aside and renamed, so that a failed write leaves the former output whole."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from couponry.instances.errors import ExistsError, InputError
from couponry.instances.wording import setting

__all__ = ["check_free", "write_directory", "write_file"]

_MARK = ".couponry"


@contextmanager
def write_file(path: str | Path) -> Iterator[Path]:
    """Give a path aside; on success it takes the place of ``path``, on failure it is removed.

    Yields
    ------
    Path
        Where to write.

    Raises
    ------
    InputError
        If the file cannot be written, for instance because the disk is full.
    """
    target = _local(path)
    with _told(path):
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        os.close(handle)
        aside = Path(name)
        try:
            yield aside
            _flush(aside)
            aside.chmod(0o644)
            aside.replace(target)
        finally:
            aside.unlink(missing_ok=True)


@contextmanager
def write_directory(path: str | Path, *, kind: str, force: bool = False) -> Iterator[Path]:
    """Give a directory aside; on success it takes the place of ``path``, on failure it is removed.

    What stands there already is overwritten only with ``force``. Even then, files and folders that couponry
    did not write and whose names it does not need stay.

    Parameters
    ----------
    path : str or Path
    kind : str
        What it holds, such as ``"plan"``; kept in a file ``.couponry`` inside, with the names of what is
        written.
    force : bool
        Overwrite what is there.

    Yields
    ------
    Path
        Where to write.

    Raises
    ------
    ExistsError
        If ``path`` holds something and ``force`` is not given.
    InputError
        If the directory cannot be written, for instance because the disk is full.
    """
    target = _local(path)
    check_free(path, force=force)
    with _told(path):
        target.parent.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
        try:
            yield aside
            written = sorted(entry.name for entry in aside.iterdir())
            (aside / _MARK).write_text("\n".join([kind, *written]) + "\n", encoding="utf-8")
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
    target = _local(path)
    if force or not target.exists() or (target.is_dir() and not any(target.iterdir())):
        return
    held = "a file" if target.is_file() else "a directory that is not empty"
    raise ExistsError(
        f"the output exists already: {held}",
        file=path,
        mend=f"Choose another place, or give {setting('force', True)}",
    )


def _local(path: str | Path) -> Path:
    if "://" in str(path):
        raise InputError(
            "outputs are written to local paths", file=path, mend="Choose a local place, then copy it there"
        )
    return Path(path).absolute()


@contextmanager
def _told(path: str | Path) -> Iterator[None]:
    """Turn the system's refusal to write into an error that says what is lost: nothing."""
    try:
        yield
    except OSError as error:
        raise InputError(
            f"cannot be written: {error}",
            file=path,
            mend="Free space or choose another place; what stood here before is untouched",
        ) from error


def _swap(aside: Path, target: Path) -> None:
    """Put ``aside`` in the place of ``target``; the former content goes only when the new one stands."""
    if not target.exists():
        aside.replace(target)
        return
    if target.is_dir() and not (target / _MARK).is_file():
        _merge(aside, target)
        return
    former = Path(tempfile.mkdtemp(prefix=f".{target.name}.former.", dir=target.parent))
    was = former / "was"
    target.replace(was)
    try:
        aside.replace(target)
    except BaseException:
        was.replace(target)
        former.rmdir()
        raise
    if was.is_dir():
        _bring_back(was, target)
    shutil.rmtree(former, ignore_errors=True)


def _merge(aside: Path, target: Path) -> None:
    """Move entries into a directory that holds other people's files; those stay."""
    for entry in list(aside.iterdir()):
        place = target / entry.name
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place)
        entry.replace(place)


def _bring_back(was: Path, target: Path) -> None:
    """Move what others have put into a former output of ours to the new one."""
    ours = {_MARK, *(was / _MARK).read_text(encoding="utf-8").splitlines()[1:]}
    for entry in list(was.iterdir()):
        place = target / entry.name
        if entry.name not in ours and not place.exists():
            entry.replace(place)


def _flush(file: Path) -> None:
    descriptor = os.open(file, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
