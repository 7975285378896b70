"""Newton's method on the dual: near HiGHS's optimum, never below it, and its curvature is L's."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.solver.campaigns import KINDS, Cancelled, Parts, campaign, optimum, parts

from couponry.instances import Budget, Stock, Target
from couponry.instances.generators import draw_instance
from couponry.solver.bound import dual_bound
from couponry.solver.clock import Clock
from couponry.solver.local import LocalEngine
from couponry.solver.newton import Newton, NewtonAnswer
from couponry.solver.prices import PriceBook


def minimise(some: Parts) -> NewtonAnswer:
    """Minimise L over all users, from no prices."""
    return some.newton().minimise(np.zeros(some.book.n_rows))


def bent(some: Parts, x: np.ndarray, step: np.ndarray) -> float:
    """Return the second difference of L along a step of natural size: the change of its slope there."""
    unit = some.scale.price

    def slope(at: np.ndarray) -> float:
        demand = some.engine.demand(some.book.scores(at * unit))
        return -float((some.book.activity(demand.tables) * unit) @ step)

    return slope(x + step / 2) - slope(x - step / 2)


# ------------------------------------------------------------------ against HiGHS


@pytest.mark.parametrize("kind", KINDS)
def test_value_is_near_the_linear_optimum(kind: str) -> None:
    """Of 4,000 users L at the multipliers is within a millionth of HiGHS's optimum, and never below it."""
    some = parts(kind, 0)
    answer = minimise(some)
    least = optimum(kind, 0)
    assert answer.converged
    assert answer.value == pytest.approx(least, rel=1e-6)
    assert answer.value >= least - 1e-9 * abs(least)


@pytest.mark.parametrize("kind", KINDS)
def test_answer_is_that_of_its_multipliers(kind: str) -> None:
    """Value and activity are those of all users at the multipliers, and no absent side is priced."""
    some = parts(kind, 0)
    answer = minimise(some)
    demand = some.engine.demand(some.book.scores(answer.multipliers))
    assert answer.activity == pytest.approx(some.book.activity(demand.tables))
    assert answer.value == pytest.approx(some.bound(answer.multipliers), rel=1e-12)
    assert some.book.clip(answer.multipliers).tolist() == answer.multipliers.tolist()
    assert answer.multipliers.any()
    assert answer.share == 1.0


@pytest.mark.slow
def test_of_more_users_the_value_is_nearer() -> None:
    """Of 8,000 users L is within a third of a millionth of HiGHS's optimum: kinks lie denser."""
    least = optimum("one", 1, 8000)
    answer = minimise(parts("one", 1, 8000))
    assert answer.value == pytest.approx(least, rel=3e-7)
    assert answer.value >= least - 1e-9 * abs(least)


# ---------------------------------------------------------------------- curvature


@pytest.mark.parametrize("kind", KINDS)
def test_hessian_is_symmetric_and_positive(kind: str) -> None:
    """The curvature is symmetric and nowhere negative, and every row has some."""
    some = parts(kind, 0)
    hessian = minimise(some).hessian
    assert hessian == pytest.approx(hessian.T, rel=1e-12)
    least, *_, most = np.linalg.eigvalsh(hessian)
    assert least >= -1e-12 * most
    assert (np.diag(hessian) > 0).all()


@pytest.mark.parametrize("more", [(), ("exclusion", "user_cap")])
@pytest.mark.parametrize("seed", [0, 3])
def test_hessian_is_the_change_of_activity(more: tuple[str, ...], seed: int) -> None:
    """Over 60,000 users activities change along steps as the curvature says, also where money is capped."""
    kinds = ("budget", "sms_budget", "coverage", "parity", *more)
    some = Parts(draw_instance(60_000, 5, seed=seed, rules=kinds, budget_share=0.15).program)
    rng = np.random.default_rng(seed)
    x = some.book.clip(0.3 * rng.normal(size=some.book.n_rows))
    live = np.flatnonzero(x)
    assert len(live) >= 6
    width = 0.02 * some.scale.objective
    near = some.engine.exchanges(some.book.scores(x * some.scale.price), width)[1]
    hessian = some.newton()._hessian(near, width)
    seen, said = 0.0, 0.0
    for _ in range(12):
        step = np.zeros(len(x))
        step[live] = 0.005 * rng.choice([-1.0, 1.0], len(live))
        seen += bent(some, x, step)
        said += float(step @ hessian @ step)
    assert seen == pytest.approx(said, rel=0.06)


# --------------------------------------------------------- parts of the population


@pytest.mark.parametrize("kind", ["one", "greedy"])
def test_settled_users_are_a_constant(kind: str) -> None:
    """With most users settled L of the others and the settled is that of everybody."""
    some = parts(kind, 0)
    found = minimise(some)
    settled = some.engine.settle(
        some.book.scores(found.multipliers), some.book.radius(0.1 * np.abs(found.multipliers))
    )
    assert 0 < len(settled.undecided) < 2000
    core = LocalEngine(settled.core, threads=1)
    newton = Newton(
        core,
        some.book,
        some.scale,
        Clock(),
        settled=settled.tables,
        share=1.0,
        reach=some.reach,
    )
    again = newton.minimise(found.multipliers, width=found.width)
    assert again.value <= found.value * (1 + 1e-12)
    assert again.value == pytest.approx(some.bound(again.multipliers), rel=1e-12)
    assert again.activity == pytest.approx(
        some.book.activity(some.engine.demand(some.book.scores(again.multipliers)).tables)
    )


def test_a_sample_has_its_share_of_the_limits() -> None:
    """Everybody twice, as two thirds of a population of three times everybody, has the same prices."""
    some = parts("one", 0)
    n = some.program.n_users
    once = some.newton(share=1.0).minimise(np.zeros(some.book.n_rows))
    twice = some.newton(users=np.repeat(np.arange(n), 2), share=2.0)
    start = once.multipliers
    # The start is as good a place for both: L is twice as much, and nothing is to be won.
    assert twice.minimise(start, precision=1e-6).value == pytest.approx(2 * once.value, rel=1e-9)
    sample = some.newton(users=np.arange(0, n, 2), share=0.5).minimise(np.zeros(some.book.n_rows))
    assert sample.share == 0.5
    assert sample.value / sample.share == pytest.approx(once.value, rel=0.03)


# --------------------------------------------------------------------- how it ends


def test_a_start_at_the_end_stays_there() -> None:
    """From its own answer, in the last window, the search wins next to nothing."""
    some = parts("one", 0)
    found = minimise(some)
    again = some.newton().minimise(found.multipliers, width=found.width)
    assert again.value <= found.value
    assert again.value == pytest.approx(found.value, rel=1e-6)


def test_a_cancelled_search_says_so() -> None:
    """Stopped after one step it has not converged, and its value is still L at its multipliers."""
    some = parts("one", 0)
    answer = some.newton(clock=Clock(cancel=Cancelled())).minimise(np.zeros(some.book.n_rows))
    assert not answer.converged
    assert answer.value == pytest.approx(some.bound(answer.multipliers), rel=1e-12)
    assert answer.value <= some.bound(np.zeros(some.book.n_rows))


@pytest.mark.parametrize(("reach", "least"), [(1e4, 100.0), (20.0, 20.0)])
def test_prices_run_away_where_no_plan_exists(reach: float, least: float) -> None:
    """Rules that clash drive a price beyond a hundred times its natural size, or as far as it may go."""
    clash = (Target(at_least=3000, measure="count"), Budget(amount=1.0))
    some = Parts(replace(campaign("one", 0), rules=clash).program)
    limit = reach * some.scale.price
    newton = Newton(some.engine, some.book, some.scale, Clock(), settled={}, share=1.0, reach=limit)
    found = np.abs(newton.minimise(np.zeros(some.book.n_rows)).multipliers)
    assert (found <= limit * (1 + 1e-12)).all()
    assert (found / some.scale.price).max() >= least * (1 - 1e-12)


def test_slack_rows_have_no_price() -> None:
    """Limits that nobody comes near cost nothing, and L is what everybody likes best."""
    instance = campaign("one", 0)
    slack = (Budget(amount=1e9), Stock(coupons=["C01"], at_most=1e6), Target(at_least=-1e6))
    some = Parts(replace(instance, rules=slack).program)
    free = [k for k, row in enumerate(some.program.rows) if row.rule >= 0]
    answer = minimise(some)
    assert not answer.multipliers[free].any()


def test_rows_left_out_have_no_price() -> None:
    """Of rows left out the price stays zero, and the least L without them is higher."""
    some = parts("one", 0)
    whole = minimise(some)
    out = np.arange(some.book.n_rows) == np.argmax(np.abs(whole.multipliers) / some.scale.price)
    newton = some.newton()
    newton.leave_out(out)
    without = newton.minimise(np.zeros(some.book.n_rows))
    assert whole.multipliers[out].all()
    assert not without.multipliers[out].any()
    assert without.value > whole.value


def test_a_step_by_everybody_brings_a_sample_nearer() -> None:
    """Everybody's slope and the sample's curvature win most of what the sample's prices lose."""
    some = parts("one", 1, 40_000)
    least = minimise(some).value
    users = np.sort(np.random.default_rng(0).permutation(some.program.n_users)[:4000])
    found = some.newton(users=users, share=0.1).minimise(np.zeros(some.book.n_rows), precision=1e-6)
    everybody = some.newton()
    before, after = (
        dual_bound(some.engine, some.book, multipliers) - least
        for multipliers in (found.multipliers, everybody.step(found))
    )
    assert after < 0.5 * before


def test_without_the_objective_only_rows_count() -> None:
    """Where pairs are worth nothing L is at least 0 if there is a plan, and no price makes it less."""
    some = parts("one", 0)
    book = PriceBook(some.program, with_objective=False)
    newton = Newton(some.engine, book, some.scale, Clock(), settled=some.nothing, share=1.0, reach=some.reach)
    answer = newton.minimise(np.full(book.n_rows, 0.1) * some.scale.price)
    assert answer.value >= -1e-9
