"""Outputs appear whole or not at all."""

import subprocess
import sys
from pathlib import Path

import pytest

from couponry.instances.atomic import check_free, write_directory, write_file
from couponry.instances.errors import ExistsError, InputError


def entries(path: Path) -> dict[str, str]:
    """Return every file below a directory with its content, names aside from renames included."""
    return {
        str(file.relative_to(path)): file.read_text() for file in sorted(path.rglob("*")) if file.is_file()
    }


def write(path: Path, content: str, name: str = "plan.txt", force: bool = False) -> None:
    """Write a directory of one file."""
    with write_directory(path, kind="plan", force=force) as folder:
        (folder / name).write_text(content)


def break_off(file: Path) -> None:
    """Write a part of a file and fail."""
    file.write_text("sec")
    raise RuntimeError


def test_file_replaces_the_former_one(tmp_path: Path) -> None:
    """The new content stands under the name, and nothing else is left."""
    for content in ("first", "second"):
        with write_file(tmp_path / "deep" / "a.txt") as aside:
            aside.write_text(content)
            assert aside != tmp_path / "deep" / "a.txt"
    assert entries(tmp_path) == {"deep/a.txt": "second"}


def test_failed_file_leaves_the_former_one(tmp_path: Path) -> None:
    """An error in mid-write loses nothing and leaves nothing behind."""
    (tmp_path / "a.txt").write_text("first")
    with pytest.raises(RuntimeError), write_file(tmp_path / "a.txt") as aside:
        break_off(aside)
    assert entries(tmp_path) == {"a.txt": "first"}


def test_failed_directory_leaves_the_former_one(tmp_path: Path) -> None:
    """A directory is swapped only when all of it is there."""
    write(tmp_path / "out", "first")
    before = entries(tmp_path)
    with pytest.raises(RuntimeError), write_directory(tmp_path / "out", kind="plan", force=True) as folder:
        break_off(folder / "plan.txt")
    assert entries(tmp_path) == before


def test_directory_says_what_it_holds(tmp_path: Path) -> None:
    """The mark names the kind and what was written."""
    write(tmp_path / "out", "x")
    assert entries(tmp_path / "out") == {".couponry": "plan\nplan.txt\n", "plan.txt": "x"}


def test_nothing_is_overwritten_without_force(tmp_path: Path) -> None:
    """A directory that holds something is refused before anything is written."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("mine")
    with pytest.raises(ExistsError) as caught:
        write(tmp_path / "out", "x")
    assert str(caught.value) == (
        f"{tmp_path / 'out'}: the output exists already: a directory that is not empty. "
        "Choose another place, or give force=True"
    )
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ExistsError, match="the output exists already: a file"):
        check_free(tmp_path / "file")
    assert entries(tmp_path) == {"file": "mine", "out/thesis.txt": "mine"}


def test_empty_directory_is_free(tmp_path: Path) -> None:
    """A directory made beforehand may be written to."""
    (tmp_path / "out").mkdir()
    check_free(tmp_path / "out")
    write(tmp_path / "out", "x")
    assert (tmp_path / "out" / "plan.txt").read_text() == "x"


def test_force_keeps_what_others_have_in_an_unmarked_directory(tmp_path: Path) -> None:
    """Files of other names survive ``--force`` where couponry has never written."""
    out = tmp_path / "out"
    (out / "notes").mkdir(parents=True)
    (out / "notes" / "a.txt").write_text("mine")
    (out / "plan.txt").write_text("old")
    write(out, "new", force=True)
    assert entries(out) == {".couponry": "plan\nplan.txt\n", "notes/a.txt": "mine", "plan.txt": "new"}
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_force_keeps_what_others_put_into_a_former_output(tmp_path: Path) -> None:
    """What couponry wrote goes, what was put beside it stays."""
    out = tmp_path / "out"
    write(out, "old", name="old.txt")
    (out / "notes").mkdir()
    (out / "notes" / "a.txt").write_text("mine")
    write(out, "new", name="new.txt", force=True)
    assert entries(out) == {".couponry": "plan\nnew.txt\n", "new.txt": "new", "notes/a.txt": "mine"}
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_force_replaces_a_file_by_a_directory(tmp_path: Path) -> None:
    """A file that stands in the way goes when it is asked for."""
    (tmp_path / "out").write_text("old")
    write(tmp_path / "out", "new", force=True)
    assert entries(tmp_path) == {"out/.couponry": "plan\nplan.txt\n", "out/plan.txt": "new"}


def test_directory_that_one_stands_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``.`` is written like any other place, twice over."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    write(Path(), "x")
    assert (tmp_path / "here" / "plan.txt").read_text() == "x"


def test_url_is_no_place_to_write() -> None:
    """A URL is refused, not taken for a directory called ``s3:``."""
    with pytest.raises(InputError, match=r"s3://bucket/a: outputs are written to local paths"):
        check_free("s3://bucket/a")
    with pytest.raises(InputError, match="Choose a local place"), write_file("s3://bucket/a"):
        pass


def test_place_that_cannot_be(tmp_path: Path) -> None:
    """A file where a directory should be is told as an error about the output."""
    (tmp_path / "file").write_text("mine")
    with pytest.raises(
        InputError, match=r"file/out: cannot be written: .*what stood here before is untouched"
    ):
        write(tmp_path / "file" / "out", "x")
    assert entries(tmp_path) == {"file": "mine"}


def test_full_disk_is_told_and_loses_nothing(tmp_path: Path) -> None:
    """A write that the system cuts short leaves the former file and directory, and says what failed."""
    (tmp_path / "a.txt").write_text("former")
    write(tmp_path / "out", "former")
    before = entries(tmp_path)
    program = """
import resource, sys
from pathlib import Path
from couponry.instances.atomic import write_directory, write_file
from couponry.instances.errors import InputError

resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
here = Path(sys.argv[1])
try:
    with write_file(here / "a.txt") as aside:
        aside.write_text("x" * 20_000)
except InputError as error:
    print(error)
try:
    with write_directory(here / "out", kind="plan", force=True) as folder:
        (folder / "plan.txt").write_text("x" * 20_000)
except InputError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True
    )
    told = "cannot be written: [Errno 27] File too large. Free space or choose another place; what stood here"
    assert [
        line.startswith(f"{tmp_path / name}: {told}")
        for name, line in zip(("a.txt", "out"), done.stdout.splitlines(), strict=True)
    ] == [True, True]
    assert entries(tmp_path) == before
