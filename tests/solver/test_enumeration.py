"""Trying every plan: the answer is brute force's, and too many plans are not tried."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from tests.brute_force import best_plan
from tests.drawn import instances
from tests.instances.small import four_users

from couponry.instances import Budget, Instance, Parity, Rule, Stock, Target, UserCap
from couponry.instances.generators import draw_instance
from couponry.solver import enumeration
from couponry.solver.enumeration import no_plan_exists
from couponry.solver.prices import PriceBook


def tried(instance: Instance) -> bool | None:
    """Return whether every plan was tried and breaks some row."""
    return no_plan_exists(instance.program, PriceBook(instance.program))


@pytest.mark.parametrize(
    ("rules", "none"),
    [
        ((), False),
        ((Budget(amount=1.75),), True),  # the menu asks for one B, which costs 2
        ((Budget(amount=2),), False),
        ((Target(at_least=1.4),), False),  # u1 C, u2 A, u3 A, u4 B have 0.3 + 0.2 + 0.4 + 0.5
        ((Target(at_least=1.4), Stock(coupons=["A"], at_most=1)), True),
        # Tier 2 is u2 alone: its rate is 0 or 1, and that of all four is to be as far as 0.1 from it.
        (
            (Parity(segment="tier", tolerance=0.1), Stock(coupons=["A", "B", "C"], at_most=3, at_least=1)),
            True,
        ),
        ((UserCap(coupons=0),), True),  # the menu asks for one B
    ],
)
def test_four_users_by_hand(rules: tuple[Rule, ...], none: bool) -> None:
    """Of four users it is plain whether a plan exists."""
    assert tried(four_users(*rules)) is none


def test_a_tie_at_a_limit_is_a_plan() -> None:
    """A target that one plan meets to the last digit is met."""
    rules = (Stock(coupons=["A", "C"], at_most=0), UserCap(coupons=1))
    assert tried(four_users(*rules, Target(at_least=0.9))) is False  # 0.2 + 0.1 + 0.1 + 0.5
    assert tried(four_users(*rules, Target(at_least=np.nextafter(0.9, 1)))) is True


@settings(max_examples=80, deadline=None, derandomize=True)
@given(instance=instances())
def test_the_answer_is_that_of_brute_force(instance: Instance) -> None:
    """No plan exists exactly where brute force finds none."""
    assert tried(instance) is (best_plan(instance) is None)


def test_many_users_are_not_tried() -> None:
    """Of more than a few hundred users not even the first plan is looked at."""
    assert tried(draw_instance(201, 2, rules=("budget",))) is None


def test_the_search_gives_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """After its number of steps the search says that it does not know, also within one user's choices."""
    # Everything to everybody has 2.3; without A for u3 alone 1.9, and less without any other three of A.
    hopeless = four_users(Target(at_least=2.0), Stock(coupons=["A"], at_most=1), UserCap(coupons=3))
    assert tried(hopeless) is True
    monkeypatch.setattr(enumeration, "MOST_STEPS", 12)
    assert tried(hopeless) is None
    monkeypatch.setattr(enumeration, "MOST_STEPS", 5)
    assert tried(hopeless) is None
