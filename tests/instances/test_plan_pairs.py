"""The pairs of a plan, found in the response."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from tests.instances.small import four_users, menu, responses

from couponry.instances import InputError, Instance, Response, Users
from couponry.instances.plan_pairs import plan_pairs


def plan(*pairs: tuple[object, str]) -> pa.Table:
    """Return a plan of these pairs."""
    return pa.table({"user_id": [user for user, _ in pairs], "coupon_id": [coupon for _, coupon in pairs]})


def test_dense() -> None:
    """A coupon's place is its place in the menu, in the plan's order."""
    user, place = plan_pairs(four_users(), plan(("u3", "C"), ("u1", "A")))
    assert (user.tolist(), place.tolist()) == ([2, 0], [2, 0])


def test_shortlists_and_ids_as_text() -> None:
    """On a shortlist the place is the user's own; ids of a CSV file are text."""
    coupon = np.array([[2, 0], [0, 1], [1, -1], [-1, 2]], dtype=np.int32)
    lists = Response({name: array[:, :2] for name, array in responses().measures.items()}, coupon)
    instance = Instance(menu(), Users(pa.table({"user_id": [1, 2, 3, 4]})), lists)
    user, place = plan_pairs(instance, plan(("4", "C"), ("1", "A"), ("2", "A")))
    assert (user.tolist(), place.tolist()) == ([3, 0, 1], [1, 1, 0])
    with pytest.raises(InputError) as caught:
        plan_pairs(instance, plan(("1", "A"), ("3", "C")))
    assert str(caught.value) == (
        "row 1, column 'coupon_id': the plan names what the instance does not have (got 'C'). "
        "Give the instance that the plan was made for"
    )


@pytest.mark.parametrize(("pair", "column"), [(("u9", "A"), "user_id"), (("u1", "Z"), "coupon_id")])
def test_what_is_not_there_is_refused(pair: tuple[str, str], column: str) -> None:
    """An unknown user or coupon is named with its row."""
    with pytest.raises(InputError, match=f"row 1, column '{column}'"):
        plan_pairs(four_users(), plan(("u1", "A"), pair))
