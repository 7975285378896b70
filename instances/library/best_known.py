"""The table of best known values and bounds: ``best_known.toml`` beside this module."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import tomli_w

__all__ = ["PATH", "Known", "improved", "known", "read_known", "write_known"]

PATH = Path(__file__).with_name("best_known.toml")


@dataclass(frozen=True)
class Known:
    """What is known of an instance.

    Attributes
    ----------
    rows : int or None
        Rows of its integer program; None where it was not compiled yet.
    fingerprint : str or None
    value : float or None
        The best plan found; it kept every rule when an independent judge looked.
    bound : float or None
        What no plan exceeds.
    bound_by : str
        ``"prices"``: recomputed from the multipliers, and rests on no solver; ``"search"``: branch and bound
        ended there.
    found_by : str
        Program, version and arguments.
    """

    rows: int | None = None
    fingerprint: str | None = None
    value: float | None = None
    bound: float | None = None
    bound_by: str = ""
    found_by: str = ""

    @property
    def gap(self) -> float | None:
        """``|bound − value| / max(1, |bound|)``, or None where one of them is not known."""
        if self.value is None or self.bound is None:
            return None
        return abs(self.bound - self.value) / max(1.0, abs(self.bound))


def known(name: str) -> Known:
    """Return what is known of an instance; nothing, where it has not been solved."""
    return read_known().get(name, Known())


def read_known(path: Path = PATH) -> dict[str, Known]:
    """Read the table."""
    return {name: Known(**fields) for name, fields in tomllib.loads(path.read_text("utf-8")).items()}


def write_known(table: Mapping[str, Known], path: Path = PATH) -> None:
    """Write the table, without what is not known."""
    plain = {
        name: {field: value for field, value in vars(each).items() if value not in (None, "")}
        for name, each in table.items()
    }
    path.write_text(tomli_w.dumps(plain), encoding="utf-8")


def improved(old: Known, new: Known, *, maximise: bool = True) -> Known:
    """Return the better value and the tighter bound of two records.

    A bound by prices is kept before one by search that is no tighter. Where the instance itself has become
    another, what was known of it is forgotten.
    """
    if old.fingerprint != new.fingerprint:
        return new
    sign = 1.0 if maximise else -1.0
    best = old
    if new.value is not None and (old.value is None or sign * new.value > sign * old.value):
        best = replace(best, value=new.value, found_by=new.found_by)
    if new.bound is not None and (old.bound is None or sign * new.bound < sign * old.bound):
        best = replace(best, bound=new.bound, bound_by=new.bound_by)
    return replace(best, rows=new.rows)
