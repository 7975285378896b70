"""A plan matched to its instance."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest

from couponry.instances import Campaign, Coupons, Instance, Response, Users
from couponry.instances.errors import InputError
from couponry.report.allocation import Allocation

Tiny = Callable[..., Instance]
Pairs = Callable[..., pa.Table]


def test_totals_by_coupon(tiny: Tiny, pairs: Pairs) -> None:
    """What a coupon does is the sum over those who get it; one given to nobody is there with zeros."""
    # A to u1 and u3: value 0.5 + 0.25, cost 10 + 8.
    allocation = Allocation(tiny(), pairs(("u1", "A"), ("u3", "A")))
    a, b = allocation.by_coupon()
    assert (a.coupon_id, a.given, a.stock, a.value, a.cost) == ("A", 2, 2.0, 0.75, 18.0)
    assert (b.coupon_id, b.given, b.value, b.cost) == ("B", 0, 0.0, 0.0)
    assert np.isinf(b.stock)
    assert a.terms == "30\u00a0CNY off from 200\u00a0CNY"
    assert b.terms == "free shipping"


def test_totals_by_segment(tiny: Tiny, pairs: Pairs) -> None:
    """A user with two coupons is reached once and counted twice."""
    # u1 (north) gets both, u2 (north) nothing, u3 (south) A.
    allocation = Allocation(tiny(), pairs(("u1", "A"), ("u1", "B"), ("u3", "A")))
    north, south = allocation.by_segment("region")
    assert (north.label, north.users, north.reached, north.given, north.value, north.cost) == (
        "north",
        2,
        1,
        2,
        0.75,
        14.0,
    )
    assert (south.label, south.users, south.reached, south.given, south.cost) == ("south", 1, 1, 1, 8.0)
    assert north.mix.tolist() == [1, 1]
    assert south.mix.tolist() == [1, 0]
    assert allocation.reached == 2


def test_shortlists(pairs: Pairs) -> None:
    """On a shortlist the place of a coupon is looked up, not taken for its position."""
    # u1's list is B then A, u2's is A alone.
    menu = Coupons(pa.table({"coupon_id": ["A", "B"]}).to_pandas())
    response = Response(
        {"value": np.array([[0.1, 0.2], [0.3, np.nan]]), "cost": np.array([[1.0, 2.0], [3.0, 0.0]])},
        coupon=np.array([[1, 0], [0, -1]], dtype=np.int32),
    )
    instance = Instance(menu, Users(pa.table({"user_id": ["u1", "u2"]})), response, (), Campaign())
    allocation = Allocation(instance, pairs(("u1", "A"), ("u2", "A")))
    assert allocation.measures["value"].tolist() == [0.2, 0.3]
    with pytest.raises(
        InputError, match=r"row 0, column 'coupon_id': .*not on the user's shortlist \(got 'B'\)"
    ):
        Allocation(instance, pairs(("u2", "B")))


@pytest.mark.parametrize(
    ("given", "column", "value"), [(("u9", "A"), "user_id", "u9"), (("u1", "Z"), "coupon_id", "Z")]
)
def test_a_plan_of_another_instance(
    tiny: Tiny, pairs: Pairs, given: tuple[str, str], column: str, value: str
) -> None:
    """A user or coupon that the instance does not have is named, with its row."""
    with pytest.raises(InputError) as caught:
        Allocation(tiny(), pairs(("u1", "A"), given))
    assert str(caught.value) == (
        f"row 1, column '{column}': the plan names something that the instance does not have "
        f"(got '{value}'). Report on the instance that the plan was made for"
    )


def test_an_empty_plan(tiny: Tiny, pairs: Pairs) -> None:
    """A plan that gives nothing reaches nobody."""
    empty = pa.table({"user_id": pa.array([], pa.string()), "coupon_id": pa.array([], pa.string())})
    allocation = Allocation(tiny(), empty)
    assert (len(allocation), allocation.reached) == (0, 0)
    assert [share.given for share in allocation.by_coupon()] == [0, 0]
