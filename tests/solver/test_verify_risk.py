"""The judge on budgets at risk and on liability: from the rules' definition, cell by cell."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache
from statistics import NormalDist
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.instances.small import four_users
from tests.instances.test_risk import faced
from tests.solver.test_at_risk import many

from couponry.instances import Budget, Coupons, InputError, Instance
from couponry.instances.response import Response
from couponry.solver.solution import Cell, Certificate, Solution
from couponry.solver.solve import solve
from couponry.solver.verify import verify, verify_infeasible
from couponry.solver.verify.chance import square_root
from couponry.solver.verify.chords import Range, covers

Z = NormalDist().inv_cdf(0.95)


def plan(*pairs: tuple[str, str]) -> pa.Table:
    """Return a plan of these pairs."""
    return pa.table({"user_id": [user for user, _ in pairs], "coupon_id": [coupon for _, coupon in pairs]})


def test_the_spend_at_risk_by_hand() -> None:
    """A for u1 (1 of 4) and B for u3 (2 of 8): 3 expected, variance 3 + 12, so 3 + 1.645 · 3.873 = 9.3704."""
    needed = 3 + Z * math.sqrt(15)
    given = plan(("u1", "A"), ("u3", "B"))
    instance = faced(Budget(amount=needed + 1e-12, overspend_probability=0.05))
    assert verify(instance, given).ok
    (broken,) = verify(faced(Budget(amount=9.37, overspend_probability=0.05)), given).violations
    assert broken.rule == "budget"
    assert broken.activity == pytest.approx(needed, rel=1e-15)
    assert broken.words.startswith(
        "budget: cost of all coupons that is exceeded with probability 0.05 is 9.370"
    )
    assert "at most 9.37 allowed" in broken.words


@pytest.mark.parametrize(("measure", "variance"), [("cost_sd", 9.0), ("cost_variance", 3.0)])
def test_a_spread_of_the_response_by_hand(measure: str, variance: float) -> None:
    """With a standard deviation, or a variance, of 3 a pair, the menu is not asked."""
    measures = {**four_users().response.measures, measure: np.full((4, 3), 3.0)}
    needed = 3 + Z * math.sqrt(2 * variance)
    for amount, ok in ((needed + 1e-12, True), (needed - 1e-9, False)):
        instance = replace(
            four_users(Budget(amount=amount, overspend_probability=0.05)), response=Response(measures)
        )
        assert verify(instance, plan(("u1", "A"), ("u3", "B"))).ok is ok


def test_liability_by_hand() -> None:
    """A is worth 4, B at most 8 and C 10: together 22, whatever is expected to be redeemed."""
    given = plan(("u1", "A"), ("u3", "B"), ("u4", "C"))
    assert verify(faced(Budget(amount=22, measure="liability")), given).ok
    (broken,) = verify(faced(Budget(amount=21.99, measure="liability")), given).violations
    assert (broken.activity, broken.limit) == (22.0, 21.99)


@pytest.mark.parametrize("method", ["highs", "priced"])
def test_liability_is_capped(method: str) -> None:
    """Of 14, C for u1 (10) and A for u3 (4) win 0.7 but B has a minimum of one: B and A it is, for 12."""
    instance = faced(Budget(amount=14, measure="liability"))
    solution = solve(instance, method=method)
    row = solution.prices.set_index("name").loc["budget"]
    assert row["activity"] <= 14
    assert dict(
        zip(*(solution.plan[name].to_pylist() for name in ("user_id", "coupon_id")), strict=True)
    ) == {
        "u3": "A",
        "u4": "B",
    }
    found = verify(instance, solution.plan, solution.certificate)
    assert found.ok, found.words()


def test_what_the_menu_does_not_say_is_refused() -> None:
    """The judge guesses no face value."""
    for keys in ({"measure": "liability"}, {"overspend_probability": 0.05}):
        with pytest.raises(InputError):
            verify(four_users(Budget(amount=5, **keys)), plan(("u1", "A")))


@given(st.fractions(min_value=0, max_value=10**12))
def test_square_root(number: Fraction) -> None:
    """It is right to far more digits than a float has, from below."""
    root = square_root(number)
    assert 0 <= number - root * root <= Fraction(1, 2**150) * max(number, 1)


def ranges(*ends: tuple[float, float]) -> list[dict[str, Range]]:
    """Return boxes in one dimension."""
    return [{"a": Range(low, high)} for low, high in ends]


def test_cover() -> None:
    """Neighbouring ranges from 0 up hold every deviation; a hole, or an end, does not."""
    assert covers(ranges((0, 1), (1, math.inf)), ["a"])
    assert covers(ranges((0, 2), (1, math.inf)), ["a"])
    assert not covers(ranges((0, 1), (1.5, math.inf)), ["a"])
    assert not covers(ranges((0, 1), (1, 5)), ["a"])
    assert not covers(ranges((0.1, math.inf)), ["a"])
    assert not covers([], ["a"])


def test_cover_of_two() -> None:
    """Four quarters hold the plane; three do not."""
    halves = Range(0, 1), Range(1, math.inf)
    quarters = [{"a": one, "b": other} for one in halves for other in halves]
    assert covers(quarters, ["a", "b"])
    assert not covers(quarters[:3], ["a", "b"])


@lru_cache
def solved() -> tuple[Instance, Solution]:
    """Return an instance of 3,000 users and its solution."""
    return many(), solve(many(), gap=1e-4)


def words(certificate: Certificate | dict[str, Any]) -> str:
    """Return what the judge says of the solved instance with another certificate."""
    instance, solution = solved()
    found = verify(instance, solution.plan, certificate)
    assert not found.ok
    return found.words()


def changed(number: int, **changes: Any) -> Certificate:
    """Return the solved instance's certificate with a cell changed."""
    held = solved()[1].certificate
    cells = list(held.cells)
    cells[number] = replace(cells[number], **changes)
    return replace(held, cells=tuple(cells))


def test_a_cell_left_out_proves_nothing() -> None:
    """Without one of its cells a certificate says nothing of some plans."""
    held = solved()[1].certificate
    told = words(replace(held, cells=held.cells[1:]))
    assert "certificate: its cells do not hold every plan." in told
    assert "The multipliers prove no bound." in told


def test_a_better_bound_than_the_worst_cell_is_refused() -> None:
    """The bound is that of the worst cell, not of the best."""
    held = solved()[1].certificate
    best = min(cell.bound for cell in held.cells)
    assert "is better than the" in words(replace(held, bound=best))


def test_a_cell_that_only_says_that_it_is_empty() -> None:
    """That a cell holds no plan has to be proven."""
    assert "a cell is said to hold no plan, which its multipliers do not prove" in words(
        changed(0, infeasible=True)
    )


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"deviations": {"other": (0.0, math.inf)}}, "its cells speak of other rows than those at risk"),
        ({"deviations": {"budget": (3.0, 3.0)}}, "a cell's least deviation is not below its most"),
        ({"multipliers": {"nothing": 1.0}}, "a cell names rows that the rules do not make: nothing"),
        ({"multipliers": {"budget": -1.0}}, "a cell's multiplier -1.0 of budget proves no bound"),
        ({"multipliers": {"budget": math.nan}}, "a cell's multiplier nan of budget proves no bound"),
    ],
)
def test_cells_that_prove_nothing(changes: dict[str, Any], problem: str) -> None:
    """What is wrong with a cell is said."""
    assert f"certificate: {problem}." in words(changed(0, **changes))


def test_a_file_without_readable_cells() -> None:
    """A record with a cell that is none is told so and raises nothing."""
    record = {"multipliers": {"budget": 0.1}, "certificate_bound": 1.0, "cells": [{"deviations": 3}]}
    assert "it lacks readable multipliers" in words(record)


def test_without_cells_multipliers_prove_what_the_expected_cost_allows() -> None:
    """A certificate of the plain budget's prices is true here too, and weaker."""
    instance, solution = solved()
    plain = solve(replace(instance, rules=(Budget(amount=1500),)), gap=1e-4).certificate
    found = verify(instance, solution.plan, plain)
    assert found.ok, found.words()
    assert found.certificate is not None
    assert found.certificate.bound > solution.bound


def test_cells_of_an_instance_that_has_plans_prove_no_infeasibility() -> None:
    """Cells with bounds do not say that there is no plan."""
    instance, solution = solved()
    assert not verify_infeasible(instance, solution.certificate).proven
    empty = Cell({"budget": (0.0, math.inf)}, {"budget": 1.0}, -math.inf, infeasible=True)
    assert not verify_infeasible(instance, replace(solution.certificate, cells=(empty,))).proven


def test_a_budget_of_nothing_is_proven_to_the_last_digit() -> None:
    """Nothing may be spent and nobody is eligible: the cell's bound of 0 is not undercut by any rounding."""
    instance = four_users(Budget(amount=0.0, overspend_probability=0.05))
    measures = {
        **instance.response.measures,
        "value": np.full((4, 3), np.nan),
        "cost_sd": np.full((4, 3), 3.0),
    }
    menu = Coupons(instance.coupons.table.drop(columns="minimum"))
    nothing = replace(instance, coupons=menu, response=Response(measures))
    solution = solve(nothing, method="priced")
    found = verify(nothing, solution.plan, solution.certificate)
    assert found.ok, found.words()
    assert found.certificate is not None
    assert solution.bound == 0
