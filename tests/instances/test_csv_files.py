"""CSV files, and those that cannot be read."""

import gzip
from pathlib import Path

import pytest

from couponry.instances.csv_types import CsvTypes
from couponry.instances.errors import InputError
from couponry.instances.loaders.columns import read_columns
from couponry.instances.source import Source
from couponry.instances.tables import read_table


def csv(path: Path, content: str | bytes) -> Source:
    """Return a CSV file with this content."""
    file = path / "t.csv"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return Source(file)


def refusal(source: Source) -> str:
    """Return what is said when this table is refused, without the path."""
    with pytest.raises(InputError) as caught:
        read_table(source, text=("user_id",))
    return str(caught.value).removeprefix(str(source))


def test_csv(tmp_path: Path) -> None:
    """Ids stay text, empty cells are gaps in any column, numbers keep every digit, words stay words."""
    table = read_table(
        csv(
            tmp_path,
            "user_id,value,old,note,n\n01,0.30000000000000004,True,NA,1\n,,,,\n3,1e-9,false,null,2\n",
        ),
        text=("user_id",),
    )
    assert table.to_pydict() == {
        "user_id": ["01", None, "3"],
        "value": [0.30000000000000004, None, 1e-9],
        "old": [True, None, False],
        "note": ["NA", None, "null"],
        "n": [1, None, 2],
    }


def test_csv_as_spreadsheets_write_it(tmp_path: Path) -> None:
    """A byte order mark, Windows' line ends and quotes are read past."""
    table = read_table(csv(tmp_path, b'\xef\xbb\xbfuser_id,note\r\n"01","a,b"\r\n'), text=("user_id",))
    assert table.to_pydict() == {"user_id": ["01"], "note": ["a,b"]}


def test_csv_with_a_short_row(tmp_path: Path) -> None:
    """A row that lacks a cell is told by number."""
    assert refusal(csv(tmp_path, "user_id,value\n1,2\n2\n3,4\n")) == (
        ", row 1 (line 3): the CSV cannot be read: Expected 2 columns, got 1: 2. "
        "Correct it, and save it as UTF-8 CSV"
    )


@pytest.mark.parametrize("order", ["utf-16", "utf-16-be"])
def test_utf16_is_told(tmp_path: Path, order: str) -> None:
    """As a spreadsheet's "Unicode text" is."""
    mark = "" if order == "utf-16" else "\ufeff"
    (tmp_path / "t.csv").write_bytes(f"{mark}user_id,value\nu1,2\n".encode(order))
    assert refusal(Source(tmp_path / "t.csv")) == ": the text is UTF-16. Save the file as UTF-8 CSV"


def test_csv_in_another_encoding(tmp_path: Path) -> None:
    """Text that is not UTF-8 is told with its line and the mend."""
    message = refusal(csv(tmp_path, "user_id,value\na,1\n新客,2\n".encode("gbk")))
    assert message.startswith(", row 1 (line 3): the CSV cannot be read: In CSV column #0: ")
    assert "invalid UTF8 data" in message
    assert message.endswith("save it as UTF-8 CSV")


@pytest.mark.parametrize("read", [read_table, CsvTypes.of])
def test_names_in_another_encoding_are_told(tmp_path: Path, read) -> None:
    """As a spreadsheet writes them on a machine with a code page of its own."""
    source = csv(tmp_path, "user_id,新客\na,1\n".encode("gbk"))
    with pytest.raises(InputError, match=r"the names of its columns are not UTF-8\. Correct it"):
        read(source)


def test_a_cell_in_another_encoding_is_told_at_its_line(tmp_path: Path) -> None:
    """Though nobody said that its column is text."""
    message = refusal(csv(tmp_path, "user_id,city\na,Nice\nb,Besançon\n".encode("latin-1")))
    assert message == (
        ", row 1 (line 3), column 'city': the text is not UTF-8 (got 'Besançon'). Save the file as UTF-8 CSV"
    )


@pytest.mark.parametrize("sign", [";", "\t", "|"])
def test_columns_parted_by_another_sign_are_told(tmp_path: Path, sign: str) -> None:
    """As spreadsheets write them where the decimal point is a comma."""
    source = csv(tmp_path, f"user_id{sign}value\na{sign}1,5\n")
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress((tmp_path / "t.csv").read_bytes()))
    for read in (
        lambda: read_table(source),
        lambda: CsvTypes.of(source),
        lambda: read_columns(tmp_path / "t.csv.gz", ["value"]),
    ):
        with pytest.raises(InputError, match="columns are parted by commas, and here by another sign"):
            read()


def test_cells_with_line_breaks_may_stand_anywhere_in_a_large_file(tmp_path: Path) -> None:
    """Blocks in which files are read do not end within such a cell."""
    rows = "".join(f'u{i},"one\ntwo {i}"\n' for i in range(100_000))
    (tmp_path / "t.csv").write_text(f"user_id,note\n{rows}")
    assert read_table(Source(tmp_path / "t.csv")).num_rows == 100_000
    assert CsvTypes.of(Source(tmp_path / "t.csv")).rows == 100_000
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress((tmp_path / "t.csv").read_bytes(), 1))
    assert len(read_columns(tmp_path / "t.csv.gz", ["note"])) == 100_000


@pytest.mark.parametrize("read", [read_table, CsvTypes.of])
def test_a_quotation_mark_that_is_never_closed_is_refused(tmp_path: Path, read) -> None:
    """All rows below it would be lost within its cell."""
    (tmp_path / "t.csv").write_text('user_id,note\na,x\nb,"one\nc,y\nd,z\n')
    with pytest.raises(InputError, match=r"row 1 \(line 3\), column 'note': a quotation mark is opened"):
        read(Source(tmp_path / "t.csv"))
    (tmp_path / "t.csv").write_text('user_id,note\na,x\nb,"one\ntwo"\n\n')
    read(Source(tmp_path / "t.csv"))


def test_a_quotation_mark_is_looked_for_in_gzipped_files_too(tmp_path: Path) -> None:
    """It is not in the last bytes of the file as it is stored."""
    file = tmp_path / "t.csv.gz"
    file.write_bytes(gzip.compress(b'user_id,note\na,x\nb,"one\nc,y\n'))
    with pytest.raises(InputError, match=r"t\.csv\.gz, row 1 \(line 3\), column 'note': a quotation mark is"):
        read_columns(file, ["note"])
    file.write_bytes(gzip.compress(b'user_id,note\na,x\nb,"one\ntwo"\n'))
    assert len(read_columns(file, ["note"])) == 2
