"""The Pyomo model: readable, extended by planners, and refused where it is not the instance's any more."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pyomo.environ as pyo
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.brute_force import Reading, best_plan
from tests.drawn import instances
from tests.instances.small import four_users
from tests.solver.test_properties import sense, slack

from couponry.instances import Budget, Campaign, Coupons, Exclusion, InputError, Instance, Target, UserCap
from couponry.solver.backends.pyomo_model import to_pyomo
from couponry.solver.solution import Solution, Status
from couponry.solver.solve import solve
from couponry.solver.verify import verify

DRAWN = settings(max_examples=60, deadline=None, derandomize=True)
GONE = (
    "any more. The bound and the judge go by the instance: change the instance's rules, or add a constraint"
)


def given_pairs(solution: Solution) -> list[str]:
    """Return the plan as words."""
    pairs = zip(solution.plan["user_id"].to_pylist(), solution.plan["coupon_id"].to_pylist(), strict=True)
    return [f"{user} {coupon}" for user, coupon in pairs]


def rich() -> Instance:
    """Return four users with two coupons each, an exclusion, a cap on money and a budget of 6."""
    return four_users(UserCap(coupons=2, money=4.0), Exclusion(coupons=["A", "B"]), Budget(amount=6))


# ------------------------------------------------------------------------------- the model


def test_parts_have_their_names() -> None:
    """Sets, variables, measures and constraints are there under the names that a planner uses."""
    model = to_pyomo(rich())
    assert list(model.USERS) == ["u1", "u2", "u3", "u4"]
    assert list(model.COUPONS) == ["A", "B", "C"]
    assert len(model.ELIGIBLE) == 11
    assert ("u2", "C") not in model.ELIGIBLE
    assert list(model.USERS_IN["region", "north"]) == ["u1", "u2"]
    assert list(model.USERS_IN["tier", 1]) == ["u1", "u3", "u4"]
    assert (model.value["u3", "A"], model.cost["u3", "C"], model.revenue["u4", "B"]) == (0.4, 3.0, 5.0)
    assert list(model.rule) == ["stock A", "stock B", "budget"]
    assert model.rule["budget"].upper == 6
    assert str(model.exclusion[0, "u1"].body) == "give[u1,A] + give[u1,B]"
    assert model.money["u1"].upper == 4.0
    assert model.most_coupons["u2"].upper == 2
    assert model.objective.sense == pyo.maximize


def test_measure_with_a_taken_name_is_still_there() -> None:
    """A measure called as a part of the model is, or not a name at all, stands under measure_NAME."""
    instance = four_users(Budget(amount=4))
    instance.response.measures["rule"] = instance.response.measures["cost"]  # type: ignore[index]
    instance.response.measures["net value"] = instance.response.measures["cost"]  # type: ignore[index]
    model = to_pyomo(instance)
    assert model.measure_rule["u1", "B"] == 2.0
    assert model.component("measure_net value")["u1", "C"] == 3.0


@pytest.mark.parametrize("solver", ["appsi_highs", "highs"])
@DRAWN
@given(instance=instances())
def test_model_says_what_the_instance_says(solver: str, instance: Instance) -> None:
    """Solved by Pyomo's own HiGHS interfaces, the model has the value of the best plan."""
    best = best_plan(instance)
    if best is None or not len(to_pyomo(instance).give):
        return
    model = to_pyomo(instance)
    pyo.SolverFactory(solver).solve(model)
    # These interfaces keep rows to a tolerance: their plan may be a little better than the best.
    assert sense(instance) * pyo.value(model.objective) >= sense(instance) * best.value - 1e-6


# -------------------------------------------------------------------------- a planner's own


def test_added_constraint_is_kept() -> None:
    """With money for 4 the best is u2 A, u3 A, u4 B; if u3 and u4 cannot both have one, it is u1 and u4."""
    instance = four_users(Budget(amount=4))
    model = to_pyomo(instance)
    assert given_pairs(solve(instance, method="pyomo", model=model)) == ["u2 A", "u3 A", "u4 B"]
    both = [model.give[u, c] for u, c in model.ELIGIBLE if u in ("u3", "u4")]
    model.not_both = pyo.Constraint(expr=sum(both) <= 1)
    solution = solve(instance, method="pyomo", model=model)
    # B must be given once: to u4 for 0.5, and with the other 2 u2 takes A for 0.2, u1 takes A for 0.1.
    assert given_pairs(solution) == ["u1 A", "u2 A", "u4 B"]
    assert solution.value == pytest.approx(0.8)
    assert solution.bound == pytest.approx(0.8, abs=1e-8)
    assert solution.status is Status.OPTIMAL
    assert solution.stats["bound_source"] == "search"
    assert solution.stats["added"] == ["not_both"]
    assert solution.certificate.bound >= 1.1
    assert verify(instance, solution.plan, solution.certificate).ok


def test_added_variables_and_equalities() -> None:
    """Coupons C come in packs of two: a whole number of packs is a variable more."""
    instance = four_users(Budget(amount=9))
    model = to_pyomo(instance)
    model.packs = pyo.Var(domain=pyo.NonNegativeIntegers)
    model.whole_packs = pyo.Constraint(
        expr=sum(model.give[u, c] for u, c in model.ELIGIBLE if c == "C") == 2 * model.packs
    )
    model.some = pyo.Constraint(expr=model.packs >= 1)
    solution = solve(instance, method="pyomo", model=model)
    # C to u1 and u3 costs 6 and brings 0.5; A to u2 and B to u4 cost 3 and bring 0.7.
    assert given_pairs(solution) == ["u1 C", "u2 A", "u3 C", "u4 B"]
    assert solution.value == pytest.approx(1.2)


def test_fixed_variable_is_kept_and_stays_fixed() -> None:
    """What a planner fixes is so in the plan, and is still fixed in the model afterwards."""
    instance = four_users(Budget(amount=4))
    model = to_pyomo(instance)
    model.give["u1", "C"].fix(1)
    # The budget of 4 leaves 1 beside u1 C, but B must be given once and costs 2.
    assert solve(instance, method="pyomo", model=model).status is Status.INFEASIBLE
    instance = four_users(Budget(amount=6))
    model = to_pyomo(instance)
    model.give["u1", "C"].fix(1)
    model.give["u4", "B"].setub(0)
    solution = solve(instance, method="pyomo", model=model)
    # 3 are left: B to u3 for 0.1 and A to u2 for 0.2, or A to u3 for 0.4 and B to u2 for 0.1.
    assert given_pairs(solution) == ["u1 C", "u2 B", "u3 A"]
    assert model.give["u1", "C"].fixed
    assert solution.stats["added"] == ["2 variables fixed or bounded"]


def test_added_constraint_alone_clashes() -> None:
    """Where the rules have a plan and what was added leaves none, that is what is said."""
    instance = four_users(Budget(amount=4))
    model = to_pyomo(instance)
    model.everybody = pyo.Constraint(expr=sum(model.give.values()) >= 4)
    model.quiet = pyo.Constraint(expr=model.give["u1", "A"] <= 1)
    solution = solve(instance, method="pyomo", model=model)
    assert solution.status is Status.INFEASIBLE
    assert solution.infeasibility is not None
    assert solution.infeasibility.proof == "search"
    assert solution.infeasibility.words == (
        "The rules have a plan, but none that keeps what was added to the model too: 'everybody', 'quiet'."
    )


def test_empty_plan_may_be_ruled_out() -> None:
    """Where nothing is worth giving, an added constraint still asks for something."""
    instance = four_users(campaign=Campaign(objective="cost", sense="minimise"))
    model = to_pyomo(instance)
    model.three = pyo.Constraint(expr=sum(model.give.values()) >= 3)
    solution = solve(instance, method="pyomo", model=model)
    # B at least once, and the two A of the stock.
    assert solution.value == pytest.approx(4)


@DRAWN
@given(instance=instances(), data=st.data())
def test_added_limit_is_that_of_a_rule(instance: Instance, data: Any) -> None:
    """A target written as an added constraint gives what the same target as a rule gives."""
    reading = Reading(instance)
    floor = data.draw(st.sampled_from([1.0, 2.0, 0.25 * max(1, len(reading.place))]))
    model = to_pyomo(instance)
    if not len(model.give):
        return
    model.floor = pyo.Constraint(expr=sum(model.give.values()) >= floor)
    solution = solve(instance, method="pyomo", model=model, gap=0.0)
    rules = (*instance.rules, Target(at_least=floor, measure="count"))
    best = best_plan(Instance(instance.coupons, instance.users, instance.response, rules, instance.campaign))
    assert (solution.status is Status.INFEASIBLE) == (best is None)
    if best is not None:
        assert abs(solution.value - best.value) <= slack(best.value)
        assert sense(instance) * best.value <= sense(instance) * solution.bound + slack(best.value)


# ---------------------------------------------------------------------------------- refused


def loosened(model: Any) -> None:
    """Raise the budget in the model alone."""
    model.rule["budget"].set_value((None, model.rule["budget"].body, 5.0))


def dropped(model: Any) -> None:
    """Deactivate the budget."""
    model.rule["budget"].deactivate()


def widened(model: Any) -> None:
    """Add to a rule of ours."""
    model.rule["budget"].set_value(model.rule["budget"].body - model.give["u1", "A"] <= 4.0)


def reworded(model: Any) -> None:
    """Minimise what is maximised."""
    model.objective.sense = pyo.minimize


def replaced(model: Any) -> None:
    """Take another objective."""
    model.objective.deactivate()
    model.mine = pyo.Objective(expr=model.give["u1", "A"], sense=pyo.maximize)


def bent(model: Any) -> None:
    """Add a product of two variables."""
    model.bent = pyo.Constraint(expr=model.give["u1", "A"] * model.give["u2", "A"] <= 0)


def halved(model: Any) -> None:
    """Let a coupon be given by halves."""
    model.give["u1", "A"].domain = pyo.UnitInterval


def cut(model: Any) -> None:
    """Lose the rules."""
    model.del_component("rule")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (loosened, f"constraint 'rule[budget]' of the model is not the instance's {GONE}"),
        (dropped, f"constraint 'rule[budget]' of the model is not the instance's {GONE}"),
        (widened, f"constraint 'rule[budget]' of the model is not the instance's {GONE}"),
        (reworded, "the model's objective is not the instance's. Set it in the campaign"),
        (
            replaced,
            (
                "the model's objective is not the instance's (got ['mine']). Keep 'objective' alone active, "
                "and set what is optimised in the instance's campaign"
            ),
        ),
        (
            bent,
            "constraint 'bent' of the model is not linear. Write it as a sum of numbers times variables",
        ),
        (halved, "variable 'give[u1,A]' of the model is not binary any more. Bound or fix it instead"),
        (cut, "the model has no 'rule'. Start from cp.to_pyomo(instance)"),
    ],
)
def test_changed_model_is_refused(change: Any, message: str) -> None:
    """A model in which what is the instance's was changed is refused, with the part and the mend."""
    instance = four_users(Budget(amount=4))
    model = to_pyomo(instance)
    change(model)
    with pytest.raises(InputError) as caught:
        solve(instance, method="pyomo", model=model)
    assert str(caught.value) == f"parameter 'model': {message}"


def test_model_of_another_instance_is_refused() -> None:
    """A model with other pairs, or the same pairs with another budget, is not this instance's."""
    model = to_pyomo(four_users(Budget(amount=5)))
    with pytest.raises(InputError, match=r"rule\[budget\]"):
        solve(four_users(Budget(amount=4)), method="pyomo", model=model)
    del model.give
    model.give = pyo.Var([("u1", "A")], domain=pyo.Binary)
    with pytest.raises(InputError, match="made of another instance"):
        solve(four_users(Budget(amount=5)), method="pyomo", model=model)


def test_budget_at_risk_is_refused() -> None:
    """A budget at risk has no linear constraint: neither can it be written, nor a model be held beside it."""
    plain = four_users(Budget(amount=4, overspend_probability=0.05))
    instance = replace(plain, coupons=Coupons(plain.coupons.table.assign(face_value=9.0, kind="fixed_off")))
    model = to_pyomo(four_users(Budget(amount=4)))
    with pytest.raises(
        InputError, match="rule 'budget' is a budget at risk, which no linear constraint says"
    ):
        to_pyomo(instance)
    with pytest.raises(InputError, match="a budget at risk is no linear rule, which a model could hold"):
        solve(instance, method="pyomo", model=model)
