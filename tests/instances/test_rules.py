"""The ten rules check themselves."""

import datetime as dt
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pydantic import ValidationError

from couponry.instances import (
    Budget,
    Campaign,
    Coverage,
    Exclusion,
    InputError,
    Keep,
    Parity,
    ReturnFloor,
    Rule,
    Stock,
    Target,
    UserCap,
)
from couponry.instances.rules import entry_name

NAN, INF = float("nan"), float("inf")
SELECTOR = "must be a list of coupon ids, or { COLUMN = VALUE }"


def refusal(model: type[Rule] | type[Campaign], **keys: Any) -> str:
    """Return what is said when this rule is refused."""
    with pytest.raises(InputError) as caught:
        model(**keys)
    return str(caught.value)


def test_defaults() -> None:
    """What is not given is the plainest."""
    assert Budget(amount=5) == Budget(amount=5.0, measure="cost", coupons=None, users=None, name=None)
    assert Target(at_least=5).measure == "value"
    assert Parity(segment="region", tolerance=0.1).measure == "count"
    assert UserCap().coupons == 1
    assert Campaign() == Campaign(name="campaign", currency="", objective="value", sense="maximise")


def test_single_values_are_lists_of_one() -> None:
    """``{region = "north"}`` is ``{region = ["north"]}``; types stay."""
    rule = Budget(
        amount=1, coupons={"channel": "sms"}, users={"region": ("n", "s"), "tier": 1, "member": True}
    )
    assert rule.coupons == {"channel": ["sms"]}
    assert rule.users == {"region": ["n", "s"], "tier": [1], "member": [True]}
    assert [type(rule.users[key][0]) for key in ("tier", "member")] == [int, bool]
    assert Budget(amount=1, coupons=("A", "B")).coupons == ["A", "B"]


def test_objective_turned_round() -> None:
    """``objective = { minimise = "cost" }`` is a measure with a sense."""
    assert Campaign.model_validate({"objective": {"minimise": "cost"}}) == Campaign(
        objective="cost", sense="minimise"
    )
    assert Campaign.model_validate({"objective": {"maximise": "revenue"}}).sense == "maximise"


def test_numpy_numbers_are_taken() -> None:
    """Amounts come from arrays, too."""
    assert Budget(amount=np.float32(2.5)).amount == 2.5
    assert Budget(amount=np.int64(2)).amount == 2.0


def test_rules_do_not_change() -> None:
    """A rule that is part of an instance stays what it was."""
    with pytest.raises(ValidationError, match="Instance is frozen"):
        Budget(amount=1).amount = 2.0


def test_unknown_key() -> None:
    """A slip in a key is guessed, before what is missing for its sake."""
    assert refusal(Budget, amout=5) == (
        "column 'amout': unknown key (got 5). Did you mean 'amount'? "
        "Known: name, coupons, users, amount, measure, overspend_probability"
    )
    assert "Did you mean 'objective'?" in refusal(Campaign, objectiv="value")


def test_missing_key() -> None:
    """What a rule cannot do without is asked for."""
    assert (
        refusal(Budget, measure="cost")
        == "column 'amount': a budget needs amount. Add amount = …, beside measure"
    )
    assert refusal(Coverage, at_least=0.1).startswith(
        "column 'segment': a coverage needs segment. Add segment"
    )


@pytest.mark.parametrize("model", [Budget, Target, Stock, UserCap, Coverage, Parity, ReturnFloor, Keep])
@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (NAN, "must be a finite number (got nan)"),
        (INF, "must be a finite number (got inf)"),
        (True, "must be a number, not true or false (got True)"),
        ("many", "must be a valid number, unable to parse string as a number (got 'many')"),
    ],
)
def test_numbers_that_are_none(model: type[Rule], value: object, problem: str) -> None:
    """NaN, infinities, flags and words are no amounts, in any rule."""
    key, others = NUMBER[model]
    assert refusal(model, **others, **{key: value}) == f"column '{key}': {problem}. Correct {key}"


NUMBER: dict[type[Rule], tuple[str, dict[str, Any]]] = {
    Budget: ("amount", {}),
    Target: ("at_least", {}),
    Stock: ("at_most", {"coupons": ["A"]}),
    UserCap: ("money", {}),
    Coverage: ("at_most", {"segment": "region"}),
    Parity: ("tolerance", {"segment": "region"}),
    ReturnFloor: ("ratio", {}),
    Keep: ("share", {"plan": "plan.parquet"}),
}


@pytest.mark.parametrize("model", [Budget, Stock, UserCap, Coverage, Parity, ReturnFloor, Keep])
def test_negative_limits(model: type[Rule]) -> None:
    """No limit but a target's lies below nothing."""
    key, others = NUMBER[model]
    assert refusal(model, **others, **{key: -1.5}) == (
        f"column '{key}': must be greater than or equal to 0 (got -1.5). Correct {key}"
    )
    assert Target(at_least=-1.5).at_least == -1.5


def test_share_beyond_all() -> None:
    """No more than all of an earlier plan can stay."""
    assert refusal(Keep, plan="p", share=1.1) == (
        "column 'share': must be less than or equal to 1 (got 1.1). Correct share"
    )


@pytest.mark.parametrize("value", [1.5, -1, True, "two"])
def test_number_of_coupons(value: object) -> None:
    """A user gets a whole number of coupons, from 0."""
    assert refusal(UserCap, coupons=value).startswith("column 'coupons': must be ")
    assert UserCap(coupons=0).coupons == 0


@pytest.mark.parametrize("wanted", ["A", [1, 2], {"day": dt.date(2026, 11, 11)}, 3])
def test_coupons_that_are_no_selection(wanted: object) -> None:
    """One id without brackets, numbers for ids and dates are told in one way."""
    assert refusal(Budget, amount=1, coupons=wanted) == (
        f"column 'coupons': {SELECTOR} (got {wanted!r}). Write coupons = {{ channel = \"sms\" }}"
    )


def test_users_that_are_no_selection() -> None:
    """Users are chosen by segments, not by ids."""
    assert refusal(Coverage, segment="tier", at_least=0.1, users=["u1"]) == (
        "column 'users': must be { SEGMENT = VALUE } (got ['u1']). "
        'Write users = { region = ["north", "east"] }'
    )


@pytest.mark.parametrize(("model", "others"), [(Stock, {"coupons": ["A"]}), (Coverage, {"segment": "tier"})])
def test_limits_need_a_side_and_order(model: type[Rule], others: dict[str, Any]) -> None:
    """A rule with neither side says nothing; one with both crossed can never be met."""
    assert refusal(model, **others) == "the rule has no limit. Give at_least, at_most, or both"
    assert refusal(model, **others, at_least=2, at_most=1) == (
        "column 'at_least': at_least is above at_most, 1 (got 2.0). Lower it or raise at_most"
    )
    assert model(**others, at_least=1, at_most=1)


@pytest.mark.parametrize("keys", [{}, {"by": "kind", "coupons": ["A"]}])
def test_exclusion_is_by_column_or_by_ids(keys: dict[str, Any]) -> None:
    """Neither and both are refused."""
    assert refusal(Exclusion, **keys) == (
        "an exclusion speaks of a column of the menu or of some coupons. "
        "Give either by = COLUMN or coupons = [IDS], not both"
    )


def test_objective_that_is_none() -> None:
    """Another spelling of the direction is told with one that works."""
    with pytest.raises(InputError) as caught:
        Campaign.model_validate({"objective": {"minimize": "cost"}})
    assert str(caught.value) == (
        "column 'objective': objective is a measure, or one measure with its direction "
        "(got {'minimize': 'cost'}). Write objective = \"value\", or objective = { minimise = \"cost\" }"
    )
    assert refusal(Campaign, sense="least") == (
        "column 'sense': must be 'maximise' or 'minimise' (got 'least'). Correct sense"
    )


def test_earlier_plan_is_a_path_or_a_table() -> None:
    """A plan may be held, and two rules with equal plans are equal."""
    plan = pa.table({"user_id": ["u1"], "coupon_id": ["A"]})
    assert Keep(plan=plan, share=1) == Keep(plan=pa.table(plan.to_pydict()), share=1)
    assert Keep(plan=plan, share=1) != Keep(plan=plan.slice(0, 0), share=1)
    assert refusal(Keep, plan=3, share=1).startswith("column 'plan': must be a valid string (got 3)")


def test_entry_names() -> None:
    """Rules are named as a rules file has them: numbered by kind, single where there is one."""
    rules = (
        Budget(amount=1),
        UserCap(),
        Target(at_least=1),
        Budget(amount=2),
        UserCap(),
        Keep(plan="p", share=1),
    )
    assert [entry_name(rules, position) for position in range(6)] == [
        "[[budget]] 1",
        "[user_cap]",
        "[[target]] 1",
        "[[budget]] 2",
        "[[user_cap]] 2",
        "[keep]",
    ]


def test_keep_needs_a_limit() -> None:
    """A keep says how many pairs stay, how many users change, or both."""
    assert refusal(Keep, plan="p") == (
        "the rule has no limit. Give share, of the earlier pairs that stay, or changed_at_most, of the users"
    )
    assert refusal(Keep, plan="p", changed_at_most=1.1).startswith(
        "column 'changed_at_most': must be less than or equal to 1 (got 1.1)"
    )
    assert Keep(plan="p", share=0.5, changed_at_most=0.1).changed_at_most == 0.1
