"""How far a sample's prices are from everybody's: what is said against what is seen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.drawn import instances
from tests.solver.campaigns import Parts, campaign, parts

from couponry.instances import Budget, Instance, Stock
from couponry.solver.basis import Basis
from couponry.solver.clock import Clock
from couponry.solver.engine import Exchanges
from couponry.solver.local import LocalEngine
from couponry.solver.newton import NewtonAnswer
from couponry.solver.polish import polish
from couponry.solver.prices import PriceBook, Tables
from couponry.solver.radius import class_variance, moments, table_radius

DRAWN = settings(max_examples=40, deadline=None, derandomize=True)


def sampled(some: Parts, size: int, seed: int) -> tuple[LocalEngine, NewtonAnswer]:
    """Return a sample, and its minimiser."""
    n = some.program.n_users
    users = some.program.sampler(seed, size).users(size)
    newton = some.newton(users=users, share=size / n)
    return newton.engine, newton.minimise(np.zeros(some.book.n_rows), precision=1e-8)


def radius(
    some: Parts, engine: LocalEngine, found: NewtonAnswer, *, share: float, times: float = 2.5, seed: int = 0
) -> Tables:
    """Return the radius of a sample."""
    return table_radius(
        engine,
        some.book,
        found.multipliers,
        found.hessian,
        some.scale.price,
        share=share,
        times=times,
        seed=seed,
    )


def minimiser(some: Parts) -> np.ndarray:
    """Return the multipliers that minimise L over everybody."""
    found = some.newton().minimise(np.zeros(some.book.n_rows))
    exact = polish(
        some.engine, some.book, some.scale, Clock(), some.nothing, found.multipliers, some.reach, found.width
    )
    assert exact is not None
    return exact.multipliers


def size(tables: Tables) -> float:
    """Return the mean size of all entries."""
    return float(np.mean(np.concatenate([table.ravel() for table in tables.values()])))


# ------------------------------------------------------------------------- moments


@DRAWN
@given(instance=instances(), seed=st.integers(0, 1000))
def test_moments_are_sums_of_squares(instance: Instance, seed: int) -> None:
    """Σ weight · d dᵀ is that of the exchanges' coefficients, each row in its own unit."""
    program = instance.program
    book, engine, rng = PriceBook(program), LocalEngine(program), np.random.default_rng(seed)
    shape = (program.n_classes, program.n_coupons)
    near = engine.exchanges({name: rng.normal(size=shape) for name in program.measures}, 2.0)[1]
    weight, unit = rng.random(len(near.loss)), rng.random(book.n_rows) + 0.5
    change = Basis.of(program).coefficients(near) * unit
    expected = (change * weight[:, None]).T @ change
    found = moments(Basis.of(program), near, weight, unit)
    assert found == pytest.approx(expected, rel=1e-10, abs=1e-10)
    assert found.shape == (book.n_rows, book.n_rows)


def test_moments_of_nothing() -> None:
    """Without exchanges there is no curvature."""
    some = parts("one", 0)
    nobody = np.zeros(0, np.int32)
    near = Exchanges.of(some.program, some.program.everybody, nobody, nobody, nobody, np.zeros(0))
    found = moments(some.basis, near, np.zeros(0), some.scale.price)
    assert found.shape == (some.book.n_rows,) * 2
    assert not found.any()


@DRAWN
@given(instance=instances(), seed=st.integers(0, 1000))
def test_variance_is_that_within_classes(instance: Instance, seed: int) -> None:
    """Users' whole sets scatter about their class's mean; of a class with one user the square counts."""
    program = instance.program
    book, engine, rng = PriceBook(program), LocalEngine(program), np.random.default_rng(seed)
    scores = {name: rng.normal(size=(program.n_classes, program.n_coupons)) for name in program.measures}
    unit = rng.random(book.n_rows) + 0.5
    pairs = engine.assign(scores, np.empty(0, np.int64)).pairs
    taken = Exchanges.of(
        program,
        program.everybody,
        pairs.user,
        np.full(len(pairs.user), -1, np.int32),
        pairs.place.astype(np.int32),
        np.zeros(len(pairs.user)),
    )
    each = np.zeros((program.n_users, book.n_rows))
    np.add.at(each, pairs.user, Basis.of(program).coefficients(taken) * unit)
    expected = np.zeros((book.n_rows,) * 2)
    for c in range(program.n_classes):
        own = each[program.classes.codes == c]
        n = len(own)
        if n == 1:
            expected += own.T @ own
        elif n > 1:
            expected += n * np.cov(own.T).reshape(expected.shape)
    found = class_variance(engine, Basis.of(program), scores, unit)
    size = (each**2).sum(axis=0).max(initial=1.0)
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-9 * size)


# -------------------------------------------------------------------------- radius


def test_no_live_row_no_radius() -> None:
    """Where limits are far off and no row has a price, no table can move."""
    rules = (Budget(amount=1e9), Stock(coupons=["C01"], at_most=1e6))
    bare = replace(campaign("one", 0), rules=rules)
    menu = bare.coupons.table.drop(columns=["stock", "minimum"])
    some = Parts(replace(bare, coupons=type(bare.coupons)(menu)).program)
    engine, found = sampled(some, 1000, 0)
    assert not found.multipliers.any()
    assert radius(some, engine, found, share=0.25) == {}


def test_tables_that_no_live_row_prices_stand_still() -> None:
    """With one live budget over two coupons only their entries in cost have a radius."""
    rules = (Budget(amount=40.0, coupons=["C00", "C03"]),)
    bare = replace(campaign("one", 0), rules=rules)
    menu = bare.coupons.table.drop(columns=["stock", "minimum"])
    some = Parts(replace(bare, coupons=type(bare.coupons)(menu)).program)
    engine, found = sampled(some, 1000, 0)
    assert found.multipliers.all()
    tables = radius(some, engine, found, share=0.25)
    assert list(tables) == ["cost"]
    assert (tables["cost"] > 0).tolist() == [[True, False, False, True, False, False]]


def test_everybody_is_no_sample() -> None:
    """Where the sample is the population there is no chance in its prices."""
    some = parts("one", 0)
    engine, found = sampled(some, some.program.n_users, 0)
    tables = radius(some, engine, found, share=1.0)
    assert all(not table.any() for table in tables.values())


def test_standard_deviations_are_multiplied() -> None:
    """The radius is proportional to how many standard deviations are asked for, and to nothing by chance."""
    some = parts("one", 0)
    engine, found = sampled(some, 1000, 0)
    one, three = (radius(some, engine, found, share=0.25, times=times) for times in (1.0, 3.0))
    assert one.keys() == three.keys()
    for measure, table in one.items():
        assert three[measure] == pytest.approx(3 * table)
        assert (table >= 0).all()
    again = radius(some, engine, found, share=0.25, times=1.0)
    assert all(again[m].tolist() == one[m].tolist() for m in one)
    other = radius(some, engine, found, share=0.25, times=1.0, seed=1)
    assert size(other) == pytest.approx(size(one), rel=0.5)
    assert size(other) != size(one)


@pytest.mark.parametrize("kind", ["one", "greedy"])
def test_radius_covers_most_of_what_samples_miss(kind: str) -> None:
    """Over ten samples at 2.5 standard deviations, nineteen table entries in twenty lie within the radius."""
    some = parts(kind, 0, 12_000)
    least = minimiser(some)
    inside, within_one = [], []
    for seed in range(10):
        engine, found = sampled(some, 3000, seed)
        moved = some.book.changes(least - found.multipliers)
        said = radius(some, engine, found, share=0.25)
        for measure, table in moved.items():
            limit = said.get(measure, np.zeros(table.shape))
            touched = table != 0
            inside.append((np.abs(table) <= limit)[touched])
            within_one.append((np.abs(table) <= limit / 2.5)[touched])
    assert np.concatenate(inside).mean() > 0.95
    # Nor is it far too wide: some entries are more than one standard deviation off.
    assert np.concatenate(within_one).mean() < 0.95


def test_larger_samples_have_smaller_radii() -> None:
    """Of four times as many users the radius is about half."""
    some = parts("one", 1, 40_000)
    sizes = []
    for users in (1000, 4000, 16_000):
        engine, found = sampled(some, users, 0)
        # The share is left out, so that size alone tells.
        sizes.append(size(radius(some, engine, found, share=1e-9)))
    assert sizes[0] > sizes[1] > sizes[2]
    assert 0.25 < (sizes[2] / sizes[0]) / 0.25 < 2.5
