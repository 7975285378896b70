"""Where input is read from: a local path, or any place that fsspec reaches by a URL."""

from __future__ import annotations

import posixpath
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pyarrow as pa

from couponry.instances.errors import InputError

__all__ = ["Source"]


class Source:
    """A file or directory to read.

    Parameters
    ----------
    path : str or Path
        A local path, or a URL such as ``s3://bucket/campaign``; fsspec is used only where there is ``://``.

    Raises
    ------
    InputError
        If nothing here can read such a URL.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = str(path)
        self._remote: Any = None
        if "://" in self.path:
            self._remote, self._inner = _file_system(self.path)
        else:
            self._local = Path(path)

    def __str__(self) -> str:
        return self.path

    @property
    def name(self) -> str:
        """Last part of the path."""
        return posixpath.basename(self.path.rstrip("/")) if self._remote else self._local.name

    @property
    def suffix(self) -> str:
        """Ending of the name in lower case, such as ``".csv"``."""
        return posixpath.splitext(self.name)[1].lower()

    def child(self, name: str) -> Source:
        """Return what is called ``name`` in this directory; an absolute ``name`` stands for itself."""
        if "://" in name or Path(name).is_absolute():
            return Source(name)
        return Source(f"{self.path.rstrip('/')}/{name}" if self._remote else self._local / name)

    @property
    def parent(self) -> Source:
        """The directory that this stands in."""
        return Source(posixpath.dirname(self.path.rstrip("/")) if self._remote else self._local.parent)

    def is_file(self) -> bool:
        """Whether this is a file."""
        return bool(self._remote.isfile(self._inner)) if self._remote else self._local.is_file()

    def is_dir(self) -> bool:
        """Whether this is a directory."""
        return bool(self._remote.isdir(self._inner)) if self._remote else self._local.is_dir()

    def names(self, pattern: str = "*") -> list[str]:
        """Return the names in this directory that match ``pattern``, sorted."""
        if self._remote:
            found = [posixpath.basename(p.rstrip("/")) for p in self._remote.ls(self._inner, detail=False)]
        else:
            found = [entry.name for entry in self._local.iterdir()]
        return sorted(name for name in found if fnmatch(name, pattern))

    def size(self) -> int:
        """Return the number of bytes of this file."""
        return int(self._remote.size(self._inner)) if self._remote else self._local.stat().st_size

    def open(self) -> Any:
        """Open for reading."""
        return self._remote.open(self._inner, "rb") if self._remote else pa.OSFile(self.path, "rb")

    def read_text(self) -> str:
        """Return the content of a UTF-8 text file.

        Raises
        ------
        InputError
            If it is not there or is not UTF-8.
        """
        try:
            with self.open() as file:
                return bytes(file.read()).decode("utf-8-sig")
        except FileNotFoundError as error:
            raise InputError("there is no such file", file=self.path, mend="Check the path") from error
        except UnicodeDecodeError as error:
            raise InputError(
                f"the text is not UTF-8 at byte {error.start}", file=self.path, mend="Save it as UTF-8"
            ) from error


def _file_system(url: str) -> tuple[Any, str]:
    import fsspec

    try:
        system, inner = fsspec.core.url_to_fs(url)
    except (ValueError, ImportError) as error:
        raise InputError(
            f"this URL cannot be opened: {error}",
            file=url,
            mend="Install what it needs, or give a local path",
        ) from error
    return system, inner
