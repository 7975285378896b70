"""Rules of a world's campaign: met together by a reference plan, and worth having."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.instances.reference_plan import plan_table

from couponry.instances import Budget, Coverage, InputError, Instance, Parity, ReturnFloor, UserCap
from couponry.instances.reference import draw_reference
from couponry.instances.world import World
from couponry.solver.verify import verify


def reference(world: World, instance: Instance, budget_share: float):  # type: ignore[no-untyped-def]
    """Return the reference plan that the campaign's rules are derived from, by its definition."""
    users = world.users()
    return draw_reference(
        instance.response,
        {name: users.segment(name).codes for name in ("region", "age_band")},
        min(0.3, budget_share),
        stock=world.coupons.stock,
        minimum=world.coupons.minimum,
    )


@settings(max_examples=25, deadline=None)
@given(
    users=st.integers(1, 1_500),
    coupons=st.integers(1, 15),
    seed=st.integers(0, 10_000),
    budget_share=st.floats(0.02, 2.0),
)
def test_rules_can_be_met_together(users: int, coupons: int, seed: int, budget_share: float) -> None:
    """The reference plan passes the independent judge, whatever the size and the budget."""
    world = World.draw(users, coupons, seed)
    instance = world.instance(budget_share)
    verdict = verify(instance, plan_table(instance, reference(world, instance, budget_share)))
    assert verdict.ok, verdict.violations


def test_campaign_has_every_shape_of_rule() -> None:
    """Budgets, a contact limit, a cap, coverage, parity and a return floor, as tight as is wanted."""
    rules = World.draw(20_000, 8, 0).rules(0.3)
    assert [type(rule) for rule in rules] == [Budget, Budget, Budget, UserCap, Coverage, Parity, ReturnFloor]
    coverage = next(rule for rule in rules if isinstance(rule, Coverage))
    parity = next(rule for rule in rules if isinstance(rule, Parity))
    contacts = next(rule for rule in rules if isinstance(rule, Budget) and rule.measure == "count")
    assert (coverage.segment, coverage.at_least) == ("region", 0.3)
    assert (parity.segment, parity.tolerance) == ("age_band", 0.05)
    assert contacts.amount == 8_000


def test_budget_is_a_share_of_the_unlimited_plan() -> None:
    """Twice the share is twice the money, and 1 is what giving everyone the best coupon that wins costs."""
    world = World.draw(3_000, 8, 0)
    response = world.true_response()
    value, cost = response.measures["value"], response.measures["cost"]
    best = value.argmax(axis=1)
    wins = value.max(axis=1) > 0
    whole = cost[np.arange(3_000), best][wins].sum(dtype=np.float64)
    amounts = [
        rule.amount for share in (0.5, 1.0) for rule in world.rules(share)[:1] if isinstance(rule, Budget)
    ]
    assert amounts == pytest.approx([whole / 2, whole], rel=1e-4)


@pytest.mark.parametrize("share", [0.0, -1.0, float("nan"), float("inf")])
def test_budget_share_is_positive(share: float) -> None:
    """A share of nothing, or of no number, is refused with its mend."""
    with pytest.raises(InputError, match=r"budget's share must be a positive number \(got .*Give 0.3"):
        World.draw(10, 2, 0).rules(share)
