"""Drawn instances written block by block: what is in memory is on disk, whatever the shards."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.instances.reference_plan import plan_table

from couponry.instances import ExistsError, InputError, Instance, Progress, read_instance
from couponry.instances.drawn import recipe as recipes
from couponry.instances.drawn.asked import RULE_NAMES, Asked
from couponry.instances.drawn.recipe import Recipe
from couponry.instances.drawn.whole import draw_recipe
from couponry.instances.drawn.write import write_drawn, write_recipe
from couponry.instances.reference import Reference
from couponry.solver.verify import verify


@pytest.fixture
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recipes, "BLOCK", 100)


def asked(users: int = 250, coupons: int = 6, **changes: Any) -> Recipe:
    """Return a recipe with every rule, but for what is changed."""
    given: dict[str, Any] = {
        "seed": 5,
        "segments": {"region": 3, "age_band": 2},
        "rules": RULE_NAMES,
        "budget_share": 0.25,
        "shortlist": None,
        "eligible": 1.0,
    }
    return Asked(users=users, coupons=coupons, **{**given, **changes}).recipe()


def assert_same(one: Instance, other: Instance) -> None:
    """Assert that two instances hold the same users, responses, menu and rows."""
    assert one.users.ids.equals(other.users.ids)
    for name, array in one.response.measures.items():
        np.testing.assert_array_equal(array, other.response.measures[name])
    assert (one.response.coupon is None) == (other.response.coupon is None)
    if one.response.coupon is not None:
        np.testing.assert_array_equal(one.response.coupon, other.response.coupon)
    assert one.coupons.table.equals(other.coupons.table)
    rows, others = one.program.rows, other.program.rows
    assert [(r.name, r.lower, r.upper) for r in rows] == [(r.name, r.lower, r.upper) for r in others]
    np.testing.assert_array_equal(one.program.classes.codes, other.program.classes.codes)


@pytest.mark.usefixtures("_small_blocks")
@pytest.mark.parametrize("shard_rows", [250, 100, 70, 1])
@pytest.mark.parametrize("shortlist", [None, 3])
def test_shards_do_not_matter(tmp_path: Path, shard_rows: int, shortlist: int | None) -> None:
    """Three blocks read back from any shards are the instance drawn in memory, its earlier plan included."""
    recipe = asked(shortlist=shortlist, eligible=0.8)
    write_recipe(recipe, tmp_path / "drawn", shard_rows=shard_rows)
    assert_same(read_instance(tmp_path / "drawn"), draw_recipe(recipe))
    assert len(list((tmp_path / "drawn" / "users").iterdir())) == -(-250 // shard_rows)


@pytest.mark.usefixtures("_small_blocks")
@pytest.mark.parametrize("users", [1, 100, 101, 250])
def test_written_instances_have_a_plan(tmp_path: Path, users: int) -> None:
    """The reference plan, put together of its blocks, keeps every rule of the written instance."""
    recipe = asked(users)
    write_recipe(recipe, tmp_path / "drawn")
    instance = read_instance(tmp_path / "drawn")
    plans = [block.plan for block in recipe.drawn()]
    whole = Reference(
        np.concatenate([plan.place for plan in plans]),
        np.concatenate([plan.coupon for plan in plans]),
        instance.response,
        np.concatenate([plan.best for plan in plans]),
    )
    verdict = verify(instance, plan_table(instance, whole))
    assert verdict.ok, verdict.words()


@pytest.mark.usefixtures("_small_blocks")
def test_memory_does_not_grow_with_users(tmp_path: Path) -> None:
    """Writing forty blocks holds hardly more at its peak than writing four."""
    peaks = []
    for users in (400, 400, 4000):  # the first time, modules are loaded
        tracemalloc.start()
        write_drawn(tmp_path / f"{len(peaks)}", users, 200, shard_rows=200, rules=("budget", "keep"))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[2] < 2 * peaks[1] < 4000 * 200 * 4 * 3


@pytest.mark.usefixtures("_small_blocks")
def test_every_block_is_told(tmp_path: Path) -> None:
    """Progress counts the blocks."""
    steps: list[Progress] = []
    write_drawn(tmp_path / "drawn", 250, 2, progress=steps.append)
    assert [(step.stage, step.done, step.total) for step in steps] == [
        ("drawing", 1, 3),
        ("drawing", 2, 3),
        ("drawing", 3, 3),
    ]


def test_what_is_there_stays_without_force(tmp_path: Path) -> None:
    """A second instance takes the first one's place only if asked to."""
    write_drawn(tmp_path / "drawn", 10, 2, seed=1)
    with pytest.raises(ExistsError):
        write_drawn(tmp_path / "drawn", 20, 2)
    write_drawn(tmp_path / "drawn", 20, 2, force=True)
    assert len(read_instance(tmp_path / "drawn").users) == 20


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ({"shard_rows": 0}, r"a shard holds at least one user \(got 0\)"),
        ({"users": 0}, r"users must lie in \[1, inf\] \(got 0\)"),
        ({"rules": ["tax"]}, r"unknown kind of rule \(got 'tax'\)"),
    ],
)
def test_impossible_wishes_are_refused(tmp_path: Path, wrong: dict[str, Any], problem: str) -> None:
    """Before anything is written."""
    with pytest.raises(InputError, match=problem):
        write_drawn(tmp_path / "drawn", **{"users": 10, "coupons": 2, **wrong})
    assert not (tmp_path / "drawn").exists()
