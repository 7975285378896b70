"""What every table compares with: lots, ranking by response, and one coupon for all."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from couponry.instances.log import Log
from couponry.predictors.learner import Outcomes

__all__ = [
    "BEST_SINGLE",
    "BY_RESPONSE",
    "BY_UPLIFT",
    "RANDOM",
    "best_single_coupon",
    "coupons_seen",
    "uplift_of",
]

BY_UPLIFT = "predicted uplift"
BY_RESPONSE = "rank by response"
"""By P(conversion | coupon): who will buy, would they have bought anyway or not."""
RANDOM = "random"
BEST_SINGLE = "best single coupon"

Floats = npt.NDArray[np.float64]


def uplift_of(outcomes: Outcomes) -> Floats:
    """Return predicted conversions with each coupon over none, float64 ``(n, J)``.

    To twelve digits: where a model says the same of all users, what rounding leaves of (p + v) − p would
    otherwise rank them, by p.
    """
    difference = np.asarray(outcomes.conversion[:, 1:] - outcomes.conversion[:, :1], np.float64)
    return np.asarray(difference.round(12), np.float64)


def coupons_seen(held: Log) -> npt.NDArray[np.int64]:
    """Return the coupons that the log gave, menu positions: only these can be judged."""
    given = np.unique(held.arm)
    return given[given >= 0].astype(np.int64)


def best_single_coupon(held: Log, uplift: Floats) -> int | None:
    """Return the coupon of the largest mean predicted uplift among those that the log gave.

    It is chosen by predictions: chosen by the same rows that judge it, it would look better than it is.
    """
    seen = coupons_seen(held)
    return int(seen[uplift[:, seen].mean(axis=0).argmax()]) if len(seen) else None
