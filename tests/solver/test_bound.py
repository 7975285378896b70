"""The bound that multipliers prove: by hand, and above every plan that brute force finds."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.brute_force import best_plan
from tests.drawn import instances
from tests.instances.small import four_users

from couponry.instances import Budget, Campaign, Instance, Stock
from couponry.instances.exact_limits import exact
from couponry.solver.bound import dual_bound, proven_bound
from couponry.solver.local import LocalEngine
from couponry.solver.prices import PriceBook


def bound(instance: Instance, multipliers: list[float] | np.ndarray) -> float:
    """Return the bound at given multipliers."""
    program = instance.program
    return dual_bound(LocalEngine(program), PriceBook(program), np.asarray(multipliers, float))


def test_bound_without_prices_is_what_everybody_would_like() -> None:
    """With no prices each of the four users gets the best coupon: 0.3 + 0.2 + 0.4 + 0.5."""
    assert bound(four_users(Budget(amount=4)), [0, 0, 0]) == pytest.approx(1.4)


def test_bound_by_hand() -> None:
    """At 0.1 a unit of cost users keep 0.7, and the budget of 4 adds 0.4; the best plan has 1.1."""
    # u2 with A, u3 with A, u4 with B cost 4 together and bring 1.1: here the prices leave no gap.
    instance = four_users(Budget(amount=4))
    assert bound(instance, [0, 0, 0.1]) == pytest.approx(1.1)
    best = best_plan(instance)
    assert best is not None
    assert best.value == pytest.approx(1.1)
    assert bound(instance, [0, 0, 0.1]) >= best.value


def test_floors_lower_the_bound() -> None:
    """A negative price pays users for what a floor asks, and takes the floor off."""
    # C at least 2: at −0.2 C is worth 0.5, –, 0.4 and 0.3; u1 and u3 take it or A; less 2 · 0.2.
    instance = four_users(Stock(coupons=["C"], at_least=2))
    # u1: C 0.5, u2: A 0.2, u3: A 0.4 or C 0.4, u4: B 0.5
    assert bound(instance, [0, 0, -0.2]) == pytest.approx(0.5 + 0.2 + 0.4 + 0.5 - 0.4)


def test_minimising_bounds_from_below() -> None:
    """Where cost is minimised the bound is on the negated cost."""
    instance = four_users(campaign=Campaign(objective="cost", sense="minimise"))
    # The menu's minimum of one B costs 2 at least; priced at −2 a unit B is free.
    assert bound(instance, [0, -2.0]) == pytest.approx(-2.0)


@pytest.mark.parametrize("multipliers", [[-0.1, 0, 0], [0, 0.1, 0], [0, 0, -0.1]])
def test_prices_of_absent_sides_prove_nothing(multipliers: list[float]) -> None:
    """A multiplier on a side that a row does not have gives no bound at all."""
    assert bound(four_users(Budget(amount=4)), multipliers) == math.inf


def test_a_total_that_is_known_needs_no_pass() -> None:
    """What a pass that makes the plan adds up proves the same bound as a pass of its own."""
    instance = four_users(Budget(amount=4))
    book, multipliers = PriceBook(instance.program), np.array([0.0, 0.0, 0.1])
    engine = LocalEngine(instance.program)
    assigned = engine.assign(book.scores(multipliers), np.array([1, 2]))
    said = proven_bound(book, multipliers, assigned.total, assigned.error)
    assert engine.passes == 1
    assert said == dual_bound(engine, book, multipliers)


def test_errors_are_added_on_top() -> None:
    """The users' 0.7 and 4 · 0.1 for the budget, an error of 0.25 on top, and no less for rounding."""
    book = PriceBook(four_users(Budget(amount=4)).program)
    multipliers = np.array([0.0, 0.0, 0.1])
    said = proven_bound(book, multipliers, 0.7, 0.25)
    assert said == pytest.approx(1.35, abs=1e-13)
    assert Fraction(said) > Fraction(0.7) + Fraction(0.25) + 4 * Fraction(0.1)


@pytest.mark.parametrize("multipliers", [[-0.1, 0, 0], [0, 0.1, 0], [0, 0, -0.1]])
def test_no_total_proves_anything_at_prices_of_absent_sides(multipliers: list[float]) -> None:
    """Whatever users are worth, a multiplier on a side that is not there gives no bound."""
    book = PriceBook(four_users(Budget(amount=4)).program)
    assert proven_bound(book, np.array(multipliers), -1e9, 0.0) == math.inf


def exact_bound(instance: Instance, multipliers: np.ndarray) -> Fraction:
    """Return L at the multipliers in fractions, from the rows themselves, of users with one coupon."""
    program = instance.program
    total = Fraction(0)
    for i, group in enumerate(program.classes.codes):
        best = Fraction(0)
        for j in range(program.n_coupons):
            if math.isnan(program.columns["value"][i, j]):
                continue
            worth = Fraction(float(program.columns["value"][i, j]))
            for multiplier, row in zip(multipliers, program.rows, strict=True):
                for term in row.terms:
                    measure = 1.0 if term.measure == "count" else float(program.columns[term.measure][i, j])
                    weight = Fraction(float(term.users[group])) * Fraction(float(term.coupons[j]))
                    worth -= Fraction(float(multiplier)) * weight * Fraction(measure)
            best = max(best, worth)
        total += best
    for multiplier, row in zip(multipliers, program.rows, strict=True):
        if multiplier:
            total += Fraction(float(multiplier)) * exact(row.upper if multiplier > 0 else row.lower)
    return total


@settings(max_examples=60, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32 - 1), size=st.sampled_from([1e-6, 1.0, 1e6]))
def test_rounding_is_on_the_safe_side(seed: int, size: float) -> None:
    """The bound is at least L in fractions, and above it by no more than rounding explains."""
    rng = np.random.default_rng(seed)
    instance = four_users(Budget(amount=float(rng.uniform(0, 9))), Stock(coupons=["C"], at_least=1))
    multipliers = PriceBook(instance.program).clip(size * rng.normal(size=4))
    said, truth = Fraction(bound(instance, multipliers)), exact_bound(instance, multipliers)
    assert said >= truth
    assert said - truth <= Fraction(1e-12) * Fraction(max(1.0, 10 * size))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(instance=instances(), seed=st.integers(0, 1000))
def test_no_plan_is_above_any_bound(instance: Instance, seed: int) -> None:
    """Whatever the multipliers, the best plan of brute force is not above the bound."""
    best = best_plan(instance)
    if best is None:
        return
    rng = np.random.default_rng(seed)
    book = PriceBook(instance.program)
    for size in (0.0, 0.1, 1.0, 100.0):
        multipliers = book.clip(size * rng.normal(size=book.n_rows))
        assert instance.program.sense * best.value <= bound(instance, multipliers)
