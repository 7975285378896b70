"""An earlier plan as a measure of an instance."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from tests.instances.small import four_users, menu, responses

from couponry.instances import InputError, Instance, Response, Users, write_plan
from couponry.instances.kept import changed_pairs, kept_pairs


def plan(*pairs: tuple[object, str]) -> pa.Table:
    """Return a plan of these pairs."""
    return pa.table({"user_id": [user for user, _ in pairs], "coupon_id": [coupon for _, coupon in pairs]})


def numbered() -> Instance:
    """Return the four users with whole numbers for ids, and two places each."""
    users = Users(pa.table({"user_id": [1, 2, 3, 4]}))
    coupon = np.array([[2, 0], [0, 1], [1, -1], [-1, 2]], dtype=np.int32)
    lists = {name: array[:, :2] for name, array in responses().measures.items()}
    return Instance(menu(), users, Response(lists, coupon))


def test_dense() -> None:
    """Users and coupons that are gone count as pairs of the plan, and mark nothing."""
    kept, pairs = kept_pairs(four_users(), plan(("u3", "C"), ("u1", "A"), ("u9", "A"), ("u1", "D")))
    assert kept.tolist() == [[1, 0, 0], [0, 0, 0], [0, 0, 1], [0, 0, 0]]
    assert (kept.dtype, pairs) == (np.int8, 4)


def test_shortlists() -> None:
    """A coupon is marked in the place where the user has it; one that left the shortlist marks nothing."""
    kept, pairs = kept_pairs(numbered(), plan((1, "A"), (1, "C"), (2, "C"), (4, "C")))
    assert kept.tolist() == [[1, 1], [0, 0], [0, 0], [0, 1]]
    assert pairs == 4


def test_pairs_that_stand_twice_count_once() -> None:
    """What can be kept once is asked for once."""
    assert kept_pairs(four_users(), plan(("u1", "A"), ("u1", "A"), ("u2", "A")))[1] == 2


def test_empty_plan() -> None:
    """There is nothing to keep."""
    kept, pairs = kept_pairs(four_users(), plan(("u1", "A")).slice(0, 0))
    assert (kept.sum(), pairs) == (0, 0)


def test_encoded_ids() -> None:
    """Ids may be dictionaries, as pandas' categories are."""
    table = plan(("u1", "A"), ("u2", "B"))
    encoded = pa.table({name: table[name].dictionary_encode() for name in table.column_names})
    assert kept_pairs(four_users(), encoded)[0].sum() == 2


def test_file_of_text_ids_for_users_with_numbers(tmp_path: Path) -> None:
    """CSV knows only text: the ids are read as the users' are."""
    write_plan(plan((1, "A"), (2, "B")), tmp_path / "plan.csv")
    kept, pairs = kept_pairs(numbered(), str(tmp_path / "plan.csv"))
    assert kept.tolist() == [[0, 1], [0, 1], [0, 0], [0, 0]]
    assert pairs == 2


def test_text_ids_that_no_number_could_be() -> None:
    """Users that are gone may have had ids of another kind."""
    kept, pairs = kept_pairs(numbered(), plan(("1", "A"), ("gone", "A"), ("02", "B")))
    assert kept.tolist() == [[0, 1], [0, 0], [0, 0], [0, 0]]
    assert pairs == 3


def test_plan_without_a_column() -> None:
    """A plan is users with coupons."""
    with pytest.raises(InputError) as caught:
        kept_pairs(four_users(), pa.table({"user_id": ["u1"]}))
    assert str(caught.value) == (
        "column 'coupon_id': the earlier plan lacks a column. Give user_id and coupon_id"
    )


def test_changed_users() -> None:
    """u1 stays with A, u2 had two coupons and u3 one that is gone: all three are changed by nothing."""
    earlier = plan(("u1", "A"), ("u2", "A"), ("u2", "B"), ("u3", "gone"), ("u9", "A"), ("u1", "A"))
    changed, base = changed_pairs(four_users(), earlier)
    # u4 had nothing, so that whatever is given changes.
    assert changed.tolist() == [[-1, 0, 0], [0, 0, 0], [0, 0, 0], [1, 1, 1]]
    assert (changed.dtype, base) == (np.int8, 3)


def test_changed_users_of_shortlists() -> None:
    """A coupon that left the shortlist cannot be kept; one that moved on it can."""
    changed, base = changed_pairs(numbered(), plan((1, "A"), (2, "C"), (4, "C")))
    assert changed.tolist() == [[0, -1], [0, 0], [1, 1], [0, -1]]
    assert base == 3
