"""``couponry solve``."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from couponry.instances import aligned_plan
from couponry.instances.coupons import Coupons
from couponry.instances.files import write_instance
from couponry.instances.generators import draw_instance
from couponry.instances.instance import Instance
from couponry.instances.plan import read_plan
from couponry.instances.rules import Freeze, Keep, Target
from couponry.solver.solution_files import read_solution
from couponry.solver.solve import solve

Run = Callable[..., Any]
KEYS = {
    "status",
    "stopped_by",
    "value",
    "bound",
    "gap",
    "users",
    "coupons",
    "rows",
    "passes",
    "seconds",
    "peak_memory_mb",
    "rules",
}


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder with its bytes."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_solve_writes_plan_certificate_and_summary(run: Run, campaign: Path, tmp_path: Path) -> None:
    """A goes to u1 and u2 for 2: 5 won, proven; the files hold it and the table tells it."""
    done = run("solve", campaign, "--out", tmp_path / "plan")
    assert done.exit_code == 0, done.stderr
    solution = read_solution(tmp_path / "plan")
    assert (solution.status, solution.value, solution.bound) == ("optimal", 5, 5)
    pairs = read_plan(tmp_path / "plan").select(["user_id", "coupon_id"]).to_pylist()
    assert pairs == [{"user_id": "u1", "coupon_id": "A"}, {"user_id": "u2", "coupon_id": "A"}]
    assert "spring: optimal" in done.stdout
    assert "2.00 CNY" in done.stdout
    assert str(tmp_path / "plan") in done.stderr


def test_json_is_the_summary_alone(run: Run, campaign: Path, tmp_path: Path) -> None:
    """``--json`` prints the summary alone on stdout, nothing on stderr; keys are those of the contract."""
    done = run(
        "solve", campaign, "--out", tmp_path / "plan", "--json", "--csv", "--seed", 3, "--method", "highs"
    )
    assert done.stderr == ""
    summary = json.loads(done.stdout)
    assert set(summary) >= KEYS
    assert (summary["value"], summary["seed"], summary["method"]) == (5, 3, "highs")
    assert {"name", "measure", "activity", "lower", "upper", "price"} <= set(summary["rules"][0])
    assert (tmp_path / "plan" / "plan.csv").read_text().splitlines()[1].startswith('"u1","A",3')


def test_long_table_is_an_instance(run: Run, tmp_path: Path) -> None:
    """A table of pairs alone is solved, without any rule: each user gets the best coupon."""
    (tmp_path / "pairs.csv").write_text("user_id,coupon_id,value,cost\n1,A,0.5,1\n1,B,0.7,2\n2,A,-0.1,1\n")
    done = run("solve", tmp_path / "pairs.csv", "--out", tmp_path / "plan", "--json")
    assert done.exit_code == 0, done.stderr
    assert read_plan(tmp_path / "plan")["coupon_id"].to_pylist() == ["B"]


def test_infeasible_tells_the_clash_and_keeps_the_former_plan(
    run: Run, campaign: Path, impossible: Path, tmp_path: Path
) -> None:
    """Exit code 3 names the rules and the least change; the plan that stood there stays whole."""
    run("solve", campaign, "--out", tmp_path / "plan")
    before = contents(tmp_path / "plan")
    done = run("solve", impossible, "--out", tmp_path / "plan", "--force")
    assert done.exit_code == 3
    assert done.stdout == ""
    assert "'budget'" in done.stderr
    assert "raise 'budget' from 2 to 3" in done.stderr
    assert contents(tmp_path / "plan") == before


def test_infeasible_as_json(run: Run, impossible: Path, tmp_path: Path) -> None:
    """Under ``--json`` the summary with the clash goes to stdout, and nothing is written."""
    done = run("solve", impossible, "--out", tmp_path / "plan", "--json")
    assert done.exit_code == 3
    summary = json.loads(done.stdout)
    assert summary["status"] == "infeasible"
    assert "budget" in [clash["name"] for clash in summary["infeasible"]["clashes"]]
    assert done.stderr.startswith("Error: ")
    assert not (tmp_path / "plan").exists()


def test_limit_without_a_plan(run: Run, hard: Instance, tmp_path: Path) -> None:
    """A plan better than any that is known is not found in a moment: exit code 4, and nothing is written."""
    # No plan is better than 7,016.75, and a search of some seconds finds 7,005.
    asked = replace(hard, rules=(*hard.rules, Target(at_least=7014)))
    write_instance(asked, tmp_path / "asked")
    done = run("solve", tmp_path / "asked", "--out", tmp_path / "plan", "--time-limit", "0.1")
    assert done.exit_code == 4, done.output
    assert "There is no plan to write. The time limit was reached; give more time" in done.stderr
    assert not (tmp_path / "plan").exists()


def test_output_that_holds_something_is_refused_before_any_work(
    run: Run, campaign: Path, tmp_path: Path
) -> None:
    """Without ``--force`` nothing is overwritten; the refusal does not wait for the instance to be read."""
    (tmp_path / "plan").mkdir()
    (tmp_path / "plan" / "notes.txt").write_text("mine")
    done = run("solve", tmp_path / "not looked at", "--out", tmp_path / "plan")
    assert done.exit_code == 2
    assert (
        "the output exists already: a directory that is not empty. Choose another place, or give --force"
        in done.stderr
    )
    assert contents(tmp_path / "plan") == {"notes.txt": b"mine"}


def test_force_replaces_a_plan_and_leaves_what_is_not_ours(run: Run, campaign: Path, tmp_path: Path) -> None:
    """With ``--force`` the plan is replaced, and a file that somebody else put there stays."""
    (tmp_path / "plan").mkdir()
    (tmp_path / "plan" / "notes.txt").write_text("mine")
    for _ in range(2):
        assert run("solve", campaign, "--out", tmp_path / "plan", "--force").exit_code == 0
    assert (tmp_path / "plan" / "notes.txt").read_text() == "mine"
    assert read_solution(tmp_path / "plan").value == 5


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--gap", "-1", "option '--gap': this must be a number of at least 0 (got -1.0)"),
        ("--gap", "small", "Invalid value for '--gap'"),
        ("--time-limit", "0", "option '--time-limit': this must be above 0 seconds (got 0.0)"),
        ("--method", "hihgs", "unknown method (got 'hihgs'). Did you mean 'highs'?"),
        ("--engine", "abacus", "unknown engine (got 'abacus')"),
        ("--seed", "-3", "Invalid value for '--seed'"),
    ],
)
def test_bad_option_is_named(
    run: Run, campaign: Path, tmp_path: Path, option: str, value: str, message: str
) -> None:
    """An option out of range is refused with its value, and nothing is written."""
    done = run("solve", campaign, "--out", tmp_path / "plan", option, value)
    assert done.exit_code == 2
    assert message in " ".join(done.stderr.split())
    assert not (tmp_path / "plan").exists()


def test_stream_writes_the_same_files(run: Run, campaign: Path, tmp_path: Path) -> None:
    """The small campaign solved by --stream: the same plan, value and certificate as without it."""
    assert run("solve", campaign, "--out", tmp_path / "whole").exit_code == 0
    done = run("solve", campaign, "--out", tmp_path / "plan", "--stream")
    assert done.exit_code == 0, done.stderr
    ours, theirs = read_solution(tmp_path / "plan"), read_solution(tmp_path / "whole")
    assert ours.plan.equals(theirs.plan)
    assert (ours.value, ours.bound, ours.stopped_by) == (theirs.value, theirs.bound, theirs.stopped_by)
    assert "spring: optimal" in done.stdout
    assert "2.00 CNY" in done.stdout


def test_stream_with_json(run: Run, campaign: Path, tmp_path: Path) -> None:
    """``--stream --json`` prints the summary that it writes."""
    done = run("solve", campaign, "--out", tmp_path / "plan", "--stream", "--json")
    assert json.loads(done.stdout).keys() >= KEYS
    assert json.loads(done.stdout)["given"] == 2


@pytest.mark.parametrize(
    ("option", "words"),
    [
        (("--method", "highs"), "--method cannot be had with --stream"),
        (("--csv",), "--csv cannot be had with --stream"),
    ],
)
def test_stream_refuses_what_it_cannot_do(
    run: Run, campaign: Path, tmp_path: Path, option: tuple[str, ...], words: str
) -> None:
    """Other methods and a CSV are refused before any work, with the way out."""
    done = run("solve", campaign, "--out", tmp_path / "plan", "--stream", *option)
    assert done.exit_code == 2
    told = " ".join(done.stderr.split())
    assert words in told
    assert "or solve whole" in told
    assert not (tmp_path / "plan").exists()


def test_stream_with_earlier_plans_and_a_budget_at_risk(run: Run, tmp_path: Path) -> None:
    """Kept, frozen and cautious: solved within the gap, and both ways of judging accept plan and proof."""
    given = draw_instance(3500, 4, seed=2, rules=("budget",))
    first = solve(given, gap=1e-2).plan
    most = float(given.response.measures["cost"].max())
    rules = (
        *(rule.model_copy(update={"overspend_probability": 0.1}) for rule in given.rules),
        Keep(plan=first, share=0.7),
        Freeze(plan=first.slice(0, 200)),
    )
    menu = Coupons(given.coupons.table.assign(face_value=most, max_discount=most))
    write_instance(replace(given, coupons=menu, rules=rules), tmp_path / "campaign", shard_rows=900)
    done = run(
        "solve", tmp_path / "campaign", "--out", tmp_path / "plan", "--stream", "--gap", 1e-3, "--json"
    )
    assert done.exit_code == 0, done.stderr
    summary = json.loads(done.stdout)
    assert summary["status"] == "optimal"
    assert [rule["name"] for rule in summary["rules"]] == ["budget", "keep"]
    for stream in ([], ["--stream"]):
        judged = run("verify", tmp_path / "campaign", tmp_path / "plan", "--certificate", *stream)
        assert judged.exit_code == 0, judged.stdout


def test_stream_refuses_a_large_plan_in_another_order(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file, its row and the mend are told; nothing is written."""
    monkeypatch.setattr(aligned_plan, "HELD", 0)
    given = draw_instance(3500, 4, seed=2, rules=("budget",))
    users = given.users.ids.take(pa.array([5, 3]))
    rule = Keep(plan=pa.table({"user_id": users, "coupon_id": ["C00", "C01"]}), share=0.5)
    write_instance(replace(given, rules=(*given.rules, rule)), tmp_path / "campaign")
    done = run("solve", tmp_path / "campaign", "--out", tmp_path / "plan", "--stream")
    assert done.exit_code == 2
    told = " ".join(done.stderr.split())
    assert "keep.parquet, row 1, column 'user_id'" in told
    assert "Sort them as the users are" in told
    assert not (tmp_path / "plan").exists()
