"""Rows taken apart into demands, and put together again."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.drawn import instances
from tests.instances.small import four_users

from couponry.instances import Budget, Coverage, Instance, Parity, Program, ReturnFloor, Rule
from couponry.instances.generators import RULE_NAMES, draw_instance
from couponry.solver.basis import Basis
from couponry.solver.engine import Exchanges
from couponry.solver.local import LocalEngine
from couponry.solver.prices import PriceBook, Tables

DRAWN = settings(max_examples=40, deadline=None, derandomize=True)


def basis_of(*rules: Rule) -> Basis:
    """Return the basis of the four users' rules; the menu's two rows of stock come first."""
    return Basis.of(four_users(*rules).program)


def demands(basis: Basis, program: Program, tables: Tables) -> np.ndarray:
    """Return each demand's amount at given demand tables, ``(B,)``."""
    return np.array(
        [
            users @ tables[program.measures[m]] @ coupons
            for m, users, coupons in zip(basis.measure, basis.users, basis.coupons, strict=True)
        ]
    )


def test_parity_is_a_group_and_everybody() -> None:
    """Parity over three regions is made of four counts: one of everybody, and one of each region."""
    # Rows are (1 − share) of the group less share of the others, multiplied out. East and south, one of four:
    # 3 against −1, so −1 of everybody and 4 of the group; north, two of four: 1 against −1, so −1 and 2.
    basis = basis_of(Parity(segment="region", tolerance=0.1))
    assert basis.users[2:].tolist() == [[1, 1, 1], [1, 0, 0], [0, 1, 0], [0, 0, 1]]
    assert (basis.coupons[2:] == 1).all()
    assert basis.combine[2:, 2:].tolist() == [[-1, 4, 0, 0], [-1, 0, 2, 0], [-1, 0, 0, 4]]
    assert not basis.combine[2:, :2].any()


def test_rows_share_demands() -> None:
    """Coverage of the regions counts the same groups as parity: it adds no demand."""
    parity = Parity(segment="region", tolerance=0.1)
    both = basis_of(parity, Coverage(segment="region", at_least=0.5))
    assert len(both.measure) == len(basis_of(parity).measure)
    assert both.combine[5:].tolist() == [[0, 0, 0, 1, 0, 0], [0, 0, 0, 0, 1, 0], [0, 0, 0, 0, 0, 1]]


def test_demands_of_a_return_floor() -> None:
    """Revenue less twice the cost is two demands, each in its own measure."""
    program = four_users(ReturnFloor(ratio=2.0)).program
    basis = Basis.of(program)
    assert [program.measures[m] for m in basis.measure[2:]] == ["revenue", "cost"]
    assert basis.coupons[2:].tolist() == [[1, 1, 1], [-2, -2, -2]]
    assert basis.combine[2].tolist() == [0, 0, 1, 1]


def test_no_rows() -> None:
    """Without rows there are no demands, and the arrays keep their shapes."""
    instance = four_users()
    program = instance.program
    assert [row.name for row in program.rows] == ["stock A", "stock B"]
    bare = Basis.of(Program(**{**vars(program), "rows": ()}))
    assert bare.combine.shape == (0, 0)
    assert bare.users.shape == (0, 1)
    assert bare.coupons.shape == (0, 3)
    assert bare.start.tolist() == [0, 0]
    assert not len(bare.member)


def test_a_scope_that_nobody_is_in_has_no_demand() -> None:
    """A budget over the south in tier 2, where nobody lives, is a row of nothing."""
    basis = basis_of(Budget(amount=1, users={"region": ["south"], "tier": [2]}))
    assert basis.combine.shape == (3, 2)
    assert not basis.combine[2].any()


@DRAWN
@given(instance=instances(max_rules=5), seed=st.integers(0, 1000))
def test_rows_are_combinations_of_demands(instance: Instance, seed: int) -> None:
    """On any demand tables every row's activity is its combination of the demands."""
    program = instance.program
    basis, rng = Basis.of(program), np.random.default_rng(seed)
    tables = {m: rng.normal(size=(program.n_classes, program.n_coupons)) for m in program.measures}
    activity = [row.activity(tables) for row in program.rows]
    assert basis.combine @ demands(basis, program, tables) == pytest.approx(activity, rel=1e-12, abs=1e-9)


@DRAWN
@given(instance=instances(max_rules=5))
def test_demands_are_listed_by_class(instance: Instance) -> None:
    """The demands listed for a class are those in which it has a weight, in their order, each once."""
    basis = Basis.of(instance.program)
    assert len(basis.start) == instance.program.n_classes + 1
    for c in range(instance.program.n_classes):
        listed = basis.member[basis.start[c] : basis.start[c + 1]]
        assert listed.tolist() == np.flatnonzero(basis.users[:, c]).tolist()


def test_many_rows_need_few_demands_a_class() -> None:
    """With every rule, over 40 regions and 30 age bands, a class is in far fewer demands than rows."""
    program = draw_instance(
        3000, 8, seed=2, rules=RULE_NAMES, segments={"region": 40, "age_band": 30}
    ).program
    basis = Basis.of(program)
    assert len(program.rows) > 75
    # A parity row speaks of every class, so that each class is in more than 30 rows.
    assert np.diff(basis.start).max() < 20
    rng = np.random.default_rng(0)
    tables = {m: rng.normal(size=(program.n_classes, program.n_coupons)) for m in program.measures}
    activity = np.array([row.activity(tables) for row in program.rows])
    size = np.array([sum(np.abs(t.weights()).sum() for t in row.terms) for row in program.rows])
    assert (np.abs(basis.combine @ demands(basis, program, tables) - activity) <= 1e-13 * size).all()


@DRAWN
@given(instance=instances(), seed=st.integers(0, 1000))
def test_exchanges_coefficients_are_those_of_their_pairs(instance: Instance, seed: int) -> None:
    """What an exchange adds to the rows is what its entering pair adds, less what its leaving one does."""
    near, book, basis = exchanges(instance.program, seed)
    expected = np.zeros((len(near.loss), book.n_rows))
    for coupon, numbers, sign in (
        (near.entering, near.measures_in, 1.0),
        (near.leaving, near.measures_out, -1.0),
    ):
        there = np.flatnonzero(coupon >= 0)
        columns = {m: numbers[i, there] for i, m in enumerate(instance.program.measures)}
        expected[there] += sign * book.coefficients(columns, near.classes[there], coupon[there]).T
    assert basis.coefficients(near) == pytest.approx(expected, rel=1e-12, abs=1e-9)


@DRAWN
@given(instance=instances(), seed=st.integers(0, 1000))
def test_columns_of_shared_demands_say_the_same(instance: Instance, seed: int) -> None:
    """With each shared demand's column put in its place the rows are what exchanges add, scaled."""
    near, book, basis = exchanges(instance.program, seed)
    scale = np.random.default_rng(seed).random(book.n_rows) + 0.5
    row, column, value, shared = basis.entries(near, scale)
    k, e = book.n_rows, len(near.loss)
    matrix = np.zeros((k + shared, e + shared))
    matrix[row, column] = value
    assert np.count_nonzero(matrix) == len(value)  # no entry twice, none of zero
    assert (matrix[k:, e:] == -np.eye(shared)).all()
    assert matrix[:k, :e] + matrix[:k, e:] @ matrix[k:, :e] == pytest.approx(
        basis.coefficients(near).T * scale[:, None], rel=1e-12, abs=1e-9
    )


def test_many_groups_parity_has_one_column_of_everybody() -> None:
    """Rows of a parity in many cities are a handful of numbers an exchange, not one a city."""
    program = draw_instance(300, 3, seed=1, rules=("parity",), segments={"city": 30}).program
    near, book, basis = exchanges(program, 0)
    row, _, _, shared = basis.entries(near, np.ones(book.n_rows))
    assert shared == 1
    assert len(row) <= 4 * len(near.loss) + 2 * book.n_rows


def exchanges(program: Program, seed: int) -> tuple[Exchanges, PriceBook, Basis]:
    """Return all exchanges at drawn scores, and what speaks of rows."""
    rng = np.random.default_rng(seed)
    shape = (program.n_classes, program.n_coupons)
    near = LocalEngine(program).exchanges({m: rng.normal(size=shape) for m in program.measures}, 2.0)[1]
    return near, PriceBook(program), Basis.of(program)
