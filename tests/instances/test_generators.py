"""Drawn instances: of the asked shape, repeatable, and feasible by construction."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.instances.reference_plan import plan_table

from couponry.instances import InputError, Instance
from couponry.instances.generators import DEFAULT_RULES, RULE_NAMES, draw_instance
from couponry.instances.reference import draw_reference
from couponry.solver.verify import verify


def reference(instance: Instance, segments: list[str], budget_share: float):  # type: ignore[no-untyped-def]
    """Return the reference plan that the rules are derived from, by its definition."""
    return draw_reference(
        instance.response,
        {name: instance.users.segment(name).codes for name in segments},
        min(0.35, 1.2 * budget_share),
        stock=np.full(len(instance.coupons), np.inf),
        minimum=np.zeros(len(instance.coupons)),
    )


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_drawn_instances_have_a_plan(data: st.DataObject) -> None:
    """The reference plan passes the independent judge under any of the rules, dense or not."""
    users, coupons = data.draw(st.integers(1, 400)), data.draw(st.integers(1, 12))
    segments = data.draw(
        st.sampled_from([{"region": 6, "tier": 4, "age_band": 5}, {"region": 3}, {"a": 1, "b": 9}])
    )
    rules = data.draw(st.lists(st.sampled_from(RULE_NAMES), unique=True))
    share = data.draw(st.floats(0.01, 1.5))
    instance = draw_instance(
        users,
        coupons,
        seed=data.draw(st.integers(0, 1_000)),
        segments=segments,
        rules=rules,
        budget_share=share,
        shortlist=data.draw(st.one_of(st.none(), st.integers(1, coupons))),
        eligible=data.draw(st.sampled_from([1.0, 0.7])),
    )
    verdict = verify(instance, plan_table(instance, reference(instance, list(segments), share)))
    assert verdict.ok, verdict.violations


def test_default_rules_make_their_rows() -> None:
    """200 × 6: a budget, two stocks and two minimums in the menu, six coverage and five parity rows."""
    instance = draw_instance(200, 6)
    kinds = [row.kind for row in instance.program.rows]
    assert kinds.count("budget") == 1
    assert kinds.count("coverage") == 6
    assert kinds.count("parity") == 5
    assert np.isfinite(instance.coupons.stock).sum() == 2
    assert (instance.coupons.minimum > 0).sum() in (1, 2)
    assert set(DEFAULT_RULES) < set(RULE_NAMES)


def test_same_seed_same_instance() -> None:
    """Numbers, menu and rules agree; another seed gives other numbers."""
    one, same, other = (draw_instance(100, 5, seed=seed, rules=RULE_NAMES) for seed in (7, 7, 8))
    for name, array in one.response.measures.items():
        np.testing.assert_array_equal(array, same.response.measures[name])
    assert one.coupons.table.equals(same.coupons.table)
    assert str(one.rules) == str(same.rules)
    assert (one.response.measures["value"] != other.response.measures["value"]).any()


def test_blocks_do_not_show() -> None:
    """An instance of more than one block of rows is finite everywhere, and its users are told apart."""
    instance = draw_instance(70_000, 3, rules=())
    assert all(np.isfinite(array).all() for array in instance.response.measures.values())
    assert instance.response.measures["value"].dtype == np.float32
    assert instance.users.ids[69_999].as_py() == "u0069999"


def test_shortlists_hold_different_coupons() -> None:
    """Four places a user, no coupon twice, every coupon on some list."""
    instance = draw_instance(300, 9, shortlist=4)
    coupon = instance.response.coupon
    assert coupon is not None
    assert coupon.shape == (300, 4)
    assert all(len(set(row)) == 4 for row in coupon.tolist())
    assert set(coupon.ravel().tolist()) == set(range(9))


def test_eligible_is_a_share_of_pairs() -> None:
    """Seven pairs in ten may be given, within four standard errors of 0.005."""
    instance = draw_instance(1_000, 10, eligible=0.7, rules=())
    assert instance.response.eligible().mean() == pytest.approx(0.7, abs=0.02)


def test_groups_are_all_there_and_unequal() -> None:
    """Every group of a segment has users, the last about twice as many as the first."""
    segment = draw_instance(10_000, 2, segments={"region": 4}).users.segment("region")
    sizes = np.bincount(segment.codes)
    assert segment.labels == ("region-1", "region-2", "region-3", "region-4")
    assert 1.7 < sizes[3] / sizes[0] < 2.3


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        ({"users": 0}, r"parameter 'users': users must lie in \[1, inf\] \(got 0\)"),
        ({"coupons": 0}, r"parameter 'coupons': coupons must lie in \[1, inf\] \(got 0\)"),
        ({"shortlist": 9}, r"parameter 'shortlist': shortlist must lie in \[1, 4\] \(got 9\)"),
        ({"segments": {"region": 0}}, r"segments\['region'\] must lie in \[1, inf\] \(got 0\)"),
        ({"budget_share": 0.0}, r"parameter 'budget_share': budget_share must lie in \(0, inf\] \(got 0.0\)"),
        ({"eligible": 1.1}, r"parameter 'eligible': eligible must lie in \(0, 1\] \(got 1.1\)"),
        ({"rules": ["budgets"]}, r"unknown kind of rule \(got 'budgets'\). Did you mean 'budget'\?"),
        ({"rules": ["parity"], "segments": {}}, r"parity needs a segment\. Give at least one"),
    ],
)
def test_impossible_instances_are_refused(asked: dict[str, Any], problem: str) -> None:
    """Each argument is checked, with its value and its mend."""
    with pytest.raises(InputError, match=problem):
        draw_instance(**{"users": 10, "coupons": 4, **asked})
