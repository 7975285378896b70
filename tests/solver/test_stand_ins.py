"""Tangents and chords of a budget at risk."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.instances.test_risk import faced

from couponry.instances import Budget, Program, Row
from couponry.solver.stand_ins import chord_program, rows_at_risk, tangent_program, variance_name

AMOUNT = 30.0
DEVIATIONS = st.floats(0.01, 50.0)


def program() -> Program:
    """Return a program whose last row is a budget of 30 at risk; the stock of the menu stands before it."""
    return faced(Budget(amount=AMOUNT, overspend_probability=0.05)).program


def spend(row: Row, cost: float, deviation: float) -> float:
    """Return what a stand-in makes of a spend."""
    weights = {term.measure: float(term.coupons[0]) for term in row.terms}
    return weights["cost"] * cost + weights.get("cost_variance", 0.0) * deviation**2


def true(row: Row, cost: float, deviation: float) -> float:
    """Return the spend at risk."""
    assert row.risk is not None
    return cost + row.risk.quantile * deviation


def test_which_rows() -> None:
    """Only the budget is at risk, and none of its stand-ins is."""
    own = program()
    (k,) = rows_at_risk(own)
    assert own.rows[k].name == "budget"
    assert rows_at_risk(tangent_program(own, {k: 3.0})) == ()
    assert rows_at_risk(chord_program(own, {k: (1.0, 3.0)})) == ()


@given(t=DEVIATIONS, deviation=DEVIATIONS, cost=st.floats(0, 30))
def test_a_tangent_lets_nothing_out(t: float, deviation: float, cost: float) -> None:
    """What the tangent's row keeps is within the budget, at any deviation."""
    own = program()
    (k,) = rows_at_risk(own)
    row = tangent_program(own, {k: t}).rows[k]
    if spend(row, cost, deviation) <= row.upper:
        assert true(own.rows[k], cost, deviation) <= AMOUNT


@given(t=DEVIATIONS)
def test_a_tangent_touches(t: float) -> None:
    """At its own deviation the tangent's row is the budget, to a hair."""
    own = program()
    (k,) = rows_at_risk(own)
    row = tangent_program(own, {k: t}).rows[k]
    left = AMOUNT - true(own.rows[k], 0.0, t)
    assert row.upper - spend(row, 0.0, t) == pytest.approx(left, abs=1e-11)


@given(
    ends=st.tuples(st.just(0.0) | DEVIATIONS, DEVIATIONS | st.just(math.inf)).filter(lambda e: e[0] < e[1]),
    share=st.floats(0, 1),
    cost=st.floats(0, 30),
)
def test_a_chord_loses_nothing(ends: tuple[float, float], share: float, cost: float) -> None:
    """What is within the budget at a deviation within the ends keeps the chord's row and the variance's."""
    own, (low, high) = program(), ends
    (k,) = rows_at_risk(own)
    deviation = low + share * (min(high, low + 50.0) - low)
    rows = chord_program(own, {k: ends}).rows
    if true(own.rows[k], cost, deviation) <= AMOUNT:
        assert spend(rows[k], cost, deviation) <= rows[k].upper
    for row in rows[len(own.rows) :]:
        assert row.name == variance_name(own.rows[k]) == "variance of budget"
        assert row.lower <= deviation**2 * (1 + 1e-15)
        assert deviation**2 * (1 - 1e-15) <= row.upper


def test_limits_of_the_variance() -> None:
    """Ends that say nothing make no row; an end that does is squared."""
    own = program()
    (k,) = rows_at_risk(own)

    def limits(low: float, high: float) -> list[tuple[float, float]]:
        return [(row.lower, row.upper) for row in chord_program(own, {k: (low, high)}).rows[len(own.rows) :]]

    assert limits(0.0, math.inf) == []
    assert limits(0.0, 3.0) == [(-math.inf, pytest.approx(9.0))]
    assert limits(2.0, math.inf) == [(pytest.approx(4.0), math.inf)]
    assert limits(2.0, 3.0) == [(pytest.approx(4.0), pytest.approx(9.0))]


def test_a_chord_meets_the_root_at_both_ends() -> None:
    """At both ends the chord's row is the budget; between them it lacks z (b − a)² / 4 (a + b) at most."""
    own = program()
    (k,) = rows_at_risk(own)
    row, risk = chord_program(own, {k: (2.0, 6.0)}).rows[k], own.rows[k].risk
    assert risk is not None
    lacks = [
        (row.upper - spend(row, 0.0, s)) - (AMOUNT - true(own.rows[k], 0.0, s))
        for s in np.linspace(2, 6, 401)
    ]
    assert lacks[0] == pytest.approx(0, abs=1e-12)
    assert lacks[-1] == pytest.approx(0, abs=1e-12)
    assert max(lacks) == pytest.approx(risk.quantile * 16 / 32, rel=1e-6)
