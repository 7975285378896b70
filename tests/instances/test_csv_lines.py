"""Rows of CSV files are named by the lines on which they begin."""

import gzip
from pathlib import Path

import pytest

from couponry.instances.csv_lines import line_of_row, row_name
from couponry.instances.csv_types import CsvTypes
from couponry.instances.errors import InputError
from couponry.instances.source import Source
from couponry.instances.tables import read_table

TEXT = 'user_id,"no\nte"\na,"one\ntwo\r\nthree"\n\nb,"say ""x"""\r\nc,\n'
LINES = [3, 7, 8]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a file whose names and cells hold line breaks, with an empty line between two rows."""
    (tmp_path / "t.csv").write_text(TEXT, newline="")
    return tmp_path / "t.csv"


def test_a_row_is_named_by_the_line_on_which_it_begins(file: Path) -> None:
    """Line breaks in cells and empty lines count as lines, not as rows."""
    assert read_table(Source(file)).num_rows == len(LINES)
    assert [line_of_row(Source(file), row) for row in range(3)] == LINES
    assert row_name(file, 1) == "row 1 (line 7)"


def test_gzipped_files_have_lines_too(tmp_path: Path) -> None:
    """They are those of the file once it is unzipped."""
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(TEXT.encode()))
    assert [line_of_row(Source(tmp_path / "t.csv.gz"), row) for row in range(3)] == LINES


def test_a_row_that_is_not_there_has_no_line(file: Path) -> None:
    """It is named by its position alone."""
    assert line_of_row(Source(file), 3) is None
    assert row_name(file, 3) == 3


@pytest.mark.parametrize("read", [read_table, CsvTypes.of])
def test_a_short_row_is_told_at_its_line(tmp_path: Path, read) -> None:
    """Though rows before it take several lines."""
    (tmp_path / "t.csv").write_text('user_id,note\na,"one\ntwo"\nb\n')
    with pytest.raises(InputError, match=r"t\.csv, row 1 \(line 4\): the CSV cannot be read: Expected 2"):
        read(Source(tmp_path / "t.csv"))


def test_row_names() -> None:
    """Row 0 of a CSV file stands in line 2."""
    assert row_name(Source("t.csv"), 0) == "row 0 (line 2)"
    assert row_name(Source("t.parquet"), 0) == 0
