"""Frozen pairs of users who are read part by part."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from tests.instances.on_disk import opened
from tests.instances.small import four_users

from couponry.instances import Budget, Exclusion, Freeze, InputError, Instance, Response, Rule, UserCap
from couponry.instances.frozen_parts import FrozenParts
from couponry.instances.streamed_program import StreamedProgram


def sent(*pairs: tuple[str, str]) -> Freeze:
    """Return a freeze of these pairs."""
    return Freeze(plan=pa.table({"user_id": [u for u, _ in pairs], "coupon_id": [c for _, c in pairs]}))


def program(folder: Path, *rules: Rule) -> StreamedProgram:
    """Return the four users' program, a user a shard."""
    return opened(four_users(*rules), folder / "a", 1).program


def test_pairs_are_read_with_their_numbers(tmp_path: Path) -> None:
    """u4 has C for 3 and u1 has B for 2: coupons and costs in the users' order, and nothing more for them."""
    found = program(tmp_path, Budget(amount=6), sent(("u4", "C"), ("u1", "B")))
    chunks = list(found.frozen_pairs())
    assert [chunk[1].tolist() for chunk in chunks] == [[1], [2]]
    assert [chunk[2]["cost"].tolist() for chunk in chunks] == [[2.0], [3.0]]
    assert np.concatenate([block.max_coupons for block in found.blocks(4)]).tolist() == [0, 1, 1, 0]
    assert found.reading.users == 4 + 4
    assert len(found.frozen) == 2


def test_places_of_a_block_in_shortlists(tmp_path: Path) -> None:
    """Where lists are short a pair stands at the place that holds its coupon."""
    coupon = np.array([[2, 0], [0, 1], [1, -1], [-1, 2]], np.int32)
    given = four_users(sent(("u1", "A"), ("u4", "C")))
    lists = {name: array[:, :2] for name, array in given.response.measures.items()}
    instance: Instance = replace(given, response=Response(lists, coupon))
    found = opened(instance, tmp_path / "a", 4).program
    assert isinstance(found.frozen, FrozenParts)
    (block,) = found.blocks(4)
    user, place = found.frozen.of_block(block, instance.users.ids, found.frozen.plan.reader())
    assert (user.tolist(), place.tolist()) == ([0, 3], [1, 1])


@pytest.mark.parametrize(
    ("rules", "problem"),
    [
        ((sent(("u9", "A")),), "a user of the frozen plan is not among the users (got 'u9')"),
        ((sent(("u1", "Z")),), "a coupon of the frozen plan is not among the menu (got 'Z')"),
        ((sent(("u2", "C")),), "a pair of the frozen plan is not eligible"),
        ((sent(("u1", "A"), ("u1", "B")),), "has 2 coupons, at most 1 allowed (got 'u1')"),
        ((UserCap(money=2.5), sent(("u3", "C"))), "has coupons of cost 3, at most 2.5 allowed (got 'u3')"),
        (
            (UserCap(coupons=2), Exclusion(by="channel"), sent(("u1", "B"), ("u1", "C"))),
            "has B and C, which exclude each other (got 'u1')",
        ),
    ],
)
def test_what_cannot_stay_is_refused_as_in_memory(
    tmp_path: Path, rules: tuple[Rule, ...], problem: str
) -> None:
    """The rule, what is wrong, and the value are those that an instance in memory tells."""
    with pytest.raises(InputError) as ours:
        list(program(tmp_path, *rules).frozen_pairs())
    with pytest.raises(InputError) as theirs:
        four_users(*rules).program  # noqa: B018
    assert problem in str(ours.value)
    assert str(theirs.value) in str(ours.value)
