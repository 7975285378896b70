"""Streams with budgets at risk: the plan and the bound are those in core, cell by cell."""

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
    Coupons,
    Freeze,
    InfeasibleError,
    Instance,
    Keep,
    Response,
    Rule,
    Target,
)
from couponry.instances.files import write_instance
from couponry.instances.generators import draw_instance
from couponry.instances.streamed import StreamedInstance, open_instance
from couponry.solver import dual
from couponry.solver.solution import Status
from couponry.solver.solution_files import read_certificate, read_certificate_record
from couponry.solver.solve import solve
from couponry.solver.streamed import solve_streamed
from couponry.solver.verify import verify, verify_streamed

USERS = 6_000
GAP = 3e-4


@lru_cache
def base(**options: object) -> Instance:
    """Return drawn users whose costs vary as redemptions do, under a budget, coverage and parity."""
    given = draw_instance(USERS, 6, seed=5, rules=("budget", "coverage", "parity"), **options)  # type: ignore[arg-type]
    most = float(np.where(given.response.eligible(), given.response.measures["cost"], 0.0).max())
    menu = Coupons(given.coupons.table.assign(face_value=most, max_discount=most))
    return replace(given, coupons=menu)


def at_risk(given: Instance, probability: float = 0.05) -> tuple[Rule, ...]:
    """Return the instance's rules, its budget at risk."""
    return tuple(
        rule.model_copy(update={"overspend_probability": probability}) if isinstance(rule, Budget) else rule
        for rule in given.rules
    )


@lru_cache
def first() -> pa.Table:
    """Return a plan of the plain budget."""
    return solve(base(), gap=1e-3).plan.select(["user_id", "coupon_id"])


def asked(kind: str) -> Instance:
    """Return an instance with budgets at risk of some kind."""
    given = base(shortlist=4) if kind == "shortlists" else base()
    rules = at_risk(given)
    if kind == "two":
        (amount,) = (rule.amount for rule in rules if isinstance(rule, Budget))
        some = list(given.coupons.ids[:3])
        rules = (Budget(name="three", amount=amount / 3, overspend_probability=0.2, coupons=some), *rules)
    if kind == "deviations known":
        measures, rng = given.response.measures, np.random.default_rng(1)
        spread = (measures["cost"] * rng.uniform(0.5, 1.5, measures["cost"].shape)).astype(np.float32)
        given = replace(given, response=Response({**measures, "cost_sd": spread}))
    if kind == "all":
        last = first().take(np.arange(0, len(first()), 2))
        rules = (*rules, Keep(plan=last, share=0.8), Freeze(plan=first().slice(0, 300)))
    return replace(given, rules=rules)


def opened(instance: Instance, folder: Path, shard_rows: int = 1700) -> StreamedInstance:
    """Write an instance in shards, and open it."""
    write_instance(instance, folder, shard_rows=shard_rows)
    return open_instance(folder)


@pytest.mark.parametrize("kind", ["one", "two", "shortlists", "deviations known", "all"])
def test_plan_and_bound_are_those_in_memory(tmp_path: Path, kind: str) -> None:
    """Value and bound agree within the gap, both judges accept plan and proof, the budget is kept."""
    instance = asked(kind)
    streamed = opened(instance, tmp_path / "a")
    solution = solve_streamed(streamed, tmp_path / "plan", gap=GAP)
    whole = solve(instance, method="priced", gap=GAP)
    assert solution.status is whole.status is Status.OPTIMAL
    assert solution.value == pytest.approx(whole.value, rel=2 * GAP)
    assert solution.bound == pytest.approx(whole.bound, rel=GAP)
    assert solution.value <= whole.bound
    assert whole.value <= solution.bound
    plan, proof = pq.read_table(solution.path), read_certificate_record(tmp_path / "plan")
    found, along = verify(instance, plan, proof), verify_streamed(streamed, tmp_path / "plan", proof)
    assert found.ok, found.words()
    assert along.ok, along.words()
    assert found.certificate is not None
    assert found.certificate.bound == pytest.approx(solution.bound, rel=1e-9)
    prices = solution.prices.set_index("name")
    assert (prices["activity"] <= prices["upper"] + 1e-9).all()
    assert "overspent with a probability of at most" in prices.loc["budget", "words"]
    assert read_certificate(tmp_path / "plan").cells == solution.certificate.cells


def test_few_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many users: one or two under tangents, one a cell beside the plan's, one that writes."""
    monkeypatch.setattr(dual, "WIDENED", 0)
    monkeypatch.setattr(dual, "FEW_USERS", 0)
    solution = solve_streamed(opened(asked("shortlists"), tmp_path / "a"), tmp_path / "plan", gap=GAP)
    assert len(solution.certificate.cells) == 3
    assert solution.stats["passes"] <= 5


def test_the_plan_does_not_depend_on_shards(tmp_path: Path) -> None:
    """One shard, or shards of 777 users: the same plan and the same certificate."""
    files = []
    for rows in (777, USERS):
        solve_streamed(opened(asked("all"), tmp_path / str(rows), rows), tmp_path / f"plan {rows}", gap=GAP)
        files.append(
            [(tmp_path / f"plan {rows}" / name).read_bytes() for name in ("plan.parquet", "certificate.json")]
        )
    assert files[0] == files[1]


def test_frozen_pairs_have_their_chance_too(tmp_path: Path) -> None:
    """Half of a plan was sent: the rest is planned round its cost and variance, and wins no less."""
    start = solve_streamed(opened(asked("one"), tmp_path / "a"), tmp_path / "plan", gap=GAP)
    sent = pq.read_table(start.path).select(["user_id", "coupon_id"])
    sent = sent.take(np.arange(0, len(sent), 2))
    instance = replace(asked("one"), rules=(*asked("one").rules, Freeze(plan=sent)))
    again = solve_streamed(opened(instance, tmp_path / "b"), tmp_path / "again", gap=GAP, start=start)
    assert again.value >= start.value * (1 - GAP)
    assert verify(instance, pq.read_table(again.path), again.certificate).ok


def test_no_plan_within_the_chance(tmp_path: Path) -> None:
    """A target that the money buys at its expectation, not with so much caution: refused, nothing written."""
    plain = solve(base(), gap=1e-3)
    rules = (*at_risk(base(), 1e-6), Target(at_least=0.9999 * plain.value))
    with pytest.raises(InfeasibleError, match="No plan can meet"):
        solve_streamed(opened(replace(base(), rules=rules), tmp_path / "a"), tmp_path / "plan", gap=GAP)
    assert not (tmp_path / "plan").exists()


def test_a_target_beyond_any_money_is_named(tmp_path: Path) -> None:
    """Rows clash even at their expected cost: both rules are named."""
    rules = (Budget(amount=1.0, overspend_probability=0.1), Target(at_least=60))
    with pytest.raises(InfeasibleError, match="these rules together: 'budget', 'target value'"):
        solve_streamed(opened(replace(base(), rules=rules), tmp_path / "a"), tmp_path / "plan", gap=GAP)
