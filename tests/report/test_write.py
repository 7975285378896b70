"""What is written where, and what is left alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from couponry.instances import Budget, Instance, Target
from couponry.instances.errors import ExistsError, InputError
from couponry.instances.plan import read_plan, write_plan
from couponry.report import write_report
from couponry.solver.solution import Solution, Status
from couponry.solver.solve import solve

Tiny = Callable[..., Instance]
Pairs = Callable[..., pa.Table]


@contextmanager
def limited(size: int) -> Iterator[None]:
    """Let no file grow beyond so many bytes, as on a disk that fills up."""
    resource = pytest.importorskip("resource", reason="this system cannot limit the size of files")
    former = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, former[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, former)


@pytest.fixture(scope="module")
def small(tiny: Tiny) -> tuple[Instance, Solution]:
    """The three users, with 20 CNY."""
    instance = tiny((Budget(amount=20),))
    return instance, solve(instance)


def test_four_files(small: tuple[Instance, Solution], tmp_path: Path) -> None:
    """The page, the workbook, and the plan twice; the page's path is handed back."""
    page = write_report(*small, tmp_path / "out", title="Autumn")
    assert page == tmp_path / "out" / "report.html"
    assert sorted(file.name for file in page.parent.iterdir()) == [
        "plan.csv",
        "plan.parquet",
        "report.html",
        "summary.xlsx",
    ]
    assert "<h1>Autumn</h1>" in page.read_text(encoding="utf-8")
    # 20 CNY buy 1.0 conversions: A for u1 (10 CNY), B for u2 (6 CNY).
    for name in ("plan.csv", "plan.parquet"):
        plan = read_plan(page.with_name(name))
        assert plan.column_names == ["user_id", "coupon_id", "value", "cost"]
        assert list(zip(plan["user_id"].to_pylist(), plan["coupon_id"].to_pylist(), strict=True)) == [
            ("u1", "A"),
            ("u2", "B"),
        ]


def test_the_same_solution_gives_the_same_files(small: tuple[Instance, Solution], tmp_path: Path) -> None:
    """Nothing in a report depends on the day or the place."""
    first, second = (write_report(*small, tmp_path / name) for name in ("first", "second"))
    for name in ("report.html", "summary.xlsx", "plan.csv"):
        assert first.with_name(name).read_bytes() == second.with_name(name).read_bytes()


def test_beside_what_solve_wrote(small: tuple[Instance, Solution], tmp_path: Path) -> None:
    """A report joins the plan it speaks of, which stays as it is, like everything else there."""
    write_plan(small[1].plan, tmp_path / "plan.parquet")
    (tmp_path / "certificate.json").write_text("{}")
    (tmp_path / ".couponry").write_text("plan\n")
    before = (tmp_path / "plan.parquet").stat().st_mtime_ns
    write_report(*small, tmp_path)
    assert (tmp_path / "plan.parquet").stat().st_mtime_ns == before
    assert (tmp_path / "certificate.json").read_text() == "{}"
    assert (tmp_path / "plan.csv").exists()


def test_another_plan_is_not_overwritten(
    small: tuple[Instance, Solution], pairs: Pairs, tmp_path: Path
) -> None:
    """A plan that is not the solution's is lost only by force."""
    write_plan(pairs(("u3", "A")), tmp_path / "plan.parquet")
    with pytest.raises(
        ExistsError, match=r"plan\.parquet: another plan stands there. Choose another, or give force=True"
    ):
        write_report(*small, tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["plan.parquet"]
    write_report(*small, tmp_path, force=True)
    assert pq.read_table(tmp_path / "plan.parquet").num_rows == 2


def test_an_earlier_report_is_overwritten_by_force_alone(
    small: tuple[Instance, Solution], tmp_path: Path
) -> None:
    """The refusal comes before anything is written."""
    write_report(*small, tmp_path)
    (tmp_path / "report.html").write_text("mine")
    (tmp_path / "plan.csv").unlink()
    with pytest.raises(ExistsError, match=r"report\.html: the output exists already: a file"):
        write_report(*small, tmp_path)
    assert not (tmp_path / "plan.csv").exists()
    assert (tmp_path / "report.html").read_text() == "mine"
    write_report(*small, tmp_path, force=True)
    assert (tmp_path / "report.html").read_text(encoding="utf-8").startswith("<!doctype html>")


@pytest.mark.parametrize("room", [1_000, 100_000])
def test_a_failed_write_leaves_the_former_report_whole(
    small: tuple[Instance, Solution], tmp_path: Path, room: int
) -> None:
    """When a file cannot grow any further, no file has changed and nothing is left lying about."""
    write_report(*small, tmp_path, title="former")
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    title = "newer" * 50_000  # too long for the room there is
    with (
        limited(room),
        pytest.raises(InputError, match=r"cannot be written: .*stood here before is untouched"),
    ):
        write_report(*small, tmp_path, title=title, force=True)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_without_a_plan_only_the_page_is_written(tiny: Tiny, tmp_path: Path) -> None:
    """Rules that clash make a page that says so; there is no plan to write."""
    # No one can have 5 conversions of three users.
    instance = tiny((Target(at_least=5),))
    solution = solve(instance)
    assert solution.status is Status.INFEASIBLE
    write_report(instance, solution, tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["report.html"]
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "The rules contradict each other" in html


def test_the_output_is_a_file(small: tuple[Instance, Solution], tmp_path: Path) -> None:
    """A file where the directory should be is named."""
    (tmp_path / "out").write_text("")
    with pytest.raises(ExistsError, match="the output is a file, not a directory"):
        write_report(*small, tmp_path / "out")


def test_a_solution_of_another_instance(
    small: tuple[Instance, Solution], draw_campaign: Tiny, tmp_path: Path
) -> None:
    """The first user that the instance does not know is named, and nothing is written."""
    with pytest.raises(InputError, match=r"row 0, column 'user_id': .*\(got 'u1'\)"):
        write_report(draw_campaign(), small[1], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_least_there_can_be(tiny: Tiny, tmp_path: Path) -> None:
    """Without rules, currency and budget the page has what is left to say, and nothing is called nan."""
    instance = tiny(currency="")
    page = write_report(instance, solve(instance), tmp_path).read_text(encoding="utf-8")
    assert re.findall(r'<section id="(\w+)"', page) == ["rules", "coupons", "segments", "solve"]
    assert "nan" not in re.sub("<[^>]*>", " ", page).split()


def test_a_plan_that_gives_nothing(tiny: Tiny, tmp_path: Path) -> None:
    """With no money every coupon stands there with zeros, and what cannot be divided is a dash."""
    instance = tiny((Budget(amount=0),))
    page = write_report(instance, solve(instance), tmp_path).read_text(encoding="utf-8")
    text = re.sub("<[^>]*>", " ", page).replace("\u00a0", " ")
    assert "0 more conversions expected for 0 CNY, with coupons for 0 of 3 users." in text
    assert "nan" not in text.split()
    assert "inf" not in text.split()
