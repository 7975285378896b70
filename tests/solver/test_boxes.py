"""The exact search in boxes: its minimum is the linear relaxation's, by HiGHS, whatever rules there are."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from tests.solver.linear import linear_optimum

from couponry.instances import (
    Budget,
    Campaign,
    Coupons,
    Coverage,
    Instance,
    Response,
    Rule,
    Stock,
    Target,
    UserCap,
    Users,
)
from couponry.instances.generators import DEFAULT_RULES, RULE_NAMES, draw_instance
from couponry.solver import boxes
from couponry.solver.bound import dual_bound
from couponry.solver.boxes import BoxSearch, DualAnswer, edges, within
from couponry.solver.clock import Clock
from couponry.solver.local import LocalEngine
from couponry.solver.master import Box
from couponry.solver.prices import PriceBook
from couponry.solver.scale import measure_scale

REACH = 1e4
INTEGRAL = tuple(name for name in RULE_NAMES if name != "user_cap")


def search(
    instance: Instance, start: np.ndarray | None = None, said: list[str] | None = None
) -> tuple[DualAnswer, float]:
    """Return where the search ends, and L there; ``said`` gets its messages."""
    program = instance.program
    book, engine = PriceBook(program), LocalEngine(program)
    scale = measure_scale(program, book, np.arange(min(program.n_users, 2000)))
    clock = Clock(report=None if said is None else lambda step: said.append(step.message))
    answer = BoxSearch(program, book, engine, scale, REACH * scale.price, clock).run(start)
    return answer, dual_bound(engine, book, answer.multipliers)


def bound(instance: Instance, multipliers: np.ndarray) -> float:
    """Return L at any multipliers."""
    book = PriceBook(instance.program)
    return dual_bound(LocalEngine(instance.program), book, multipliers)


@lru_cache
def drawn(kind: str, seed: int, users: int = 500) -> Instance:
    """Return some hundreds of users under every row that leaves one user's choices integral."""
    coupons = 4 + seed % 3
    if kind == "several":
        instance = draw_instance(users, coupons, seed=seed, rules=INTEGRAL)
        return replace(instance, rules=(*instance.rules, UserCap(coupons=2)))
    if kind == "shortlists":
        return draw_instance(users, coupons, seed=seed, rules=INTEGRAL, shortlist=3, eligible=0.8)
    if kind == "islands":  # a rule about three users, whom a sample may miss
        instance = draw_instance(users, coupons, seed=seed)
        area = pa.array(["islands" if i < 3 else "main" for i in range(users)])
        rules = (
            Coverage(segment="area", at_least=0.5, users={"area": ["islands"]}),
            Target(at_least=1, measure="count", coupons=["C03"], users={"area": ["islands"]}),
        )
        people = Users(instance.users.table.append_column("area", area))
        return replace(instance, users=people, rules=(*instance.rules, *rules))
    if kind == "minimised":
        kinds = ("target", "stock", "coverage", "parity")
        instance = draw_instance(users, coupons, seed=seed, rules=kinds)
        return replace(instance, campaign=Campaign(objective="cost", sense="minimise"))
    return draw_instance(users, coupons, seed=seed, rules=DEFAULT_RULES)


KINDS = ("default", "several", "shortlists", "minimised")


def three_users(*rules: Rule, **campaign: str) -> Instance:
    """Return one coupon that costs 1 and is worth 3, 2 and 1."""
    return Instance(
        Coupons(pd.DataFrame({"coupon_id": ["A"]})),
        Users(pa.table({"user_id": [1, 2, 3]})),
        Response({"value": np.array([[3.0], [2.0], [1.0]]), "cost": np.ones((3, 1))}),
        rules,
        Campaign.model_validate(campaign),
    )


# ------------------------------------------------------------------------- by hand


def test_price_of_a_budget_that_splits_a_user() -> None:
    """With money for one user and a half the next unit of it wins the second user's 2."""
    answer, least = search(three_users(Budget(amount=1.5)))
    # L(2) = (3 − 2) + 0 + 0 + 2 · 1.5 = 4: one user and half of the next.
    assert answer.multipliers == pytest.approx([2.0])
    assert least == pytest.approx(4.0)
    assert answer.inside
    assert answer.broken.tolist() == [0.0]
    assert answer.core.users[answer.core.split].tolist() == [1]


def test_price_of_a_floor_is_negative() -> None:
    """A floor that makes users take what they would not is priced below zero: here it costs 0.5 a unit."""
    instance = three_users(Stock(coupons=["A"], at_least=2.5), objective="cost", sense="minimise")
    # Each costs 1, so the cheapest way to 2.5 units costs 2.5.
    answer, least = search(instance)
    assert answer.multipliers == pytest.approx([-1.0])
    assert least == pytest.approx(-2.5)


def test_slack_rows_have_no_price() -> None:
    """A row that does not bind is worth nothing."""
    answer, least = search(three_users(Budget(amount=3.5), Stock(coupons=["A"], at_least=1)))
    assert answer.multipliers.tolist() == [0.0, 0.0]
    assert least == pytest.approx(6.0)


def test_broken_says_by_how_much_no_plan_can_keep_a_row() -> None:
    """With money for 1 and a floor of 2.5 units, all that a price can do leaves 1.5 missing."""
    answer, _ = search(three_users(Budget(amount=1.0), Stock(coupons=["A"], at_least=2.5)))
    assert np.abs(answer.broken).sum() == pytest.approx(1.5)
    # The budget may be broken above, the floor below, or both in part.
    assert answer.broken[0] >= 0
    assert answer.broken[1] <= 0


def test_settled_and_undecided_together_are_everybody() -> None:
    """The settled users' take and the core's choices add up to the demand at the settling prices."""
    instance = drawn("default", 1, users=5000)
    answer, _ = search(instance)
    engine = LocalEngine(instance.program)
    scores = PriceBook(instance.program).scores(answer.settled_at)
    core = LocalEngine(instance.program, answer.core.users).demand(scores)
    for name, table in engine.demand(scores).tables.items():
        assert answer.settled[name] + core.tables[name] == pytest.approx(table)
    assert 0 < len(answer.core.users) < 5000


def test_boxes_end_at_the_limits() -> None:
    """A box that sticks out of the limits is cut off there."""
    limits = Box(np.array([0.0, -1.0]), np.array([2.0, 0.0]))
    box = within(limits, np.array([-1.0, -0.5]), np.array([1.0, 0.5]))
    assert box.lower.tolist() == [0.0, -0.5]
    assert box.upper.tolist() == [1.0, 0.0]


def test_only_edges_that_can_move_are_edges() -> None:
    """A row that is broken at an edge asks for a wider box, unless the limits end there as well."""
    limits = Box(np.array([-3.0, -3.0, -3.0, -1.0]), np.array([3.0, 1.0, 3.0, 3.0]))
    box = Box(-np.ones(4), np.ones(4))
    # broken above at a movable edge, above at the limits, not at all, below at the limits
    assert edges(np.array([0.5, 0.5, 0.0, -0.5]), box, limits).tolist() == [True, False, False, False]
    assert edges(np.array([-0.5, -0.5, 0.0, 0.5]), box, limits).tolist() == [True, True, False, True]


# ------------------------------------------------------------------ against HiGHS


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", KINDS)
def test_least_bound_is_the_linear_optimum(kind: str, seed: int) -> None:
    """Where one user's choices are integral L at the multipliers is HiGHS's LP optimum, to nine digits."""
    instance = drawn(kind, seed)
    answer, least = search(instance)
    optimum = linear_optimum(instance.program)
    assert least == pytest.approx(optimum, rel=1e-9)
    assert least >= optimum - 1e-12 * abs(optimum)
    assert answer.inside
    assert not answer.broken.any()


@pytest.mark.parametrize("kind", [*KINDS, "islands"])
def test_samples_lead_to_the_same_optimum(kind: str) -> None:
    """Of more users than are taken at once, prices of a sample come first, and the end is the same."""
    instance = drawn(kind, 0, users=2 * boxes.FIRST_SAMPLE + 500)
    said: list[str] = []
    answer, least = search(instance, said=said)
    assert "sample" in said[0]
    assert "all users" in said[-1]
    assert least == pytest.approx(linear_optimum(instance.program), rel=1e-9)
    assert answer.inside


@pytest.mark.parametrize("kind", KINDS)
def test_no_other_multipliers_give_less(kind: str) -> None:
    """Nearby and far, in one row or in all, other multipliers bound no better."""
    instance = drawn(kind, 1)
    answer, least = search(instance)
    book = PriceBook(instance.program)
    rng = np.random.default_rng(5)
    scale = measure_scale(instance.program, book, np.arange(500)).price
    for _ in range(150):
        step = 10.0 ** rng.uniform(-6, 0.5) * scale * rng.normal(size=book.n_rows)
        step = np.where(rng.random(book.n_rows) < rng.choice([0.2, 1.0]), step, 0.0)
        assert bound(instance, book.clip(answer.multipliers + step)) >= least - 1e-9 * abs(least)


@pytest.mark.parametrize("kind", KINDS)
def test_multipliers_price_sides_that_are_there(kind: str) -> None:
    """λ > 0 only where there is an upper side, and it is met; λ < 0 only at a lower side that is met."""
    instance = drawn(kind, 2)
    answer, _ = search(instance)
    book = PriceBook(instance.program)
    assert np.isfinite(book.upper[answer.multipliers > 0]).all()
    assert np.isfinite(book.lower[answer.multipliers < 0]).all()
    assert (answer.multipliers > 0).any()


def test_start_at_the_optimum_stays_there() -> None:
    """From the multipliers of a former search the same minimum is found in fewer passes."""
    instance = drawn("default", 1, users=5000)
    program = instance.program
    book = PriceBook(program)
    scale = measure_scale(program, book, np.arange(2000))
    cold, warm = LocalEngine(program), LocalEngine(program)
    reach = REACH * scale.price
    first = BoxSearch(program, book, cold, scale, reach, Clock()).run()
    again = BoxSearch(program, book, warm, scale, reach, Clock()).run(first.multipliers)
    assert warm.passes <= cold.passes
    assert bound(instance, again.multipliers) == pytest.approx(bound(instance, first.multipliers), rel=1e-9)


def test_start_may_price_absent_sides() -> None:
    """A start from other rules may price a side that is not there: that price is dropped."""
    instance = drawn("default", 0)
    _, least = search(instance, start=np.full(len(instance.program.rows), -0.01))
    assert least == pytest.approx(linear_optimum(instance.program), rel=1e-9)


def test_money_caps_bound_at_least_as_tightly() -> None:
    """With a cap on money L is the hull's optimum: between every plan and the relaxation without the cap."""
    instance = draw_instance(400, 4, seed=4, rules=("budget", "coverage", "user_cap", "exclusion"))
    free = replace(
        instance,
        rules=tuple(
            UserCap(coupons=rule.coupons) if isinstance(rule, UserCap) else rule for rule in instance.rules
        ),
    )
    _, least = search(instance)
    assert least <= linear_optimum(free.program) * (1 + 1e-9)
    assert any(isinstance(rule, UserCap) and rule.money is not None for rule in instance.rules)


def test_cancelled_search_still_bounds() -> None:
    """A search that is stopped at once hands back multipliers, and what they say is a bound."""

    class Cancelled:
        def is_set(self) -> bool:
            return True

    instance = drawn("default", 0)
    program = instance.program
    book, engine = PriceBook(program), LocalEngine(program)
    scale = measure_scale(program, book, np.arange(500))
    clock = Clock(cancel=Cancelled())
    answer = BoxSearch(program, book, engine, scale, REACH * scale.price, clock).run()
    optimum = linear_optimum(program)
    assert optimum - 1e-9 <= dual_bound(engine, book, answer.multipliers)
    assert math.isfinite(dual_bound(engine, book, answer.multipliers))


@pytest.mark.slow
def test_least_bound_of_twenty_thousand_is_the_linear_optimum() -> None:
    """Of 20,000 × 10 L at the multipliers is HiGHS's LP optimum, to nine digits."""
    instance = draw_instance(20_000, 10, seed=1)
    _, least = search(instance)
    assert least == pytest.approx(linear_optimum(instance.program, solver="ipm"), rel=1e-9)
