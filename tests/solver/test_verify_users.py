"""The judge on one user at a time: caps and exclusions."""

from __future__ import annotations

import math

from tests.solver.judged import (
    example,
    findings,
)

from couponry.instances import (
    Exclusion,
    UserCap,
)


def test_one_coupon_a_user_without_a_cap() -> None:
    """Without a user cap a user gets at most one coupon."""
    assert findings(example(), [("ann", "A"), ("ann", "C")]) == [
        "user cap: user ann gets 2 coupons, at most 1 allowed: 1 too many."
    ]


def test_user_cap_counts_coupons() -> None:
    """As many coupons as the cap says pass, one more does not; the smaller of two caps holds."""
    pairs = [("ann", "A"), ("ann", "C")]
    assert findings(example(UserCap(coupons=2)), pairs) == []
    assert findings(example(UserCap(coupons=2), UserCap(coupons=1)), pairs) != []


def test_users_own_number_overrides_the_cap() -> None:
    """``max_coupons`` of a user overrides the rule in both directions; empty follows the rule."""
    instance = example(UserCap(coupons=1), users={"max_coupons": [2, 0, None, None]})
    assert findings(instance, [("ann", "A"), ("ann", "C"), ("bob", "A"), ("cid", "A"), ("cid", "B")]) == [
        "user cap: user bob gets 1 coupons, at most 0 allowed: 1 too many.",
        "user cap: user cid gets 2 coupons, at most 1 allowed: 1 too many.",
    ]


def test_money_cap_is_exact() -> None:
    """A user may cost exactly the cap, and not the least unit more."""
    # cid: A and C cost 1 + 2.
    pairs = [("cid", "A"), ("cid", "C"), ("bob", "B")]
    assert findings(example(UserCap(coupons=2, money=3)), pairs) == []
    less = math.nextafter(3.0, 0)
    assert findings(example(UserCap(coupons=2, money=less, name="purse")), pairs) == [
        f"purse: user cid gets coupons of cost 3, at most {less} allowed: 4.440892098500626e-16 too much."
    ]


def test_exclusion_by_column() -> None:
    """Of each value of a menu column a user gets at most one coupon."""
    instance = example(UserCap(coupons=2), Exclusion(by="kind"))
    assert findings(instance, [("ann", "A"), ("ann", "C"), ("bob", "A"), ("bob", "B")]) == [
        "exclusion kind=gift: user bob gets 2 coupons of this family, at most one allowed."
    ]


def test_exclusion_ignores_empty_cells() -> None:
    """Coupons without a value in the column are no family."""
    instance = example(UserCap(coupons=2), Exclusion(by="slot"), menu={"slot": ["am", None, None]})
    assert findings(instance, [("ann", "B"), ("ann", "C")]) == []


def test_exclusion_by_list() -> None:
    """Of a list of coupons a user gets at most one."""
    instance = example(UserCap(coupons=2), Exclusion(coupons=["A", "C"], name="rivals"))
    assert findings(instance, [("ann", "A"), ("ann", "B"), ("cid", "A"), ("cid", "C")]) == [
        "rivals A, C: user cid gets 2 coupons of this family, at most one allowed."
    ]
