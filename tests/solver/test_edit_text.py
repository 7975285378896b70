"""Edits as people write them."""

import pytest

from couponry.instances.errors import InputError
from couponry.instances.rules import Coverage, Target
from couponry.solver.edit_text import parse_edit
from couponry.solver.edits import AddRule, Amount, CapUsers, ChangeRule, ChangeStock, Edit, Remove


@pytest.mark.parametrize(
    ("text", "edit"),
    [
        ("budget x1.2", ChangeRule("budget", Amount(1.2, relative=True))),
        ("budget ×1.2", ChangeRule("budget", Amount(1.2, relative=True))),
        ("budget * 2", ChangeRule("budget", Amount(2.0, relative=True))),
        ("budget +25%", ChangeRule("budget", Amount(1.25, relative=True))),
        ("budget -50 %", ChangeRule("budget", Amount(0.5, relative=True))),
        ("budget 1_200_000", ChangeRule("budget", Amount(1_200_000))),
        ("budget 1,200,000.50", ChangeRule("budget", Amount(1_200_000.5))),
        ("  sms   budget 5e4 ", ChangeRule("sms budget", Amount(50_000))),
        ("budget (2) 7", ChangeRule("budget (2)", Amount(7))),
        ("return floor 1.5", ChangeRule("return floor", Amount(1.5))),
        ("user cap 2", CapUsers(coupons=2)),
        ("User-Cap money 30", CapUsers(money=30)),
        ("stock C3 x2", ChangeStock("C3", Amount(2.0, relative=True))),
        ("stock Free Tea 500", ChangeStock("Free Tea", Amount(500))),
        ("without C3", Remove("C3")),
        ("without return floor", Remove("return floor")),
        (
            'with coverage segment = "region", at_least = 0.05',
            AddRule(Coverage(segment="region", at_least=0.05)),
        ),
        ('with target { at_least = 500, measure = "count" }', AddRule(Target(at_least=500, measure="count"))),
    ],
)
def test_text_is_read(text: str, edit: Edit) -> None:
    """Each form of the module's docstring is read as the edit it stands for."""
    assert parse_edit(text) == edit


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("budget", r"this edit cannot be read \(got 'budget'\). Write for instance 'budget x1.2'"),
        ("budget 1.2.3", r"this edit's number cannot be read \(got 'budget 1.2.3'\)"),
        ("user cap x2", r"a user cap is set to a number \(got 'user cap x2'\). Write 'user cap 2'"),
        ("user cap 1.5", r"a user gets a whole number of coupons \(got 'user cap 1.5'\)"),
        ("with budgets amount = 5", r"unknown kind of rule \(got 'budgets'\). Did you mean 'budget'?"),
        ("with budget amount 5", r"the rule cannot be read: .*Write it as in instance.toml"),
        ("with budget amount = -5", r"column 'amount'.*greater than or equal to 0.*-5"),
        ("with budget amonut = 5", r"unknown key.*Did you mean 'amount'?"),
    ],
)
def test_unreadable_text_is_refused(text: str, message: str) -> None:
    """What cannot be read is shown as it was written, with how to write it."""
    with pytest.raises(InputError, match=message):
        parse_edit(text)
