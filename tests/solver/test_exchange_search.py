"""Plans from exchanges of near ties: rows and caps are kept, and the gap is met where ties are many."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest
from tests.solver.searched import KINDS, Searched, searched

from couponry.instances import Target, UserCap
from couponry.instances.generators import draw_instance
from couponry.solver.clock import Clock
from couponry.solver.exchange_search import ExchangeSearch
from couponry.solver.feasibility import excesses, over_money


@pytest.mark.parametrize("kind", KINDS)
def test_plans_keep_every_row(kind: str) -> None:
    """What exchanges make keeps all rows exactly, counted with everybody else, and is near the bound."""
    users = searched(KINDS[kind]).open_users(gap=1e-3)
    found = ExchangeSearch(users, Clock(), patient=True).run()
    assert found is not None
    assert not excesses(users.program, found.inside, users.assigned.sums).any()
    assert users.near_enough(found)
    assert found.value <= users.bound


def test_exchanges_keep_the_cap_on_money() -> None:
    """No user is over a cap that every second coupon would break."""
    instance = draw_instance(800, 6, seed=2, rules=("budget", "stock"))
    median = float(np.nanmedian(instance.response.measure("cost")))
    capped = replace(instance, rules=(*instance.rules, UserCap(coupons=2, money=1.5 * median)))
    users = Searched.of(capped).open_users(gap=1e-3)
    found = ExchangeSearch(users, Clock(), patient=True).run()
    assert found is not None
    assert len(over_money(users.program, found.inside)) == 0


def test_no_exchange_mends_a_clash() -> None:
    """Where no plan keeps the rules there is none from exchanges."""
    instance = draw_instance(400, 4, seed=5, rules=("budget",))
    clash = (*instance.rules, Target(at_least=1e6, measure="count"))
    users = Searched.of(replace(instance, rules=clash)).open_users()
    assert ExchangeSearch(users, Clock(), patient=True).run() is None


def test_cancelled_after_one_trial() -> None:
    """Once cancelled the first trial is the last; what it found is handed back, and keeps the rows."""
    cancel = threading.Event()
    cancel.set()
    users = searched(KINDS["one"]).open_users(gap=0.0)
    found = ExchangeSearch(users, Clock(cancel=cancel), patient=True).run()
    longer = ExchangeSearch(users, Clock(), patient=True).run()
    assert longer is not None
    if found is not None:
        assert not excesses(users.program, found.inside, users.assigned.sums).any()
        assert users.missing(longer) <= users.missing(found)


def test_same_plan_again() -> None:
    """Two searches from the same prices make the same plan."""
    users = searched(KINDS["one"]).open_users(gap=1e-4)
    first, second = (ExchangeSearch(users, Clock(), patient=False).run() for _ in range(2))
    assert first is not None
    assert second is not None
    assert first.value == second.value
    assert first.inside.place.tolist() == second.inside.place.tolist()
