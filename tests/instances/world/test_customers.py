"""Customers of a world, as nobody sees them."""

import numpy as np

from couponry.instances.world.customers import Customers, draw_categories, draw_customers, sigmoid
from couponry.instances.world.words import AGE_BANDS, CATEGORIES, CHANNELS, DEVICES, REGIONS


def draw(users: int, seed: int = 0) -> Customers:
    """Return customers."""
    return draw_customers(np.random.default_rng(seed), users)


def test_traits_are_in_their_ranges() -> None:
    """Codes have names, shares sum to 1, probabilities lie in (0, 1), and intent has strength where it is."""
    people = draw(5_000)
    assert len(people) == 5_000
    for codes, names in ((people.region, REGIONS), (people.age_band, AGE_BANDS), (people.device, DEVICES)):
        assert set(codes.tolist()) == set(range(len(names)))
    assert people.taste.shape == (5_000, len(CATEGORIES))
    np.testing.assert_allclose(people.taste.sum(axis=1), 1, rtol=1e-5)
    assert people.reach.shape == (5_000, len(CHANNELS))
    assert ((people.reach > 0) & (people.reach < 1)).all()
    assert ((people.intent >= 0) == (people.intent_strength > 0)).all()
    assert people.basket.dtype == np.float32


def test_age_shapes_taste_and_channels() -> None:
    """The oldest like groceries and read text messages; the youngest like neither."""
    people = draw(20_000)
    old, young = people.age_band == len(AGE_BANDS) - 1, people.age_band == 0
    grocery, sms = CATEGORIES.index("grocery"), CHANNELS.index("sms")
    assert people.taste[old, grocery].mean() > 1.5 * people.taste[young, grocery].mean()
    assert people.reach[old, sms].mean() > 1.5 * people.reach[young, sms].mean()


def test_categories_are_drawn_by_taste() -> None:
    """A customer of one taste gets that category; one of two gets each as often as it is liked."""
    taste = np.array([[0, 0, 1, 0, 0, 0], [0.25, 0, 0, 0, 0, 0.75]], dtype=np.float32)
    who = np.repeat([0, 1], [100, 20_000])
    drawn = draw_categories(np.random.default_rng(0), taste, who)
    assert set(drawn[:100].tolist()) == {2}
    shares = np.bincount(drawn[100:], minlength=6) / 20_000
    # Standard error: sqrt(0.25 × 0.75 / 20,000) = 0.003.
    np.testing.assert_allclose(shares, [0.25, 0, 0, 0, 0, 0.75], atol=0.015)


def test_sigmoid_keeps_precision() -> None:
    """sigmoid(0) = 1/2, sigmoid(ln 3) = 3/4, and float32 stays float32."""
    result = sigmoid(np.array([0.0, np.log(3)], dtype=np.float32))
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, [0.5, 0.75], rtol=1e-6)
