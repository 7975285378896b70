"""The program that rules make, and parts of it over some users, on four users worked by hand."""

import numpy as np
from tests.instances.small import four_users

from couponry.instances import Budget, Campaign, Coverage, Program, ReturnFloor
from couponry.instances.generators import draw_instance


def test_objective_and_sense() -> None:
    """A program turned round, with the columns that it needs and no others; value always comes first."""
    program = four_users(campaign=Campaign(objective="cost", sense="minimise")).program
    assert (program.objective, program.sense, program.measures) == ("cost", -1.0, ("value", "cost", "count"))
    assert four_users(ReturnFloor(ratio=1)).program.measures == ("value", "cost", "revenue", "count")
    assert (program.n_users, program.n_coupons, program.n_classes) == (4, 3, 1)


def test_compiled_once() -> None:
    """The program is kept with the instance."""
    instance = four_users(Budget(amount=1))
    assert isinstance(instance.program, Program)
    assert instance.program is instance.program


def test_a_block_keeps_the_rows() -> None:
    """Some users keep rows and classes as they were; numbers are theirs, in the order asked."""
    program = four_users(Coverage(segment="region", at_least=0.5)).program
    part = program.take(np.array([1, 3]))
    assert part.rows == program.rows
    assert part.classes.sizes.tolist() == [1, 2, 1]
    assert part.classes.codes.tolist() == program.classes.codes[[1, 3]].tolist()
    assert np.array_equal(part.columns["value"], program.columns["value"][[1, 3]], equal_nan=True)
    assert part.n_users == 2


def test_samples_hold_every_class_in_its_share() -> None:
    """Of 20,000 users in some thirty classes a sample of a tenth has a tenth of every class, to two users."""
    program = draw_instance(20_000, 3, seed=2, rules=("coverage",), segments={"region": 30}).program
    sampler = program.sampler(0, 4000)
    for size in (1000, 4000):
        users = sampler.users(size)
        held = np.bincount(program.classes.codes[users], minlength=program.n_classes)
        assert len(np.unique(users)) == size
        assert np.abs(held - program.classes.sizes * size / 20_000).max() <= 2
    assert np.isin(sampler.users(1000), users).all()
    assert program.sampler(0, 4000).users(4000).tolist() == users.tolist()
    assert sorted(program.sampler(0, 20_000).users(20_000)) == list(range(20_000))


def test_blocks_are_all_users_once() -> None:
    """Three at a time: users 0 to 2, then user 3."""
    blocks = list(four_users().program.blocks(3))
    assert [(block.first, len(block)) for block in blocks] == [(0, 3), (3, 1)]
