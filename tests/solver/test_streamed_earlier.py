"""Streams with an earlier plan: who stays as they are, and how much of it is kept."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from couponry.instances import (
    Budget,
    Freeze,
    InfeasibleError,
    InputError,
    Instance,
    Keep,
    Rule,
    Stock,
    aligned_plan,
)
from couponry.instances.files import write_instance
from couponry.instances.generators import draw_instance
from couponry.instances.program import Program
from couponry.instances.streamed import StreamedInstance, open_instance
from couponry.solver.solution import Status
from couponry.solver.solution_files import read_certificate_record, read_solution
from couponry.solver.solve import solve
from couponry.solver.streamed import solve_streamed
from couponry.solver.verify import verify, verify_streamed

USERS = 5_000
GAP = 1e-4


@lru_cache
def base() -> Instance:
    """Return drawn users under many kinds of rules."""
    return draw_instance(USERS, 6, seed=4, rules=("budget", "stock", "coverage", "parity", "return_floor"))


@lru_cache
def former() -> pa.Table:
    """Return an earlier plan: of twenty pairs one other coupon, of fifty one user who is gone."""
    rng, plan = np.random.default_rng(0), solve(base(), gap=1e-3).plan
    other, gone = rng.random(len(plan)) < 0.05, rng.random(len(plan)) < 0.02
    users, coupons = plan["user_id"].to_pylist(), plan["coupon_id"].to_pylist()
    return pa.table(
        {
            "user_id": [f"gone {u}" if lost else u for u, lost in zip(users, gone, strict=True)],
            "coupon_id": ["C03" if new else c for c, new in zip(coupons, other, strict=True)],
        }
    )


@lru_cache
def sent() -> pa.Table:
    """Return what was sent already: every fourth pair of a plan."""
    plan = solve(base(), gap=1e-3).plan
    return plan.take(np.arange(0, len(plan), 4)).select(["user_id", "coupon_id"])


RULES: dict[str, tuple[Rule, ...]] = {
    "freeze": (Freeze(plan=pa.table({})),),
    "keep": (Keep(plan=pa.table({}), share=0.9),),
    "changed": (Keep(plan=pa.table({}), share=0.8, changed_at_most=0.2),),
    "both": (Keep(plan=pa.table({}), share=0.85), Freeze(plan=pa.table({}))),
}


def asked(kind: str) -> Instance:
    """Return the users under rules about earlier plans."""
    plans = {"keep": former, "freeze": sent}
    rules = [rule.model_copy(update={"plan": plans[rule.kind]()}) for rule in RULES[kind]]
    return replace(base(), rules=(*base().rules, *rules))


def opened(instance: Instance, folder: Path, shard_rows: int = 1700) -> StreamedInstance:
    """Write an instance in shards, and open it."""
    write_instance(instance, folder, shard_rows=shard_rows)
    return open_instance(folder)


@pytest.mark.parametrize("held", [0, 1 << 18])
@pytest.mark.parametrize("kind", RULES)
def test_the_plan_is_that_of_a_solve_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, held: int
) -> None:
    """Plan, bound, prices and certificate are those in core; both judges accept them, with one bound."""
    monkeypatch.setattr(aligned_plan, "HELD", held)
    instance = asked(kind)
    streamed = opened(instance, tmp_path / "a")
    solution = solve_streamed(streamed, tmp_path / "plan", gap=GAP)
    monkeypatch.setattr(Program, "sampler", lambda _, seed, most: streamed.program.sampler(seed, most))
    whole = solve(instance, method="priced", gap=GAP)
    written = read_solution(tmp_path / "plan")
    assert written.plan.equals(whole.plan)
    assert (solution.value, solution.bound, solution.status) == (whole.value, whole.bound, whole.status)
    assert solution.status is Status.OPTIMAL
    assert solution.prices.equals(whole.prices)
    proof = read_certificate_record(tmp_path / "plan")
    found = verify(instance, written.plan, proof)
    along = verify_streamed(open_instance(tmp_path / "a"), tmp_path / "plan", proof)
    assert found.ok, found.words()
    assert along.ok, along.words()
    assert along.certificate is not None
    assert found.certificate is not None
    assert along.certificate.bound == pytest.approx(found.certificate.bound, rel=1e-12)


@pytest.mark.parametrize("held", [0, 1 << 18])
def test_the_plan_does_not_depend_on_shards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held: int
) -> None:
    """One shard, or shards of 777 users: the same file."""
    monkeypatch.setattr(aligned_plan, "HELD", held)
    files = []
    for rows in (777, USERS):
        solve_streamed(opened(asked("both"), tmp_path / str(rows), rows), tmp_path / f"plan {rows}", gap=GAP)
        files.append((tmp_path / f"plan {rows}" / "plan.parquet").read_bytes())
    assert files[0] == files[1]


def pairs(plan: pa.Table) -> set[tuple[str, str]]:
    """Return a plan's pairs."""
    return set(zip(plan["user_id"].to_pylist(), plan["coupon_id"].to_pylist(), strict=True))


def test_frozen_users_are_as_they_were_and_enough_is_kept(tmp_path: Path) -> None:
    """Every pair that was sent stands there, its user has no other; 85 in 100 earlier pairs stay."""
    solution = solve_streamed(opened(asked("both"), tmp_path / "a"), tmp_path / "plan", gap=GAP)
    plan = pq.read_table(solution.path)
    notified = set(sent()["user_id"].to_pylist())
    assert {pair for pair in pairs(plan) if pair[0] in notified} == pairs(sent())
    assert len(pairs(plan) & pairs(former())) >= 0.85 * len(pairs(former()))
    keep = solution.prices.set_index("name").loc["keep"]
    assert keep["activity"] == len(pairs(plan) & pairs(former()))


def test_a_freeze_takes_one_reading_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is spent must be known beforehand: for nine users of a shard, that shard is read."""
    monkeypatch.setattr(aligned_plan, "HELD", 0)
    read = {}
    few = replace(base(), rules=(*base().rules, Freeze(plan=sent().slice(0, 9))))
    for kind, instance in (("none", base()), ("few", few)):
        stats = solve_streamed(opened(instance, tmp_path / kind), tmp_path / f"{kind} plan", gap=GAP).stats
        read[kind] = stats["users_read"] - USERS * stats["passes"]
    assert read["few"] - read["none"] == 1700


def test_where_nothing_more_can_be_given_the_frozen_pairs_are_the_plan(tmp_path: Path) -> None:
    """Only so many units may be given as were sent: the plan is just that, and its value the bound."""
    given = draw_instance(USERS, 6, seed=4, rules=("budget",))
    stock = Stock(coupons=list(given.coupons.ids), at_most=float(len(sent())))
    instance = replace(given, rules=(stock, Freeze(plan=sent())))
    solution = solve_streamed(opened(instance, tmp_path / "a"), tmp_path / "plan", gap=GAP)
    plan = pq.read_table(solution.path)
    assert pairs(plan) == pairs(sent())
    assert solution.value == pytest.approx(sum(plan["value"].to_pylist()), rel=1e-12)
    assert solution.bound == pytest.approx(solution.value)
    assert verify(instance, plan, solution.certificate).ok


def test_frozen_pairs_beyond_a_budget_clash(tmp_path: Path) -> None:
    """What was sent costs more than the budget: no plan exists, and the rule is named."""
    instance = replace(base(), rules=(Budget(amount=1.0), Freeze(plan=sent())))
    with pytest.raises(InfeasibleError, match="No plan can meet these rules together: 'budget'"):
        solve_streamed(opened(instance, tmp_path / "a"), tmp_path / "plan")
    assert not (tmp_path / "plan").exists()


def test_small_streams_are_solved_whole_with_their_plans(tmp_path: Path) -> None:
    """Of three hundred users the plan is the optimum in core, kept and frozen pairs in it."""
    few = draw_instance(300, 6, seed=4, rules=("budget", "coverage"))
    first = solve(few).plan
    rules = (*few.rules, Keep(plan=first, share=0.9), Freeze(plan=first.slice(0, 20)))
    instance = replace(few, rules=rules)
    solution = solve_streamed(opened(instance, tmp_path / "a", 70), tmp_path / "plan")
    assert solution.value == solve(instance).value
    assert verify_streamed(open_instance(tmp_path / "a"), tmp_path / "plan").ok


def test_both_judges_see_what_changed(tmp_path: Path) -> None:
    """A frozen user's coupon taken away, and too many pairs given up: told alike, wherever users are."""
    streamed = opened(asked("both"), tmp_path / "a")
    solution = solve_streamed(streamed, tmp_path / "plan", gap=GAP)
    plan = pq.read_table(solution.path)
    lost = plan.slice(len(plan) // 4)
    pq.write_table(lost, tmp_path / "lost.parquet")
    along, whole = verify_streamed(streamed, tmp_path / "lost.parquet"), verify(asked("both"), lost)
    assert not along.ok
    assert {v.rule for v in along.violations} >= {"freeze", "keep"}
    assert {v.words for v in along.violations if v.rule == "keep"} == {
        v.words for v in whole.violations if v.rule == "keep"
    }


def test_a_plan_in_another_order_is_refused_before_anything_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A large plan turned round: file, row and user are told, and the rule."""
    monkeypatch.setattr(aligned_plan, "HELD", 0)
    turned = former().take(np.arange(len(former()))[::-1])
    instance = replace(base(), rules=(*base().rules, Keep(plan=turned, share=0.5)))
    with pytest.raises(
        InputError, match=r"keep\.parquet.*the rows of the earlier plan do not follow the order"
    ):
        solve_streamed(opened(instance, tmp_path / "a"), tmp_path / "plan")
