"""The judge on rules about all users together, exact at their limits."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from tests.solver.judged import (
    BEST,
    MENU,
    NAN,
    certificate,
    example,
    findings,
    table,
)

from couponry.instances import (
    Budget,
    Campaign,
    Coupons,
    Coverage,
    Exclusion,
    InputError,
    Instance,
    Keep,
    Parity,
    Response,
    ReturnFloor,
    Rule,
    Stock,
    Target,
    UserCap,
    Users,
)
from couponry.solver.verify import verify


@pytest.mark.parametrize(
    ("rule", "limit", "side", "of"),
    [
        # BEST costs 2, 2, 2, 1; is worth 1, 0.75, 1, 0.5; gives A 1, B 1, C 2.
        (lambda x: Budget(amount=x), 7.0, "upper", "budget: cost of all coupons"),
        (lambda x: Budget(amount=x, name="cap"), 7.0, "upper", "cap: cost of all coupons"),
        (
            lambda x: Budget(amount=x, coupons={"channel": "app"}),
            5.0,
            "upper",
            "budget: cost of coupons with channel app",
        ),
        (
            lambda x: Budget(amount=x, users={"region": "south", "tier": [1]}),
            3.0,
            "upper",
            "budget: cost of all coupons to users with region south, tier 1",
        ),
        (lambda x: Budget(amount=x, measure="value"), 3.25, "upper", "budget: value of all coupons"),
        (lambda x: Target(at_least=x), 3.25, "lower", "target value: value of all coupons"),
        (
            lambda x: Target(at_least=x, measure="count", coupons=["A", "C"]),
            3.0,
            "lower",
            "target count: count of coupons A, C",
        ),
        (lambda x: Stock(coupons=["C"], at_most=x), 2.0, "upper", "stock: units of coupon C"),
        (lambda x: Stock(coupons=["A", "B"], at_least=x), 2.0, "lower", "stock: units of coupons A, B"),
    ],
)
def test_sum_at_its_limit_passes_and_beyond_it_fails(rule: Any, limit: float, side: str, of: str) -> None:
    """Exactly at the limit passes; beyond it by the least unit fails, with its words."""
    assert findings(example(rule(limit)), BEST) == []
    beyond = math.nextafter(limit, -math.inf if side == "upper" else math.inf)
    excess = float(abs(Decimal(repr(limit)) - Decimal(repr(beyond))))
    most, much = ("most", "much") if side == "upper" else ("least", "little")
    words = f"{of} is {limit:g}, at {most} {beyond} allowed: {excess} too {much}."
    assert findings(example(rule(beyond)), BEST) == [words]


def test_cost_beyond_a_budget_by_the_least_unit_fails() -> None:
    """A sum is rounded once and compared as printed: 0.1 three times is over 0.3, 0.1 ten times is 1."""

    def spend(users: int, amount: float) -> bool:
        response = Response({"value": np.ones((users, 1)), "cost": np.full((users, 1), 0.1)})
        ids = [f"u{i}" for i in range(users)]
        menu = Coupons(pd.DataFrame({"coupon_id": ["A"]}))
        instance = Instance(menu, Users(pa.table({"user_id": ids})), response, (Budget(amount=amount),))
        return verify(instance, table([(user, "A") for user in ids])).ok

    assert spend(1, 0.1)
    assert spend(10, 1.0)
    assert not spend(10, math.nextafter(1.0, 0))
    assert not spend(3, 0.3)
    assert spend(3, math.nextafter(0.3, 1))


def test_float32_costs_are_widened_not_rounded() -> None:
    """A float32 cost of 0.1 is 0.10000000149…, and over a budget of 0.1."""
    response = Response({"value": np.ones((1, 1), np.float32), "cost": np.full((1, 1), 0.1, np.float32)})
    menu, users = Coupons(pd.DataFrame({"coupon_id": ["A"]})), Users(pa.table({"user_id": ["ann"]}))
    plan = table([("ann", "A")])
    assert not verify(Instance(menu, users, response, (Budget(amount=0.1),)), plan).ok
    assert verify(Instance(menu, users, response, (Budget(amount=float(np.float32(0.1))),)), plan).ok


def test_stock_and_minimum_of_the_menu() -> None:
    """The menu's stock and minimum bind as rules do."""
    instance = example(menu={"stock": [1.0, NAN, 1.0], "minimum": [NAN, 2.0, 0.0]})
    assert findings(instance, BEST) == [
        "stock B: units of coupon B is 1, at least 2 allowed: 1 too little.",
        "stock C: units of coupon C is 2, at most 1 allowed: 1 too much.",
    ]


def test_coverage_counts_per_head_in_each_group() -> None:
    """Coverage holds units per head in each group: at the share passes, one unit below it fails."""
    # One coupon for two users in the north, two for two in the south.
    pairs = [("ann", "A"), ("cid", "C"), ("dee", "C")]
    assert findings(example(Coverage(segment="region", at_least=0.5, at_most=1)), pairs) == []
    assert findings(example(Coverage(segment="region", at_least=0.6)), pairs) == [
        (
            "coverage region=north: units per head of all coupons among the 2 with region=north is 0.5, "
            "at least 0.6 allowed: 0.1 too little."
        )
    ]
    assert findings(example(Coverage(segment="region", at_most=0.9, coupons=["C"], name="calm")), pairs) == [
        (
            "calm region=south: units per head of coupon C among the 2 with region=south is 1, "
            "at most 0.9 allowed: 0.1 too much."
        )
    ]


def test_coverage_among_some_users_counts_those_alone() -> None:
    """With a ``users`` filter the groups are those within the filtered users."""
    # Tier 1 in the north is ann alone: one coupon a head.
    rule = Coverage(segment="region", at_least=1, users={"tier": 1})
    assert findings(example(rule), [("ann", "A"), ("cid", "C"), ("dee", "C")]) == []
    assert findings(example(rule), [("bob", "A"), ("cid", "C"), ("dee", "C")]) == [
        (
            "coverage region=north: units per head of all coupons to users with tier 1 "
            "among the 1 with region=north is 0, at least 1 allowed: 1 too little."
        )
    ]


def test_share_is_a_rounded_rate() -> None:
    """39 / 149 prints a hair above 39 in 149, and 39 of 149 users are what it asks for; the bound agrees."""
    users = Users(pa.table({"user_id": list(range(149)), "region": ["n"] * 149}))
    response = Response({"value": np.ones((149, 1)), "cost": np.ones((149, 1))})
    assert Fraction(repr(39 / 149)) > Fraction(39, 149)
    rule = Coverage(segment="region", at_least=39 / 149)
    menu, campaign = (
        Coupons(pd.DataFrame({"coupon_id": ["A"]})),
        Campaign(sense="minimise", objective="count"),
    )
    instance = Instance(menu, users, response, (rule,), campaign)
    assert len(findings(instance, [(i, "A") for i in range(38)])) == 1
    found = verify(
        instance, table([(i, "A") for i in range(39)]), certificate(39.0, **{"coverage region=n": -1.0})
    )
    assert found.ok, found.words()


def test_coverage_of_three_in_ten_is_exact() -> None:
    """0.3 of ten users is three users, though 0.3 is no binary number."""
    response = Response({"value": np.ones((10, 1)), "cost": np.ones((10, 1))})
    users = Users(pa.table({"user_id": list(range(10)), "region": ["n"] * 10}))
    menu = Coupons(pd.DataFrame({"coupon_id": ["A"]}))
    for rule in (Coverage(segment="region", at_least=0.3), Coverage(segment="region", at_most=0.3)):
        assert verify(Instance(menu, users, response, (rule,)), table([(i, "A") for i in range(3)])).ok
    rule = Coverage(segment="region", at_least=math.nextafter(0.3, 1))
    assert not verify(Instance(menu, users, response, (rule,)), table([(i, "A") for i in range(3)])).ok


def test_parity_compares_each_group_with_all() -> None:
    """Per head in a group less per head overall stays within the tolerance, on both sides."""
    # North 1 of 2, south 2 of 2, overall 3 of 4: −0.25 and +0.25.
    pairs = [("ann", "A"), ("cid", "C"), ("dee", "C")]
    assert findings(example(Parity(segment="region", tolerance=0.25)), pairs) == []
    assert findings(example(Parity(segment="region", tolerance=0.2)), pairs) == [
        (
            "parity region=north: count per head with region=north less the overall, all coupons is -0.25, "
            "at least -0.2 allowed: 0.05 too little."
        ),
        (
            "parity region=south: count per head with region=south less the overall, all coupons is 0.25, "
            "at most 0.2 allowed: 0.05 too much."
        ),
    ]


def test_parity_of_a_measure_among_some_users() -> None:
    """Parity of cost over some coupons and users: overall is over the filtered users alone."""
    # Tier 1 is ann (north), cid and dee (south). Cost of C: ann 0, cid 2, dee 1; overall 1 a head, south 1.5.
    pairs = [("ann", "A"), ("bob", "B"), ("cid", "C"), ("dee", "C")]
    scope: dict[str, Any] = {"coupons": ["C"], "users": {"tier": 1}, "measure": "cost", "segment": "region"}
    assert findings(example(Parity(tolerance=1, **scope)), pairs) == []
    assert findings(example(Parity(tolerance=0.75, **scope)), pairs) == [
        (
            "parity region=north: cost per head with region=north less the overall, "
            "coupon C to users with tier 1 is -1, at least -0.75 allowed: 0.25 too little."
        )
    ]


def test_return_floor() -> None:
    """Revenue of exactly the ratio times cost passes, a higher ratio fails."""
    # In the south: revenue 5 + 2, cost 2 + 1.
    south = {"region": ["south"]}
    assert findings(example(ReturnFloor(ratio=2, users=south)), BEST) == []
    assert findings(example(ReturnFloor(ratio=2.5, users=south)), BEST) == [
        (
            "return floor: revenue less 2.5 × cost of all coupons to users with region south is -0.5, "
            "at least 0 allowed: 0.5 too little."
        )
    ]


def test_return_floor_reads_decimals() -> None:
    """A cost of 3 and a revenue of 3.3 return exactly 1.1."""
    response = Response({"value": np.ones((1, 1)), "cost": np.array([[3.0]]), "revenue": np.array([[3.3]])})
    menu, users = Coupons(pd.DataFrame({"coupon_id": ["A"]})), Users(pa.table({"user_id": ["ann"]}))
    for ratio, ok in ((1.1, True), (math.nextafter(1.1, 2), False)):
        assert (
            verify(Instance(menu, users, response, (ReturnFloor(ratio=ratio),)), table([("ann", "A")])).ok
            is ok
        )


def test_multiples_of_stored_numbers_stay_multiples() -> None:
    """When all cost the same, cost per head is equal, also where 0.1 is stored as 0.10000000149011612."""
    numbers = np.full((4, 1), 0.1, np.float32)
    users = Users(pa.table({"user_id": list(range(4)), "region": ["n", "s", "s", "s"]}))
    rule = Parity(segment="region", measure="cost", tolerance=0)
    menu, response = (
        Coupons(pd.DataFrame({"coupon_id": ["A"]})),
        Response({"value": numbers, "cost": numbers}),
    )
    instance = Instance(menu, users, response, (rule,))
    assert findings(instance, [(i, "A") for i in range(4)]) == []
    assert len(findings(instance, [(i, "A") for i in range(3)])) == 2


def test_sums_are_not_rounded_before_they_are_compared() -> None:
    """0.4 a head here and there is 0.4 overall, though three times 0.4 is rounded to 1.2000000000000002."""
    users = Users(pa.table({"user_id": [1, 2, 3], "region": ["n", "n", "s"]}))
    response = Response({"value": np.full((3, 1), 0.4), "cost": np.full((3, 1), 0.4)})
    rule = Parity(segment="region", measure="cost", tolerance=0)
    instance = Instance(Coupons(pd.DataFrame({"coupon_id": ["A"]})), users, response, (rule,))
    assert math.fsum([0.4] * 3) == 1.2000000000000002
    assert findings(instance, [(i, "A") for i in (1, 2, 3)]) == []


def test_keep_counts_pairs_of_the_earlier_plan() -> None:
    """The share is of all earlier pairs, also of those whose user or coupon is gone."""
    # Four earlier pairs of which eve's is gone: three at most can stay.
    earlier = table([("ann", "A"), ("bob", "A"), ("cid", "C"), ("eve", "A")])
    assert findings(example(Keep(plan=earlier, share=0.5)), BEST) == []
    assert findings(example(Keep(plan=earlier, share=0.6)), BEST) == [
        "keep: share kept of the 4 pairs of the earlier plan is 0.5, at least 0.6 allowed: 0.1 too little."
    ]


def test_changed_users_are_counted() -> None:
    """Ann loses A for B, bob stays, cid is given something and dee loses a coupon that is gone: 3 of 4."""
    earlier = table([("ann", "A"), ("bob", "B"), ("dee", "gone"), ("eve", "A")])
    plan = [("ann", "B"), ("bob", "B"), ("cid", "C")]
    assert findings(example(Keep(plan=earlier, changed_at_most=0.75)), plan) == []
    (told,) = findings(example(Keep(plan=earlier, changed_at_most=0.7)), plan)
    assert told == (
        "keep changed: share of the 4 users who get anything else than in the earlier plan is 0.75, "
        "at most 0.7 allowed: 0.05 too much."
    )
    # dee is changed whatever is given, and by two coupons so would ann be.
    assert findings(example(Keep(plan=earlier, changed_at_most=0.25)), [("ann", "A"), ("bob", "B")]) == []
    both = table([("ann", "A"), ("ann", "C"), ("bob", "B")])
    (broken,) = verify(example(Keep(plan=both, changed_at_most=0)), table([("bob", "B")])).violations
    assert (broken.activity, broken.limit) == (0.25, 0)


def test_changed_users_with_several_coupons_cannot_be_counted() -> None:
    """Where users may get two coupons the rule says nothing, and is refused rather than judged."""
    rule = Keep(plan=table([("ann", "A")]), changed_at_most=0.5)
    with pytest.raises(InputError, match="can be counted where each gets one coupon at most"):
        verify(example(rule, UserCap(coupons=2)), table(BEST))


def test_keep_reads_a_plan_file(tmp_path: Any) -> None:
    """The earlier plan may be a file, whose users are text where the instance has whole numbers."""
    file = tmp_path / "plan.csv"
    file.write_text("user_id,coupon_id\n7,A\n8,B\nx,A\n")
    response = Response({"value": np.ones((2, 3)), "cost": np.ones((2, 3))})
    rule = Keep(plan=str(file), share=0.5)
    instance = Instance(Coupons(pd.DataFrame(MENU)), Users(pa.table({"user_id": [7, 8]})), response, (rule,))
    assert verify(instance, table([(7, "A"), (8, "B")])).ok
    assert [v.excess for v in verify(instance, table([(7, "A"), (8, "A")])).violations] == [
        0.166666666666666666
    ]


def test_rules_of_one_name_are_told_apart() -> None:
    """A second rule of the same name gets a number, as the program's rows do."""
    instance = example(Budget(amount=6), Budget(amount=5))
    assert [v.rule for v in verify(instance, table(BEST)).violations] == ["budget", "budget (2)"]


def test_every_broken_rule_is_reported() -> None:
    """All broken rules are told at once, each with numbers."""
    instance = example(Budget(amount=6.5), Target(at_least=4), Stock(coupons=["C"], at_most=1))
    found = verify(instance, table(BEST)).violations
    assert [(v.rule, v.activity, v.limit, v.excess) for v in found] == [
        ("budget", 7.0, 6.5, 0.5),
        ("target value", 3.25, 4.0, 0.75),
        ("stock", 2.0, 1.0, 1.0),
    ]


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (Budget(amount=1, users={"region": "nroth"}), "no user has this value of a segment"),
        (Budget(amount=1, users={"city": "x"}), "a segment that the users do not have"),
        (Budget(amount=1, coupons={"channel": "post"}), "a rule mentions what no coupon has"),
        (Budget(amount=1, coupons=["Z"]), "a rule mentions what no coupon has"),
        (Budget(amount=1, coupons={"colour": "red"}), "a column that the menu does not have"),
        (Exclusion(by="colour"), "a column that the menu does not have"),
        (Budget(amount=1, measure="margin"), "no such measure"),
        (Keep(plan=pa.table({"user_id": ["ann"]}), share=1), "the earlier plan lacks a column"),
    ],
)
def test_rule_about_what_is_not_there_is_an_error(rule: Rule, words: str) -> None:
    """A misspelt rule is never judged as one that speaks of nothing."""
    with pytest.raises(InputError, match=words):
        verify(example(rule), table(BEST))
