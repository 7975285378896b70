"""Raw tables small enough to check by hand, and larger drawn ones."""

from __future__ import annotations

import numpy as np
import pandas as pd

from couponry.predictors.profile.tables import RawTables

__all__ = ["PURCHASES", "drawn"]

PURCHASES = pd.DataFrame(
    {
        "user_id": ["ann", "ann", "bob", "bob", "bob", "cy"],
        "order_id": ["1", "1", "2", "3", "3", "4"],
        "time": ["2024-05-01", "2024-05-01", "2024-05-09T12:00", "2024-05-07", "2024-05-07", "2024-06-01"],
        "amount": [10.0, 20.0, 8.0, 4.0, -2.0, 99.0],
        "product": ["tea", "milk", "tea", "tea", "milk", "shoes"],
        "coupon_kind": ["gift", None, "gift", "gift", None, None],
    }
)


def drawn(users: int = 300, seed: int = 0) -> RawTables:
    """Return tables of users who, in turn, run or drink tea; the last third wrote nothing."""
    draw = np.random.default_rng(seed)
    words = [["running", "shoes", "marathon", "fast"], ["tea", "milk", "green", "cup"]]
    who = draw.integers(0, users, 5 * users)
    purchases = pd.DataFrame(
        {
            "user_id": [f"u{i}" for i in who],
            "time": pd.Timestamp("2024-01-01") + pd.to_timedelta(draw.integers(0, 2400, len(who)), "h"),
            "amount": np.round(draw.lognormal(3, 1, len(who)), 2),
        }
    )
    texts = pd.DataFrame(
        [(f"u{i}", " ".join(draw.choice(words[i % 2], 8))) for i in range(2 * users // 3)],
        columns=["user_id", "text"],
    )
    return RawTables(purchases, texts)
