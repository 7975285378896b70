"""The judge: every way in which a plan or a certificate can be wrong is told, and nothing else is."""

from __future__ import annotations

import math
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.brute_force import Reading, best_plan, decimal, plan_table
from tests.drawn import instances, plans

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
from couponry.solver.verify import verify, verify_infeasible
from couponry.solver.verify.dual import dual_value
from couponry.solver.verify.findings import rounded
from couponry.solver.verify.requirements import Groups, read_requirements

# Four users, three coupons:
#
#             region  tier    value A  B  C      cost A  B  C      revenue A  B  C
#     ann     north   1          1.0 0.5 0.25         2   1  0.5             6  3  1
#     bob     north   2          0.5 0.75 –           1   2  –               2  4  –
#     cid     south   1          0.25 0.5 1.0         1   1  2               1  2  5
#     dee     south   1          –   0.25 0.5         –   0.5 1              –  1  2
#
# A and B are gifts, C is a fixed_off; A goes by sms, B and C in the app.
NAN = math.nan
VALUE = np.array([[1.0, 0.5, 0.25], [0.5, 0.75, NAN], [0.25, 0.5, 1.0], [NAN, 0.25, 0.5]])
COST = np.array([[2.0, 1.0, 0.5], [1.0, 2.0, NAN], [1.0, 1.0, 2.0], [NAN, 0.5, 1.0]])
REVENUE = np.array([[6.0, 3.0, 1.0], [2.0, 4.0, NAN], [1.0, 2.0, 5.0], [NAN, 1.0, 2.0]])
USERS = {
    "user_id": ["ann", "bob", "cid", "dee"],
    "region": ["north", "north", "south", "south"],
    "tier": [1, 2, 1, 1],
}
MENU = {"coupon_id": ["A", "B", "C"], "kind": ["gift", "gift", "fixed_off"], "channel": ["sms", "app", "app"]}
BEST = [("ann", "A"), ("bob", "B"), ("cid", "C"), ("dee", "C")]  # value 3.25, cost 7, revenue 17


def example(
    *rules: Rule, users: dict[str, Any] | None = None, menu: dict[str, Any] | None = None, **campaign: Any
):  # type: ignore[no-untyped-def]
    """Return the instance above with these rules, and further columns."""
    return Instance(
        Coupons(pd.DataFrame(MENU | (menu or {}))),
        Users(pa.table(USERS | (users or {}))),
        Response({"value": VALUE, "cost": COST, "revenue": REVENUE}),
        rules,
        Campaign(**campaign),
    )


def table(pairs: list[tuple[Any, Any]], **columns: Any) -> pa.Table:
    """Return a plan."""
    ids = {"user_id": [user for user, _ in pairs], "coupon_id": [coupon for _, coupon in pairs]}
    return pa.table(ids | columns)


def findings(instance: Instance, pairs: list[tuple[Any, Any]], **columns: Any) -> list[str]:
    """Return what the judge says of a plan, in words."""
    return [violation.words for violation in verify(instance, table(pairs, **columns)).violations]


# --------------------------------------------------------------------- the plan itself


def test_good_plan_is_accepted_with_its_figures() -> None:
    """A plan that keeps every rule is ok, and its value, cost and count are the instance's."""
    found = verify(
        example(Budget(amount=7)), table(BEST, value=[1.0, 0.75, 1.0, 0.5], cost=[2.0, 2.0, 2.0, 1.0])
    )
    assert (found.ok, found.value, found.cost, found.given) == (True, 3.25, 7.0, 4)
    assert found.words() == "Every rule is kept: 4 coupons given, objective 3.25, cost 7."


def test_value_is_the_campaigns_objective() -> None:
    """The objective is recomputed in the campaign's own measure."""
    assert verify(example(objective="revenue"), table(BEST)).value == 17.0
    assert verify(example(objective="count"), table(BEST)).value == 4.0


@pytest.mark.parametrize(
    "kind", [pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string()), pa.null()]
)
def test_empty_plan_is_a_plan(kind: pa.DataType) -> None:
    """No coupon for anybody is a plan, whatever type its empty columns have."""
    empty = pa.table({"user_id": pa.array([], kind), "coupon_id": pa.array([], kind)})
    assert verify(example(Budget(amount=0)), empty).ok
    assert not verify(example(Target(at_least=0.5)), empty).ok


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        (pa.table({"user_id": ["ann"]}), "plan: the plan has no column 'coupon_id'."),
        (
            pa.table({"user_id": [[1]], "coupon_id": ["A"]}),
            "plan: the plan's column 'user_id' holds list<item: int64>, not text or whole numbers.",
        ),
    ],
)
def test_unreadable_plan_is_reported(plan: pa.Table, words: str) -> None:
    """A plan without readable ids is a finding, not an exception."""
    found = verify(example(), plan)
    assert not found.ok
    assert found.violations[0].words.replace("element", "item") == words


def test_unknown_user_is_reported() -> None:
    """A user whom the instance does not have is named with the row; an empty id too."""
    assert findings(example(), [("ann", "A"), ("eve", "A"), (None, "A")]) == [
        "unknown user: row 1 of the plan names user 'eve', which the instance lacks.",
        "unknown user: row 2 of the plan names user None, which the instance lacks.",
    ]


def test_unknown_coupon_is_reported() -> None:
    """A coupon that is not in the menu is named with the row."""
    assert findings(example(), [("ann", "Z")]) == [
        "unknown coupon: row 0 of the plan names coupon 'Z', which the instance lacks."
    ]


def test_pair_given_twice_is_reported_and_counted_twice() -> None:
    """A pair that stands in the plan twice is told, and what it costs is counted twice."""
    instance = example(UserCap(coupons=2), Budget(amount=3))
    assert findings(instance, [("ann", "A"), ("ann", "A")]) == [
        "pair twice: user ann, coupon A is given 2 times, at most once is allowed.",
        "budget: cost of all coupons is 4, at most 3 allowed: 1 too much.",
    ]


def test_pair_that_is_not_eligible_is_reported() -> None:
    """A pair with a NaN value is told, and left out of the sums."""
    found = verify(example(), table([("bob", "C"), ("ann", "A")]))
    assert [violation.words for violation in found.violations] == [
        "not eligible: user bob, coupon C is given, but the response has no value for it."
    ]
    assert (found.value, found.cost, found.given) == (1.0, 2.0, 2)


def test_pair_outside_a_shortlist_is_not_eligible() -> None:
    """With shortlists, a coupon that is not on the user's list is told; one on it is found at its place."""
    # ann: B then A; bob: an empty place, then C.
    response = Response(
        {"value": np.array([[1.0, 2.0], [9.0, 4.0]]), "cost": np.array([[1.0, 2.0], [9.0, 4.0]])},
        np.array([[1, 0], [-1, 2]], dtype=np.int32),
    )
    instance = Instance(Coupons(pd.DataFrame(MENU)), Users(pa.table({"user_id": ["ann", "bob"]})), response)
    found = verify(instance, table([("ann", "A"), ("bob", "C")]))
    assert (found.ok, found.value) == (True, 6.0)
    assert [v.rule for v in verify(instance, table([("ann", "C"), ("bob", "A")])).violations] == [
        "not eligible"
    ] * 2


def test_ids_match_as_text() -> None:
    """Whole-number users in the instance meet their text in a plan that was read from CSV."""
    users = Users(pa.table({"user_id": [7, 8]}))
    response = Response({"value": np.ones((2, 3)), "cost": np.ones((2, 3))})
    instance = Instance(Coupons(pd.DataFrame(MENU)), users, response)
    assert verify(instance, table([("7", "A"), ("8", "B")])).ok
    assert verify(instance, table([(7, "A"), (8, "B")])).ok
    assert findings(instance, [("007", "A"), ("x", "B")]) == [
        "unknown user: row 0 of the plan names user '007', which the instance lacks.",
        "unknown user: row 1 of the plan names user 'x', which the instance lacks.",
    ]


def test_stated_numbers_must_be_the_instances() -> None:
    """A plan that states another value or cost than the instance, or none, is told."""
    pairs = [("ann", "A"), ("bob", "B")]
    assert findings(example(), pairs, value=[1.0, 0.8], cost=[2.0, None]) == [
        "stated value: the plan says 0.8 of user bob, coupon B, the instance says 0.75.",
        "stated cost: the plan says nan of user bob, coupon B, the instance says 2.",
    ]
    assert findings(example(), pairs, value=["high", "low"]) == [
        "stated value: the plan's column 'value' holds string, not numbers."
    ]


def test_stated_numbers_are_compared_in_the_plans_precision() -> None:
    """A float32 column may state what the instance holds in float64, and whole costs may be integers."""
    response = Response({"value": np.array([[0.1]]), "cost": np.array([[2.0]])})
    instance = Instance(
        Coupons(pd.DataFrame({"coupon_id": ["A"]})), Users(pa.table({"user_id": ["ann"]})), response
    )
    assert verify(instance, table([("ann", "A")], value=pa.array([0.1], pa.float32()), cost=[2])).ok
    assert not verify(instance, table([("ann", "A")], value=[float(np.float32(0.1))])).ok


def test_long_tails_are_counted() -> None:
    """Of a kind that happens to many users, ten are listed and the others counted."""
    found = verify(example(), table([(f"x{i}", "A") for i in range(25)]))
    assert len(found.violations) == 11
    assert found.violations[-1].words == "unknown user: 15 more like these."
    assert found.words().splitlines()[0] == ("Not valid, 11 findings: 25 coupons given, objective 0, cost 0.")


# --------------------------------------------------------------------- one user at a time


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


# --------------------------------------------------------------------- all users together


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


# --------------------------------------------------------------------- certificates

# Budget of 4 with price λ = 0.5: value − 0.5 cost is ann 0, 0, 0; bob 0, −0.25; cid −0.25, 0, 0; dee 0, 0.
# Nobody gains anything, so L = 0.5 × 4 = 2.


def certificate(bound: float, **multipliers: float) -> SimpleNamespace:
    """Return a certificate with these multipliers."""
    return SimpleNamespace(
        names=tuple(multipliers), multipliers=np.array([*multipliers.values()]), bound=bound
    )


def test_certificate_is_recomputed() -> None:
    """The dual function is what it is by hand, a tiny rounding error on the safe side."""
    plan = table([("ann", "A"), ("cid", "C")])  # value 2, cost 4: optimal
    found = verify(example(Budget(amount=4)), plan, certificate(2.0, budget=0.5))
    assert found.ok
    check = found.certificate
    assert check is not None
    assert 2.0 <= check.bound <= 2.0 + 1e-12
    assert check.bound - check.error == pytest.approx(2.0, abs=1e-15)
    assert (check.claimed, check.by_search) == (2.0, 0.0)
    assert check.gap <= 1e-12
    assert found.words().endswith(check.words)
    assert check.words.startswith("The multipliers prove that no plan is better than 2")


def test_budget_for_messages_of_one_price_buys_whole_messages() -> None:
    """A budget of 0.25 buys two messages at 0.1, so two at most is proven; not so where prices differ."""
    users, menu = Users(pa.table({"user_id": [1, 2, 3]})), Coupons(pd.DataFrame({"coupon_id": ["A"]}))

    def proven(cost: list[float], budget: float) -> float:
        response = Response({"value": np.array([[1.0], [1.0], [0.5]]), "cost": np.array(cost)[:, None]})
        instance = Instance(menu, users, response, (Budget(amount=budget),))
        check = verify(instance, table([]), certificate(9.0, budget=10.0)).certificate
        assert check is not None
        return check.bound

    # λ = 10 takes all the worth of 1 at a cost of 0.1, so L = 10 × the budget that can be spent.
    assert proven([0.1, 0.1, 0.1], 0.25) == pytest.approx(2.0)
    assert proven([0.1, 0.1, 0.0], 0.25) == pytest.approx(2.5)  # and a half for the free message
    assert proven([0.1, 0.1, 0.15], 0.25) == pytest.approx(2.5)
    # Three times 0.1 is 0.30000000000000004.
    assert proven([0.1, 0.1, 0.1], 0.3) == pytest.approx(2.0)
    assert proven([0.1, 0.1, 0.1], math.nextafter(0.3, 1)) == pytest.approx(3.0)


def test_claim_that_is_better_than_the_multipliers_prove_is_refused() -> None:
    """A bound below L(λ) is not proven by λ."""
    # λ = 0.25: ann 0.5, bob 0.25, cid 0.5, dee 0.25, and 0.25 × 4: L = 2.5.
    found = verify(
        example(Budget(amount=4)), table([("ann", "A"), ("cid", "C")]), certificate(2.0, budget=0.25)
    )
    assert [v.words for v in found.violations] == [
        "certificate: the certificate bound 2 is better than the 2.5 that its multipliers prove, by 0.5."
    ]
    assert verify(example(Budget(amount=4)), table([]), certificate(2.5, budget=0.25)).ok


def test_claim_that_a_plan_beats_is_refused() -> None:
    """A bound below the value of a plan that keeps the rules is wrong."""
    found = verify(
        example(Budget(amount=4)), table([("ann", "A"), ("cid", "C")]), certificate(1.5, budget=0.5)
    )
    assert [v.words for v in found.violations] == [
        "certificate: the certificate bound 1.5 is better than the 2 that its multipliers prove, by 0.5.",
        "certificate: the plan's 2 beats the claimed bound 1.5.",
    ]


def test_rows_must_match() -> None:
    """A certificate of other rows than the rules make is told which."""
    found = verify(example(Budget(amount=4)), table([]), certificate(9.0, stock=0.5))
    assert [v.words for v in found.violations] == [
        "certificate: it names rows that the rules do not make: stock.",
        "certificate: it has no multiplier for: budget.",
    ]


@pytest.mark.parametrize(
    ("multiplier", "words"),
    [
        (-0.5, "the multiplier -0.5 of budget prices the lower side, which is not there"),
        (math.nan, "the multiplier nan of budget is not a finite number"),
    ],
)
def test_multiplier_on_a_side_that_is_not_there_proves_nothing(multiplier: float, words: str) -> None:
    """λ below 0 prices a lower side; a budget has none, so the bound is infinite."""
    found = verify(example(Budget(amount=4)), table([]), certificate(2.0, budget=multiplier))
    assert [v.words for v in found.violations] == [f"certificate: {words}: it proves no bound."]
    assert found.certificate is not None
    assert found.certificate.bound == math.inf
    assert found.certificate.words == "The multipliers prove no bound."


def test_minimised_objective_is_bounded_from_below() -> None:
    """Least cost for a target: L bounds from below, and a higher claim than it proves is refused."""
    # λ = −1 on the target: cost − value is ann 1, 0.5, 0.25; bob 0.5, 1.25; cid 0.75, 0.5, 1; dee 0.25, 0.5.
    # None is below 0, so L = 1 × 1.5.
    instance = example(Target(at_least=1.5), objective={"minimise": "cost"})  # type: ignore[arg-type]
    plan = table([("ann", "A"), ("dee", "C")])  # value 1.5, cost 3
    found = verify(
        instance, plan, SimpleNamespace(names=("target value",), multipliers=np.array([-1.0]), bound=1.5)
    )
    assert found.ok
    assert found.certificate is not None
    assert 1.5 - 1e-12 <= found.certificate.bound <= 1.5
    assert found.certificate.gap == pytest.approx(1.0)
    wrong = SimpleNamespace(names=("target value",), multipliers=np.array([-1.0]), bound=2.0)
    assert [v.rule for v in verify(instance, plan, wrong).violations] == ["certificate"]


def test_certificate_file_is_judged_with_its_figures() -> None:
    """What certificate.json holds is judged: the value it states, and how much of its bound is by search."""
    plan = table([("ann", "A"), ("cid", "C")])
    record = {
        "value": 2.0,
        "bound": 2.1,
        "bound_source": "search",
        "certificate_bound": 2.5,
        "multipliers": {"budget": 0.25},
    }
    found = verify(example(Budget(amount=4)), plan, record)
    assert found.ok
    assert found.certificate is not None
    assert found.certificate.by_search == pytest.approx(0.4)
    assert found.certificate.words.endswith("that part rests on branch and bound.")
    by_prices = verify(example(Budget(amount=4)), plan, record | {"bound_source": "prices"})
    assert [v.what for v in by_prices.violations] == ["solution's bound"]
    misstated = verify(example(Budget(amount=4)), plan, record | {"value": 2.05})
    assert [v.words for v in misstated.violations] == [
        "certificate: it states the value 2.05, the plan's is 2."
    ]


@pytest.mark.parametrize("record", [{}, {"multipliers": 3}, {"multipliers": {"budget": "x"}, "bound": 1.0}])
def test_unreadable_certificate_is_a_finding(record: dict[str, Any]) -> None:
    """A certificate without multipliers raises nothing."""
    found = verify(example(Budget(amount=4)), table([]), record)
    assert [v.rule for v in found.violations] == ["certificate"]
    assert "it lacks readable multipliers" in found.violations[0].words


def test_proof_of_infeasibility_by_prices() -> None:
    """Multipliers under which the rules contradict each other are a proof, any others are none."""
    # Value of at least 4 cannot be: all best coupons are worth 3.25. λ = −1: Σ max value − 4 = −0.75.
    instance = example(Target(at_least=4))
    check = verify_infeasible(instance, {"target value": -1.0})
    assert check.proven
    assert check.bound == pytest.approx(-0.75)
    assert check.words.endswith("below 0: no plan exists.")
    assert verify_infeasible(instance, np.array([-1.0])).proven
    assert not verify_infeasible(example(Target(at_least=3.25)), {"target value": -1.0}).proven
    assert verify_infeasible(instance, [-1.0, 2.0]).words == "Not proven: 2 multipliers for 1 rows."
    assert "prices the upper side" in verify_infeasible(instance, [1.0]).words


# --------------------------------------------------------------------- properties

DRAWN = settings(max_examples=150, deadline=None, derandomize=True)


@DRAWN
@given(st.data())
def test_judge_agrees_with_the_plain_reading(data: st.DataObject) -> None:
    """A drawn plan is accepted exactly if the rules' definitions, read plainly, are kept."""
    instance = data.draw(instances())
    reading = Reading(instance)
    if data.draw(st.booleans()):
        pairs = data.draw(plans(instance))
    else:
        pairs = data.draw(st.sets(st.sampled_from(sorted(reading.place)))) if reading.place else set()
    assert verify(instance, plan_table(instance, sorted(pairs))).ok is reading.keeps(pairs)


@DRAWN
@given(instances())
def test_best_plan_by_brute_force_is_accepted(instance: Instance) -> None:
    """The optimum by brute force keeps every rule, and has the value that the judge computes."""
    best = best_plan(instance)
    if best is not None:
        found = verify(instance, best.plan)
        assert found.ok, found.words()
        assert found.value == best.value


@DRAWN
@given(st.data())
def test_any_multipliers_bound_every_plan(data: st.DataObject) -> None:
    """Whatever the multipliers, no plan by brute force is better than the recomputed bound."""
    instance = data.draw(instances())
    multipliers = {
        row.name: data.draw(st.sampled_from(_sides(row.lower, row.upper))) for row in instance.program.rows
    }
    sense = 1.0 if instance.campaign.sense == "maximise" else -1.0
    best = best_plan(instance)
    found = verify(instance, table([]), {"multipliers": multipliers, "certificate_bound": None})
    assert [v for v in found.violations if v.rule == "certificate"] == []
    assert found.certificate is not None
    if best is not None:
        assert sense * best.value <= sense * found.certificate.bound
        assert not verify_infeasible(instance, multipliers).proven


@DRAWN
@given(st.data())
def test_dual_function_is_within_its_rounding_error(data: st.DataObject) -> None:
    """The dual function differs from that in fractions by no more than it says, or is made whole."""
    instance = data.draw(instances())
    groups = Groups(instance)
    requirements = read_requirements(instance, groups)
    rows = instance.program.rows
    assert [requirement.name for requirement in requirements] == [row.name for row in rows]
    multipliers = {row.name: data.draw(st.sampled_from(_sides(row.lower, row.upper))) for row in rows}
    dual = dual_value(instance, groups, requirements, multipliers)
    exact = exact_dual(instance, [multipliers[row.name] for row in rows])
    if dual.value != math.floor(exact) or not _whole_objective(instance):
        assert abs(Fraction(dual.value) - exact) <= Fraction(dual.error) <= 1e-11


def _whole_objective(instance: Instance) -> bool:
    """Whether every eligible pair's objective is a whole number."""
    program = instance.program
    numbers = program.columns.get(program.objective, np.ones(1))
    return bool((np.isnan(numbers) | (numbers == np.round(numbers))).all())


def test_whole_values_have_a_whole_bound() -> None:
    """Multipliers that prove 2.5 prove 2 where every value is whole, and 2.5 where one is not."""
    users, menu = Users(pa.table({"user_id": [1, 2, 3]})), Coupons(pd.DataFrame({"coupon_id": ["A"]}))

    def proven(values: list[float]) -> float:
        response = Response({"value": np.array(values)[:, None], "cost": np.array([[0.1], [0.1], [0.15]])})
        instance = Instance(menu, users, response, (Budget(amount=0.25),))
        check = verify(instance, table([]), certificate(9.0, budget=10.0)).certificate
        assert check is not None
        return check.bound

    assert proven([1.0, 1.0, 1.0]) == 2.0
    assert proven([1.0, 1.0, 0.5]) == pytest.approx(2.5)


def exact_dual(instance: Instance, multipliers: list[float]) -> Fraction:
    """Return L(λ) in fractions, every user's choices tried."""
    reading = Reading(instance)
    sense = 1 if instance.campaign.sense == "maximise" else -1
    worth = {
        pair: sense * Fraction(reading.number(instance.campaign.objective, pair)) for pair in reading.place
    }
    total = Fraction(0)
    limits = [limit for limit in reading.limits if limit[1:] != (None, None)]
    for (terms, lower, upper), row, multiplier in zip(
        limits, instance.program.rows, multipliers, strict=True
    ):
        limit = upper if multiplier > 0 else lower
        if limit is None:
            continue
        scale = int(row.unit) if row.kind == "parity" else terms[0][0].denominator
        sizes = {abs(reading.number(measure, pair)) for _, measure, over in terms for pair in over} - {0.0}
        sizes |= {1.0} if terms[0][1] == "count" else set()
        whole = len({measure for _, measure, _ in terms}) == 1 == len(sizes)
        if whole and all((coefficient * scale).denominator == 1 for coefficient, _, _ in terms):
            readings = (Fraction,) if len(terms) == 1 else (Fraction, decimal)
            last = [last_step(limit, scale, sizes, read, multiplier > 0) for read in readings]
            total += Fraction(multiplier) * (max(last) if multiplier > 0 else min(last))
        else:
            total += Fraction(multiplier) * decimal(limit) * scale
        for coefficient, measure, over in terms:
            for pair in over:
                number = Fraction(reading.number(measure, pair))
                worth[pair] -= Fraction(multiplier) * scale * coefficient * number
    for i in range(len(reading.users)):
        total += max(sum((worth[i, j] for j in coupons), Fraction(0)) for coupons in reading.choices(i))
    return total


def last_step(limit: float, scale: int, sizes: set[float], read: Any, upper: bool) -> Fraction:
    """Return the last multiple of the one size whose share of ``scale``, rounded, is within a limit."""
    (size,) = sizes
    start = round(limit * scale / size)
    multiples = [steps * read(size) for steps in range(start - 2, start + 3)]
    if upper:
        return Fraction(size) * max(m / read(size) for m in multiples if float(m / scale) <= limit)
    return Fraction(size) * min(m / read(size) for m in multiples if float(m / scale) >= limit)


def _sides(lower: float, upper: float) -> list[float]:
    """Return multipliers of the sides that are there."""
    found = [0.0]
    found += [0.3, 1.7] if math.isfinite(upper) else []
    return found + ([-0.3, -1.7] if math.isfinite(lower) else [])


def test_figures_have_eight_digits_and_bounds_stay_bounds() -> None:
    """A bound is rounded away from the plan's value, and rounding errors are not told."""
    assert [rounded(x) for x in (481.0027555823326, 1234567.0, 0.1 + 0.2, -0.0, 1e-9)] == [
        "481.00276",
        "1,234,567",
        "0.3",
        "0",
        "0.000000001",
    ]
    assert rounded(481.0043644333897, ROUND_CEILING) == "481.00437"
    assert rounded(2 + 1e-14, ROUND_CEILING) == "2"
    assert rounded(-481.0043644333897, ROUND_FLOOR) == "-481.00437"
