"""Who was given which coupon in the past: at random, or as a marketing team would have it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from couponry.instances.coupons import Coupons
from couponry.instances.world.words import TIERS

__all__ = ["biased_shares", "draw_arms", "random_shares"]

_EXPLORED = 0.05


def random_shares(rows: int, coupons: int, none_share: float) -> np.ndarray:
    """Return the same probabilities for everyone, float64 ``(rows, J + 1)``; the last column is no coupon."""
    shares = np.full(coupons + 1, (1 - none_share) / coupons)
    shares[-1] = none_share
    return np.tile(shares, (rows, 1))


def biased_shares(features: pd.DataFrame, coupons: Coupons, strength: float) -> np.ndarray:
    """Return probabilities that favour good customers, float64 ``(n, J + 1)``; the last column is no coupon.

    Frequent, recent, high-tier customers get more coupons, and richer ones; lovers of discounts too; each on
    the channel where they are seen. All of it can be read from ``features``, so that adjusting for them mends
    the bias, and a share of 5 % is spread evenly, so that every arm keeps some probability.

    Parameters
    ----------
    features : pandas.DataFrame, n rows
    coupons : Coupons
    strength : float
        0 is random; 1 a usual team.
    """
    tier = _standard(features["tier"].map({name: rank for rank, name in enumerate(TIERS)}))
    active = _standard(np.log1p(features["orders_365d"])) - _standard(features["recency_days"])
    saver = _standard(features["discount_share"].fillna(0.0))
    seen = {
        "app": _standard(features["app_opens_30d"]),
        "push": _standard(features["push_enabled"]),
        "sms": _standard(features["sms_clicks_90d"]),
        "email": _standard(features["email_open_rate"]),
    }
    richness = _standard(coupons.table["face_value"])
    on_channel = np.column_stack([seen[str(channel)] for channel in coupons.table["channel"]])
    scores = strength * (0.7 * (tier + saver)[:, None] * richness + 0.5 * on_channel)
    among = np.exp(scores - scores.max(axis=1, keepdims=True))
    among /= among.sum(axis=1, keepdims=True)
    any_coupon = 1 / (1 + np.exp(-(0.4 + strength * (0.6 * active + 0.5 * saver))))
    shares = np.column_stack([any_coupon[:, None] * among, 1 - any_coupon])
    spread: np.ndarray = (1 - _EXPLORED) * shares + _EXPLORED / shares.shape[1]
    return spread


def draw_arms(shares: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw an arm for each row of ``shares``.

    Returns
    -------
    ndarray of int32, shape (n,)
        Menu position, −1 for no coupon.
    ndarray of float64, shape (n,)
        Probability of the arm that was drawn.
    """
    edges = np.cumsum(shares, axis=1)[:, :-1]
    drawn = (rng.random(len(shares))[:, None] >= edges).sum(axis=1)
    arm = np.where(drawn == shares.shape[1] - 1, -1, drawn).astype(np.int32)
    return arm, shares[np.arange(len(shares)), drawn]


def _standard(column: pd.Series) -> np.ndarray:
    """Return a column less its mean, in standard deviations; zeros where it does not vary."""
    numbers = column.to_numpy(np.float64)
    spread = numbers.std()
    return (numbers - numbers.mean()) / spread if spread > 0 else np.zeros(len(numbers))
