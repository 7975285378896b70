"""The response matrix."""

import numpy as np
import pytest
from tests.instances.small import NAN, responses

from couponry.instances import InputError, Response


def refusal(measures: dict[str, np.ndarray], coupon: np.ndarray | None = None, coupons: int = 2) -> str:
    """Return what is said when this response is refused."""
    with pytest.raises(InputError) as caught:
        Response(measures, coupon).check(coupons)
    return str(caught.value)


def pair(**changed: np.ndarray) -> dict[str, np.ndarray]:
    """Return the measures of three users with two places each."""
    return {"value": np.zeros((3, 2)), "cost": np.ones((3, 2)), **changed}


def test_dense() -> None:
    """Place j is coupon j; a value that is NaN is not eligible."""
    response = responses()
    response.check(3)
    assert (response.shape, response.dense) == ((4, 3), True)
    assert response.eligible().sum() == 11
    assert response.eligible(slice(1, 2)).tolist() == [[True, True, False]]
    assert response.measure("revenue")[3, 1] == 5


def test_shortlists() -> None:
    """An empty place is not eligible, and neither is a NaN value."""
    coupon = np.array([[1, -1], [0, 1], [1, 0]], dtype=np.int32)
    response = Response(pair(value=np.array([[0.1, 0.2], [NAN, 0.1], [0.3, 0.4]])), coupon)
    response.check(2)
    assert not response.dense
    assert response.eligible().tolist() == [[True, False], [False, True], [True, True]]


def test_take() -> None:
    """Users are chosen by position or by a mask, with their shortlists."""
    coupon = np.array([[1, -1], [0, 1], [1, 0]], dtype=np.int32)
    response = Response(pair(), coupon)
    for rows in (np.array([0, 2]), np.array([True, False, True])):
        taken = response.take(rows)
        assert taken.shape == (2, 2)
        assert taken.coupon is not None
        assert taken.coupon.tolist() == [[1, -1], [1, 0]]
    assert responses().take(np.array([1])).coupon is None


def test_numbers_of_pairs_that_are_not_eligible_do_not_matter() -> None:
    """Only pairs that may be given need a finite cost."""
    coupon = np.array([[1, -1], [0, 1], [1, 0]], dtype=np.int32)
    value, cost = np.zeros((3, 2)), np.ones((3, 2))
    value[1, 0], cost[1, 0], cost[0, 1] = NAN, NAN, np.inf
    Response({"value": value, "cost": cost}, coupon).check(2)


def test_missing_measure() -> None:
    """Value and cost are needed, others only where a rule names them."""
    assert refusal({"value": np.zeros((3, 2))}) == (
        "column 'cost': the response has no such measure. Give value and cost"
    )
    with pytest.raises(InputError) as caught:
        responses().measure("revnue")
    assert str(caught.value) == (
        "column 'revnue': the response has no such measure. Did you mean 'revenue'? "
        "Known: value, cost, revenue"
    )


@pytest.mark.parametrize("name", ["count", "kept", "coupon"])
def test_reserved_names(name: str) -> None:
    """A column called count would hide the count of coupons."""
    assert refusal(pair(**{name: np.ones((3, 2))})) == (
        f"column '{name}': no measure can have this name. Rename it: the name means something else"
    )


def test_shapes_and_types() -> None:
    """All measures have one shape and are floats; shortlists are int32."""
    assert refusal(pair(cost=np.ones((3, 3)))) == (
        "column 'cost': the response's measures differ in shape (got (3, 3)). "
        "All are users × places, as value is: (3, 2)"
    )
    assert "differ in shape (got (3,))" in refusal({"value": np.zeros(3), "cost": np.zeros(3)})
    assert refusal(pair(cost=np.ones((3, 2), dtype=int))) == (
        "column 'cost': measures are float32 or float64 (got 'int64'). Convert the array"
    )
    assert refusal(pair(), np.zeros((3, 2), dtype=np.int64)) == (
        "column 'coupon': shortlists are int32 (got 'int64'). Convert the array"
    )
    assert "the shortlist's shape differs from the measures' (got (3, 1))" in refusal(
        pair(), np.zeros((3, 1), dtype=np.int32)
    )


def test_places_that_do_not_fit_the_menu() -> None:
    """A dense response has one place a coupon."""
    assert refusal(pair(), coupons=3) == (
        "the response has 2 places a user but the menu 3 coupons. "
        "Give one place a coupon, or a 'coupon' list that says which coupon each place is"
    )


@pytest.mark.parametrize("wrong", [2, -2])
def test_shortlist_outside_the_menu(wrong: int) -> None:
    """Positions count from 0, −1 is empty, nothing else is either."""
    coupon = np.array([[0, 1], [0, -1], [1, wrong]], dtype=np.int32)
    assert refusal(pair(), coupon) == (
        f"row 2, column 'coupon': a shortlist names a coupon outside the menu of 2 (got {wrong}). "
        "Use positions from 0, and -1 for an empty place"
    )


def test_shortlist_that_names_a_coupon_twice() -> None:
    """A user's places are different coupons; several may be empty."""
    Response(pair(), np.full((3, 2), -1, dtype=np.int32)).check(2)
    assert refusal(pair(), np.array([[0, 1], [1, 1], [1, 0]], dtype=np.int32)) == (
        "row 1, column 'coupon': a shortlist names a coupon twice (got 1). Name each coupon once a user"
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("name", "wrong"), [("cost", NAN), ("cost", np.inf), ("value", -np.inf), ("revenue", NAN)]
)
def test_numbers_that_are_not_finite(name: str, wrong: float, dtype: type) -> None:
    """NaN or infinite numbers of an eligible pair are refused with user and place."""
    measures = pair(revenue=np.ones((3, 2)))
    measures[name][2, 1] = wrong
    assert refusal({key: array.astype(dtype) for key, array in measures.items()}) == (
        f"row 2, column '{name}': {name} of an eligible pair must be a finite number "
        f"(place 1 of the user's list) (got {wrong}). "
        "Correct it, or set the pair's value to NaN to make it not eligible"
    )


def test_row_beyond_the_first_block() -> None:
    """Rows are counted from the first user also where the check goes in blocks."""
    places = 1_000_000
    cost = np.ones((6, places), dtype=np.float32)
    cost[5, 3] = NAN
    with pytest.raises(InputError, match=r"^row 5, column 'cost'"):
        Response({"value": np.zeros_like(cost), "cost": cost}).check(places)
