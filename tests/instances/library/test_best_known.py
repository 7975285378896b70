"""The table of best known values: only what is better replaces what is known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from couponry.instances import library
from couponry.instances.library.best_known import Known, improved, read_known, write_known

OLD = Known(rows=3, fingerprint="a", value=2.0, bound=2.5, bound_by="prices", found_by="one")


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        ({"value": 2.2, "bound": 2.6}, {"value": 2.2, "found_by": "two"}),
        ({"value": 1.9, "bound": 2.4}, {"bound": 2.4, "bound_by": "search"}),
        ({"value": 2.0, "bound": 2.5}, {}),
        ({"value": None, "bound": None}, {}),
    ],
)
def test_the_better_of_both_is_kept(new: dict[str, float | None], expected: dict[str, object]) -> None:
    """Value and bound are judged each for itself; equal ones change nothing."""
    other = replace(OLD, bound_by="search", found_by="two", **new)  # type: ignore[arg-type]
    assert improved(OLD, other) == replace(OLD, **expected)  # type: ignore[arg-type]


def test_least_is_best_where_less_is_better() -> None:
    """With a minimised objective a lower value and a higher bound are improvements."""
    other = replace(OLD, value=1.9, bound=2.6, found_by="two", bound_by="search")
    assert improved(OLD, other, maximise=False) == other


def test_of_another_instance_nothing_is_kept() -> None:
    """Figures belong to a fingerprint."""
    other = Known(rows=4, fingerprint="b", value=1.0, bound=9.0)
    assert improved(OLD, other) == other


def test_table_on_disk(tmp_path: Path) -> None:
    """What is not known is not written, and read back as not known."""
    table = {"x": OLD, "y": Known(rows=2)}
    write_known(table, tmp_path / "table.toml")
    assert read_known(tmp_path / "table.toml") == table
    assert "value" not in (tmp_path / "table.toml").read_text().partition("[y]")[2]


def test_gap() -> None:
    """Half of two and a half, once both are known."""
    assert OLD.gap == pytest.approx(0.2)
    assert Known(value=1.0).gap is None


@pytest.mark.parametrize("name", library.names())
def test_every_figure_of_the_table_makes_sense(name: str) -> None:
    """Values lie below their bounds, and say by what they were found and proven."""
    known = library.known(name)
    if known.value is None:
        assert known.bound_by == ""
        return
    assert known.bound is not None
    assert known.value <= known.bound * (1 + 1e-12) if known.bound > 0 else known.value <= known.bound + 1e-9
    assert known.bound_by in ("prices", "search")
    assert known.found_by.startswith("couponry ")
    assert known.fingerprint is not None
