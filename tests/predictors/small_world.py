"""A small world whose response is known: four features, three coupons, arms drawn at random.

A user without a coupon buys with probability sigmoid(b). A coupon adds to the logit 0.4 + 0.02 · face value,
and more for the young and the app's users, less for those who come often; so uplifts differ between users by
several points. It costs its face value when its user buys, would they have bought anyway or not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from couponry.instances.coupons import Coupons
from couponry.instances.log import Log

__all__ = ["FACE_VALUES", "SmallWorld", "menu"]

FACE_VALUES = (5.0, 10.0, 20.0)


def menu() -> Coupons:
    """Return three coupons."""
    return Coupons(
        pd.DataFrame(
            {
                "coupon_id": ["five", "ten", "twenty"],
                "kind": ["fixed_off", "fixed_off", "threshold_off"],
                "face_value": FACE_VALUES,
                "threshold": [np.nan, np.nan, 99.0],
                "channel": ["app", "sms", "app"],
            }
        )
    )


@dataclass(frozen=True)
class SmallWorld:
    """Users, and the truth about them.

    Attributes
    ----------
    features : DataFrame, n rows
    probability : ndarray of float64, shape (n, 4)
        Of buying without a coupon, and with each.
    """

    features: pd.DataFrame
    probability: np.ndarray

    @classmethod
    def draw(cls, users: int, seed: int) -> SmallWorld:
        """Draw users."""
        generator = np.random.default_rng(seed)
        age = generator.normal(size=users)
        visits = generator.lognormal(1.0, 0.8, size=users)
        region = generator.choice(["north", "south", "west"], users)
        app = generator.random(users) < 0.5
        base = -1.6 + 0.5 * np.log1p(visits) + 0.3 * (region == "north")
        young = 0.5 * np.tanh(-age) + 0.5 * app - 0.3 * (np.log1p(visits) - 1.3)
        channel = 0.4 * np.where([c == "app" for c in menu().table["channel"]], 1.0, -1.0)
        effect = 0.4 + 0.02 * np.array(FACE_VALUES) + young[:, None] + channel * (app[:, None] - 0.5)
        logits = np.column_stack([base, base[:, None] + effect])
        features = pd.DataFrame({"age": age, "visits": visits, "region": region, "app": app})
        return cls(features, 1 / (1 + np.exp(-logits)))

    @property
    def value(self) -> np.ndarray:
        """True uplift, ``(n, 3)``."""
        return self.probability[:, 1:] - self.probability[:, :1]

    @property
    def cost(self) -> np.ndarray:
        """True expected cost, ``(n, 3)``."""
        return self.probability[:, 1:] * np.array(FACE_VALUES)

    def log(self, seed: int, shares: tuple[float, ...] = (0.25, 0.25, 0.25, 0.25)) -> Log:
        """Draw an exposure of every user; ``shares`` are those of none and of the coupons."""
        generator = np.random.default_rng([seed, 1])
        users = len(self.features)
        arm = generator.choice(np.arange(-1, 3), users, p=shares).astype(np.int32)
        bought = generator.random(users) < self.probability[np.arange(users), arm + 1]
        face = np.append(FACE_VALUES, 0.0)[arm]
        return Log(
            features=self.features,
            user_id=np.array([f"u{i}" for i in range(users)], dtype=object),
            coupons=menu(),
            arm=arm,
            conversion=bought.astype(np.float64),
            cost=bought * face,
            revenue=bought * generator.uniform(50, 150, users).round(2),
            propensity=np.array(shares)[arm + 1],
            segments=("region",),
        )
