"""Programs over users who are read block by block: the same as in memory, whatever the shards."""

from pathlib import Path

import numpy as np
import pytest
from tests.instances.on_disk import drawn, opened


@pytest.mark.parametrize(
    "options", [{}, {"shortlist": 3}, {"eligible": 0.5, "rules": ("budget", "user_cap")}]
)
def test_blocks_hold_what_the_program_in_memory_holds(tmp_path: Path, options: dict[str, object]) -> None:
    """Five thousand users in shards of 700, read 512 at a time: rows, classes and numbers are the same."""
    instance = drawn(**options)
    program, streamed = instance.program, opened(instance, tmp_path / "a").program
    assert repr(streamed.rows) == repr(program.rows)
    sizes = ("n_users", "n_classes", "n_coupons", "places", "most_coupons", "measures", "objective", "money")
    assert [getattr(streamed, size) for size in sizes] == [getattr(program, size) for size in sizes]
    blocks = list(streamed.blocks(512))
    assert [len(block) for block in blocks] == [512] * 9 + [5000 - 9 * 512]
    for ours, theirs in zip(blocks, program.blocks(512), strict=True):
        assert ours.first == theirs.first
        np.testing.assert_array_equal(ours.classes, theirs.classes)
        np.testing.assert_array_equal(ours.max_coupons, theirs.max_coupons)
        for measure, column in theirs.columns.items():
            np.testing.assert_array_equal(ours.columns[measure], column)
        if theirs.coupon is not None:
            np.testing.assert_array_equal(ours.coupon, theirs.coupon)


def test_users_are_taken_wherever_they_stand(tmp_path: Path) -> None:
    """The first, the last, and two of different shards come with their own numbers; so does nobody."""
    instance = drawn()
    streamed = opened(instance, tmp_path / "a").program
    users = np.array([0, 1399, 1400, 4999])
    ours, theirs = streamed.take(users), instance.program.take(users)
    np.testing.assert_array_equal(ours.columns["value"], theirs.columns["value"])
    np.testing.assert_array_equal(ours.classes.codes, theirs.classes.codes)
    assert streamed.take(np.empty(0, np.int64)).n_users == 0


def test_samples_do_not_depend_on_shards(tmp_path: Path) -> None:
    """One seed draws the same users from shards of 700 and of 1,900, another seed others; small in large."""
    instance = drawn()
    first, second = (opened(instance, tmp_path / str(n), n).program for n in (700, 1900))
    users = first.sampler(5, 900).users(900)
    np.testing.assert_array_equal(users, second.sampler(5, 900).users(900))
    assert not np.array_equal(users, first.sampler(6, 900).users(900))
    assert set(first.sampler(5, 900).users(90)) <= set(users)


def test_a_pass_reads_every_user_once(tmp_path: Path) -> None:
    """Five thousand users are counted as read by a pass, and the segments alone before it."""
    streamed = opened(drawn(), tmp_path / "a").program
    assert streamed.reading.users == 0
    assert sum(map(len, streamed.blocks(512))) == streamed.reading.users == 5000
