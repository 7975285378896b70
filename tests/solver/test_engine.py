"""What engines hand out: exchanges, by hand and among one another, and what an assignment consists of."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.drawn import instances
from tests.instances.small import four_users

from couponry.instances import Budget, Coverage, Instance, Program
from couponry.instances.blocks import Block
from couponry.solver.basis import Basis
from couponry.solver.engine import Exchanges, Pairs
from couponry.solver.exact_sums import ExactTables
from couponry.solver.feasibility import pair_columns
from couponry.solver.local import LocalEngine
from couponry.solver.prices import PriceBook, Tables

DRAWN = settings(max_examples=25, deadline=None, derandomize=True)


def program() -> Program:
    """Return the four users under a budget and a coverage by region."""
    return four_users(Budget(amount=4), Coverage(segment="region", at_least=0.5)).program


def exchanges() -> Exchanges:
    """Return four: u1 takes B for A; u2 drops A; u3 takes C; u4 takes B for C."""
    of = program()
    columns = [np.array(part, np.int32) for part in ([0, 1, 2, 3], [0, 0, -1, 2], [1, -1, 2, 1])]
    return Exchanges.of(of, of.everybody, *columns, np.array([0.1, 0.2, 0.3, 0.4]))


def drawn(instance: Instance, seed: int) -> tuple[LocalEngine, Tables, Exchanges]:
    """Return an engine, tables, and all exchanges there."""
    engine, rng = LocalEngine(instance.program), np.random.default_rng(seed)
    shape = (engine.program.n_classes, engine.program.n_coupons)
    tables = {name: rng.normal(size=shape) for name in engine.program.measures}
    return engine, tables, engine.exchanges(tables, 100.0)[1]


# ------------------------------------------------------------------------- by hand


def test_places_are_looked_up() -> None:
    """Class, coupons and measures of the leaving and the entering pair stand beside each exchange."""
    near = exchanges()
    assert near.user.tolist() == [0, 1, 2, 3]
    assert near.classes.tolist() == [1, 1, 2, 0]  # east, north, south
    assert near.leaving.tolist() == [0, 0, -1, 2]
    assert near.entering.tolist() == [1, -1, 2, 1]
    cost = program().measures.index("cost")
    assert near.measures_out[cost][[0, 1, 3]].tolist() == [1, 1, 3]
    assert near.measures_in[cost][[0, 2, 3]].tolist() == [2, 3, 2]
    assert (near.measures_in[program().measures.index("count")] == 1).all()


def test_shortlists_and_blocks_are_looked_up() -> None:
    """On a shortlist places hold coupons; users of a block count from where it begins."""
    whole = program()
    columns = {name: array[:2, :2] for name, array in whole.columns.items()}
    lists = np.array([[2, 0], [1, 2]], np.int32)
    block = Block(100, np.array([1, 0], np.int32), np.ones(2, np.int32), columns, lists)
    user, out, into = (np.array(part, np.int32) for part in ([1, 0], [0, -1], [1, 0]))
    near = Exchanges.of(whole, block, user, out, into, np.zeros(2))
    assert near.user.tolist() == [101, 100]
    assert near.classes.tolist() == [0, 1]
    assert near.leaving.tolist() == [1, -1]
    assert near.entering.tolist() == [2, 2]
    assert near.measures_in[0].tolist() == [columns["value"][1, 1], columns["value"][0, 0]]


def test_coefficients_of_each_exchange() -> None:
    """Rows count what enters less what leaves: stock of A and B, the budget, and coverage by region."""
    of = program()
    assert [row.name for row in of.rows][:3] == ["stock A", "stock B", "budget"]
    assert Basis.of(of).coefficients(exchanges()).tolist() == [
        [-1, 1, 1, 0, 0, 0],
        [-1, 0, -1, 0, -1, 0],
        [0, 0, 3, 0, 0, 1],
        [0, 1, -1, 0, 0, 0],
    ]


def test_worth_at_given_tables() -> None:
    """At value less a tenth of cost: 0.2 − 0.1 − 0.1; −0.2 + 0.1; 0.2 − 0.3; 0.5 − 0.1 + 0.1."""
    of = program()
    tables = {"value": np.ones((3, 3)), "cost": np.full((3, 3), -0.1)}
    assert exchanges().worth(of, tables) == pytest.approx([0.0, -0.1, -0.1, 0.5])
    assert exchanges().worth(of, tables, slice(2, None)) == pytest.approx([-0.1, 0.5])
    assert exchanges().worth(of, {}).tolist() == [0.0] * 4


@pytest.mark.parametrize(
    "some",
    [slice(1, 3), np.array([1, 2]), np.array([False, True, True, False])],
    ids=["slice", "places", "mask"],
)
def test_some_of_the_exchanges(some: np.ndarray | slice) -> None:
    """A part holds the same of every field, measures by their last axis."""
    part = exchanges().take(some)
    assert part.user.tolist() == [1, 2]
    assert part.loss.tolist() == [0.2, 0.3]
    assert part.entering.tolist() == [-1, 2]
    assert part.measures_in.shape == (len(program().measures), 2)


def test_joined_parts_are_the_whole() -> None:
    """Parts joined in their order are what they were taken from."""
    whole = exchanges()
    again = Exchanges.joined([whole.take(slice(0, 1)), whole.take(slice(1, 1)), whole.take(slice(1, 4))])
    for field in fields(Exchanges):
        assert getattr(again, field.name).tolist() == getattr(whole, field.name).tolist()


# ---------------------------------------------------------------------------- drawn


@DRAWN
@given(instance=instances(), seed=st.integers(0, 1000))
def test_a_loss_is_what_the_exchange_is_worth(instance: Instance, seed: int) -> None:
    """At the tables where exchanges are found each is worth its loss, negated."""
    engine, tables, near = drawn(instance, seed)
    assert -near.worth(engine.program, tables) == pytest.approx(near.loss, abs=1e-9)


@DRAWN
@given(instance=instances(), seed=st.integers(0, 1000))
def test_prices_change_a_worth_by_the_rows_coefficients(instance: Instance, seed: int) -> None:
    """When multipliers move by δ an exchange's worth moves by −δ times what it adds to the rows."""
    engine, _, near = drawn(instance, seed)
    book = PriceBook(engine.program)
    move = np.random.default_rng(seed).normal(size=book.n_rows)
    changed = near.worth(engine.program, book.changes(move))
    assert changed == pytest.approx(-Basis.of(engine.program).coefficients(near) @ move, abs=1e-9)


@DRAWN
@given(instance=instances(), seed=st.integers(0, 1000))
def test_coefficients_are_the_change_of_activity(instance: Instance, seed: int) -> None:
    """After an exchange the rows' activity has changed by its coefficients."""
    engine, tables, near = drawn(instance, seed)
    book, chosen = PriceBook(engine.program), engine.choices(tables)[0]
    coefficients = Basis.of(engine.program).coefficients(near)
    assert coefficients.shape == (len(near.loss), book.n_rows)
    before = activity(engine.program, book, chosen)
    for e in range(min(len(near.loss), 12)):
        after = chosen.copy()
        if near.place_out[e] >= 0:
            after[near.user[e], near.place_out[e]] = False
        if near.place_in[e] >= 0:
            after[near.user[e], near.place_in[e]] = True
        moved = activity(engine.program, book, after) - before
        assert coefficients[e] == pytest.approx(moved, abs=1e-9)


def activity(of: Program, book: PriceBook, chosen: np.ndarray) -> np.ndarray:
    """Return the rows' activity of chosen places."""
    user, place = np.nonzero(chosen)
    coupon = place if of.coupon is None else of.coupon[user, place]
    values = {m: c[user, place].astype(np.float64) for m, c in of.columns.items()}
    return np.asarray(book.coefficients(values, of.classes.codes[user], coupon).sum(axis=1))


@DRAWN
@given(instance=instances(), seed=st.integers(0, 1000))
def test_an_assignment_is_the_best_of_all_but_the_core(instance: Instance, seed: int) -> None:
    """Its pairs are the best choices outside the core, its sums theirs, its total and error everybody's."""
    engine, tables, _ = drawn(instance, seed)
    of = engine.program
    core = np.flatnonzero(np.random.default_rng(seed).random(of.n_users) < 0.5)
    assigned = engine.assign(tables, core)
    chosen = engine.choices(tables)[0]
    chosen[core] = False
    user, place = np.nonzero(chosen)
    assert assigned.pairs.user.tolist() == user.tolist()
    assert assigned.pairs.place.tolist() == place.tolist()
    sums = ExactTables.of(of)
    sums.add_pairs(*pair_columns(of, assigned.pairs))
    for measure in of.measures:
        assert assigned.sums.total(measure) == sums.total(measure)
    demand = engine.demand(tables, with_error=True)
    assert (assigned.total, assigned.error) == (demand.total, demand.error)


# ------------------------------------------------------------------- settled users


def test_pairs_are_joined_in_the_users_order() -> None:
    """Two sets of pairs become one, by user and then by place."""
    both = Pairs(np.array([1, 4]), np.array([2, 0])).joined(Pairs(np.array([0, 1, 9]), np.array([1, 0, 3])))
    assert both.user.tolist() == [0, 1, 1, 4, 9]
    assert both.place.tolist() == [1, 0, 2, 0, 3]


@DRAWN
@given(instance=instances(), seed=st.integers(0, 1000), size=st.sampled_from([0.02, 0.2]))
def test_settled_and_undecided_together_are_everybody(instance: Instance, seed: int, size: float) -> None:
    """Anywhere in the box, who was settled and what the others take there make the same pass over all."""
    rng = np.random.default_rng(seed)
    engine = LocalEngine(instance.program)
    shape = (engine.program.n_classes, engine.program.n_coupons)
    centre = {name: rng.normal(size=shape) for name in engine.program.measures}
    radius = {name: size * np.abs(table) for name, table in centre.items()}
    settled = engine.settle(centre, radius, with_pairs=True)
    inside = {name: table + rng.uniform(-1, 1, shape) * radius[name] for name, table in centre.items()}
    beyond = {name: table + 1.5 * radius[name] for name, table in centre.items()}
    assert settled.holds(inside)
    assert not settled.holds(beyond)
    nobody = np.empty(0, np.int64)
    joined = settled.joined(LocalEngine(settled.core).assign(inside, nobody), inside)
    whole = engine.assign(inside, nobody)
    assert joined.pairs.user.tolist() == whole.pairs.user.tolist()
    assert joined.pairs.place.tolist() == whole.pairs.place.tolist()
    assert abs(joined.total - whole.total) <= joined.error + whole.error
    for name in engine.program.measures:
        assert joined.sums.total(name) == whole.sums.total(name)
    nearer = {name: 0.1 * table for name, table in radius.items()}
    again = settled.then(LocalEngine(settled.core).settle(inside, nearer))
    twice = again.joined(LocalEngine(again.core).assign(inside, nobody, with_pairs=False), inside)
    assert set(again.undecided) <= set(settled.undecided)
    assert abs(twice.total - whole.total) <= twice.error + whole.error
    for name in engine.program.measures:
        assert twice.sums.total(name) == whole.sums.total(name)
