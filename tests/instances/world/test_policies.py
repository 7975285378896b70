"""Who got which coupon in the past."""

import numpy as np

from couponry.instances.world import World
from couponry.instances.world.policies import biased_shares, draw_arms, random_shares


def test_random_shares_are_alike() -> None:
    """Of four coupons and 20 % without, each coupon has 20 %."""
    np.testing.assert_allclose(random_shares(3, 4, 0.2), np.full((3, 5), 0.2))


def test_arms_are_drawn_by_their_shares() -> None:
    """Certain arms are certain, the last is no coupon, and the probability told is that of the arm drawn."""
    shares = np.array([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [0.25, 0.25, 0.5]])
    arm, probability = draw_arms(np.repeat(shares, [1, 1, 1, 20_000], axis=0), np.random.default_rng(0))
    assert arm[:3].tolist() == [0, 1, -1]
    assert probability[:3].tolist() == [1, 1, 1]
    mixed, told = arm[3:], probability[3:]
    # Standard error: 0.0035 at most.
    np.testing.assert_allclose(np.bincount(mixed + 1) / 20_000, [0.5, 0.25, 0.25], atol=0.015)
    assert (told == np.where(mixed < 0, 0.5, 0.25)).all()


def test_bias_favours_good_customers_and_spares_every_arm() -> None:
    """Shares sum to 1 with at least 5 % spread evenly; platinum gets richer coupons than bronze."""
    world = World.draw(5_000, 6, 0)
    features = world.users_table()
    shares = biased_shares(features, world.coupons, 1.0)
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    assert shares.min() >= 0.05 / 7
    face = world.coupons.table["face_value"].to_numpy()
    richness = shares[:, :-1] @ face / shares[:, :-1].sum(axis=1)
    best, plain = (features["tier"] == "platinum").to_numpy(), (features["tier"] == "bronze").to_numpy()
    assert richness[best].mean() > 1.2 * richness[plain].mean()
    assert shares[best, -1].mean() < 0.7 * shares[plain, -1].mean()


def test_no_strength_is_no_bias() -> None:
    """With strength 0 everyone has the same probabilities."""
    world = World.draw(200, 3, 0)
    shares = biased_shares(world.users_table(), world.coupons, 0.0)
    assert np.ptp(shares, axis=0).max() < 1e-12


def test_features_that_do_not_vary_do_no_harm() -> None:
    """A single customer has probabilities too."""
    world = World.draw(1, 3, 0)
    shares = biased_shares(world.users_table(), world.coupons, 1.0)
    assert np.isfinite(shares).all()
    np.testing.assert_allclose(shares.sum(), 1)
