"""The dual over undecided users: the linear program's optimum, its box, and who is split."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.drawn import instances
from tests.solver.linear import linear_optimum

from couponry.instances import (
    BackendError,
    Budget,
    Coupons,
    Exclusion,
    Instance,
    Program,
    Response,
    Rule,
    Stock,
    UserCap,
    Users,
)
from couponry.instances.generators import draw_instance
from couponry.solver.bound import dual_bound
from couponry.solver.clock import Clock
from couponry.solver.local import LocalEngine
from couponry.solver.master import Box, CoreAnswer, Master
from couponry.solver.prices import PriceBook, Tables
from couponry.solver.scale import RowScale, measure_scale


def one_coupon(*rules: Rule, values: tuple[float, ...] = (3.0, 2.0)) -> Program:
    """Return a coupon A that costs 1, for users to whom it is worth these values."""
    n = len(values)
    return Instance(
        Coupons(pd.DataFrame({"coupon_id": ["A"]})),
        Users(pa.table({"user_id": list(range(n))})),
        Response({"value": np.array(values)[:, None], "cost": np.ones((n, 1))}),
        rules,
    ).program


def nothing(program: Program) -> Tables:
    """Return the take of nobody."""
    return {name: np.zeros((program.n_classes, program.n_coupons)) for name in program.measures}


def minimise(
    program: Program,
    lower: list[float] | np.ndarray,
    upper: list[float] | np.ndarray,
    *,
    users: np.ndarray | None = None,
    settled: Tables | None = None,
    share: float = 1.0,
    start: np.ndarray | None = None,
) -> CoreAnswer:
    """Minimise L over a box."""
    book = PriceBook(program)
    # Who may have nothing is never undecided.
    picked = np.flatnonzero(program.choices.max_coupons > 0) if users is None else users
    scale = measure_scale(program, book, np.arange(program.n_users))
    held = nothing(program) if settled is None else settled
    master = Master(program, book, picked, held, share, scale, Clock())
    low, high = book.clip(np.asarray(lower, float)), book.clip(np.asarray(upper, float))
    centre = np.clip(np.zeros(book.n_rows) if start is None else start, low, high)
    radius = book.radius(np.maximum(high - centre, centre - low))
    return master.minimise(centre, Box(low, high), radius)


# ------------------------------------------------------------------------- by hand


def test_minimiser_inside_the_box() -> None:
    """With money for one user and a half, L(2) = 1 + 0 + 3 = 4 is the least, and the second user is split."""
    answer = minimise(one_coupon(Budget(amount=1.5)), [0.0], [10.0])
    assert answer.multipliers == pytest.approx([2.0])
    assert answer.value == pytest.approx(4.0)
    assert answer.broken.tolist() == [0.0]
    assert answer.users.tolist() == [0, 1]
    assert answer.split.tolist() == [False, True]
    assert answer.chosen[0].tolist() == [True]
    assert answer.margin == pytest.approx([1.0, 0.0])


def test_minimiser_at_the_edge_of_the_box() -> None:
    """Where the price may be 1 at most, both users are given and the row is broken by half a unit."""
    # L(1) = 2 + 1 + 1.5
    answer = minimise(one_coupon(Budget(amount=1.5)), [0.0], [1.0])
    assert answer.multipliers == pytest.approx([1.0])
    assert answer.value == pytest.approx(4.5)
    assert answer.broken == pytest.approx([0.5])
    assert answer.chosen.tolist() == [[True], [True]]
    assert answer.split.tolist() == [False, False]


def test_floors_are_broken_below() -> None:
    """A floor of 3 units that two users cannot fill is broken by −1 at the least price of the box."""
    # L(−4) = (3 + 4) + (2 + 4) − 3 · 4 = 1
    answer = minimise(one_coupon(Stock(coupons=["A"], at_least=3)), [-4.0], [0.0])
    assert answer.multipliers == pytest.approx([-4.0])
    assert answer.value == pytest.approx(1.0)
    assert answer.broken == pytest.approx([-1.0])


def test_settled_users_take_their_share_of_the_row() -> None:
    """What settled users take is off the row, and their value is in the bound."""
    # User 0 has taken 1 of 1.5; half a unit is left for user 1: 3 + 0.5 · 2.
    program = one_coupon(Budget(amount=1.5))
    settled = {name: np.array([[3.0 if name == "value" else 1.0]]) for name in program.measures}
    answer = minimise(program, [0.0], [10.0], users=np.array([1]), settled=settled)
    assert answer.value == pytest.approx(4.0)
    assert answer.multipliers == pytest.approx([2.0])
    assert answer.users.tolist() == [1]
    assert answer.split.tolist() == [True]


def test_a_sample_has_its_share_of_the_row() -> None:
    """Of half of the users the row's sides are halved."""
    # Half of 3 is 1.5, as above.
    answer = minimise(one_coupon(Budget(amount=3.0)), [0.0], [10.0], share=0.5)
    assert answer.value == pytest.approx(4.0)


def test_nobody_undecided() -> None:
    """Without undecided users only what was settled counts, and a slack row has no price."""
    program = one_coupon(Budget(amount=1.5))
    settled = {name: np.array([[3.0 if name == "value" else 1.0]]) for name in program.measures}
    answer = minimise(program, [0.0], [10.0], users=np.empty(0, np.int64), settled=settled)
    assert answer.value == pytest.approx(3.0)
    assert answer.multipliers.tolist() == [0.0]
    assert len(answer.users) == len(answer.split) == len(answer.margin) == 0


def test_nothing_worth_giving() -> None:
    """Users to whom a coupon is worth less than nothing take nothing, which beats it by that much."""
    answer = minimise(one_coupon(Budget(amount=1.5), values=(-1.0, -2.0)), [0.0], [10.0])
    assert answer.value == pytest.approx(0.0)
    assert not answer.chosen.any()
    assert not answer.split.any()
    assert answer.margin == pytest.approx([1.0, 2.0])


def test_whole_choices_and_not_single_pairs() -> None:
    """Under a cap on money the hull of whole choices is met, tighter than the rows of single pairs."""
    # A and B cost 2 each and are worth 1 each, a user may spend 3: one coupon, not one and a half.
    program = Instance(
        Coupons(pd.DataFrame({"coupon_id": ["A", "B"]})),
        Users(pa.table({"user_id": [1]})),
        Response({"value": np.ones((1, 2)), "cost": np.full((1, 2), 2.0)}),
        (UserCap(coupons=2, money=3.0), Budget(amount=100)),
    ).program
    assert minimise(program, [0.0], [10.0]).value == pytest.approx(1.0)


def test_natural_price() -> None:
    """A multiplier's natural size is that of the objective over that of the row."""
    assert RowScale(np.array([2.0, 0.5]), 3.0).price.tolist() == [1.5, 6.0]


def test_refusals_of_highs_are_ordinary_errors() -> None:
    """Numbers that HiGHS does not take are told in the one exception tree."""
    program = one_coupon(Budget(amount=1.5))
    book = PriceBook(program)
    scale = RowScale(np.array([1e-20]), 1.0)  # HiGHS takes no coefficient above 1e15
    master = Master(program, book, np.arange(2), nothing(program), 1.0, scale, Clock())
    with pytest.raises(BackendError, match="HiGHS refused columns of the core"):
        master.minimise(np.zeros(1), Box(np.zeros(1), np.ones(1)), {})


# -------------------------------------------------------------------- drawn instances


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("places", [None, 3])
def test_whole_program_is_the_linear_optimum(seed: int, places: int | None) -> None:
    """Over everybody and any price, the optimum is HiGHS's, and L at the multipliers is the same."""
    rules = ("budget", "sms_budget", "stock", "target", "coverage", "parity", "return_floor", "keep")
    instance = draw_instance(250, 5, seed=seed, rules=rules, shortlist=places, eligible=0.9)
    instance = replace(instance, rules=(*instance.rules, UserCap(coupons=2), Exclusion(by="channel")))
    program = instance.program
    book = PriceBook(program)
    wide = np.full(book.n_rows, 1e3)
    answer = minimise(program, -wide, wide)
    optimum = linear_optimum(program)
    assert answer.value == pytest.approx(optimum, rel=1e-9)
    assert dual_bound(LocalEngine(program), book, answer.multipliers) == pytest.approx(optimum, rel=1e-9)
    assert not answer.broken.any()
    # A vertex splits no more users than there are rows.
    assert answer.split.sum() <= book.n_rows


@settings(max_examples=40, deadline=None, derandomize=True)
@given(instance=instances(), seed=st.integers(0, 1000))
def test_nothing_in_the_box_is_less(instance: Instance, seed: int) -> None:
    """Over any box the value is L at the multipliers, and no other point of it has less."""
    program = instance.program
    book, engine, rng = PriceBook(program), LocalEngine(program), np.random.default_rng(seed)
    centre, size = book.clip(rng.normal(size=book.n_rows)), rng.choice([0.1, 1.0, 5.0])
    low, high = book.clip(centre - size), book.clip(centre + size)
    answer = minimise(program, low, high, start=centre)
    assert (answer.multipliers >= low - 1e-9).all()
    assert (answer.multipliers <= high + 1e-9).all()
    slack = 1e-7 * max(1.0, abs(answer.value))
    assert dual_bound(engine, book, answer.multipliers) == pytest.approx(answer.value, abs=slack)
    for _ in range(20):
        other = low + rng.random(book.n_rows) * (high - low)
        assert dual_bound(engine, book, other) >= answer.value - slack


@settings(max_examples=40, deadline=None, derandomize=True)
@given(instance=instances(), seed=st.integers(0, 1000))
def test_settling_loses_nothing(instance: Instance, seed: int) -> None:
    """Over a box, the undecided users alone, with the settled users' take, have the optimum of everybody."""
    program = instance.program
    book, engine, rng = PriceBook(program), LocalEngine(program), np.random.default_rng(seed)
    centre = book.clip(rng.normal(size=book.n_rows))
    box = np.full(book.n_rows, 0.2)
    settled = engine.settle(book.scores(centre), book.radius(box))
    whole = minimise(program, centre - box, centre + box, start=centre)
    part = minimise(
        program, centre - box, centre + box, users=settled.undecided, settled=settled.tables, start=centre
    )
    assert part.value == pytest.approx(whole.value, abs=1e-7 * max(1.0, abs(whole.value)))
