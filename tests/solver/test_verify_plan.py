"""The judge on the plan itself: every way in which one can be unreadable or wrong is told."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from tests.solver.judged import (
    BEST,
    MENU,
    example,
    findings,
    table,
)

from couponry.instances import (
    Budget,
    Coupons,
    Instance,
    Response,
    Target,
    UserCap,
    Users,
)
from couponry.solver.verify import verify
from couponry.solver.verify.findings import rounded


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
