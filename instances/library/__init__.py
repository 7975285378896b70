"""Twelve named benchmark instances, from 500 × 6 to 10,000,000 × 20, with best known values and bounds.

>>> from couponry.instances import library
>>> library.names()[0]
'easy-500'
>>> library.make("easy-500")
Instance(500 users × 6 coupons, 3 rules)

They are drawn, not stored: by seed, block by block, and by operations that every machine does alike. A
fingerprint of arrays and rules in the table says whether what was drawn is what was meant.
"""

from __future__ import annotations

from pathlib import Path

from couponry.instances.drawn.whole import draw_recipe
from couponry.instances.drawn.write import write_recipe
from couponry.instances.instance import Instance
from couponry.instances.library.best_known import Known, known
from couponry.instances.library.entries import ENTRIES, Entry, entry
from couponry.instances.library.fingerprint import fingerprint
from couponry.instances.progress import Report

__all__ = ["ENTRIES", "Entry", "Known", "entry", "fingerprint", "known", "make", "names", "write"]


def names() -> tuple[str, ...]:
    """Return the names of the instances, smallest first."""
    return tuple(ENTRIES)


def make(name: str) -> Instance:
    """Draw a named instance in memory.

    Raises
    ------
    InputError
        If there is no instance of that name.
    """
    return draw_recipe(entry(name).recipe)


def write(
    name: str,
    path: str | Path,
    *,
    shard_rows: int = 1_000_000,
    force: bool = False,
    progress: Report | None = None,
) -> None:
    """Draw a named instance straight to disk, in memory that does not grow with the users.

    Parameters
    ----------
    name : str
    path : str or Path
        A directory.
    shard_rows : int
        Most users a file.
    force : bool
        Overwrite what is there.
    progress : callable, optional
        Told of every block of users.

    Raises
    ------
    ExistsError
        If ``path`` holds something and ``force`` is not given.
    InputError
        If there is no instance of that name, or nothing can be written there.
    """
    write_recipe(entry(name).recipe, path, shard_rows=shard_rows, force=force, progress=progress)
