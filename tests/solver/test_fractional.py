"""What the linear optimum takes of a row whose price is held."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.solver.linear import linear_optimum

from couponry.instances import Instance
from couponry.instances.generators import draw_instance
from couponry.solver.clock import Clock
from couponry.solver.fractional import Fractions, fractions_near
from couponry.solver.held_price import _HeldBook
from couponry.solver.local import LocalEngine
from couponry.solver.prices import PriceBook
from couponry.solver.scale import measure_scale


def at_price(instance: Instance, price: float, others: np.ndarray) -> Fractions:
    """Return the optimum with the first row's price held, next to some prices of the others."""
    program = instance.program
    whole, rest = PriceBook(program), replace(program, rows=program.rows[1:])
    alone = np.zeros(len(program.rows))
    alone[0] = price
    held = _HeldBook(rest).charging(whole.changes(alone))
    scores = held.scores(others)
    settled = LocalEngine(rest).settle(scores, {m: np.full(t.shape, 10.0) for m, t in scores.items()})
    scale = measure_scale(program, whole, np.arange(program.n_users))
    return fractions_near(settled, held, whole, np.insert(others, 0, 0.0), 0, scale, Clock())


def test_a_budget_alone_takes_what_everybody_likes_best() -> None:
    """At a price of 0.01 each takes the coupon of most value less 0.01 × cost, if that is above nothing."""
    instance = draw_instance(500, 4, seed=3, rules=("budget",))
    found = at_price(instance, 0.01, np.zeros(0))
    value, cost = (instance.response.measures[m].astype(np.float64) for m in ("value", "cost"))
    worth = np.where(np.isnan(value), -np.inf, value - 0.01 * cost)
    best = worth.argmax(axis=1)
    taken = worth.max(axis=1) > 0
    assert found.activity == pytest.approx(cost[np.arange(500), best][taken].sum(), rel=1e-12)
    assert found.gap == pytest.approx(0.0, abs=1e-9)
    assert found.multipliers.tolist() == [0.0]


def test_other_rows_are_met_by_fractions() -> None:
    """Coverages besides: from prices of nothing the gap tells how far HiGHS's optimum is below L there."""
    given = draw_instance(300, 4, seed=3, rules=("budget", "coverage"))
    program = given.program
    assert program.rows[0].kind == "budget"
    price, others = 0.2, np.zeros(len(program.rows) - 1)
    found = at_price(given, price, others)
    charged = program.columns["value"].astype(np.float64) - price * program.columns["cost"].astype(np.float64)
    rest = replace(program, rows=program.rows[1:], columns={**program.columns, "value": charged})
    optimum = linear_optimum(rest)
    nobody_priced = np.where(np.isnan(charged), 0.0, charged).max(axis=1).clip(0).sum()
    assert found.gap == pytest.approx(nobody_priced - optimum, rel=1e-6)
    assert (found.multipliers[1:] <= 0).all()
    assert found.multipliers.min() < 0
