"""Blocks of users: what is taken, split and joined keeps every user's own numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.instances.small import four_users

from couponry.instances import Budget, UserCap
from couponry.instances.blocks import Block


def block(users: int, *, shortlists: bool) -> Block:
    """Return users whose numbers all differ: user i's class is i, and so on."""
    i = np.arange(users, dtype=np.int32)
    columns = {"value": i[:, None] + np.array([[0.25, 0.5]]), "cost": -1.0 * i[:, None] * np.ones((1, 2))}
    return Block(7, i, i + 10, columns, np.stack([i + 20, i + 30], axis=1) if shortlists else None)


def same(one: Block, other: Block) -> bool:
    """Return whether two blocks hold the same users at the same position."""
    arrays = [
        (one.classes, other.classes),
        (one.max_coupons, other.max_coupons),
        *((one.columns[name], other.columns[name]) for name in one.columns),
    ]
    if one.coupon is not None and other.coupon is not None:
        arrays.append((one.coupon, other.coupon))
    return (
        one.first == other.first
        and list(one.columns) == list(other.columns)
        and (one.coupon is None) == (other.coupon is None)
        and all(np.array_equal(a, b) and a.dtype == b.dtype for a, b in arrays)
    )


@pytest.mark.parametrize("shortlists", [False, True])
def test_take_picks_users_in_the_given_order(shortlists: bool) -> None:
    """Of five users the fourth and the second are taken, with their class, cap, measures and list."""
    some = block(5, shortlists=shortlists).take(np.array([3, 1]), first=40)
    assert (some.first, len(some)) == (40, 2)
    assert some.classes.tolist() == [3, 1]
    assert some.max_coupons.tolist() == [13, 11]
    assert some.columns["value"].tolist() == [[3.25, 3.5], [1.25, 1.5]]
    assert some.columns["cost"].tolist() == [[-3.0, -3.0], [-1.0, -1.0]]
    assert (some.coupon is None) if not shortlists else (some.coupon.tolist() == [[23, 33], [21, 31]])


def test_slices_copy_nothing() -> None:
    """A slice of a block looks at the same memory: a pass over millions of users must not copy them."""
    whole = block(6, shortlists=True)
    part = whole.take(slice(2, 4))
    assert np.shares_memory(part.classes, whole.classes)
    assert np.shares_memory(part.columns["value"], whole.columns["value"])
    assert part.coupon is not None
    assert whole.coupon is not None
    assert np.shares_memory(part.coupon, whole.coupon)


def test_split_says_where_each_part_begins() -> None:
    """Seven users from position 7, three at a time, begin at 7, 10 and 13; the last part is short."""
    parts = list(block(7, shortlists=False).split(3))
    assert [(part.first, len(part)) for part in parts] == [(7, 3), (10, 3), (13, 1)]
    assert parts[1].classes.tolist() == [3, 4, 5]


def test_nobody_is_one_empty_block() -> None:
    """No users make one part without users, so that sums over the parts have their shape."""
    (only,) = block(0, shortlists=True).split(3)
    assert (only.first, len(only), only.columns["value"].shape) == (7, 0, (0, 2))


@given(users=st.integers(0, 12), size=st.integers(1, 13), shortlists=st.booleans())
def test_parts_joined_are_the_whole(users: int, size: int, shortlists: bool) -> None:
    """Whatever the size of the parts, joined they are the block that was split."""
    whole = block(users, shortlists=shortlists)
    assert same(Block.joined(list(whole.split(size))), whole)


def test_everybody_of_a_program() -> None:
    """A program's block has all its users from position 0, and the program of it has the same rows."""
    program = four_users(Budget(amount=4), UserCap(coupons=2)).program
    everybody = program.everybody
    assert (everybody.first, len(everybody)) == (0, 4)
    assert everybody.max_coupons.tolist() == [2, 2, 2, 2]
    again = program.of_block(everybody.take(np.array([2, 0])))
    assert again.rows == program.rows
    assert again.columns["value"][:, 0].tolist() == [0.4, 0.1]
    # Rows are multiplied out by all users of a class, so sizes stay those of everybody.
    assert again.classes.sizes.tolist() == [4]
    assert again.n_users == 2
