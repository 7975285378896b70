"""Halves of users, batches, and ratios of money."""

import numpy as np
import pytest
import torch

from couponry.predictors.amounts import Strata
from couponry.predictors.learner import TrainingRows
from couponry.predictors.network.data import NetworkData, money_ratios

CPU = torch.device("cpu")


def rows(n=101, seed=0):
    """Rows of about half as many users, two coupons."""
    generator = np.random.default_rng(seed)
    arm = generator.integers(-1, 2, n).astype(np.int32)
    y = (generator.random(n) < 0.5).astype(float)
    return TrainingRows(
        x=generator.normal(size=(n, 3)).astype(np.float32),
        categorical=(),
        coupons=np.eye(2, dtype=np.float32),
        arm=arm,
        conversion=y,
        cost=np.where(arm >= 0, y * generator.random(n), 0.0),
        revenue=y * 10,
        propensity=np.full(n, 1 / 3),
        user=generator.integers(0, n // 2, n),
    )


def data(given):
    """Six members."""
    strata = tuple(
        Strata.of(amount, given.arm, given.conversion, 2) for amount in (given.cost, given.revenue)
    )
    return NetworkData(given, strata, 6, 0, CPU)


def test_partners_see_complementary_halves_of_users():
    """Every row is unseen by half of the members, and a user's rows stay together."""
    given = rows()
    seen = data(given).seen.numpy()
    assert (seen[0::2] ^ seen[1::2]).all()
    for user in np.unique(given.user):
        assert (seen[:, given.user == user] == seen[:, given.user == user][:, :1]).all()


def test_a_pass_draws_each_members_rows_once():
    """Batches hold rows of the member's own half, none twice."""
    given = rows()
    whole = data(given)
    generator = torch.Generator().manual_seed(0)
    batches = list(whole.training_batches(whole.rows_a_member, 16, generator))
    assert len(batches) == -(-whole.rows_a_member // 16)
    x = torch.cat([batch.x for batch in batches], dim=1).numpy()
    for k in range(6):
        own = {tuple(row) for row in given.x[whole.seen[k].numpy()]}
        drawn = [tuple(row) for row in x[k]]
        assert set(drawn) <= own
        assert len(set(drawn)) == len(drawn) == whole.rows_a_member


def test_a_pass_may_draw_fewer_rows():
    """Others in each pass, and of every member as many."""
    whole = data(rows())
    generator = torch.Generator().manual_seed(0)
    first, second = (torch.cat([b.x for b in whole.training_batches(20, 16, generator)], dim=1) for _ in "ab")
    assert first.shape[:2] == second.shape[:2] == (6, 20)
    assert not torch.equal(first, second)


def test_some_of_the_rows_are_evenly_spread():
    """Where not all are asked for."""
    whole = data(rows())
    parts = list(whole.all_batches(8, most=whole.n // 3))
    assert torch.equal(torch.cat([batch.arm for batch, _ in parts]), whole._rows.arm[::4])
    assert torch.equal(torch.cat([unseen for _, unseen in parts], dim=1), ~whole.seen[:, ::4])


def test_all_batches_are_the_rows_in_order():
    """With, for each, the members that have not seen it."""
    given = rows()
    whole = data(given)
    parts = list(whole.all_batches(40))
    assert (torch.cat([batch.x for batch, _ in parts]).numpy() == given.x).all()
    assert (torch.cat([unseen for _, unseen in parts], dim=1) == ~whole.seen).all()


def test_money_ratios():
    """Amounts are relative to their stratum's mean; constant strata do not count."""
    given = rows()
    strata = (
        Strata.of(given.cost, given.arm, given.conversion, 2),
        Strata.of(given.revenue, given.arm, given.conversion, 2),
    )
    ratio, share = money_ratios(given, strata)
    bought = (given.arm == 0) & (given.conversion == 1)
    assert ratio[bought, 1].mean() == pytest.approx(1.0)
    assert share[:, 1].tolist() == ((given.arm >= 0) * given.conversion).tolist()
    assert (share[:, [0, 2, 3]] == 0).all()  # no cost or revenue without conversion, and revenue is always 10
