"""The customers of a world: what they are like, which nobody sees."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from couponry.instances.world.words import CATEGORIES, CHANNELS

__all__ = ["Customers", "draw_categories", "draw_customers", "sigmoid"]

_REGION_SHARE = (0.20, 0.30, 0.22, 0.12, 0.16)
_AGE_SHARE = (0.18, 0.30, 0.24, 0.17, 0.11)
_DEVICE_SHARE = (
    (0.52, 0.44, 0.04),
    (0.50, 0.42, 0.08),
    (0.52, 0.34, 0.14),
    (0.56, 0.24, 0.20),
    (0.58, 0.14, 0.28),
)
# Rows are age bands.
_TASTE_BY_AGE = (  # grocery, beauty, apparel, home, electronics, baby
    (-0.5, 0.6, 0.6, -0.6, 0.5, -1.5),
    (0.0, 0.4, 0.4, 0.0, 0.3, 0.8),
    (0.3, 0.1, 0.1, 0.4, 0.1, 0.6),
    (0.6, -0.1, -0.1, 0.6, -0.1, -0.8),
    (0.9, -0.5, -0.3, 0.5, -0.5, -0.4),
)
_REACH_BY_AGE = (  # app, push, sms, email
    (0.9, 0.6, -0.9, -0.8),
    (0.8, 0.4, -0.5, -0.2),
    (0.4, 0.1, 0.0, 0.1),
    (-0.1, -0.3, 0.5, 0.2),
    (-0.7, -0.8, 0.9, 0.0),
)
_SENSITIVITY_BY_AGE = (0.35, 0.10, -0.05, -0.15, 0.05)
_ENGAGEMENT_BY_REGION = (0.0, 0.15, 0.1, -0.45, -0.15)
_BASKET_BY_REGION = (0.0, 0.12, 0.06, -0.12, -0.06)
_HOUR_BY_AGE = (17.0, 16.0, 15.0, 14.0, 12.0)
_TYPICAL_BASKET = 105.0


@dataclass(frozen=True)
class Customers:
    """What n customers are like. All arrays are float32 unless said otherwise.

    Attributes
    ----------
    region, age_band, device : ndarray of int8, shape (n,)
    engagement : ndarray, shape (n,)
        How much the shop is a habit.
    sensitivity : ndarray, shape (n,)
        How much a discount matters.
    annoyance : ndarray, shape (n,)
        How much messages put the customer off.
    basket : ndarray, shape (n,)
        Middle of the customer's baskets on a logarithmic scale, CNY.
    taste : ndarray, shape (n, 6)
        Share of interest by category of goods; rows sum to 1.
    reach : ndarray, shape (n, 4)
        Probability that a message on each channel is noticed.
    active_hour : ndarray, shape (n,)
        Hour of the day at which the customer is mostly there.
    intent : ndarray of int8, shape (n,)
        Category that the customer is about to buy, −1 for none.
    intent_strength : ndarray, shape (n,)
        In [0, 1], 0 without intent.
    """

    region: np.ndarray
    age_band: np.ndarray
    device: np.ndarray
    engagement: np.ndarray
    sensitivity: np.ndarray
    annoyance: np.ndarray
    basket: np.ndarray
    taste: np.ndarray
    reach: np.ndarray
    active_hour: np.ndarray
    intent: np.ndarray
    intent_strength: np.ndarray

    def __len__(self) -> int:
        return len(self.region)


def draw_customers(rng: np.random.Generator, users: int) -> Customers:
    """Draw customers.

    Parameters
    ----------
    rng : numpy.random.Generator
    users : int
    """

    def normal(*shape: int) -> np.ndarray:
        return rng.standard_normal((users, *shape), dtype=np.float32)

    anyone = np.zeros(users, dtype=np.int8)
    region = _pick(rng, np.array([_REGION_SHARE]), anyone)
    age = _pick(rng, np.array([_AGE_SHARE]), anyone)
    engagement = normal() + _table(_ENGAGEMENT_BY_REGION)[region]
    sensitivity = np.float32(0.9) * normal() + _table(_SENSITIVITY_BY_AGE)[age]
    taste = np.exp(np.float32(1.1) * normal(len(CATEGORIES)) + _table(_TASTE_BY_AGE)[age])
    taste /= taste.sum(axis=1, keepdims=True)
    reach = np.float32(0.9) * normal(len(CHANNELS)) + _table(_REACH_BY_AGE)[age]
    reach[:, CHANNELS.index("app")] += np.float32(0.5) * engagement
    intends = rng.random(users, dtype=np.float32) < sigmoid(np.float32(0.6) * engagement - np.float32(0.7))
    strength = np.where(intends, np.float32(0.3) + np.float32(0.7) * rng.random(users, dtype=np.float32), 0)
    return Customers(
        region=region,
        age_band=age,
        device=_pick(rng, np.array(_DEVICE_SHARE), age),
        engagement=engagement,
        sensitivity=sensitivity,
        annoyance=normal() - np.float32(0.2) * engagement,
        basket=np.float32(_TYPICAL_BASKET)
        * np.exp(
            np.float32(0.35) * normal() - np.float32(0.12) * sensitivity + _table(_BASKET_BY_REGION)[region]
        ),
        taste=taste,
        reach=sigmoid(reach),
        active_hour=np.clip(_table(_HOUR_BY_AGE)[age] + np.float32(4) * normal(), 6, 23),
        intent=np.where(intends, draw_categories(rng, taste, np.arange(users)), -1).astype(np.int8),
        intent_strength=strength.astype(np.float32),
    )


def sigmoid(x: np.ndarray) -> np.ndarray:
    """Return 1 / (1 + exp(−x)), in the precision of ``x``."""
    result: np.ndarray = 1 / (1 + np.exp(-x))
    return result


def draw_categories(rng: np.random.Generator, taste: np.ndarray, who: np.ndarray) -> np.ndarray:
    """Draw a category for each entry of ``who``, by that customer's taste; int8."""
    edges = np.cumsum(taste, axis=1)
    point = rng.random(len(who), dtype=np.float32)
    code = np.zeros(len(who), dtype=np.int8)
    for category in range(taste.shape[1] - 1):
        code += point >= edges[who, category]
    return code


def _pick(rng: np.random.Generator, shares: np.ndarray, given: np.ndarray) -> np.ndarray:
    """Draw a position by the shares in row ``given``; int8."""
    point = rng.random(len(given), dtype=np.float32)
    edges = np.cumsum(shares, axis=1).astype(np.float32)
    code = np.zeros(len(given), dtype=np.int8)
    for edge in range(shares.shape[1] - 1):
        code += point >= edges[given, edge]
    return code


def _table(values: object) -> np.ndarray:
    return np.asarray(values, dtype=np.float32)
