"""What rounding knows of the users whom prices leave open, and of all others."""

from __future__ import annotations

import math

import numpy as np
import pytest
from tests.solver.searched import KINDS, searched

from couponry.instances import BackendError
from couponry.solver.engine import Pairs
from couponry.solver.open_users import Rounded
from couponry.solver.result import NO_PAIRS
from couponry.solver.rounding import plan_value


def plan(value: float) -> Rounded:
    """Return a plan of this value that gives nothing inside."""
    return Rounded(NO_PAIRS, value, 0)


def test_the_better_plan_is_nearer_to_the_bound() -> None:
    """Of two plans the one that misses less is kept, of equals the later; none is worse than any."""
    users = searched(KINDS["one"]).open_users()
    low, high, again = plan(1.0), plan(2.0), plan(2.0)
    assert users.better(low, high) is high
    assert users.better(high, low) is high
    assert users.better(high, again) is again
    assert users.better(None, low) is low
    assert users.better(low, None) is low
    assert users.better(None, None) is None


def test_near_enough_is_within_the_gap() -> None:
    """A plan one hundredth below the bound is near enough for a gap of two hundredths, not of half of one."""
    start = searched(KINDS["one"])
    near = plan(0.99 * start.bound)
    assert start.open_users(gap=0.02).missing(near) == pytest.approx(0.01 * start.bound)
    assert start.open_users(gap=0.02).near_enough(near)
    assert not start.open_users(gap=0.005).near_enough(near)
    assert not start.open_users(gap=0.02).near_enough(None)


def test_sums_are_of_all_users() -> None:
    """With what the linear program gave the open users the sums are those of the whole plan."""
    start = searched(KINDS["all"])
    users, program = start.open_users(), start.instance.program
    sums = users.outside(users.chosen)
    outside = users.assigned.pairs
    columns = program.columns["cost"]
    everybody = [
        *columns[outside.user, outside.place].tolist(),
        *columns[users.users[users.chosen.user], users.chosen.place].tolist(),
    ]
    assert sums.total("cost") == pytest.approx(math.fsum(everybody), rel=1e-12)
    assert sums.total("count") == len(everybody)


def test_value_is_of_the_whole_plan() -> None:
    """The objective counts who is outside, and what is picked inside, as the plan's own value does."""
    start = searched(KINDS["one"])
    users = start.open_users(bound=math.inf)
    picked = Pairs(np.array([0]), users.program.columns["value"][:1].argmax(axis=1))
    outside, inside = users.assigned.pairs, users.users[picked.user]
    order = np.argsort(np.concatenate([outside.user, inside]), kind="stable")
    whole = Pairs(
        np.concatenate([outside.user, inside])[order],
        np.concatenate([outside.place, picked.place])[order],
    )
    value = users.value(users.assigned.sums, picked)
    assert value == plan_value(start.instance.program, whole)


def test_plans_beyond_the_bound_are_an_error() -> None:
    """A plan that is better than what was proven possible is never handed back: something is broken."""
    start = searched(KINDS["one"])
    with pytest.raises(BackendError, match=r"a plan's objective \d+\.\d+ is beyond the proven 1\.0"):
        start.rounder(bound=1.0).run()


def test_no_frozen_pairs_add_nothing() -> None:
    """Without frozen pairs a plan is judged by the sums themselves."""
    users = searched(KINDS["one"]).open_users()
    sums = users.outside(users.chosen)
    assert users.with_frozen(sums) is sums
