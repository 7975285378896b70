"""couponry's models on the same matrices."""

from __future__ import annotations

import numpy as np
import pandas as pd

import couponry as cp


def ours(name: str, columns: list[str], seed: int):  # type: ignore[no-untyped-def]
    """Return a function of training features, arms (0 for none), outcomes and held-out features."""
    model, _, base = name.partition(":")
    columns = [f"{i} {column}" for i, column in enumerate(columns)]

    def fitted(x: np.ndarray, w: np.ndarray, y: np.ndarray, held: np.ndarray) -> np.ndarray:
        n = len(x)
        log = cp.Log(
            features=pd.DataFrame(x, columns=columns),
            user_id=np.arange(n).astype(str).astype(object),
            coupons=cp.Coupons(pd.DataFrame({"coupon_id": [f"arm {j}" for j in range(1, w.max() + 1)]})),
            arm=(w - 1).astype(np.int32),
            conversion=y,
            cost=np.zeros(n),
            revenue=np.zeros(n),
        )
        trained = cp.train(log, model, **({"base": base} if base else {}), seed=seed)
        return trained.predict_response(pd.DataFrame(held, columns=columns)).measure("value").astype(float)

    return fitted
