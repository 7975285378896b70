"""Why no plan exists: which rules clash, and changes that mend it, where less would not."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import assume, given, settings
from tests.brute_force import best_plan
from tests.drawn import instances
from tests.instances.small import four_users

from couponry.instances import (
    Budget,
    Campaign,
    Coupons,
    Coverage,
    Instance,
    Parity,
    Progress,
    Response,
    Rule,
    Stock,
    Target,
    Users,
)
from couponry.instances.generators import RULE_NAMES, draw_instance
from couponry.solver.scenario import Scenario
from couponry.solver.solution import Clash, Infeasibility, Solution, Status
from couponry.solver.solve import solve
from couponry.solver.verify import verify_infeasible

INF = math.inf


def reason(solution: Solution) -> Infeasibility:
    """Return why there is no plan."""
    assert solution.status is Status.INFEASIBLE
    assert solution.infeasibility is not None
    return solution.infeasibility


def mends(why: Infeasibility) -> dict[str, tuple[str, float, float | None]]:
    """Return side, present and mended limit of every row that clashes."""
    return {clash.name: (clash.side, clash.limit, clash.mended_limit) for clash in why.clashes}


def with_limit(instance: Instance, clash: Clash, limit: float) -> Instance:
    """Return the instance with one side of one rule at another limit, the others as they are."""
    if clash.name.startswith("stock ") and clash.rule == "stock":
        menu = instance.coupons.table.copy()
        column = "stock" if clash.side == "upper" else "minimum"
        menu.loc[menu["coupon_id"] == clash.name.removeprefix("stock "), column] = limit
        return replace(instance, coupons=Coupons(menu))
    row = next(row for row in instance.program.rows if row.name == clash.name)
    rule = instance.rules[row.rule]
    if isinstance(rule, Budget):
        changed: Rule = rule.model_copy(update={"amount": limit})
    elif isinstance(rule, Parity):
        changed = rule.model_copy(update={"tolerance": abs(limit)})
    elif isinstance(rule, Coverage):
        head = row.lower / (rule.at_least or 1)
        changed = rule.model_copy(update={"at_least": max(0.0, limit) / head})
    else:
        changed = rule.model_copy(update={"at_most" if clash.side == "upper" else "at_least": limit})
    rules = list(instance.rules)
    rules[row.rule] = changed
    return replace(instance, rules=tuple(rules))


def check_mends(instance: Instance, why: Infeasibility, less: Callable[[Clash], float]) -> int:
    """Assert that each mend lets a plan in and a smaller change does not; return how many there are."""
    count = 0
    for clash in why.clashes:
        if clash.mended_limit is None:
            continue
        count += 1
        mended = solve(with_limit(instance, clash, clash.mended_limit), gap=1e-3)
        assert mended.status in (Status.OPTIMAL, Status.FEASIBLE), clash
        inward = -1 if clash.side == "upper" else 1
        closer = clash.mended_limit + inward * less(clash)
        if closer >= 0 and (closer - clash.limit) * inward < 0:
            assert solve(with_limit(instance, clash, closer), gap=1e-3).status is Status.INFEASIBLE, clash
    return count


def hundredth(clash: Clash) -> float:
    """Return the unit in which planners write: whole coupons, cents."""
    return 1.0 if clash.rule in ("stock", "coverage") else 0.0101


# ------------------------------------------------------------------------- by hand


def test_budget_against_the_least_of_a_coupon() -> None:
    """One B costs 2: with money for 1.5 either the money or the floor has to give way."""
    instance = four_users(Budget(amount=1.5), campaign=Campaign(currency="CNY"))
    why = reason(solve(instance))
    assert mends(why) == {"stock B": ("lower", 1, 0), "budget": ("upper", 1.5, 2)}
    assert why.proof == "prices"
    assert why.words == (
        "No plan can meet these rules together: 'stock B', 'budget'. Any one of these changes mends it: "
        "lower 'stock B' from 1 to 0; raise 'budget' from 1.500 to 2 CNY."
    )
    assert check_mends(instance, why, hundredth) == 2


def test_stock_against_coverage() -> None:
    """One coupon for all cannot cover three regions: the stock must rise to three, no region mends it."""
    # East and south are covered by half a user, that is one each, north by one of two.
    instance = four_users(Stock(coupons=["A", "B", "C"], at_most=1), Coverage(segment="region", at_least=0.5))
    why = reason(solve(instance))
    found = mends(why)
    assert found.pop("stock") == ("upper", 1, 3)
    assert found
    assert all(
        name.startswith("coverage region=") and mended is None for name, (_, _, mended) in found.items()
    )
    assert "'coverage region=north' (lower limit 1): no change of it alone is enough" in [
        clash.words for clash in why.clashes
    ]
    assert check_mends(instance, why, hundredth) == 1


def test_stock_against_a_least_number() -> None:
    """A's own stock of 2 against a floor of 3 of it: each by one."""
    instance = four_users(Stock(coupons=["A"], at_least=3))
    why = reason(solve(instance))
    assert mends(why) == {"stock A": ("upper", 2, 3), "stock": ("lower", 3, 2)}
    assert check_mends(instance, why, hundredth) == 2


def test_target_against_budget() -> None:
    """Money of 4 brings 1.1; for a target of 1.2 the cheapest plan costs 6."""
    # u2 A, u3 A, u4 B bring 1.1 for 4, and u1 B another 0.2 for 2; stock of A is 2.
    instance = four_users(Target(at_least=1.2), Budget(amount=4))
    why = reason(solve(instance))
    assert mends(why) == {"target value": ("lower", 1.2, 1.1), "budget": ("upper", 4, 6)}
    assert check_mends(instance, why, hundredth) == 2


def test_a_target_that_nothing_reaches() -> None:
    """Where not even everything is enough only the target can give way."""
    instance = four_users(Target(at_least=2.0))
    why = reason(solve(instance))
    # u1 C, u2 A, u3 A, u4 B
    assert mends(why)["target value"] == ("lower", 2, 1.4)
    assert check_mends(instance, why, hundredth) >= 1


def test_whole_coupons_alone_clash() -> None:
    """Fractions would keep these rules, whole coupons cannot: every plan was tried."""
    # The rate of u2, alone in tier 2, is 0 or 1: at most three coupons leave it 0.25 from the overall one.
    instance = four_users(
        Parity(segment="tier", tolerance=0.1), Stock(coupons=["A", "B", "C"], at_most=3, at_least=1)
    )
    why = reason(solve(instance))
    assert why.proof == "enumeration"
    assert why.multipliers is None
    found = mends(why)
    assert found["stock"] == ("upper", 3, 4)
    assert found["parity tier=2"][2] == pytest.approx(0.25, abs=1e-5)
    assert check_mends(instance, why, lambda clash: 1.0 if clash.rule == "stock" else 0.001) >= 2


def test_many_users_that_whole_coupons_alone_cannot_serve() -> None:
    """Of more users than can be enumerated branch and bound says that no plan exists."""
    # Values of 2 and 4 never make 101.
    n = 300
    value = np.where(np.arange(n) % 2, 2.0, 4.0)[:, None]
    instance = Instance(
        Coupons(pd.DataFrame({"coupon_id": ["A"]})),
        Users(pa.table({"user_id": np.arange(n)})),
        Response({"value": value, "cost": np.ones((n, 1))}),
        (Target(at_least=101), Budget(amount=101, measure="value")),
    )
    why = reason(solve(instance))
    assert why.proof == "search"
    assert mends(why) == {"target value": ("lower", 101, 100), "budget": ("upper", 101, 102)}


def test_contradictory_limits() -> None:
    """A floor of 5 above a ceiling of 3 on the same thing is proven by the two alone."""
    instance = four_users(Budget(amount=3), Target(at_least=5, measure="cost"))
    why = reason(solve(instance))
    assert mends(why) == {"budget": ("upper", 3, 5), "target cost": ("lower", 5, 3)}
    assert check_mends(instance, why, hundredth) == 2


def test_mends_are_exact_in_single_precision() -> None:
    """Values of 0.7, 0.2 and 0.1 in single precision sum to less than 1: the mend is not 1."""
    instance = Instance(
        Coupons(pd.DataFrame({"coupon_id": ["A"]})),
        Users(pa.table({"user_id": [1, 2, 3]})),
        Response(
            {
                "value": np.array([[0.7], [0.2], [0.1]], np.float32),
                "cost": np.ones((3, 1), np.float32),
            }
        ),
        (Target(at_least=1.2),),
    )
    why = reason(solve(instance))
    (clash,) = why.clashes
    assert clash.mended_limit is not None
    assert 0.98 < clash.mended_limit < 1
    assert check_mends(instance, why, hundredth) == 1


def test_mends_are_looked_for_only_where_wanted() -> None:
    """Without mends the rules that clash are named, by the same proof, and nothing else is solved for."""
    heard: list[Progress] = []
    why = reason(solve(four_users(Budget(amount=1.5)), explain_clashes=False, progress=heard.append))
    assert why.words == "No plan can meet these rules together: 'stock B', 'budget'."
    assert why.clashes == ()
    assert why.proof == "prices"
    assert "why infeasible" not in {step.stage for step in heard}


def test_each_step_is_told() -> None:
    """While the changes are looked for each rule is named."""
    heard: list[Progress] = []
    solve(four_users(Budget(amount=1.5)), progress=heard.append)
    assert [s.message for s in heard if s.stage == "why infeasible"] == ["stock B", "budget"]


# ------------------------------------------------------------------- drawn instances


@settings(max_examples=30, deadline=None, derandomize=True)
@given(instance=instances(max_users=4, max_coupons=3, max_rules=3))
def test_drawn_mends_let_a_plan_in(instance: Instance) -> None:
    """Wherever brute force finds no plan, each mend of a budget, target or stock lets one in."""
    assume(best_plan(instance) is None)
    for clash in reason(solve(instance)).clashes:
        single = clash.rule in ("budget", "target", "stock")
        if single and clash.mended_limit is not None and clash.mended_limit >= 0:
            assert best_plan(with_limit(instance, clash, clash.mended_limit)) is not None, clash


@lru_cache
def too_tight(users: int) -> Instance:
    """Return a drawn instance whose budget is a fiftieth of what it was: too little for its coverage."""
    instance = draw_instance(users, 5, seed=1, rules=("budget", "coverage"))
    budget = instance.rules[0]
    assert isinstance(budget, Budget)
    amount = round(0.02 * budget.amount, 2)
    return replace(instance, rules=(budget.model_copy(update={"amount": amount}), *instance.rules[1:]))


@pytest.mark.parametrize("users", [600, pytest.param(20_000, marks=pytest.mark.slow)])
def test_budget_against_coverage_of_many(users: int) -> None:
    """The proof holds, the budget that mends it lets a plan in, and a thousandth less does not."""
    instance = too_tight(users)
    why = reason(solve(instance))
    assert why.proof == "prices"
    assert why.multipliers is not None
    assert verify_infeasible(instance, why.multipliers).proven
    clash = next(clash for clash in why.clashes if clash.name == "budget")
    assert any(clash.rule == "coverage" for clash in why.clashes)
    assert clash.mended_limit is not None
    assert check_mends(
        instance,
        replace(why, clashes=(clash,)),
        lambda clash: 1e-3 * (clash.mended_limit or 0),
    )
    assert clash.least_limit is not None
    assert clash.limit < clash.least_limit <= clash.mended_limit <= clash.least_limit * 1.0001
    assert f"raise 'budget' from {clash.limit:,.2f}"[:24] in why.words


@pytest.mark.slow
def test_stock_against_least_coverage_of_many() -> None:
    """Too few coupons for the coverage of 5,000 users: the stock that mends it is what coverage asks for."""
    instance = draw_instance(5000, 5, seed=2, rules=("coverage",))
    asked = sum(math.ceil(row.lower) for row in instance.program.rows)
    ids = list(instance.coupons.ids)
    tight = replace(instance, rules=(*instance.rules, Stock(coupons=ids, at_most=asked - 300)))
    why = reason(solve(tight))
    assert why.multipliers is not None
    assert verify_infeasible(tight, why.multipliers).proven
    stock = next(clash for clash in why.clashes if clash.name == "stock")
    assert (stock.limit, stock.mended_limit) == (asked - 300, asked)
    assert stock.least_limit is not None
    assert asked - 6 <= stock.least_limit <= asked
    # Fractions of coupons would do with up to six less, one a region.
    assert check_mends(tight, replace(why, clashes=(stock,)), lambda clash: 6.0) == 1


@pytest.mark.slow
def test_many_clashing_rules_of_many_users() -> None:
    """All kinds of rules clash: the least change of each is framed by a plan and a proof."""
    drawn = draw_instance(4_000, 6, seed=1, rules=RULE_NAMES)
    instance = Scenario(drawn).edit("tight", "budget x0.4", "coverage 0.45").instance
    why = reason(solve(instance))
    assert why.multipliers is not None
    assert len(why.clashes) == np.count_nonzero(why.multipliers) > 1
    framed = [clash for clash in why.clashes if clash.mended_limit is not None]
    assert framed
    for clash in framed:
        assert clash.least_limit is not None
        assert abs(clash.mended_limit - clash.least_limit) <= 1e-3 * abs(clash.mended_limit), clash
    assert check_mends(instance, replace(why, clashes=tuple(framed)), lambda _: math.inf) == len(framed)
