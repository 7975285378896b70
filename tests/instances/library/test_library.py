"""The named instances: drawn alike on every machine, with a plan, and what they claim to be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.instances.reference_plan import plan_table

from couponry.instances import InputError, Instance, library, read_instance
from couponry.instances.drawn.recipe import BLOCK
from couponry.instances.library.fingerprint import recipe_fingerprint
from couponry.solver.verify import verify

SMALL = [name for name in library.names() if library.entry(name).recipe.users <= 20_000]
MIDDLING = [name for name in library.names() if 20_000 < library.entry(name).recipe.users <= 200_000]
MADE: dict[str, Instance] = {}


def made(name: str) -> Instance:
    """Return an instance, drawn once."""
    if name not in MADE:
        MADE[name] = library.make(name)
    return MADE[name]


@pytest.fixture(scope="module", autouse=True)
def _forget() -> Iterator[None]:
    yield
    MADE.clear()


def test_twelve_from_small_to_large() -> None:
    """Twelve names in the order of users, from 500 × 6 to 10,000,000 × 20, each with a purpose."""
    recipes = [library.entry(name).recipe for name in library.names()]
    assert len(recipes) == 12
    assert [recipe.users for recipe in recipes] == sorted(recipe.users for recipe in recipes)
    assert (recipes[0].users, recipes[0].coupons) == (500, 6)
    assert (recipes[-1].users, recipes[-1].coupons) == (10_000_000, 20)
    assert all(library.entry(name).purpose for name in library.names())
    assert len({recipe.seed for recipe in recipes}) == 12


@pytest.mark.parametrize("name", [*SMALL, *(pytest.param(n, marks=pytest.mark.slow) for n in MIDDLING)])
def test_what_is_drawn_is_what_was_solved(name: str) -> None:
    """Fingerprint and number of rows are those of the table: its figures are about this instance."""
    known = library.known(name)
    assert library.fingerprint(made(name)) == known.fingerprint
    assert len(made(name).program.rows) == known.rows


@pytest.mark.parametrize("name", [*SMALL, *(pytest.param(n, marks=pytest.mark.slow) for n in MIDDLING)])
def test_a_plan_keeps_every_rule(name: str) -> None:
    """The plan that the rules were made of, or the empty one where there is no money, passes the judge."""
    recipe, instance = library.entry(name).recipe, made(name)
    plan = plan_table(instance, recipe.block(0).plan)
    if name == "zero-budget-3k":
        plan = plan.slice(0, 0)
    assert verify(instance, plan).ok


def test_a_block_of_the_largest_is_drawn_alone() -> None:
    """The last of ten million users are drawn without the others."""
    recipe = library.entry("easy-10m").recipe
    block = recipe.block(recipe.blocks - 1)
    assert len(block.users) == 10_000_000 % BLOCK
    assert block.users.ids[len(block.users) - 1].as_py() == "u9999999"


def test_written_and_read_back_it_has_the_same_fingerprint(tmp_path: Path) -> None:
    """Whatever the shards, with an earlier plan and shortlists too."""
    library.write("nine-20k", tmp_path / "nine", shard_rows=7_000)
    assert library.fingerprint(read_instance(tmp_path / "nine")) == library.known("nine-20k").fingerprint
    assert recipe_fingerprint(library.entry("nine-20k").recipe) == library.known("nine-20k").fingerprint


def test_a_fingerprint_sees_every_change() -> None:
    """One number, one group, one limit, one price of the menu: each makes another fingerprint."""
    first = made("easy-500")
    value = first.response.measures["value"].copy()
    value[499, 5] = np.nextafter(value[499, 5], np.float32(1))
    measures = {**first.response.measures, "value": value}
    menu = first.coupons.table.assign(face_value=first.coupons.table["face_value"] + 1)
    users = first.users.table.set_column(
        1, "region", first.users.table["region"].take(np.arange(499, -1, -1))
    )
    changed = [
        Instance(first.coupons, first.users, type(first.response)(measures), first.rules, first.campaign),
        Instance(type(first.coupons)(menu), first.users, first.response, first.rules, first.campaign),
        Instance(first.coupons, type(first.users)(users), first.response, first.rules, first.campaign),
        Instance(first.coupons, first.users, first.response, first.rules[1:], first.campaign),
    ]
    assert len({library.fingerprint(each) for each in (first, *changed)}) == 5


def test_they_are_what_they_claim() -> None:
    """All negative; single digits; whole coins; a group of twelve; earning pairs; sides that nearly meet."""
    assert made("negative-5k").response.measure("value").max() < 0
    assert made("tiny-stock-10k").coupons.stock.max() == 9
    assert set(np.unique(made("odd-budget-2k").response.measure("cost")).tolist()) == {7, 14, 21, 35}
    (budget,) = [row for row in made("odd-budget-2k").program.rows if row.kind == "budget"]
    assert budget.upper % 7 == 6
    assert len(np.unique(made("alike-5k").response.measure("value"), axis=0)) == 12
    assert 0.2 < (made("zero-budget-3k").response.measure("cost") < 0).mean() < 0.6
    for row in made("tight-20k").program.rows:
        if row.kind == "parity":
            assert (row.upper - row.lower) / row.unit < 0.005
    kinds = {row.kind for row in made("nine-20k").program.rows}
    assert kinds == {"budget", "target", "stock", "coverage", "parity", "return_floor", "keep"}
    assert {rule.kind for rule in made("nine-20k").rules} >= {"user_cap", "exclusion"}
    assert len(made("nine-20k").program.rows) >= 60


@pytest.mark.slow
def test_the_middling_are_what_they_claim() -> None:
    """Five of two hundred coupons on each list; five hundred rows."""
    lists = made("shortlist-100k").response.coupon
    assert lists is not None
    assert lists.shape == (100_000, 5)
    assert len(np.unique(lists)) == 200
    assert len(made("cities-100k").program.rows) == 500


def test_unknown_names_are_refused() -> None:
    """With the nearest name."""
    with pytest.raises(InputError, match=r"no benchmark instance of this name \(got 'nine'\)"):
        library.make("nine")


def test_alike_users_are_alike_in_every_block() -> None:
    """A type responds the same in the first block as in the second."""
    base = library.entry("alike-5k").recipe
    recipe = replace(base, users=BLOCK + 1_000)
    first, second = (recipe.block(number) for number in (0, 1))
    kinds = [tuple(row) for row in first.response.measure("value").tolist()]
    assert {tuple(row) for row in second.response.measure("value").tolist()} <= set(kinds)
