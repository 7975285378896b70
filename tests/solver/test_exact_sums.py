"""Sums in twice the precision: what math.fsum makes of the single pairs, whatever the chunks."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.instances.small import four_users

from couponry.instances import Budget, Coverage, Program
from couponry.instances.generators import RULE_NAMES, draw_instance
from couponry.solver.exact_sums import ExactTables
from couponry.solver.local import LocalEngine
from couponry.solver.prices import PriceBook

DRAWN = settings(max_examples=40, deadline=None, derandomize=True)


def program() -> Program:
    """Return three classes (east, north, south), three coupons, and the measures value, cost and count."""
    return four_users(Budget(amount=4), Coverage(segment="region", at_least=0.0)).program


def sums(
    classes: np.ndarray, coupon: np.ndarray, cost: np.ndarray, chunks: list[int] | None = None
) -> ExactTables:
    """Return sums of pairs, added chunk by chunk: ``chunks`` says where they begin."""
    total = ExactTables.of(program())
    for part in np.split(np.arange(len(cost)), chunks or []):
        own = ExactTables.of(program())
        columns = {"value": -cost[part], "cost": cost[part]}
        own.add_pairs(classes[part], coupon[part], columns)
        total.add(own)
    return total


def pairs(seed: int, size: int, spread: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw pairs whose costs are tenths, nearly cancel, or differ by many orders of magnitude."""
    rng = np.random.default_rng(seed)
    cost = {
        "tenths": rng.integers(-50, 50, size) / 10,
        "cancelling": rng.choice([-1.0, 1.0], size) * (1e8 + rng.random(size)),
        "wide": rng.normal(size=size) * 10.0 ** rng.integers(-12, 12, size),
    }[spread]
    return rng.integers(0, 3, size).astype(np.int32), rng.integers(0, 3, size), cost


def test_sums_of_nothing() -> None:
    """Nothing added is zero everywhere, and counts have no low part."""
    nothing = ExactTables.of(program())
    assert list(nothing.high) == ["value", "cost", "count"]
    assert list(nothing.low) == ["value", "cost"]
    assert all(not table.any() for table in (*nothing.high.values(), *nothing.low.values()))
    assert nothing.high["cost"].shape == (3, 3)
    assert nothing.total("cost") == 0.0
    assert nothing.numbers("cost", np.ones((3, 3), bool)) == []


def test_pairs_are_summed_by_class_and_coupon() -> None:
    """Class 1 takes coupons 0 and 0, class 2 coupon 1: counts and costs stand where they belong."""
    table = sums(np.array([1, 2, 1]), np.array([0, 1, 0]), np.array([0.5, 4.0, 0.25]))
    assert table.high["count"].tolist() == [[0, 0, 0], [2, 0, 0], [0, 1, 0]]
    assert table.high["cost"].tolist() == [[0, 0, 0], [0.75, 0, 0], [0, 4, 0]]
    assert table.high["value"].tolist() == [[0, 0, 0], [-0.75, 0, 0], [0, -4, 0]]
    assert table.total("cost") == 4.75
    assert table.total("count") == 3.0


def test_what_a_double_loses_is_kept() -> None:
    """1e16 + 1 + 1 − 1e16 is 2 in one chunk and in four; in doubles, from the left, it is 0."""
    numbers = np.array([1e16, 1.0, 1.0, -1e16])
    same = np.zeros(4, np.int32)
    assert sum(numbers.tolist()) == 0.0
    assert sums(same, same, numbers).total("cost") == 2.0
    assert sums(same, same, numbers, [1, 2, 3]).total("cost") == 2.0


def test_a_tie_is_rounded_as_fsum_rounds_it() -> None:
    """2⁵³ + 1 lies between two doubles; with 2⁻⁵⁰ more it is above the middle, wherever that is added."""
    numbers = np.array([2.0**53, 1.0, 2.0**-50])
    same = np.zeros(3, np.int32)
    assert math.fsum(numbers[:2]) == 2.0**53
    assert math.fsum(numbers) == 2.0**53 + 2
    for order in ([0, 1, 2], [2, 1, 0], [2, 0, 1]):
        for chunks in ([], [1], [2], [1, 2]):
            assert sums(same, same, numbers[order], chunks).total("cost") == 2.0**53 + 2


def test_numbers_of_some_cells() -> None:
    """The numbers of some cells sum to what was taken there, and only there."""
    table = sums(np.array([0, 1, 2]), np.array([0, 1, 2]), np.array([1.0, 20.0, 300.0]))
    cells = np.zeros((3, 3), bool)
    cells[:2] = True
    assert math.fsum(table.numbers("cost", cells)) == 21.0
    assert math.fsum(table.numbers("count", cells)) == 2.0
    assert table.numbers("count", ~cells) == [1.0]


def test_adding_leaves_the_other_as_it_was() -> None:
    """What is added can be added again elsewhere."""
    one, other = sums(*pairs(1, 20, "wide")), sums(*pairs(2, 20, "wide"))
    before = {m: t.copy() for m, t in {**other.high}.items()}
    one.add(other)
    assert all(np.array_equal(before[m], other.high[m]) for m in before)


@DRAWN
@given(
    seed=st.integers(0, 2**32 - 1),
    size=st.integers(0, 60),
    spread=st.sampled_from(["tenths", "cancelling", "wide"]),
    cuts=st.lists(st.integers(0, 60), max_size=6),
)
def test_whatever_the_chunks_sums_are_those_of_fsum(
    seed: int, size: int, spread: str, cuts: list[int]
) -> None:
    """Cell by cell, and over any cells, the sum rounded once is math.fsum's of the pairs there."""
    classes, coupon, cost = pairs(seed, size, spread)
    table = sums(classes, coupon, cost, sorted(cuts))
    assert table.total("cost") == math.fsum(cost)
    assert table.total("value") == -math.fsum(cost)
    for c, j in np.ndindex(3, 3):
        cell = np.zeros((3, 3), bool)
        cell[c, j] = True
        inside = (classes == c) & (coupon == j)
        assert math.fsum(table.numbers("cost", cell)) == math.fsum(cost[inside])
        assert table.high["count"][c, j] == inside.sum()
    some = np.random.default_rng(seed + 1).random((3, 3)) < 0.5
    assert math.fsum(table.numbers("cost", some)) == math.fsum(cost[some[classes, coupon]])


@pytest.mark.parametrize("shortlist", [None, 4])
def test_an_engines_sums_are_those_of_its_pairs(shortlist: int | None) -> None:
    """What an engine sums pass by pass, thread by thread, is math.fsum over the pairs that it hands out."""
    instance = draw_instance(40_000, 6, seed=5, rules=RULE_NAMES, shortlist=shortlist)
    whole = instance.program
    engine = LocalEngine(whole, threads=3)
    assigned = engine.assign(PriceBook(whole).objective, np.arange(0, 40_000, 7))
    user, place = assigned.pairs.user, assigned.pairs.place
    assert len(user) > 30_000
    for measure, column in whole.columns.items():
        assert assigned.sums.total(measure) == math.fsum(column[user, place].astype(np.float64))
    assert assigned.sums.total("count") == len(user)
