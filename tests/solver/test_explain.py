"""Why a user gets a coupon, on an instance small enough to work by hand."""

import math
import threading
from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from couponry.instances.coupons import Coupons
from couponry.instances.errors import InputError
from couponry.instances.generators import draw_instance
from couponry.instances.instance import Instance
from couponry.instances.response import Response
from couponry.instances.rules import Budget, Campaign, Coverage, Exclusion, Rule, UserCap
from couponry.instances.users import Users
from couponry.solver.explain import explain
from couponry.solver.solution import Certificate, Solution, Status, StoppedBy
from couponry.solver.solve import solve

# Two coupons and a budget of 3, at a price of 0.14 conversions a unit of money:
#
#          value      cost     left at the price
#          A    B     A  B     A               B
#   u1    .50  .40    2  1    .50-.28 = .22   .40-.14 = .26   gets B
#   u2    .30  .10    2  1    .30-.28 = .02   .10-.14 = -.04  gets A
#   u3    .10  .05    2  1    .10-.28 = -.18  .05-.14 = -.09  gets none
#   u4    NaN  NaN                                            gets none
VALUE = np.array([[0.5, 0.4], [0.3, 0.1], [0.1, 0.05], [np.nan, np.nan]])
COST = np.array([[2.0, 1.0], [2.0, 1.0], [2.0, 1.0], [np.nan, np.nan]])
PLAN = [("u1", "B"), ("u2", "A")]


def build(*rules: Rule, value: np.ndarray = VALUE, cost: np.ndarray = COST) -> Instance:
    """Return an instance of users u1, u2 and so on, and coupons A, B and so on."""
    ids = [f"u{i + 1}" for i in range(len(value))]
    return Instance(
        Coupons(pd.DataFrame({"coupon_id": list("ABCDE")[: value.shape[1]]})),
        Users(
            pa.table(
                {"user_id": ids, "region": ["north", "south"] * (len(ids) // 2) + ["north"] * (len(ids) % 2)}
            )
        ),
        Response({"value": value, "cost": cost}),
        rules,
        Campaign(currency="CNY"),
    )


def solved(instance: Instance, plan: list[tuple[str, str]], multipliers: list[float]) -> Solution:
    """Return a solution with this plan and these prices."""
    names = tuple(row.name for row in instance.program.rows)
    users, coupons = [pair[0] for pair in plan], [pair[1] for pair in plan]
    table = pa.table({"user_id": pa.array(users, pa.string()), "coupon_id": pa.array(coupons, pa.string())})
    certificate = Certificate(names, np.array(multipliers), 1.0)
    return Solution(Status.OPTIMAL, StoppedBy.GAP, 0.7, 0.7, 0.0, table, pd.DataFrame(), certificate)


def test_given_coupon_is_split_into_value_and_price() -> None:
    """Of B's 0.40 the budget takes 0.14, one unit at 0.14; next best is A, 0.04 behind."""
    instance = build(Budget(amount=3))
    found = explain(instance, solved(instance, PLAN, [0.14]), "u1")
    (offer,) = found.given
    assert (offer.coupon_id, offer.worth, offer.value, offer.cost) == ("B", 0.4, 0.4, 1.0)
    (paid,) = offer.prices
    assert (paid.row, paid.amount, paid.price, paid.paid) == ("budget", 1.0, 0.14, 0.14)
    assert offer.reduced_value == pytest.approx(0.26)
    assert found.runner_up == ("A",)
    assert found.margin == pytest.approx(0.04)
    assert found.by_prices


def test_least_changes_make_up_the_margin() -> None:
    """u1 flips when B's value falls by 0.04, or its cost rises by 0.04 / 0.14."""
    instance = build(Budget(amount=3))
    found = explain(instance, solved(instance, PLAN, [0.14]), "u1")
    value, cost = found.changes
    assert (value.coupon_id, value.measure) == ("B", "value")
    assert value.then == pytest.approx(0.36)
    assert (cost.coupon_id, cost.measure) == ("B", "cost")
    assert cost.then == pytest.approx(1 + 0.04 / 0.14)


def test_words_of_a_given_coupon() -> None:
    """The sentences say what was given, what it paid, who came next, and what would flip it."""
    instance = build(Budget(amount=3))
    assert explain(instance, solved(instance, PLAN, [0.14]), "u1").words == (
        "User u1 gets B. B adds 0.4 to the objective (value); the prices ask 0.14 for budget, which leaves "
        "0.26. Next best is A, 0.04 behind. It would change if the value of B fell from 0.4 to 0.36, or if "
        "the cost of B rose from 1 to 1.286."
    )


def test_words_of_a_user_without_coupon() -> None:
    """u3 gets nothing: B is nearest, it lacks 0.09, and would be given if it won 0.14 or cost 0.05 / 0.14."""
    instance = build(Budget(amount=3))
    found = explain(instance, solved(instance, PLAN, [0.14]), "u3")
    assert found.given == ()
    assert found.runner_up == ("B",)
    assert found.words == (
        "User u3 gets no coupon; nearest was B. B adds 0.05 to the objective (value); the prices ask 0.14 "
        "for budget, so it lacks 0.09. It would change if the value of B rose from 0.05 to 0.14, or if the "
        "cost of B fell from 1 to 0.3571."
    )


def test_user_who_is_not_eligible() -> None:
    """A user with no eligible coupon has no offers, no runner-up and no margin."""
    instance = build(Budget(amount=3))
    found = explain(instance, solved(instance, PLAN, [0.14]), "u4")
    assert found.offers == ()
    assert math.isnan(found.margin)
    assert found.words == "User u4 gets no coupon: none of the menu is eligible for this user."


def test_user_who_may_have_none() -> None:
    """Where the user cap is 0, the rules on a single user are named as the reason."""
    instance = build(Budget(amount=3), UserCap(coupons=0))
    words = explain(instance, solved(instance, [], [0.14]), "u1").words
    assert words.startswith("User u1 gets no coupon: the rules on a single user allow none.")


def test_user_of_the_core_is_told_as_such() -> None:
    """Where the plan gives what the prices would not, the margin is negative and the words say why."""
    instance = build(Budget(amount=3))
    found = explain(instance, solved(instance, [("u1", "A"), ("u2", "B")], [0.14]), "u1")
    assert not found.by_prices
    assert found.margin == pytest.approx(-0.04)
    assert found.changes == ()
    assert (
        "At these prices B would be 0.04 better: this user is one of those whom the prices do not settle"
        in found.words
    )


def test_floor_pays_for_a_coupon() -> None:
    """A coverage floor with multiplier −0.2 pays 0.2 to each coupon in its region: u3 lies in the north."""
    instance = build(Budget(amount=9), Coverage(segment="region", at_least=0.5))
    names = [row.name for row in instance.program.rows]
    multipliers = [{"budget": 0.14, "coverage region=north": -0.2}.get(name, 0.0) for name in names]
    found = explain(instance, solved(instance, [*PLAN, ("u3", "B")], multipliers), "u3")
    (offer,) = found.given
    assert [(p.row, p.paid) for p in offer.prices] == [("coverage region=north", -0.2), ("budget", 0.14)]
    assert offer.reduced_value == pytest.approx(0.05 - 0.14 + 0.2)
    assert (
        "the prices ask 0.14 for budget and pay 0.2 for coverage region=north, which leaves 0.11"
        in found.words
    )


def test_table_has_every_eligible_coupon_best_first() -> None:
    """The table lists what is left of each coupon, and what was paid is worth less what is left."""
    instance = build(Budget(amount=3))
    table = explain(instance, solved(instance, PLAN, [0.14]), "u1").table
    assert list(table["coupon_id"]) == ["B", "A"]
    assert list(table["given"]) == [True, False]
    assert list(table["paid"]) == pytest.approx([0.14, 0.28])


def test_shortlist_is_read_by_coupon() -> None:
    """Places of a shortlist are other coupons for every user, and an empty place is no offer."""
    response = Response(
        {"value": np.array([[0.4, 0.5], [0.3, np.nan]]), "cost": np.array([[1.0, 2.0], [2.0, np.nan]])},
        np.array([[1, 0], [0, -1]], dtype=np.int32),
    )
    instance = Instance(
        Coupons(pd.DataFrame({"coupon_id": ["A", "B"]})),
        Users(pa.table({"user_id": ["u1", "u2"]})),
        response,
        (Budget(amount=3),),
    )
    solution = solved(instance, PLAN, [0.14])
    assert [o.coupon_id for o in explain(instance, solution, "u1").given] == ["B"]
    assert [o.coupon_id for o in explain(instance, solution, "u2").offers] == ["A"]


def test_minimised_cost_counts_against() -> None:
    """Where cost is minimised, a coupon's worth is minus its cost, and the target's floor pays for it."""
    given = build(Budget(amount=3))
    instance = Instance(
        given.coupons, given.users, given.response, given.rules, Campaign(objective="cost", sense="minimise")
    )
    found = explain(instance, solved(instance, PLAN, [0.0]), "u1")
    assert [(o.coupon_id, o.worth) for o in found.offers] == [("B", -1.0), ("A", -2.0)]


@pytest.mark.parametrize("user", ["u9", 7, None])
def test_unknown_user_is_refused(user: object) -> None:
    """A user that the instance does not have is named, with what ids look like."""
    instance = build(Budget(amount=3))
    with pytest.raises(InputError, match="the instance has no such user") as caught:
        explain(instance, solved(instance, PLAN, [0.14]), user)
    assert caught.value.value == user
    assert caught.value.mend == "User ids look like 'u1'"


def test_whole_number_ids_may_be_given_as_text() -> None:
    """The command line hands on text; ids that are numbers are found all the same."""
    instance = Instance(
        Coupons(pd.DataFrame({"coupon_id": ["A"]})),
        Users(pa.table({"user_id": [7, 8]})),
        Response({"value": np.ones((2, 1)), "cost": np.ones((2, 1))}),
        (Budget(amount=1),),
    )
    table = pa.table({"user_id": [7], "coupon_id": ["A"]})
    certificate = Certificate(("budget",), np.array([0.5]), 1.0)
    solution = Solution(Status.OPTIMAL, StoppedBy.GAP, 1.0, 1.0, 0.0, table, pd.DataFrame(), certificate)
    assert explain(instance, solution, "7").user_id == 7
    assert len(explain(instance, solution, "7").given) == 1


def test_solution_of_other_rules_is_refused() -> None:
    """A certificate with other rows than the instance's is named by the first row that differs."""
    instance = build(Budget(amount=3))
    other = build(Budget(amount=3, name="sms"))
    with pytest.raises(InputError, match=r"made for other rules than this instance has \(got 'sms'\)"):
        explain(other, solved(instance, PLAN, [0.14]), "u1")


def test_plan_of_another_instance_is_refused() -> None:
    """A plan that gives what the instance says is not eligible cannot be explained."""
    instance = build(Budget(amount=3))
    with pytest.raises(InputError, match="gives user u4 a coupon that this instance says is not eligible"):
        explain(instance, solved(instance, [("u4", "A")], [0.14]), "u4")


def test_solution_without_plan_is_refused() -> None:
    """There is nothing to explain where no plan was found."""
    instance = build(Budget(amount=3))
    solution = solved(instance, [], [0.14])
    without = Solution(
        Status.INFEASIBLE,
        StoppedBy.INFEASIBLE,
        math.nan,
        0.0,
        math.inf,
        solution.plan,
        solution.prices,
        solution.certificate,
    )
    with pytest.raises(InputError, match="the solution has no plan to explain"):
        explain(instance, without, "u1")


def best_worth(
    value: np.ndarray, cost: np.ndarray, price: float, most: int, conflict: bool
) -> dict[frozenset[int], float]:
    """Return what every allowed choice of one user leaves, by trying all."""
    left = value - price * cost
    sets = [frozenset(s) for size in range(most + 1) for s in combinations(range(len(value)), size)]
    return {s: sum(float(left[p]) for p in s) for s in sets if not (conflict and {0, 1} <= s)}


@given(
    value=st.lists(st.integers(0, 20), min_size=4, max_size=4),
    cost=st.lists(st.integers(1, 8), min_size=4, max_size=4),
    price=st.sampled_from([0.0, 0.125, 0.5, 1.0]),
    most=st.integers(1, 3),
    conflict=st.booleans(),
)
def test_changes_are_where_the_choice_flips(
    value: list[int], cost: list[int], price: float, most: int, conflict: bool
) -> None:
    """A little short of each change the plan's choice is still best; a little beyond, another one is."""
    values, costs = np.array([value], dtype=float) / 4, np.array([cost], dtype=float) / 2
    rules: list[Rule] = [Budget(amount=100), UserCap(coupons=most)]
    rules += [Exclusion(coupons=["A", "B"])] if conflict else []
    instance = build(*rules, value=values, cost=costs)
    tried = best_worth(values[0], costs[0], price, most, conflict)
    choice = max(tried, key=lambda s: tried[s])
    plan = [("u1", "ABCD"[place]) for place in sorted(choice)]
    found = explain(instance, solved(instance, plan, [price]), "u1")
    assert found.by_prices
    assert found.margin == pytest.approx(tried[choice] - max(w for s, w in tried.items() if s != choice))
    for change in found.changes:
        place = "ABCD".index(change.coupon_id)
        for beyond in (-1e-6, 1e-6):
            arrays = {"value": values[0].copy(), "cost": costs[0].copy()}
            direction = (
                1.0
                if change.then > change.now or (change.then == change.now and place not in choice)
                else -1.0
            )
            if change.measure == "cost" and change.then == change.now:
                direction = -direction
            arrays[change.measure][place] = change.then + direction * beyond
            moved = best_worth(arrays["value"], arrays["cost"], price, most, conflict)
            flipped = max(moved.values()) > moved[choice] + 1e-9
            assert flipped == (beyond > 0)


# ------------------------------------------------------------------ budgets that flip a choice


def shop() -> Instance:
    """Return three users whom A wins 3, 2 and 1 at 1 each, under a budget of 1.5: its price is 2."""
    return build(Budget(amount=1.5), value=np.array([[3.0], [2.0], [1.0]]), cost=np.ones((3, 1)))


def test_budgets_that_flip_by_hand() -> None:
    """u1 keeps A until no money is left, u3 gets it once there are 3; u2 is torn at the present price."""
    instance = shop()
    solution = solve(instance)
    first, torn, last = (explain(instance, solution, user, budget=True) for user in ("u1", "u2", "u3"))
    (fewer,) = first.budget_changes
    assert (fewer.rule, fewer.now, fewer.gets) == ("budget", 1.5, ())
    assert fewer.then == pytest.approx(0, abs=1e-9)
    (more,) = last.budget_changes
    assert (more.rule, more.now, more.gets) == ("budget", 1.5, ("A",))
    assert more.then == pytest.approx(3)
    assert more.words == "budget rose from 1.5 to about 3 (then A)"
    assert last.words.endswith(", or if budget rose from 1.5 to about 3 (then A).")
    assert torn.budget_changes == ()


def test_budgets_are_looked_for_where_asked() -> None:
    """Without being asked, without a budget, and for a user of the core there are none."""
    instance = shop()
    solution = solve(instance)
    assert explain(instance, solution, "u3").budget_changes == ()
    free = replace(instance, rules=())
    assert explain(free, solve(free), "u3", budget=True).budget_changes == ()
    swapped = solved(build(Budget(amount=3)), [("u1", "A"), ("u2", "B")], [0.14])
    assert explain(build(Budget(amount=3)), swapped, "u1", budget=True).budget_changes == ()


def test_a_budget_is_chosen_by_its_name() -> None:
    """Where there are several budgets the named one is moved; one that is not there is refused."""
    instance = shop()
    both = replace(instance, rules=(*instance.rules, Budget(amount=5, name="spare")))
    found = explain(both, solve(both), "u1", budget="spare")
    # The other budget still has its 1.5, and u1 is the first to be served from any.
    (change,) = found.budget_changes
    assert (change.rule, change.now) == ("spare", 5)
    assert change.then == pytest.approx(0, abs=1e-9)
    with pytest.raises(InputError, match=r"no rule has this name \(got 'post'\)"):
        explain(both, solve(both), "u1", budget="post")


def test_a_cancelled_search_leaves_the_rest_of_the_explanation() -> None:
    """Once cancelled, no budget is told, and everything else is."""
    cancel = threading.Event()
    cancel.set()
    instance = shop()
    found = explain(instance, solve(instance), "u3", budget=True, cancel=cancel)
    assert found.budget_changes == ()
    assert found.changes


def with_budget(instance: Instance, amount: float) -> Instance:
    """Return the instance with another first budget."""
    first, *others = instance.rules
    assert isinstance(first, Budget)
    return replace(instance, rules=(first.model_copy(update={"amount": amount}), *others))


def test_budgets_that_flip_are_met_when_solved_again() -> None:
    """Solved again just short of such a budget the plan's choice is still best, just beyond it the other."""
    instance = draw_instance(600, 4, seed=3, rules=("budget", "stock", "coverage", "parity", "exclusion"))
    now = solve(instance, method="priced", gap=1e-3)
    amount = instance.rules[0].amount  # type: ignore[union-attr]
    found = [explain(instance, now, user, budget=True) for user in instance.users.ids[5:25].to_pylist()]
    changes = [(one, change) for one in found for change in one.budget_changes]
    near = [pair for pair in changes if 0.5 * amount < pair[1].then < 2 * amount]
    assert len(near) >= 8
    assert {change.then > amount for _, change in near} == {True, False}
    for one, change in near:
        given = {offer.coupon_id for offer in one.given}
        # The search ends with a fiftieth of the lead; next to it, who is split between two stays so a while.
        for way, best in ((-1, given), (1, set(change.gets))):
            there = change.then + way * 0.03 * (change.then - amount)
            again = solve(with_budget(instance, there), method="priced", gap=1e-2, start=now)
            assert lead(instance, again, one.user_id, best) >= -0.05 * one.margin


def test_samples_do_not_blur_the_budgets_that_flip() -> None:
    """Of many users, too, the choice is best just short of such a budget and the other just beyond it."""
    instance = draw_instance(6000, 4, seed=5, rules=("budget", "stock", "exclusion", "return_floor"))
    now = solve(instance)
    amount = instance.rules[0].amount  # type: ignore[union-attr]
    found = [explain(instance, now, user, budget=True) for user in instance.users.ids[:12].to_pylist()]
    near = [(one, c) for one in found for c in one.budget_changes if 0.5 * amount < c.then < 2 * amount]
    assert len(near) >= 3
    for one, change in near:
        given = {offer.coupon_id for offer in one.given}
        for way, best in ((-1, given), (1, set(change.gets))):
            there = change.then + way * 0.03 * (change.then - amount)
            again = solve(with_budget(instance, there), start=now, gap=1e-4)
            assert lead(instance, again, one.user_id, best) >= -0.05 * one.margin


def lead(instance: Instance, solution: Solution, user: object, coupons: set[str]) -> float:
    """Return by how much a choice of at most one coupon beats all others at a solution's prices."""
    worth = {offer.coupon_id: offer.reduced_value for offer in explain(instance, solution, user).offers}
    own = sum(worth.pop(coupon) for coupon in coupons)
    return own - max([*worth.values(), 0.0] if coupons else worth.values())
