"""Solving what is read block by block."""

import json
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from couponry.instances import (
    Budget,
    InfeasibleError,
    InputError,
    Instance,
    NoSolutionError,
    Progress,
    Target,
)
from couponry.instances.files import write_instance
from couponry.instances.generators import draw_instance
from couponry.instances.program import Program
from couponry.instances.streamed import StreamedInstance, open_instance
from couponry.solver import clock, dual, local
from couponry.solver.engine import Settled
from couponry.solver.solution_files import read_certificate_record, read_solution
from couponry.solver.solve import solve
from couponry.solver.streamed import solve_streamed
from couponry.solver.verify import verify, verify_streamed

USERS = 9_000
KINDS: dict[str, dict[str, object]] = {
    "one coupon": {
        "rules": ("budget", "sms_budget", "stock", "target", "coverage", "parity", "return_floor")
    },
    "two coupons": {"rules": ("budget", "stock", "user_cap", "exclusion", "coverage")},
    "shortlists": {"rules": ("budget", "coverage", "parity"), "shortlist": 4, "eligible": 0.8},
}


def drawn(kind: str, users: int = USERS) -> Instance:
    """Return a drawn instance of a kind."""
    return draw_instance(users, 8, seed=2, **KINDS[kind])  # type: ignore[arg-type]


def opened(instance: Instance, folder: Path, shard_rows: int = 1700) -> StreamedInstance:
    """Write an instance in shards, and open it."""
    write_instance(instance, folder, shard_rows=shard_rows)
    return open_instance(folder)


@pytest.mark.parametrize("kind", KINDS)
def test_the_plan_is_that_of_a_solve_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Where the same users are sampled, both give one plan, one bound and one certificate."""
    instance = drawn(kind)
    streamed = opened(instance, tmp_path / "a")
    solution = solve_streamed(streamed, tmp_path / "plan", gap=1e-5)
    monkeypatch.setattr(Program, "sampler", lambda _, seed, most: streamed.program.sampler(seed, most))
    whole = solve(instance, method="priced", gap=1e-5)
    written = read_solution(tmp_path / "plan")
    assert written.plan.equals(whole.plan)
    assert (solution.value, solution.bound, solution.gap) == (whole.value, whole.bound, whole.gap)
    assert (solution.status, solution.stopped_by, solution.given) == (
        whole.status,
        whole.stopped_by,
        whole.plan.num_rows,
    )
    np.testing.assert_array_equal(solution.certificate.multipliers, whole.certificate.multipliers)
    assert solution.prices.equals(whole.prices)
    finding = verify(instance, written.plan, read_certificate_record(tmp_path / "plan"))
    assert finding.ok, finding.words()
    assert solution.cost == finding.cost


def test_the_plan_does_not_depend_on_shards_or_threads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Shards of 1,700 and of 4,001 users, chunks on one thread and on three: the same file."""
    instance = drawn("one coupon", 20_000)
    plans = []
    for shard_rows, threads in ((1700, 1), (4001, 3)):
        monkeypatch.setattr(local.os, "cpu_count", lambda threads=threads: threads)
        streamed = opened(instance, tmp_path / str(shard_rows), shard_rows)
        solve_streamed(streamed, tmp_path / f"plan-{shard_rows}", gap=1e-5)
        plans.append((tmp_path / f"plan-{shard_rows}" / "plan.parquet").read_bytes())
    assert plans[0] == plans[1]


def test_two_passes_and_the_sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many users: one pass settles and proves, one writes the plan; what is read besides is the sample."""
    monkeypatch.setattr(dual, "WIDENED", 0)
    monkeypatch.setattr(dual, "FEW_USERS", 0)
    solution = solve_streamed(opened(drawn("one coupon"), tmp_path / "a"), tmp_path / "plan", gap=1e-5)
    assert solution.stats["passes"] == 2
    assert solution.stats["users_read"] > 2 * USERS


def test_small_instances_are_solved_whole(tmp_path: Path) -> None:
    """Forty users: the optimum, as of any solve."""
    instance = drawn("one coupon", 40)
    solution = solve_streamed(opened(instance, tmp_path / "a", 7), tmp_path / "plan")
    whole = solve(instance)
    assert (solution.value, solution.stats["method"]) == (whole.value, "highs")
    assert pq.read_table(solution.path).equals(whole.plan)


def test_a_former_solution_is_started_from(tmp_path: Path) -> None:
    """Prices of a solve serve the next; a plan within the gap comes out again."""
    streamed = opened(drawn("one coupon"), tmp_path / "a")
    first = solve_streamed(streamed, tmp_path / "one", gap=1e-5)
    second = solve_streamed(streamed, tmp_path / "two", gap=1e-5, start=first)
    assert second.gap <= 1e-5


def test_rules_that_clash_are_named_and_nothing_is_written(tmp_path: Path) -> None:
    """A budget of 1 cannot win 100: both rules are named, and a former plan stays."""
    given = drawn("one coupon")
    rules = (Budget(amount=1.0), Target(measure="value", at_least=100.0))
    instance = Instance(given.coupons, given.users, given.response, rules, given.campaign)
    (tmp_path / "plan").mkdir()
    (tmp_path / "plan" / "mine").write_text("mine")
    with pytest.raises(
        InfeasibleError, match="No plan can meet these rules together: 'budget', 'target value'"
    ):
        solve_streamed(opened(instance, tmp_path / "a"), tmp_path / "plan", force=True)
    assert [file.name for file in (tmp_path / "plan").iterdir()] == ["mine"]


@pytest.mark.parametrize("stage", ["users sampled and settled", "users summed up", "plan written"])
def test_cancelling_leaves_nothing_half_written(
    tmp_path: Path, stage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cancelled in any of the passes: no plan, no directory aside, and it is said so."""
    cancel = threading.Event()
    # Prices that left the box of the settled: users are summed up once more.
    monkeypatch.setattr(Settled, "holds", lambda self, scores: False)

    def watch(progress: Progress) -> None:
        if progress.stage == stage:
            cancel.set()

    streamed = opened(drawn("one coupon"), tmp_path / "a")
    with pytest.raises(NoSolutionError, match="cancelled while users were being read; nothing was written"):
        solve_streamed(streamed, tmp_path / "plan", gap=1e-5, cancel=cancel, progress=watch)
    assert [entry.name for entry in tmp_path.iterdir()] == ["a"]


def test_a_time_limit_ends_the_search_and_not_the_passes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An hour is over when the first plan is found: it is written, and keeps every rule."""
    instance, hours = drawn("two coupons"), [0.0]
    now = clock.time.perf_counter
    monkeypatch.setattr(clock.time, "perf_counter", lambda: now() + 3600 * hours[0])

    def watch(progress: Progress) -> None:
        hours[0] += progress.stage == "plan"

    streamed = opened(instance, tmp_path / "a")
    solution = solve_streamed(streamed, tmp_path / "plan", gap=0.0, time_limit=3600, progress=watch)
    assert solution.stopped_by == "time_limit"
    finding = verify(instance, pq.read_table(solution.path), solution.certificate)
    assert finding.ok, finding.words()


def test_a_time_limit_before_any_plan_writes_nothing(tmp_path: Path) -> None:
    """A limit that is over at once: there is no plan, and it is said why."""
    streamed = opened(drawn("two coupons"), tmp_path / "a")
    with pytest.raises(NoSolutionError, match=r"There is no plan to write\. The time limit was reached"):
        solve_streamed(streamed, tmp_path / "plan", gap=0.0, time_limit=1e-3)
    assert not (tmp_path / "plan").exists()


def test_an_id_that_is_missing_is_found_when_the_plan_is_written(tmp_path: Path) -> None:
    """User 2,000, row 300 of the second shard, has an empty id."""
    streamed = opened(drawn("one coupon"), tmp_path / "a")
    file = tmp_path / "a" / "users" / "part-0001.parquet"
    table = pq.read_table(file)
    ids = table["user_id"].to_pylist()
    ids[300] = ""
    pq.write_table(table.set_column(0, "user_id", [ids]), file)
    with pytest.raises(InputError, match=r"part-0001\.parquet, row 300, column 'user_id': a user has no id"):
        solve_streamed(streamed, tmp_path / "plan", gap=1e-5)
    assert not (tmp_path / "plan").exists()


def test_verify_streamed_finds_what_verify_finds(tmp_path: Path) -> None:
    """A plan with a pair too many, a wrong value and a broken stock: both judges list the same."""
    instance = drawn("two coupons")
    streamed = opened(instance, tmp_path / "a")
    solve_streamed(streamed, tmp_path / "plan", gap=1e-5)
    proof = json.loads((tmp_path / "plan" / "certificate.json").read_text())
    table = pq.read_table(tmp_path / "plan" / "plan.parquet")
    good = verify_streamed(streamed, tmp_path / "plan", proof)
    whole = verify(instance, table, proof)
    assert good.ok
    assert (good.value, good.cost, good.given) == (whole.value, whole.cost, whole.given)
    assert good.certificate is not None
    assert whole.certificate is not None
    assert good.certificate.bound == pytest.approx(whole.certificate.bound, rel=1e-12)
    value = table["value"].to_numpy().copy()
    value[::50] += 1
    wrong = table.set_column(2, "value", [value])
    wrong = wrong.set_column(1, "coupon_id", [["C00"] * table.num_rows])
    pq.write_table(wrong, tmp_path / "wrong.parquet")
    found, whole = (
        verify_streamed(streamed, tmp_path / "wrong.parquet", proof),
        verify(instance, wrong, proof),
    )
    assert not found.ok
    assert {v.words for v in found.violations} == {v.words for v in whole.violations}
    assert (found.value, found.cost, found.given) == (whole.value, whole.cost, whole.given)


def test_verify_streamed_says_where_the_order_breaks(tmp_path: Path) -> None:
    """The plan turned round: nothing of it can be judged but the rows of the first users met."""
    streamed = opened(drawn("one coupon"), tmp_path / "a")
    solution = solve_streamed(streamed, tmp_path / "plan", gap=1e-5)
    table = pq.read_table(solution.path)
    pq.write_table(table.take(np.arange(len(table))[::-1]), tmp_path / "turned.parquet")
    found = verify_streamed(streamed, tmp_path / "turned.parquet")
    assert not found.ok
    assert any(
        "rows from there on were not judged. Sort the plan as the users are" in v.words
        for v in found.violations
    )


MEMORY = """
import resource
from couponry.instances.coupons import Coupons
from couponry.instances.drawn.asked import Asked
from couponry.instances.drawn.virtual import VirtualShards
from couponry.instances.rules import Budget
from couponry.instances.streamed import StreamedInstance
from couponry.solver.local import LocalEngine
from couponry.solver.prices import PriceBook
import numpy as np

def peak_after(users):
    recipe = Asked(users, 20, 0, {"region": 3}, ("budget",), 0.25, None, 1.0).recipe()
    given = StreamedInstance(Coupons(recipe.menu.table), VirtualShards(recipe), (Budget(amount=1.0),))
    book = PriceBook(given.program)
    engine = LocalEngine(given.program, threads=1)
    engine.assign(book.scores(np.array([0.01])), np.empty(0, np.int64), with_pairs=False)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

small = peak_after(700_000)
print((peak_after(2_100_000) - small) / (1_400_000 * 20 * 3 * 4))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="measures memory as Linux counts it")
def test_memory_of_a_pass_does_not_grow_with_users() -> None:
    """Three times the users, 336 MB of numbers more: not an eighth of that is held more."""
    done = subprocess.run([sys.executable, "-c", MEMORY], capture_output=True, text=True, check=True)
    assert float(done.stdout) < 0.125
