"""From near the minimiser to the minimiser: HiGHS's linear optimum, to nine digits."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from tests.solver.campaigns import KINDS, Cancelled, Parts, optimum, parts

from couponry.instances import Budget, Coupons, Instance, Response, Stock, Users
from couponry.solver import polish as module
from couponry.solver.clock import Clock
from couponry.solver.local import LocalEngine
from couponry.solver.master import CoreAnswer
from couponry.solver.polish import polish
from couponry.solver.prices import Tables


def polished(
    some: Parts,
    start: np.ndarray,
    *,
    engine: LocalEngine | None = None,
    settled: Tables | None = None,
    clock: Clock | None = None,
) -> CoreAnswer | None:
    """Minimise L exactly from a start, over everybody if not said."""
    return polish(
        engine or some.engine,
        some.book,
        some.scale,
        clock or Clock(),
        settled or some.nothing,
        start,
        some.reach,
        0.01 * some.scale.objective,
    )


def counted(monkeypatch: pytest.MonkeyPatch) -> list[module._Turned]:
    """Return a list to which every linear program's answer is added."""
    solved: list[module._Turned] = []
    program = module._program

    def noted(*arguments: object) -> module._Turned:
        solved.append(program(*arguments))  # type: ignore[arg-type]
        return solved[-1]

    monkeypatch.setattr(module, "_program", noted)
    return solved


def newton(some: Parts) -> np.ndarray:
    """Return the multipliers where Newton's method ends."""
    return some.newton().minimise(np.zeros(some.book.n_rows)).multipliers


def alike(users: int) -> Parts:
    """Return users who are exactly alike: a coupon costs 1 and is worth 1, and there is money for half."""
    instance = Instance(
        Coupons(pd.DataFrame({"coupon_id": ["A"]})),
        Users(pa.table({"user_id": np.arange(users)})),
        Response({"value": np.ones((users, 1)), "cost": np.ones((users, 1))}),
        (Budget(amount=users / 2),),
    )
    return Parts(instance.program)


@pytest.mark.parametrize("kind", KINDS)
def test_exact_from_where_newton_ends(kind: str) -> None:
    """The value is HiGHS's optimum, L at the multipliers is the same, and no row is broken."""
    some = parts(kind, 0)
    start = newton(some)
    answer = polished(some, start)
    least = optimum(kind, 0)
    assert answer is not None
    assert answer.value == pytest.approx(least, rel=1e-9)
    assert some.bound(answer.multipliers) == pytest.approx(least, rel=1e-9)
    assert some.bound(answer.multipliers) <= some.bound(start)
    assert some.book.clip(answer.multipliers).tolist() == answer.multipliers.tolist()
    assert not answer.broken.any()


@pytest.mark.parametrize("kind", KINDS)
def test_its_users_are_few_and_split_ones_fewer(kind: str) -> None:
    """One linear program takes all that are undecided, and a vertex splits at most a user a row."""
    some = parts(kind, 0)
    answer = polished(some, newton(some))
    assert answer is not None
    assert len(answer.users) <= max(module.FEWEST, module.A_ROW * some.book.n_rows)
    assert answer.users.tolist() == sorted(set(answer.users.tolist()))
    assert 0 < answer.split.sum() <= some.book.n_rows
    assert answer.chosen.shape == (len(answer.users), some.program.places)
    assert (answer.chosen.sum(axis=1) <= some.program.choices.max_coupons[answer.users]).all()
    # Those who are not split have what is best for them at the multipliers.
    scores = some.book.scores(answer.multipliers)
    _, worth = LocalEngine(some.program, answer.users).choices(scores)
    reduced = np.nan_to_num(LocalEngine(some.program, answer.users).scores(scores), neginf=0.0)
    own = np.where(answer.chosen, reduced, 0.0).sum(axis=1)
    assert own == pytest.approx(worth, abs=1e-7 * some.scale.objective)


def test_near_the_end_one_program_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """What fractions of plans reach meets L at the program's prices: so nothing is left to be won."""
    some = parts("one", 0)
    solved = counted(monkeypatch)
    answer = polished(some, newton(some))
    assert answer is not None
    assert len(solved) == 1
    assert solved[0].reached == pytest.approx(answer.value, rel=module.GAIN)


def test_a_start_further_off_takes_more_programs_to_the_same_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """From prices that are off by a fiftieth each there are several, and the optimum is reached."""
    some = parts("one", 0)
    solved = counted(monkeypatch)
    off = newton(some) * np.random.default_rng(2).choice([0.98, 1.02], some.book.n_rows)
    answer = polished(some, off)
    assert answer is not None
    assert answer.value == pytest.approx(optimum("one", 0), rel=1e-9)
    assert 1 < len(solved) <= module.MOVES


def test_settled_users_are_a_constant() -> None:
    """Over the undecided alone, with what the settled take, the end is that of everybody."""
    some = parts("greedy", 0)
    start = newton(some)
    settled = some.engine.settle(
        some.book.scores(start), some.book.radius(0.1 * (np.abs(start) + some.scale.price))
    )
    assert len(settled.undecided) < some.program.n_users
    answer = polished(some, start, engine=LocalEngine(settled.core, threads=1), settled=settled.tables)
    assert answer is not None
    assert answer.value == pytest.approx(optimum("greedy", 0), rel=1e-9)
    assert answer.users.max() < len(settled.undecided)


def test_users_exactly_alike_are_not_polished() -> None:
    """At the price that thousands are split at they are undecided in any box: there is no answer."""
    assert polished(alike(3000), np.array([1.0])) is None


def test_beside_users_alike_the_value_is_still_that_of_its_prices() -> None:
    """From beside that price boxes end short of it: with L there, less than at the start, and at an edge."""
    some = alike(3000)
    start = np.array([0.9995])
    answer = polished(some, start)
    assert answer is not None
    assert answer.broken.any()
    assert answer.value == pytest.approx(some.bound(answer.multipliers), rel=1e-12)
    assert 1500.0 <= answer.value < some.bound(start)


def test_few_users_alike_are() -> None:
    """A hundred users who are alike fit a linear program: with money for fifty L is 50 at a price of 1."""
    answer = polished(alike(100), np.array([0.9995]))
    assert answer is not None
    assert answer.multipliers == pytest.approx([1.0])
    assert answer.value == pytest.approx(50.0)


def test_no_price_matters() -> None:
    """Where no price matters to anybody, L is what the settled bring, and no price is best."""
    some = Parts(
        Instance(
            Coupons(pd.DataFrame({"coupon_id": ["A"]})),
            Users(pa.table({"user_id": [1, 2]})),
            Response({"value": np.array([[3.0], [-1.0]]), "cost": np.ones((2, 1))}),
            (Stock(coupons=["A"], at_most=5),),
        ).program
    )
    answer = polished(some, np.zeros(1))
    assert answer is not None
    assert answer.value == pytest.approx(3.0)
    assert answer.multipliers.tolist() == [0.0]
    assert not answer.split.any()


def test_cancelled_there_is_no_answer() -> None:
    """A search that is stopped before its first program ends leaves prices as they were."""
    some = parts("one", 0)
    assert polished(some, newton(some), clock=Clock(cancel=Cancelled())) is None
