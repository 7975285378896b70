"""What is said of logs without propensities whose features tell who got which coupon."""

from dataclasses import replace

import numpy as np
import pytest
from tests.predictors.small_world import SmallWorld

from couponry.predictors.assignment_doubts import assignment_doubts


def doubts(log):
    """Return what is said, with mends that name themselves."""
    return assignment_doubts(log, by_choice="BY CHOICE", afterwards=lambda names: f"LEAVE OUT {names}")


def by_lot(users=2000, seed=0):
    """Return a randomised log that does not tell its propensities."""
    return replace(SmallWorld.draw(users, seed).log(seed), propensity=None)


def clicked(log):
    """Return the log with clicks and a day of redemption, both recorded after the coupon was given."""
    generator = np.random.default_rng(0)
    clicks = np.where(log.arm < 0, 0, generator.poisson(1.0, log.n))
    day = np.where(clicks > 1, "2024-05-01", None)
    return replace(log, features=log.features.assign(clicks=clicks, redeemed_at=day))


def preferred(log):
    """Return the log with the third coupon mostly for the older half."""
    older = (log.features["age"] > 0).to_numpy() & (np.arange(log.n) % 3 > 0)
    return replace(log, arm=np.where(older, 2, np.minimum(log.arm, 1)).astype(np.int32))


def by_known_choice(users, seed):
    """Return a log whose third coupon goes mostly to the older half, and which tells the propensities."""
    log = by_lot(users, seed)
    generator = np.random.default_rng(seed)
    older = (log.features["age"] > 0).to_numpy()
    chance = np.where(older[:, None], [0.2, 0.1, 0.1, 0.6], [0.3, 0.3, 0.3, 0.1])
    place = (generator.random((log.n, 1)) > chance.cumsum(axis=1)).sum(axis=1)
    arm = (place - 1).astype(np.int32)
    return replace(log, arm=arm, cost=log.cost * (arm >= 0), propensity=chance[np.arange(log.n), place])


@pytest.mark.parametrize("seed", range(6))
def test_a_lottery_raises_no_doubt(seed):
    """A randomised log without propensities, small or large, is not warned of."""
    for users in (150, 600, 9000):
        assert doubts(by_lot(users, seed)) == []


@pytest.mark.parametrize("seed", range(6))
def test_true_propensities_raise_no_doubt(seed):
    """They say all that there is to say of how arms were chosen."""
    for users in (150, 600, 9000):
        assert doubts(by_known_choice(users, seed)) == []


def test_propensities_that_features_contradict_are_told():
    """They add up, as those of a lottery do, but the older ones got the third coupon."""
    log = preferred(by_lot(6000))
    shares = np.bincount(log.arm + 1) / log.n
    (found,) = doubts(replace(log, propensity=shares[log.arm + 1]))
    assert "of who got which coupon, 'age' alone" in found
    assert "its column 'propensity' does not" in found
    assert "give the true ones, or BY CHOICE. If 'age' was recorded after" in found


@pytest.mark.parametrize("factor", [3.0, 0.5])
def test_propensities_that_do_not_add_up_are_told(factor):
    """Those of the arm that is furthest off, with how many rows its own stand for."""
    log = by_known_choice(2000, 0)
    own = log.arm == 1
    wrong = np.where(own, np.minimum(factor * log.propensity, 1.0), log.propensity)
    (found,) = doubts(replace(log, propensity=wrong))
    assert found.startswith(
        f"the propensities of arm {log.coupons.ids[1]!r} do not add up: weighed by 1 / propensity its "
        f"{own.sum():,} rows stand for {(1 / wrong[own]).sum():,.0f}, where the log has {log.n:,}"
    )


def test_the_column_that_decided_is_named():
    """With both mends: it may have decided, or have been recorded afterwards."""
    (found,) = doubts(preferred(by_lot()))
    assert "of who got which coupon, 'age' alone" in found
    assert "give the propensities, or BY CHOICE. If 'age' was recorded after the coupon was given" in found
    assert found.endswith("LEAVE OUT ['age']")


def test_columns_recorded_afterwards_are_named_most_telling_first():
    """Clicks and redemptions tell who got a coupon, not why."""
    (found,) = doubts(clicked(by_lot()))
    assert "If 'clicks' and 'redeemed_at' were recorded after the coupon was given, or describe it" in found
    assert found.endswith("LEAVE OUT ['clicks', 'redeemed_at']")


def test_a_rare_column_recorded_afterwards_is_named():
    """Unsubscribing explains next to nothing of who got which coupon, but those who got none hardly can."""
    log, generator = by_lot(20_000), np.random.default_rng(0)
    left = generator.random(log.n) < np.where(log.arm < 0, 0.001, 0.012)
    (found,) = doubts(replace(log, features=log.features.assign(unsubscribed=left)))
    assert found.startswith("between arms 'unsubscribed' differs by more than chance, and the log has no")
    assert found.endswith("LEAVE OUT ['unsubscribed']")


def test_a_choice_that_no_column_tells_alone_names_none():
    """Here two flags decide together, each alone being as good as a lot."""
    log, generator = by_lot(), np.random.default_rng(1)
    one, other = generator.random((2, log.n)) < 0.5
    arm = np.where(one ^ other, 2, np.minimum(log.arm, 1)).astype(np.int32)
    (found,) = doubts(replace(log, arm=arm, features=log.features.assign(one=one, other=other)))
    assert found.endswith("give the propensities, or BY CHOICE")
    assert "alone" not in found


def test_without_a_control_group_propensities_are_the_only_mend():
    """What cannot be trained on needs no other advice."""
    log = preferred(by_lot())
    kept = log.take(log.arm >= 0)
    (found,) = assignment_doubts(kept, by_choice=None, afterwards=lambda names: "")
    assert "give the propensities. If 'age' was" in found


@pytest.mark.parametrize("arm", [-1, 2])
def test_a_log_of_one_arm_raises_no_doubt(arm):
    """Nothing was chosen, and its shares have no entropy to explain."""
    log = by_lot(600)
    assert doubts(log.take(log.arm == arm)) == []


@pytest.mark.parametrize("rows", [1, 2, 40])
def test_few_rows_raise_no_doubt(rows):
    """Of two rows whose users and arms differ, any feature would explain everything."""
    assert doubts(preferred(by_lot()).take(np.arange(rows))) == []


def test_rows_of_one_user_raise_no_doubt():
    """They cannot be parted into folds of users."""
    log = preferred(by_lot())
    assert doubts(replace(log, user_id=np.full(log.n, "a", dtype=object))) == []
