"""Natural sizes of rows and objective, by hand."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from couponry.instances import Budget, Campaign, Coupons, Coverage, Instance, Response, Rule, Stock, Users
from couponry.instances.generators import RULE_NAMES, draw_instance
from couponry.solver.prices import PriceBook
from couponry.solver.scale import RowScale, measure_scale

NAN = math.nan


def two_users(*rules: Rule, coupon: np.ndarray | None = None, objective: str = "value") -> Instance:
    """Return two users and two coupons; the first pair of the second user is not eligible."""
    return Instance(
        Coupons(pd.DataFrame({"coupon_id": ["A", "B"]})),
        Users(pa.table({"user_id": [1, 2], "region": ["north", "south"]})),
        Response(
            {"value": np.array([[0.5, -0.25], [NAN, 0.0]]), "cost": np.array([[2.0, 4.0], [100.0, 6.0]])},
            coupon,
        ),
        rules,
        Campaign(objective=objective),
    )


def scale(instance: Instance, users: list[int]) -> RowScale:
    """Return the sizes seen on some users."""
    return measure_scale(instance.program, PriceBook(instance.program), np.array(users))


def test_sizes_are_means_of_what_is_there() -> None:
    """A row's size is the mean size of its coefficients that are not 0, the objective's likewise."""
    budgets = Budget(amount=1), Budget(amount=9, coupons=["A"])
    found = scale(two_users(budgets[0], Coverage(segment="region", at_least=0.5), budgets[1]), [0, 1])
    # The pair that is not eligible does not count: cost (2 + 4 + 6) / 3; A alone 2.
    assert found.coefficient.tolist() == [4.0, 1.0, 1.0, 2.0]
    # The value of 0 does not count: (0.5 + 0.25) / 2.
    assert found.objective == 0.375
    assert found.price.tolist() == [0.09375, 0.375, 0.375, 0.1875]


def test_only_the_users_asked_for_are_seen() -> None:
    """Of the first user alone the mean cost is (2 + 4) / 2, of the second 6."""
    instance = two_users(Budget(amount=1))
    assert scale(instance, [0]).coefficient.tolist() == [3.0]
    assert scale(instance, [1]).coefficient.tolist() == [6.0]


def test_shortlists_are_read_by_their_coupons() -> None:
    """On a list that holds B first, the row about A sees the second place; an empty place counts nowhere."""
    lists = np.array([[1, 0], [1, -1]], np.int32)
    found = scale(two_users(Budget(amount=9, coupons=["A"]), Budget(amount=1), coupon=lists), [0, 1])
    # u1: B costs 2, A 4; u2 may have nothing: B is not eligible there, and the other place is empty.
    assert found.coefficient.tolist() == [4.0, 3.0]


def test_a_count_is_an_objective_of_one() -> None:
    """Where coupons are counted each pair's objective is 1."""
    assert scale(two_users(Budget(amount=1), objective="count"), [0, 1]).objective == 1.0


def test_a_row_that_nobody_touches_has_the_size_of_its_weights() -> None:
    """A row over pairs that no user can have still has a size, and an objective of zeros counts as 1."""
    instance = Instance(
        Coupons(pd.DataFrame({"coupon_id": ["A"]})),
        Users(pa.table({"user_id": [1]})),
        Response({"value": np.array([[NAN]]), "cost": np.array([[5.0]])}),
        (Budget(amount=1),),
    )
    found = scale(instance, [0])
    assert found.coefficient.tolist() == [1.0]
    assert found.objective == 1.0


def test_a_row_that_a_sample_misses_counts_as_one() -> None:
    """A row about users that are not among those seen has the size of its weights, too."""
    north = Budget(amount=1, users={"region": ["north"]}, coupons=["A"])
    some = scale(two_users(north, Stock(coupons=["B"], at_most=1)), [1])
    # Nothing of the north is seen on the second user: the weight of 1 stands in.
    assert some.coefficient.tolist() == [1.0, 1.0]


@pytest.mark.parametrize("shortlist", [None, 3])
def test_parts_make_no_difference(shortlist: int | None) -> None:
    """Over more pairs than are taken at once, sizes are the plain means over all pairs."""
    program = draw_instance(9000, 5, seed=1, rules=RULE_NAMES, shortlist=shortlist, eligible=0.9).program
    book = PriceBook(program)
    found = measure_scale(program, book, np.arange(program.n_users))
    user, place = np.nonzero(~np.isnan(program.columns["value"]))
    assert len(user) > 20_000
    coupon = place if program.coupon is None else program.coupon[user, place]
    columns = {m: c[user, place].astype(np.float64) for m, c in program.columns.items()}
    sizes = np.abs(book.coefficients(columns, program.classes.codes[user], coupon))
    assert found.coefficient == pytest.approx(sizes.sum(axis=1) / (sizes > 0).sum(axis=1), rel=1e-12)
    assert found.objective == pytest.approx(float(np.abs(columns["value"]).mean()), rel=1e-12)
