"""Places to read from, local and behind a URL."""

from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from couponry.instances import InputError
from couponry.instances.source import Source


@pytest.fixture(params=["local", "url"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Source]:
    """A directory of three files, on disk and in fsspec's memory."""
    files = {"b.txt": b"two", "a.txt": "新客".encode(), "deep/c.CSV": b"x"}
    if request.param == "local":
        for name, content in files.items():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_bytes(content)
        yield Source(tmp_path)
        return
    memory = fsspec.filesystem("memory")
    memory.pipe({f"/campaign/{name}": content for name, content in files.items()})
    yield Source("memory://campaign")
    memory.rm("/campaign", recursive=True)


def test_directory(place: Source) -> None:
    """Names come sorted, and may be matched."""
    assert (place.is_dir(), place.is_file()) == (True, False)
    assert place.names() == ["a.txt", "b.txt", "deep"]
    assert place.names("*.txt") == ["a.txt", "b.txt"]


def test_file(place: Source) -> None:
    """A file has a name, an ending in lower case, a size and content."""
    file = place.child("deep").child("c.CSV")
    assert (file.is_file(), file.is_dir()) == (True, False)
    assert (file.name, file.suffix, file.size()) == ("c.CSV", ".csv", 1)
    assert str(file) == f"{place}/deep/c.CSV"
    assert file.parent.name == "deep"
    with file.open() as opened:
        assert bytes(opened.read()) == b"x"


def test_text(place: Source) -> None:
    """Text is UTF-8."""
    assert place.child("a.txt").read_text() == "新客"
    with pytest.raises(InputError, match=r"nothing\.txt: there is no such file\. Check the path"):
        place.child("nothing.txt").read_text()


def test_absolute_child_stands_for_itself(place: Source, tmp_path: Path) -> None:
    """A plan may lie anywhere."""
    assert str(place.child(str(tmp_path / "x"))) == str(tmp_path / "x")
    assert str(place.child("memory://other/x")) == "memory://other/x"


def test_byte_order_mark_is_no_text(tmp_path: Path) -> None:
    """What Windows puts before UTF-8 is dropped."""
    (tmp_path / "a.toml").write_bytes(b"\xef\xbb\xbf[campaign]")
    assert Source(tmp_path / "a.toml").read_text() == "[campaign]"


def test_text_that_is_not_utf8(tmp_path: Path) -> None:
    """Another encoding is told with the byte where it shows."""
    (tmp_path / "a.toml").write_bytes("name = '新'".encode("gbk"))
    with pytest.raises(InputError) as caught:
        Source(tmp_path / "a.toml").read_text()
    assert str(caught.value) == f"{tmp_path / 'a.toml'}: the text is not UTF-8 at byte 8. Save it as UTF-8"


def test_unknown_protocol() -> None:
    """A URL that nothing here reads is refused with its name."""
    with pytest.raises(
        InputError, match=r"^s4://bucket/a: this URL cannot be opened: Protocol not known: s4"
    ):
        Source("s4://bucket/a")
