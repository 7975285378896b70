"""What a shop knows of its customers: the features of a world, each a noisy trace of what they are like."""

from __future__ import annotations

from functools import reduce

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from couponry.instances.world.customers import Customers, draw_categories, sigmoid
from couponry.instances.world.words import (
    ACTIONS,
    AGE_BANDS,
    CATEGORIES,
    CATEGORY_PHRASES,
    CHANNELS,
    CONTACT_PHRASES,
    DEVICES,
    PRICE_PHRASES,
    REGIONS,
    TIERS,
)

__all__ = [
    "MOST_EVENTS",
    "SEGMENTS",
    "draw_browsing",
    "draw_features",
    "draw_reviews",
    "draw_traits",
    "user_ids",
]

SEGMENTS = ("region", "tier", "age_band")
MOST_EVENTS = 24
"""Longest browsing sequence that is kept."""

_TIER_EDGES = (0.50, 0.80, 0.95)
_WINDOW_DAYS = 60.0
_SAYS_NOTHING = 0.15


def user_ids(users: int) -> pa.Array:
    """Return ids ``U0000000, U0000001, …``."""
    digits = pc.utf8_lpad(pa.array(np.arange(users)).cast(pa.string()), 7, "0")
    return pc.binary_join_element_wise(pa.scalar("U"), digits, "")


def draw_features(rng: np.random.Generator, customers: Customers) -> dict[str, pa.Array]:
    """Draw segments, money and habits, one array a column.

    ``discount_share`` is empty for customers without an order in the last year.
    """
    n = len(customers)
    app, push, sms, email = (customers.reach[:, c] for c in range(len(CHANNELS)))

    def normal() -> np.ndarray:
        return rng.standard_normal(n, dtype=np.float32)

    orders = rng.poisson(8.0 * np.exp(0.7 * customers.engagement - 0.1))
    recency = np.minimum(rng.exponential(45.0 * np.exp(-0.7 * customers.engagement)), 365.0)
    basket = customers.basket * np.exp(0.35 * normal() / np.sqrt(np.maximum(orders, 1)))
    with_coupon = rng.binomial(orders, sigmoid(1.4 * customers.sensitivity - 0.4))
    messages = rng.poisson(6.0 * np.exp(0.35 * customers.engagement))
    muted = rng.random(n) < sigmoid(1.6 * customers.annoyance - 2.2)
    spend = orders * basket
    return {
        "region": _labels(REGIONS, customers.region),
        "tier": _labels(TIERS, _tiers(spend * np.exp(0.15 * normal()))),
        "age_band": _labels(AGE_BANDS, customers.age_band),
        "device": _labels(DEVICES, customers.device),
        "tenure_days": pa.array(np.ceil(rng.exponential(700.0, n) + recency).astype(np.int32)),
        "recency_days": pa.array(np.ceil(recency).astype(np.int32)),
        "orders_365d": pa.array(orders.astype(np.int32)),
        "spend_365d": pa.array(np.round(spend.astype(np.float64), 2)),
        "basket_mean": pa.array(np.round(np.where(orders > 0, basket, 0).astype(np.float64), 2)),
        "discount_share": pa.array(with_coupon / np.maximum(orders, 1), mask=orders == 0),
        "app_opens_30d": pa.array(rng.poisson(14.0 * app * app).astype(np.int32)),
        "push_enabled": pa.array(rng.random(n) < push),
        "sms_clicks_90d": pa.array(rng.poisson(4.0 * sms).astype(np.int32)),
        "email_open_rate": pa.array(np.round(np.clip(email + 0.12 * normal(), 0, 1).astype(np.float64), 3)),
        "messages_30d": pa.array(messages.astype(np.int32)),
        "muted": pa.array(muted),
        "active_hour": pa.array(
            np.round(np.clip(customers.active_hour + normal(), 0, 23.9).astype(np.float64), 1)
        ),
    }


def draw_browsing(rng: np.random.Generator, customers: Customers) -> dict[str, pa.Array]:
    """Draw each customer's events of the last 60 days, oldest first, as three list columns of equal lengths.

    ``browse_days_ago`` (float32), ``browse_category`` and ``browse_action`` (text). Whoever is about to buy
    has looked at those goods lately.
    """
    n = len(customers)
    rate = 6.0 * np.exp(0.35 * customers.engagement) + 5.0 * customers.intent_strength
    counts = np.minimum(rng.poisson(rate), MOST_EVENTS)
    who = np.repeat(np.arange(n), counts)
    eager = rng.random(len(who), dtype=np.float32) < np.float32(0.6) * customers.intent_strength[who]
    category = np.where(eager, customers.intent[who], draw_categories(rng, customers.taste, who))
    days = rng.standard_exponential(len(who), dtype=np.float32) * np.where(
        eager, np.float32(2), np.float32(18)
    )
    days = np.minimum(days, np.float32(_WINDOW_DAYS))
    point = rng.random(len(who), dtype=np.float32)
    action = np.where(point < 0.15 + 0.25 * eager, 2, np.where(point < 0.40, 1, 0))
    # One whole number an event, customer first: sorted stably in a fraction of the time of two keys.
    hundredths = np.round(days * 100).astype(np.int64)
    oldest_first = np.argsort(who * int(_WINDOW_DAYS * 100 + 1) - hundredths, kind="stable")
    offsets = pa.array(np.concatenate([[0], np.cumsum(counts)]).astype(np.int32))

    def lists(values: pa.Array) -> pa.Array:
        return pa.ListArray.from_arrays(offsets, values)

    return {
        "browse_days_ago": lists(pa.array((hundredths[oldest_first] / 100).astype(np.float32))),
        "browse_category": lists(pa.array(CATEGORIES).take(pa.array(category[oldest_first]))),
        "browse_action": lists(pa.array(ACTIONS).take(pa.array(action[oldest_first]))),
    }


def draw_reviews(rng: np.random.Generator, customers: Customers) -> pa.Array:
    """Draw each customer's last reviews as one text, empty for some.

    Two remarks on goods that the customer likes, one on prices, one on messages.
    """
    n = len(customers)
    everyone = np.arange(n)

    def level(trait: np.ndarray) -> np.ndarray:
        """Return 0, 1 or 2 for a trait, seen through noise."""
        seen = trait + np.float32(0.4) * rng.standard_normal(n, dtype=np.float32)
        levels: np.ndarray = np.digitize(seen, [-0.6, 0.7])
        return levels

    goods = tuple(CATEGORY_PHRASES[c] for c in CATEGORIES)
    remarks = [
        _phrases(rng, goods, draw_categories(rng, customers.taste, everyone)),
        _phrases(rng, PRICE_PHRASES, level(customers.sensitivity)),
        _phrases(rng, goods, draw_categories(rng, customers.taste, everyone)),
        _phrases(rng, CONTACT_PHRASES, level(customers.annoyance)),
    ]
    text = pc.binary_join_element_wise(*remarks, ". ")
    silent = pa.array(rng.random(n, dtype=np.float32) < _SAYS_NOTHING)
    return pc.if_else(silent, "", text)


def draw_traits(rng: np.random.Generator, customers: Customers, hidden: float) -> dict[str, pa.Array]:
    """Draw what customers are like as columns ``trait_…`` of unit variance, of which a share is noise.

    Parameters
    ----------
    rng : numpy.random.Generator
    customers : Customers
    hidden : float
        Share of noise in every column's variance; 0 tells all that decides how a customer responds.
    """
    wanted = [customers.intent_strength * (customers.intent == c) for c in range(len(CATEGORIES))]
    traits = {
        "engagement": customers.engagement,
        "sensitivity": customers.sensitivity,
        "annoyance": customers.annoyance,
        "basket": np.log(customers.basket),
        "hour": customers.active_hour,
        **{f"taste_{name}": customers.taste[:, c] for c, name in enumerate(CATEGORIES)},
        **{f"reach_{name}": customers.reach[:, c] for c, name in enumerate(CHANNELS)},
        **{f"intent_{name}": wanted[c] for c, name in enumerate(CATEGORIES)},
    }
    columns = {}
    for name, trait in traits.items():
        told = (trait - trait.mean()) / max(float(trait.std()), 1e-6)
        noise = rng.standard_normal(len(trait), dtype=np.float32)
        mixed = np.sqrt(1 - hidden) * told + np.sqrt(hidden) * noise
        columns[f"trait_{name}"] = pa.array(mixed.astype(np.float32))
    return columns


def _phrases(rng: np.random.Generator, lists: tuple[tuple[str, ...], ...], which: np.ndarray) -> pa.Array:
    """Draw one phrase of list ``which[i]`` for each i."""
    lengths = np.array([len(phrases) for phrases in lists])
    starts = np.cumsum(lengths) - lengths
    every = pa.array(reduce(lambda left, right: left + right, lists))
    return every.take(pa.array(starts[which] + rng.integers(lengths[which])))


def _tiers(spend: np.ndarray) -> np.ndarray:
    tiers: np.ndarray = np.searchsorted(np.quantile(spend, _TIER_EDGES), spend, side="left")
    return tiers


def _labels(names: tuple[str, ...], codes: np.ndarray) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int8)), pa.array(names))
