"""The public data sets, where they are there; and files written for a test."""

from __future__ import annotations

import gzip
from pathlib import Path

import pandas as pd
import pytest

__all__ = ["public", "write_csv"]

_FOLDER = Path(__file__).parents[4] / "shared" / "data"


def public(name: str) -> Path:
    """Return the path of a public data set, or skip the test."""
    file = _FOLDER / name
    if not file.is_file():
        pytest.skip(f"the public data set ../shared/data/{name} is not here")
    return file


def write_csv(folder: Path, name: str, frame: pd.DataFrame) -> Path:
    """Write a table as CSV, gzipped where the name ends in .gz."""
    file = folder / name
    text = frame.to_csv(index=False)
    file.write_bytes(gzip.compress(text.encode()) if file.suffix == ".gz" else text.encode())
    return file
