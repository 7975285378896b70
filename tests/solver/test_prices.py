"""Price tables from multipliers and back, on four users worked by hand and as identities of drawn instances.

The rows of the example, and its classes east (u4), north of tier 1 (u1), north of tier 2 (u2), south (u3):

=  ================  =====================================================  =====  =====
k  row               Σ over given coupons of                                lower  upper
=  ================  =====================================================  =====  =====
0  stock A           1 for A                                                –      2
1  stock B           1 for B                                                1      –
2  budget            cost                                                   –      4
3  coverage east     1 for u4                                               0.5    –
4  coverage north    1 for u1 and u2                                        1      –
5  coverage south    1 for u3                                               0.5    –
6  return floor      revenue − 2 cost                                       0      –
7  parity tier 1     1 for u1, u3, u4 and −3 for u2 (12 × the rates)        −3     3
8  parity tier 2     −1 for u1, u3, u4 and 3 for u2 (4 × the rates)         −1     1
=  ================  =====================================================  =====  =====
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.drawn import instances
from tests.instances.small import four_users

from couponry.instances import Budget, Campaign, Coverage, Instance, Parity, Program, ReturnFloor
from couponry.instances.generators import draw_instance
from couponry.solver.engine import Pairs
from couponry.solver.feasibility import pair_columns
from couponry.solver.integer import eligible_pairs
from couponry.solver.prices import PriceBook, Tables

DRAWN = settings(max_examples=80, deadline=None, derandomize=True)
ONES = np.ones((4, 3))
EAST, NORTH_1, NORTH_2, SOUTH = range(4)
#                          A     B     budget east   north south return par 1 par 2
MULTIPLIERS = np.array([0.125, -0.25, 0.0625, -0.5, 0.0, 0.0, -0.25, 0.03125, 0.0])


def example(**campaign: str) -> Instance:
    """Return the four users with the rules above."""
    return four_users(
        Budget(amount=4),
        Coverage(segment="region", at_least=0.5),
        ReturnFloor(ratio=2.0),
        Parity(segment="tier", tolerance=0.25),
        campaign=Campaign.model_validate(campaign),
    )


def book(**campaign: str) -> PriceBook:
    """Return the example's price book."""
    return PriceBook(example(**campaign).program)


def test_sides_are_those_of_the_rows() -> None:
    """The book holds each row's sides, infinite where there is none."""
    assert book().lower.tolist() == [-math.inf, 1, -math.inf, 0.5, 1, 0.5, 0, -3, -1]
    assert book().upper.tolist() == [2, math.inf, 4, math.inf, math.inf, math.inf, math.inf, 3, 1]
    assert book().n_rows == 9


def test_rows_of_one_group_are_not_wide() -> None:
    """Of 400 cities coverage is narrow, and parity too for all its weights on everybody; a budget is wide."""
    rules = (
        Budget(amount=50),
        Coverage(segment="city", at_least=0.1),
        Parity(segment="city", tolerance=0.02),
    )
    drawn = draw_instance(4000, 3, seed=1, rules=("budget",), segments={"city": 400})
    program = replace(drawn, rules=rules).program
    found_wide = PriceBook(program).wide(program.classes.sizes)
    wide: dict[str, set[bool]] = {row.name.split()[0]: set() for row in program.rows}
    for row, found in zip(program.rows, found_wide.tolist(), strict=True):
        wide[row.name.split()[0]].add(found)
    assert wide["budget"] == {True}
    assert wide["coverage"] == wide["parity"] == {False}


def test_multipliers_fold_into_tables() -> None:
    """The score tables are the objective less each row's multiplier times its weights."""
    tables = book().scores(MULTIPLIERS)
    assert tables["value"].tolist() == ONES.tolist()
    # −(0.0625 · 1) of the budget, −(−0.25 · −2) of the return floor
    assert tables["cost"].tolist() == (-0.5625 * ONES).tolist()
    assert tables["revenue"].tolist() == (0.25 * ONES).tolist()
    # A: −0.125, B: +0.25; east: +0.5; parity: −0.03125 · 1, of u2 −0.03125 · −3
    everyone = np.array([-0.125, 0.25, 0.0]) - 0.03125
    expected = np.array([everyone + 0.5, everyone, everyone + 0.125, everyone])
    assert tables["count"].tolist() == expected.tolist()


def test_minimising_turns_the_objective_alone() -> None:
    """Where cost is minimised its table gets −1 on top of what the rows say, and value nothing."""
    tables = book(objective="cost", sense="minimise").scores(MULTIPLIERS)
    assert tables["cost"].tolist() == (-1.5625 * ONES).tolist()
    assert tables["value"].tolist() == (0 * ONES).tolist()


def test_objective_is_the_scores_without_prices() -> None:
    """With no multipliers only the objective is left, and tables of zeros are left out."""
    assert {name: table.tolist() for name, table in book().objective.items()} == {"value": ONES.tolist()}


def test_rows_alone() -> None:
    """Without the objective a pair is worth nothing but what the rows make of it."""
    alone = PriceBook(example().program, with_objective=False)
    assert alone.objective["value"].tolist() == (0 * ONES).tolist()
    assert alone.scores(MULTIPLIERS)["cost"].tolist() == book().scores(MULTIPLIERS)["cost"].tolist()


def test_radius_adds_sizes() -> None:
    """A box of multipliers moves a table by at most the sum of the boxes' sizes times the weights."""
    radius = book().radius(np.abs(MULTIPLIERS))
    assert set(radius) == {"cost", "revenue", "count"}  # no row speaks of value
    assert radius["cost"].tolist() == (0.5625 * ONES).tolist()
    assert radius["revenue"].tolist() == (0.25 * ONES).tolist()
    # u2 stands in the parity of tier 1 with −3.
    assert radius["count"][NORTH_1].tolist() == [0.15625, 0.28125, 0.03125]
    assert radius["count"][NORTH_2].tolist() == [0.21875, 0.34375, 0.09375]
    assert radius["count"][EAST].tolist() == [0.65625, 0.78125, 0.53125]


def test_no_box_has_no_radius() -> None:
    """Where no multiplier may move no table moves."""
    assert book().radius(np.zeros(9)) == {}


def test_activity_of_a_plan() -> None:
    """Activities follow from what was taken by class and coupon: u1 has C, u2 and u3 have A, u4 has B."""
    count = np.zeros((4, 3))
    count[[NORTH_1, NORTH_2, SOUTH, EAST], [2, 0, 0, 1]] = 1
    cost = count * [1.0, 2.0, 3.0]
    value = np.zeros((4, 3))
    value[[NORTH_1, NORTH_2, SOUTH, EAST], [2, 0, 0, 1]] = [0.3, 0.2, 0.4, 0.5]
    demand = {"count": count, "cost": cost, "value": value, "revenue": 10 * value}
    # revenue 14 less twice the cost of 7; all four have a coupon, so the tiers' rates are alike
    assert book().activity(demand) == pytest.approx([2, 1, 7, 1, 2, 1, 0, 0, 0], abs=1e-15)


def test_coefficients_of_single_pairs() -> None:
    """Each pair stands in a row with its weight times its measure: u1 with C, u2 with A."""
    values = {"cost": np.array([3.0, 1.0]), "revenue": np.array([3.0, 2.0])}
    matrix = book().coefficients(values, np.array([NORTH_1, NORTH_2]), np.array([2, 0]))
    assert matrix[:, 0].tolist() == [0, 0, 3, 0, 1, 0, -3, 1, -1]
    assert matrix[:, 1].tolist() == [1, 0, 1, 0, 1, 0, 0, -3, 3]


def test_linear_term() -> None:
    """Σ u λ⁺ − l λ⁻, and the sum of the sizes of its terms."""
    # 0.125 · 2 − 0.25 · 1 + 0.0625 · 4 − 0.5 · 0.5 − 0.25 · 0 + 0.03125 · 3
    assert book().linear(MULTIPLIERS) == 0.09375
    assert book().linear_size(MULTIPLIERS) == 1.09375


@pytest.mark.parametrize(("row", "multiplier"), [(0, -1e-300), (1, 1e-300), (2, -1.0), (6, 0.5)])
def test_linear_is_infinite_for_an_absent_side(row: int, multiplier: float) -> None:
    """A multiplier that prices a side which is not there proves nothing, however small it is."""
    multipliers = MULTIPLIERS.copy()
    multipliers[row] = multiplier
    assert book().linear(multipliers) == math.inf


def test_no_multipliers_no_linear_term() -> None:
    """Infinite sides without a price do not count."""
    assert book().linear(np.zeros(9)) == 0.0
    assert book().linear_size(np.zeros(9)) == 0.0


def test_clip_drops_prices_of_absent_sides() -> None:
    """Only a row with an upper side keeps a positive multiplier, only one with a lower a negative one."""
    ones = np.ones(9)
    assert book().clip(ones).tolist() == [1, 0, 1, 0, 0, 0, 0, 1, 1]
    assert book().clip(-ones).tolist() == [0, -1, 0, -1, -1, -1, -1, -1, -1]
    assert book().clip(MULTIPLIERS).tolist() == MULTIPLIERS.tolist()


def test_limits_of_counts_are_rounded_inwards() -> None:
    """At least half a coupon means one; money can be anything."""
    lower, upper = book().inward
    assert lower.tolist() == [-math.inf, 1, -math.inf, 1, 1, 1, 0, -3, -1]
    assert upper.tolist() == [2, math.inf, 4, math.inf, math.inf, math.inf, math.inf, 3, 1]


def test_rounding_inwards_makes_the_bound_tighter() -> None:
    """At a price of −0.5 a floor of one and not of half a coupon lowers the bound by a quarter."""
    assert book().rounding_gain(MULTIPLIERS) == pytest.approx(0.25)
    # Of the budget's 4 nothing is rounded, nor of a side that has no price.
    without = np.where(np.arange(9) == 3, 0.0, MULTIPLIERS)
    assert book().rounding_gain(without) == 0.0


# --------------------------------------------------------------------- identities of drawn instances


def some_pairs(program: Program, rng: np.random.Generator) -> Pairs:
    """Return any of the eligible pairs."""
    pairs = eligible_pairs(program, np.arange(program.n_users))
    kept = rng.random(len(pairs.user)) < 0.5
    return Pairs(pairs.user[kept], pairs.place[kept])


def taken(program: Program, pairs: Pairs) -> tuple[Tables, np.ndarray, np.ndarray, Tables]:
    """Return the demand tables of some pairs, their classes, coupons and measures."""
    classes, coupon, columns = pair_columns(program, pairs)
    columns["count"] = np.ones(len(coupon))
    demand = {name: np.zeros((program.n_classes, program.n_coupons)) for name in program.measures}
    for name, table in demand.items():
        np.add.at(table, (classes, coupon), columns[name])
    return demand, classes, coupon, columns


@DRAWN
@given(instance=instances(), seed=st.integers(0, 1000))
def test_reduced_value_is_the_objective_less_the_priced_activity(instance: Instance, seed: int) -> None:
    """Over any pairs Σ T·m is the objective less Σ λ·activity, and activity is what the rows say."""
    program, rng = instance.program, np.random.default_rng(seed)
    prices = PriceBook(program)
    multipliers = rng.normal(size=prices.n_rows)
    demand, classes, coupon, columns = taken(program, some_pairs(program, rng))
    activity = prices.activity(demand)
    reduced = sum(
        float((table[classes, coupon] * columns[name]).sum())
        for name, table in prices.scores(multipliers).items()
    )
    objective = program.sense * float(columns[program.objective].sum())
    assert reduced == pytest.approx(objective - float(multipliers @ activity), abs=1e-9)
    assert activity == pytest.approx([row.activity(demand) for row in program.rows], abs=1e-9)
    assert activity == pytest.approx(prices.coefficients(columns, classes, coupon).sum(axis=1), abs=1e-9)


@DRAWN
@given(instance=instances(), seed=st.integers(0, 1000))
def test_tables_stay_within_the_radius(instance: Instance, seed: int) -> None:
    """For any multipliers in a box every table differs by no more than the radius says."""
    prices, rng = PriceBook(instance.program), np.random.default_rng(seed)
    centre, box = rng.normal(size=prices.n_rows), rng.random(prices.n_rows)
    radius = prices.radius(box)
    here = prices.scores(centre)
    there = prices.scores(centre + box * rng.choice([-1, 1], prices.n_rows))
    for name in {*here, *there}:
        moved = np.abs(there.get(name, 0) - here.get(name, 0))
        assert (moved <= radius.get(name, 0) + 1e-12).all()
