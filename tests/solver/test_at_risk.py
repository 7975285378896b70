"""Budgets at risk: the spend stays under the amount but for a probability, and the bound is of that rule."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from tests.brute_force import best_plan
from tests.drawn import instances
from tests.instances.small import four_users
from tests.solver.test_properties import check_plan, sense, slack

from couponry.instances import (
    Budget,
    Campaign,
    Coupons,
    Freeze,
    Instance,
    Progress,
    Response,
    Rule,
    Target,
    Users,
)
from couponry.solver.explain import explain
from couponry.solver.frontier import frontier
from couponry.solver.solution import Solution, Status
from couponry.solver.solution_files import read_solution, write_solution
from couponry.solver.solve import solve
from couponry.solver.verify import verify, verify_infeasible
from couponry.solver.words import Figures

DRAWN = settings(max_examples=40, deadline=None, derandomize=True)
DRAWS = 20_000
FACE = np.array([5.0, 12.0, 20.0, 8.0])


@lru_cache
def many(users: int = 3000, probability: float | None = 0.05, amount: float = 1500.0) -> Instance:
    """Return users who redeem with chances of their own, under one budget."""
    rng = np.random.default_rng(7)
    chance = rng.beta(1.2, 8, (users, len(FACE)))
    response = Response({"value": rng.normal(0.02, 0.04, chance.shape) + 0.5 * chance, "cost": chance * FACE})
    coupons = pd.DataFrame({"coupon_id": list("ABCD"), "face_value": FACE})
    people = pa.table(
        {"user_id": np.arange(users), "region": [["north", "south"][i % 2] for i in range(users)]}
    )
    rule = Budget(amount=amount, overspend_probability=probability)
    return Instance(Coupons(coupons), Users(people), response, (rule,))


def chances(instance: Instance, solution: Solution) -> tuple[np.ndarray, np.ndarray]:
    """Return with which chance each given coupon is redeemed, and its face value."""
    coupon = np.array([instance.coupons.position(c) for c in solution.plan["coupon_id"].to_pylist()])
    cost = instance.response.measures["cost"][solution.plan["user_id"].to_numpy(), coupon]
    return cost / FACE[coupon], FACE[coupon]


def spends(chance: np.ndarray, face: np.ndarray) -> Iterator[float]:
    """Yield what drawn redemptions cost together."""
    rng = np.random.default_rng(11)
    for _ in range(DRAWS // 500):
        yield from (rng.random((500, len(chance))) < chance) @ face


def expected_overspend(chance: np.ndarray, face: np.ndarray, amount: float) -> float:
    """Return P(spend > amount), normal with the first term of Edgeworth's series for the skewness."""
    variance = (chance * (1 - chance) * face**2).sum()
    third = (chance * (1 - chance) * (1 - 2 * chance) * face**3).sum()
    x = (amount - (chance * face).sum()) / math.sqrt(variance)
    density = math.exp(-x * x / 2) / math.sqrt(2 * math.pi)
    return 1 - NormalDist().cdf(x) + third / variance**1.5 * (x * x - 1) * density / 6


def noise(probability: float) -> float:
    """Return four standard errors of a frequency in the draws."""
    return 4 * math.sqrt(probability * (1 - probability) / DRAWS)


@pytest.mark.parametrize("probability", [0.05, 0.2, None])
def test_drawn_redemptions_overspend_as_often_as_allowed(probability: float | None) -> None:
    """Of 20,000 drawn campaigns about 5 or 20 in a hundred overspend; at expected cost about half do.

    The plan uses its budget up, so the frequency is near p from both sides: within four standard errors of
    what the normal tail with its skewness makes of the plan, and that is within a hundredth of p.
    """
    instance = many(probability=probability)
    solution = solve(instance, gap=1e-4)
    chance, face = chances(instance, solution)
    frequency = float(np.mean([spend > 1500 for spend in spends(chance, face)]))
    wanted = 0.5 if probability is None else probability
    expected = expected_overspend(chance, face, 1500.0)
    assert abs(expected - wanted) < 0.01
    assert abs(frequency - expected) < noise(expected)


def test_a_user_by_hand() -> None:
    """One coupon of face value 10 redeemed by halves: 5 expected, deviation 5, so at 5 % it needs 13.224."""
    coupons = Coupons(pd.DataFrame({"coupon_id": ["A"], "face_value": [10.0]}))
    response = Response({"value": np.array([[1.0]]), "cost": np.array([[5.0]])})
    needed = 5 + 5 * NormalDist().inv_cdf(0.95)
    for amount, given_coupons in ((needed + 1e-9, 1), (needed - 1e-9, 0)):
        rule = Budget(amount=amount, overspend_probability=0.05)
        instance = Instance(coupons, Users(pa.table({"user_id": [1]})), response, (rule,))
        solution = solve(instance)
        assert solution.status is Status.OPTIMAL
        assert solution.plan.num_rows == given_coupons
        assert verify(instance, solution.plan, solution.certificate).ok


def test_half_is_the_expected_cost() -> None:
    """A budget that may be overspent every second time is the plain one, needing no face value."""
    plain, half = (solve(four_users(Budget(amount=4, overspend_probability=p))) for p in (None, 0.5))
    assert half.plan.equals(plain.plan)
    assert half.certificate.cells == ()


def test_the_row_is_told_with_its_chance() -> None:
    """Activity is the spend at risk, and the words have what is expected of it and how it may stray."""
    instance = many()
    solution = solve(instance, gap=1e-4)
    row = solution.prices.set_index("name").loc["budget"]
    chance, face = chances(instance, solution)
    expected, deviation = (chance * face).sum(), math.sqrt((chance * (1 - chance) * face**2).sum())
    assert row["activity"] == pytest.approx(expected - NormalDist().inv_cdf(0.05) * deviation, rel=1e-12)
    assert row["upper"] == 1500
    assert row["price"] > 0
    spend, spread = Figures().measure("cost", expected), Figures().number(deviation)
    assert f". {spend} expected, standard deviation {spread}, " in row["words"]
    assert row["words"].endswith("overspent with a probability of at most 0.05.")


def test_bound_and_certificate_are_of_the_true_rule() -> None:
    """The judge proves the same bound cell by cell, within the gap, by prices alone."""
    instance = many()
    solution = solve(instance, gap=1e-5)
    found = verify(instance, solution.plan, solution.certificate)
    assert found.ok, found.words()
    assert solution.status is Status.OPTIMAL
    assert solution.stats["bound_source"] == "prices"
    assert len(solution.certificate.cells) >= 3
    assert found.certificate is not None
    assert found.certificate.bound == pytest.approx(solution.certificate.bound, rel=1e-12)


def test_more_caution_wins_less() -> None:
    """The less often a budget may be overspent, the less the plan wins; never is not asked for."""
    values = [solve(many(probability=p), gap=1e-5).value for p in (None, 0.2, 0.05, 0.001)]
    assert values == sorted(values, reverse=True)
    assert len(set(values)) == 4


def test_budgets_of_segments() -> None:
    """Two regions with a budget at risk each: both are kept, and the judge agrees with the bound."""
    north, south = (
        Budget(amount=700, overspend_probability=0.1, users={"region": [region]}, name=region)
        for region in ("north", "south")
    )
    instance = replace(many(), rules=(north, south))
    solution = solve(instance, gap=1e-4)
    found = verify(instance, solution.plan, solution.certificate)
    assert found.ok, found.words()
    assert solution.status is Status.OPTIMAL
    activity = solution.prices.set_index("name")["activity"]
    assert (activity <= 700).all()
    assert (activity > 690).all()


def test_frozen_pairs_have_their_chance_too() -> None:
    """With half of a plan sent the rest is planned round its cost and its variance."""
    first = solve(many(), gap=1e-4)
    sent = first.plan.take(np.arange(0, first.plan.num_rows, 2)).select(["user_id", "coupon_id"])
    instance = replace(many(), rules=(*many().rules, Freeze(plan=sent)))
    again = solve(instance, gap=1e-4)
    assert again.value >= first.value * (1 - 1e-4)
    assert verify(instance, again.plan, again.certificate).ok


def least_money(amount: float) -> Instance:
    """Return the fewest coupons that win 20 conversions under a budget at risk."""
    rules: tuple[Rule, ...] = (Target(at_least=20), Budget(amount=amount, overspend_probability=0.05))
    return replace(many(1000), rules=rules, campaign=Campaign(objective="count", sense="minimise"))


def test_turned_round() -> None:
    """The fewest coupons for a target within a budget at risk: the bound is below, and the judge agrees."""
    instance = least_money(180.0)
    solution = solve(instance, gap=1e-2)
    assert solution.bound <= solution.value
    found = verify(instance, solution.plan, solution.certificate)
    assert found.ok, found.words()


def test_a_budget_too_small_by_chance_alone() -> None:
    """The target can be had for the money, not with its chance: proven by cells, with a mend that does."""
    cheapest = replace(
        many(1000), rules=(Target(at_least=20),), campaign=Campaign(objective="cost", sense="minimise")
    )
    money = round(1.02 * solve(cheapest, gap=1e-3).value, 2)
    instance = least_money(money)
    plain = replace(instance, rules=(Target(at_least=20), Budget(amount=money)))
    assert solve(plain, gap=0.1).plan.num_rows > 0
    solution = solve(instance)
    why = solution.infeasibility
    assert why is not None
    assert why.proof == "prices"
    assert why.multipliers is None
    assert verify_infeasible(instance, solution.certificate).proven
    clash = next(clash for clash in why.clashes if clash.name == "budget")
    assert clash.limit == instance.rules[1].amount  # type: ignore[union-attr]
    assert clash.mended_limit is not None
    assert f"raise 'budget' from {clash.limit:,.2f}"[:24] in why.words
    assert solve(least_money(clash.mended_limit), gap=0.1).plan.num_rows > 0


def test_a_budget_too_small_even_as_expected() -> None:
    """Where the expected cost is too much already, multipliers of the rows prove it."""
    solution = solve(least_money(5.0))
    assert solution.infeasibility is not None
    assert solution.infeasibility.multipliers is not None
    assert verify_infeasible(least_money(5.0), solution.infeasibility.multipliers).proven


def test_on_disk_and_back(tmp_path: Path) -> None:
    """The certificate's cells are written and read with every digit, and prove the same."""
    instance = many()
    solution = solve(instance, gap=1e-4)
    write_solution(solution, tmp_path / "plan", campaign=instance.campaign)
    again = read_solution(tmp_path / "plan")
    assert again.certificate.cells == solution.certificate.cells
    assert again.certificate.deviations == solution.certificate.deviations
    assert verify(instance, again.plan, again.certificate).ok


def test_a_start_saves_solves() -> None:
    """From a former solution the tangent is touched where that one ended."""
    heard: list[Progress] = []
    first = solve(many(), gap=1e-4)
    again = solve(many(amount=1501.0), gap=1e-4, start=first, progress=heard.append)
    (step, *_) = (step for step in heard if step.stage == "at risk")
    assert step.message == f"budget: standard deviation {first.certificate.deviations['budget']:,.2f}"
    assert again.value >= first.value * (1 - 1e-4)


def test_explained_at_the_tangent() -> None:
    """A user's reduced value charges for the variance: the given coupon's is nowhere below another's."""
    instance = many()
    solution = solve(instance, gap=1e-6)
    told = [explain(instance, solution, user) for user in range(40)]
    settled = [one for one in told if one.by_prices]
    assert len(settled) >= 38
    for one in settled:
        best = max((offer.reduced_value for offer in one.offers), default=0.0)
        taken = sum(offer.reduced_value for offer in one.given)
        assert taken == pytest.approx(max(best, 0.0), abs=1e-9)


def test_frontier_keeps_the_risk() -> None:
    """Along the frontier the same probability is asked of every amount."""
    table = frontier(many(1000), [200.0, 300.0], gap=1e-3).table
    assert table["value"].is_monotonic_increasing
    plain = frontier(many(1000, None), [200.0, 300.0], gap=1e-3).table
    assert (table["value"] < plain["value"]).all()


def test_stopped_early_the_certificate_still_holds() -> None:
    """After a hundredth of a second there is a bound, or a plan too, and whatever there is is true."""
    instance = many()
    solution = solve(instance, time_limit=0.01)
    assert solution.stopped_by.value == "time_limit"
    assert solution.bound >= solve(instance, gap=1e-4).value
    if not math.isnan(solution.value):
        assert verify(instance, solution.plan, solution.certificate).ok


@pytest.mark.parametrize("method", ["highs", "priced"])
@DRAWN
@given(instance=instances(at_risk=True, max_rules=2))
def test_answer_is_true(method: str, instance: Instance) -> None:
    """Plans keep the true rule, brute force beats no bound, and only what has no plan is infeasible."""
    best, solution = best_plan(instance), solve(instance, method=method, gap=1e-9)
    if solution.status in (Status.OPTIMAL, Status.FEASIBLE):
        assert best is not None
        check_plan(instance, solution, best)
    if solution.status is Status.INFEASIBLE:
        assert best is None
        assert solution.infeasibility is not None
        if solution.infeasibility.proof == "prices":
            held = solution.infeasibility.multipliers
            assert verify_infeasible(instance, solution.certificate if held is None else held).proven


@DRAWN
@given(instance=instances(at_risk=True, max_rules=2, frozen=True))
def test_exact_finds_the_best(instance: Instance) -> None:
    """The exact method finds what brute force finds, with frozen users too."""
    best, solution = best_plan(instance), solve(instance, method="highs", gap=0.0)
    if best is None:
        assert solution.status is Status.INFEASIBLE
    else:
        assert sense(instance) * solution.bound >= sense(instance) * best.value - slack(best.value)
        assert abs(solution.value - best.value) <= slack(best.value)
