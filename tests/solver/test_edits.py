"""Edits change what they name, and only that."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from couponry.instances.coupons import Coupons
from couponry.instances.errors import InputError
from couponry.instances.instance import Instance
from couponry.instances.response import Response
from couponry.instances.rules import Budget, Coverage, Exclusion, Parity, Rule, UserCap
from couponry.instances.users import Users
from couponry.solver.edits import AddRule, Amount, CapUsers, ChangeRule, ChangeStock, Remove, rule_labels

TOTAL = Budget(amount=100)
SMS = Budget(name="sms", amount=40)
CAP = UserCap(coupons=2, money=5)
REGIONS = Coverage(segment="region", at_least=0.1)
TIERS = Parity(segment="tier", tolerance=0.02)


def build(*rules: Rule, shortlists: bool = False) -> Instance:
    """Return an instance of two users and the coupons A (stock 10, at least 4) and B."""
    value = np.array([[0.5, 0.4], [0.3, 0.1]])
    coupon = np.array([[1, 0], [0, -1]], dtype=np.int32) if shortlists else None
    return Instance(
        Coupons(pd.DataFrame({"coupon_id": ["A", "B"], "stock": [10, None], "minimum": [4, None]})),
        Users(pa.table({"user_id": ["u1", "u2"], "region": ["north", "south"], "tier": ["gold", "gold"]})),
        Response({"value": value, "cost": np.ones((2, 2))}, coupon),
        rules,
    )


def test_amount_is_set_or_multiplied() -> None:
    """An amount is the new number, or a factor of the present one."""
    assert Amount(50).of(100) == 50
    assert Amount(1.2, relative=True).of(100) == 120


@pytest.mark.parametrize(
    ("label", "rule", "key"),
    [
        ("sms", SMS, "amount"),
        ("budget sms", SMS, "amount"),
        ("coverage", REGIONS, "at_least"),
        ("coverage region", REGIONS, "at_least"),
        ("tolerance", TIERS, "tolerance"),
        ("parity tier", TIERS, "tolerance"),
        ("tolerance tier", TIERS, "tolerance"),
    ],
)
def test_rule_is_found_by_name_or_kind(label: str, rule: Rule, key: str) -> None:
    """A rule is meant by its name, its kind, kind and name, or kind and segment; the others stay."""
    instance = build(TOTAL, SMS, CAP, REGIONS, TIERS)
    edited = ChangeRule(label, Amount(0.5, relative=True)).apply(instance)
    at = instance.rules.index(rule)
    assert getattr(edited.rules[at], key) == getattr(rule, key) / 2
    assert [r for i, r in enumerate(edited.rules) if i != at] == [r for r in instance.rules if r is not rule]
    assert instance.rules[at] is rule


def test_unnamed_rule_of_a_kind_goes_before_a_named_one() -> None:
    """``budget`` means the budget without a name where another has one, as the rows' names do."""
    edited = ChangeRule("budget", Amount(7)).apply(build(TOTAL, SMS))
    assert [rule.amount for rule in edited.rules if isinstance(rule, Budget)] == [7, 40]


def test_rules_of_one_name_are_numbered() -> None:
    """Two unnamed budgets are told apart by number, and the error lists them."""
    instance = build(TOTAL, Budget(amount=5))
    assert rule_labels(instance) == ["budget (1)", "budget (2)"]
    edited = ChangeRule("budget (2)", Amount(6)).apply(instance)
    assert [rule.amount for rule in edited.rules if isinstance(rule, Budget)] == [100, 6]
    with pytest.raises(
        InputError, match=r"several rules are meant \(got 'budget'\).*'budget \(1\)', 'budget \(2\)'"
    ):
        ChangeRule("budget", Amount(6)).apply(instance)


def test_unknown_rule_is_refused() -> None:
    """A name that no rule has is answered with the nearest that there is."""
    with pytest.raises(InputError, match=r"no rule has this name \(got 'smss'\). Did you mean 'sms'?"):
        ChangeRule("smss", Amount(1)).apply(build(TOTAL, SMS))


def test_rule_without_a_number_is_refused() -> None:
    """An exclusion has no number to change."""
    with pytest.raises(InputError, match="no single number to change"):
        ChangeRule("exclusion", Amount(1)).apply(build(Exclusion(coupons=["A", "B"])))


def test_changed_rule_is_checked() -> None:
    """A change to a number that the rule cannot have is refused with that number."""
    with pytest.raises(InputError, match=r"greater than or equal to 0.*-5"):
        ChangeRule("budget", Amount(-5)).apply(build(TOTAL))


def test_stock_is_set_and_minimum_follows() -> None:
    """A stock of 3 lowers the minimum of 4 to 3; a factor is rounded down; the other stays unlimited."""
    edited = ChangeStock("A", Amount(3)).apply(build())
    assert (edited.coupons.stock[0], edited.coupons.minimum[0]) == (3, 3)
    assert np.isinf(edited.coupons.stock[1])
    assert ChangeStock("A", Amount(1.26, relative=True)).apply(build()).coupons.stock[0] == 12
    assert ChangeStock("B", Amount(8)).apply(build()).coupons.stock[1] == 8


def test_absent_stock_has_no_multiple() -> None:
    """Twice no limit is no number."""
    with pytest.raises(InputError, match=r"no stock to multiply \(got 'B'\). Give a number of units"):
        ChangeStock("B", Amount(2, relative=True)).apply(build())


def test_user_caps_keep_what_is_not_changed() -> None:
    """One cap takes the place of all; coupons and money are changed apart."""
    assert CapUsers(coupons=1).apply(build(TOTAL, CAP)).rules == (TOTAL, UserCap(coupons=1, money=5))
    assert CapUsers(money=3).apply(build(TOTAL, CAP)).rules == (TOTAL, UserCap(coupons=2, money=3))
    assert CapUsers(coupons=3).apply(build(TOTAL)).rules == (TOTAL, UserCap(coupons=3))


def test_rule_is_added_and_dropped() -> None:
    """Adding and dropping a rule gives back the rules as they were."""
    wider = AddRule(REGIONS).apply(build(TOTAL))
    assert wider.rules == (TOTAL, REGIONS)
    assert Remove("coverage").apply(wider).rules == (TOTAL,)


@pytest.mark.parametrize("shortlists", [False, True])
def test_removed_coupon_is_eligible_for_nobody(shortlists: bool) -> None:
    """Without A nobody is eligible for it and its minimum is gone; B stays as it was."""
    instance = build(TOTAL, shortlists=shortlists)
    edited = Remove("A").apply(instance)
    coupon = np.tile([0, 1], (2, 1)) if instance.response.coupon is None else instance.response.coupon
    assert not edited.response.eligible()[coupon == 0].any()
    assert (edited.response.eligible()[coupon == 1] == instance.response.eligible()[coupon == 1]).all()
    assert edited.coupons.minimum[0] == 0
    assert instance.response.eligible()[coupon == 0].all()


def test_nothing_of_this_name_is_refused() -> None:
    """What is neither a coupon nor a rule is named, with both kinds of names."""
    with pytest.raises(InputError, match=r"no coupon and no rule has this name \(got 'C'\).*A, B, budget"):
        Remove("C").apply(build(TOTAL))


def test_name_of_two_things_is_refused() -> None:
    """A rule that is called like a coupon makes the name ambiguous."""
    with pytest.raises(InputError, match=r"a coupon and a rule have this name \(got 'A'\)"):
        Remove("A").apply(build(Budget(name="A", amount=1)))
