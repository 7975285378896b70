"""Whether a plan keeps every row: sums rounded once, limits as they were written."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.brute_force import Reading
from tests.drawn import instances, plans
from tests.instances.small import four_users, responses

from couponry.instances import (
    Budget,
    Coupons,
    Coverage,
    Instance,
    Parity,
    Response,
    ReturnFloor,
    Rule,
    Target,
    UserCap,
    Users,
)
from couponry.solver import feasibility
from couponry.solver.engine import Pairs
from couponry.solver.feasibility import excesses, over_money, pair_columns

# Three users of the four have a coupon: u1 C, u2 A, u3 A.
PLAN = Pairs(np.array([0, 1, 2]), np.array([2, 0, 0]))


def excess(*rules: Rule, plan: Pairs = PLAN) -> list[float]:
    """Return the excesses of the rows that these rules make, without those of the menu."""
    return [float(e) for e in excesses(four_users(*rules).program, plan)[2:]]


def spending(costs: list[float], amount: float, dtype: type = np.float64) -> float:
    """Return by how much users with these costs, each given A, break a budget."""
    n = len(costs)
    instance = Instance(
        Coupons(pd.DataFrame({"coupon_id": ["A"]})),
        Users(pa.table({"user_id": list(range(n))})),
        Response({"value": np.ones((n, 1), dtype), "cost": np.array(costs, dtype)[:, None]}),
        (Budget(amount=amount),),
    )
    return float(excesses(instance.program, Pairs(np.arange(n), np.zeros(n, np.int64)))[0])


def test_columns_of_pairs() -> None:
    """Pairs have their class, their coupon and their measures, in double precision."""
    program = four_users(Budget(amount=4, users={"region": ["north"]})).program
    classes, coupon, columns = pair_columns(program, PLAN)
    assert classes.tolist() == [1, 1, 2]  # east, north, south
    assert coupon.tolist() == [2, 0, 0]
    assert columns["cost"].tolist() == [3, 1, 1]
    assert columns["value"].tolist() == [0.3, 0.2, 0.4]


def test_coupons_of_a_shortlist() -> None:
    """On a shortlist a place holds the coupon that stands there."""
    shortlist = Response({"value": np.ones((1, 2)), "cost": np.ones((1, 2))}, np.array([[4, 1]], np.int32))
    menu = Coupons(pd.DataFrame({"coupon_id": list("ABCDE")}))
    instance = Instance(menu, Users(pa.table({"user_id": [1]})), shortlist)
    assert pair_columns(instance.program, Pairs(np.array([0, 0]), np.array([0, 1])))[1].tolist() == [4, 1]


def test_menu_rows() -> None:
    """Stock of A is 2 and is met; of B one is to be given at least, and none is."""
    assert excesses(four_users().program, PLAN).tolist() == [0, -1]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (Budget(amount=5), [0]),  # 3 + 1 + 1
        (Budget(amount=4.5), [0.5]),
        (Target(at_least=0.9), [0]),  # 0.3 + 0.2 + 0.4 prints as 0.9
        (Target(at_least=1.0), [-0.1]),
        (Coverage(segment="region", at_least=0.5), [-0.5, 0, 0]),  # east has none, north 2 of 2, south 1 of 1
        (Coverage(segment="region", at_most=0.5), [0, 1, 0.5]),
        (ReturnFloor(ratio=1.8), [0]),  # revenue 3 + 2 + 4, cost 5
        (ReturnFloor(ratio=2), [-1]),
        # Rates: tier 1 has 2 of 3, tier 2 1 of 1, all 3 of 4; in whole numbers 12 and 4 times as much.
        (Parity(segment="tier", tolerance=0.25), [0, 0]),
        (Parity(segment="tier", tolerance=0.125), [0, 0.5]),
        (Parity(segment="tier", tolerance=0.0), [-1, 1]),
    ],
)
def test_rows_by_hand(rule: Rule, expected: list[float]) -> None:
    """Each row is broken by what the plan has beyond its upper side, or less than its lower."""
    assert excess(rule) == pytest.approx(expected, abs=1e-15)


def test_sums_are_rounded_once() -> None:
    """0.1 + 0.2 + 0.3 keeps a budget of 0.6 though a running sum goes over it."""
    assert 0.1 + 0.2 + 0.3 > 0.6
    assert spending([0.1, 0.2, 0.3], 0.6) == 0.0


def test_the_least_unit_counts() -> None:
    """0.1 + 0.2 is 0.30000000000000004, which is over a budget of 0.3, by the last digit."""
    assert 0 < spending([0.1, 0.2], 0.3) < 1e-16
    assert spending([0.1, 0.2], math.nextafter(0.3, 1)) == 0.0


def test_numbers_are_what_they_print_as() -> None:
    """A cost of 0.1 keeps a budget of 0.1; in single precision it is 0.10000000149 and does not."""
    assert spending([0.1], 0.1) == 0.0
    assert spending([0.1], 0.1, np.float32) == pytest.approx(1.49e-9, rel=1e-2)
    assert spending([0.1], float(np.float32(0.1)), np.float32) == 0.0


def test_nothing_given() -> None:
    """The empty plan breaks floors alone."""
    nothing = Pairs(np.empty(0, np.int64), np.empty(0, np.int64))
    assert excess(Budget(amount=0), Target(at_least=0.5), plan=nothing) == [0, -0.5]


def test_money_of_a_user_is_rounded_once() -> None:
    """A user's costs are rounded once: 0.1 + 0.2 + 0.3 keeps a cap of 0.6, 0.1 + 0.2 breaks one of 0.3."""
    menu = Coupons(pd.DataFrame({"coupon_id": ["A", "B", "C"]}))
    cost = np.array([[0.1, 0.2, 0.3], [0.1, 0.2, 0.0]])
    people = Users(pa.table({"user_id": [1, 2]}))
    everything = Pairs(np.repeat([0, 1], 3), np.tile([0, 1, 2], 2))
    found = {}
    for money in (0.6, 0.3, 0.25):
        rules = (UserCap(coupons=3, money=money),)
        instance = Instance(menu, people, Response({"value": np.ones((2, 3)), "cost": cost}), rules)
        found[money] = over_money(instance.program, everything).tolist()
    assert found == {0.6: [], 0.3: [0, 1], 0.25: [0, 1]}


def test_no_cap_on_money_is_never_broken() -> None:
    """Without a cap nobody is over it, nor where nothing is given."""
    assert over_money(four_users().program, PLAN).tolist() == []
    capped = four_users(UserCap(money=0.5)).program
    assert over_money(capped, Pairs(np.empty(0, np.int64), np.empty(0, np.int64))).tolist() == []
    assert over_money(capped, PLAN).tolist() == [0, 1, 2]


def test_the_response_is_the_example() -> None:
    """The revenue that the numbers above rest on is ten times the value."""
    assert responses().measure("revenue")[0].tolist() == [1, 2, 3]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(data=st.data(), instance=instances())
def test_kept_is_what_a_reading_of_the_rules_says(data: st.DataObject, instance: Instance) -> None:
    """A plan breaks no row exactly where the rules' definitions, read in fractions, say so."""
    reading, chosen = Reading(instance), sorted(data.draw(plans(instance)))
    place = np.array([reading.place[pair] for pair in chosen], np.int64)
    pairs = Pairs(np.array([i for i, _ in chosen], np.int64), place)
    kept = all(reading.within(limit, set(chosen)) for limit in reading.limits)
    found = excesses(instance.program, pairs)
    assert kept == (not found.any())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(feasibility, "SURE", math.inf)  # every row in exact sums
        assert found.tolist() == excesses(instance.program, pairs).tolist()
    assert over_money(instance.program, pairs).tolist() == []
