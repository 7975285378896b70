"""Rules about one user."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa

from couponry.instances import Exclusion, Freeze, Instance, UserCap
from couponry.report.allocation import Allocation
from couponry.report.formats import Formats
from couponry.report.user_rules import user_rules

Tiny = Callable[..., Instance]
Pairs = Callable[..., pa.Table]
formats = Formats("CNY")


def test_rules_about_one_user(tiny: Tiny, pairs: Pairs) -> None:
    """Caps and exclusions have no row, and are told with what the plan does."""
    # u1 gets both coupons, 14 CNY together; u3 gets one.
    rules = (UserCap(coupons=2, money=20), Exclusion(coupons=["A"], name="one A"), Exclusion(by="kind"))
    allocation = Allocation(tiny(rules), pairs(("u1", "A"), ("u1", "B"), ("u3", "A")))
    told = [(rule.name, rule.limit, rule.activity) for rule in user_rules(allocation, formats)]
    assert told == [
        ("Coupons a user", "at most 2 coupons a user", "the most any user gets is 2; 1 user is at the cap"),
        ("Money a user", "at most 20\u00a0CNY of expected cost", "the most any user gets is 14\u00a0CNY"),
        ("one A", "at most one of A a user", "the most any user gets of these is 1"),
        ("Exclusion", "at most one of each kind a user", "the most any user gets of one kind is 1"),
    ]


def test_the_cap_of_one_holds_without_a_rule(tiny: Tiny, pairs: Pairs) -> None:
    """Where nothing is said, a user gets one coupon at most, and the report says so."""
    (rule,) = user_rules(Allocation(tiny(), pairs(("u1", "A"))), formats)
    assert rule.limit == "at most 1 coupon a user"


def test_frozen_coupons_are_told_with_what_they_spend(tiny: Tiny, pairs: Pairs) -> None:
    """u1's A stays at 10 CNY and half a conversion; with one of two coupons u1 is not at the cap."""
    rules = (UserCap(coupons=2), Freeze(plan=pairs(("u1", "A"))))
    cap, freeze = user_rules(Allocation(tiny(rules), pairs(("u1", "A"), ("u3", "A"))), formats)
    assert (freeze.name, freeze.limit) == (
        "Freeze",
        "users of the earlier plan stay as they are, and get nothing more",
    )
    assert freeze.activity == (
        "1 coupon stays with 1 user, at 10\u00a0CNY of expected cost and 0.5 conversions"
    )
    assert cap.activity == "the most any user gets is 1; 0 users are at the cap"
