"""Users and their segments."""

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest
from tests.instances.small import NAN, people

from couponry.instances import InputError, Users


def refusal(**columns: object) -> str:
    """Return what is said when these users are refused."""
    with pytest.raises(InputError) as caught:
        Users(pa.table(columns))
    return str(caught.value)


def test_what_users_are() -> None:
    """Ids, number and segments."""
    users = people(max_coupons=[1, 2, None, 0], clicks=[[1], [], [2, 3], [4]])
    assert (len(users), users.ids.to_pylist(), users.positions["u3"]) == (4, ["u1", "u2", "u3", "u4"], 2)
    assert users.segment_names == ("region", "tier")
    assert repr(users) == "Users(4; segments region, tier)"


def test_segment_codes_follow_sorted_labels() -> None:
    """The labels are east, north and south, so north is 1."""
    segment = people().segment("region")
    assert segment.labels == ("east", "north", "south")
    assert segment.codes.tolist() == [1, 1, 2, 0]
    assert segment.codes.dtype == np.int32
    assert segment.code("south") == 2


@pytest.mark.parametrize(
    ("values", "labels", "codes"),
    [
        ([10, 9, 10], (9, 10), [1, 0, 1]),
        ([True, False, True], (False, True), [1, 0, 1]),
        ([2.5, -1.0, 2.5], (-1.0, 2.5), [1, 0, 1]),
        (pa.array(["b", "a", "b"]).dictionary_encode(), ("a", "b"), [1, 0, 1]),
        (pa.array(["b", "a", "b"], pa.large_string()), ("a", "b"), [1, 0, 1]),
        (pa.array(["b", "a", "b"], pa.string_view()), ("a", "b"), [1, 0, 1]),
        (pa.chunked_array([["b"], ["a", "b"]]), ("a", "b"), [1, 0, 1]),
        (
            [dt.date(2026, 11, 11), dt.date(2026, 6, 18), dt.date(2026, 11, 11)],
            ("2026-06-18", "2026-11-11"),
            [1, 0, 1],
        ),
    ],
)
def test_segments_of_every_type(values: object, labels: tuple[object, ...], codes: list[int]) -> None:
    """Numbers, flags, text however encoded, and dates, which rules write as text."""
    users = Users(pa.table({"user_id": ["a", "b", "c"], "s": values}))
    assert (users.segment("s").labels, users.segment("s").codes.tolist()) == (labels, codes)


def test_flags_are_not_numbers() -> None:
    """A rule that asks for 1 does not mean true."""
    users = Users(pa.table({"user_id": ["a", "b"], "member": [True, False]}))
    assert users.segment("member").code(True) == 1
    with pytest.raises(InputError, match=r"no user has this value of segment 'member' \(got 1\)"):
        users.segment("member").code(1)


def test_unknown_value_and_unknown_segment() -> None:
    """Both are refused with the nearest name."""
    with pytest.raises(InputError) as caught:
        people().segment("region").code("nroth")
    assert str(caught.value) == (
        "column 'region': no user has this value of segment 'region' (got 'nroth'). "
        "Did you mean 'north'? Known: east, north, south"
    )
    with pytest.raises(InputError) as caught:
        people().segment("regoin")
    assert str(caught.value) == (
        "column 'regoin': the users have no such segment. Did you mean 'region'? Known: region, tier"
    )


@pytest.mark.parametrize("values", [["x", None, "y"], [1.0, NAN, 2.0]])
def test_segment_with_a_gap(values: list[object]) -> None:
    """A user whom no group would count is told, but only where a rule mentions the segment."""
    users = Users(pa.table({"user_id": ["a", "b", "c"], "s": values}))
    with pytest.raises(InputError) as caught:
        users.segment("s")
    assert str(caught.value) == (
        "row 1, column 's': a user has no value in a segment that a rule mentions. "
        "Fill it, for instance with 'unknown'"
    )


def test_max_coupons() -> None:
    """Empty cells follow the rule; whole numbers that became floats beside gaps are taken."""
    assert people().max_coupons is None
    for values in ([1, 2, None, 0], [1.0, 2.0, None, 0.0]):
        most = people(max_coupons=values).max_coupons
        assert most is not None
        assert (most.tolist(), most.dtype) == ([1, 2, -1, 0], np.int32)
    assert people(max_coupons=pa.nulls(4)).max_coupons.tolist() == [-1] * 4


@pytest.mark.parametrize(
    ("values", "row", "shown"),
    [
        ([1, 1, -1, 1], 2, "-1"),
        ([1.0, 1.5, 1.0, 1.0], 1, "1.5"),
        ([1.0, 1.0, 1.0, NAN], 3, "nan"),
        ([1, 1, 1, 2**31], 3, "2147483648"),
        (["1", "2", "1", "1"], 0, "'1'"),
    ],
)
def test_max_coupons_that_cannot_be(values: list[object], row: int, shown: str) -> None:
    """Only whole numbers from 0 count coupons."""
    with pytest.raises(InputError) as caught:
        people(max_coupons=values)
    assert str(caught.value) == (
        f"row {row}, column 'max_coupons': max_coupons must be a whole number of at least 0 (got {shown}). "
        "Correct it, or leave the cell empty to follow the rule"
    )


def test_missing_column_and_no_users() -> None:
    """Users have ids, and there is at least one."""
    assert refusal(id=["a"], region=["x"]) == (
        "column 'user_id': the users have no column 'user_id'. "
        "Name the users in a column 'user_id'; columns found: id, region"
    )
    assert refusal(user_id=pa.array([], pa.string())) == "there are no users. Give at least one row"


@pytest.mark.parametrize("ids", [["a", None], ["a", ""], [7, None]])
def test_missing_id(ids: list[object]) -> None:
    """Every user has an id."""
    assert refusal(user_id=ids) == "row 1, column 'user_id': a user has no id. Give every user an id"


def test_ids_of_other_types() -> None:
    """Floats would not find themselves again in a plan."""
    assert refusal(user_id=[1.0, 2.0]) == (
        "column 'user_id': user_id must be text or whole numbers (got 'double'). Convert the column"
    )


@pytest.mark.parametrize(
    ("ids", "row", "above", "shown"),
    [
        (["a", "b", "c", "b"], 3, "2 rows", "'b'"),
        ([5, 5, 7], 1, "1 row", "5"),
        (pa.array(["a", "b", "a"]).dictionary_encode(), 2, "2 rows", "'a'"),
        (pa.chunked_array([["a", "b"], ["c", "b"]]), 3, "2 rows", "'b'"),
    ],
)
def test_duplicate_id(ids: object, row: int, above: str, shown: str) -> None:
    """The second of two rows is named, with the distance to the first."""
    assert refusal(user_id=ids) == (
        f"row {row}, column 'user_id': this user stands there twice, the first time {above} above "
        f"(got {shown}). Give each user one row"
    )


def test_take() -> None:
    """Users are chosen by position or by a mask, with their segments."""
    assert people().take(np.array([3, 0])).ids.to_pylist() == ["u4", "u1"]
    kept = people().take(np.array([False, True, True, False]))
    assert kept.segment("region").labels == ("north", "south")
