"""How lately, how often and for how much users bought (recency, frequency, money).

References
----------
.. [1] Hughes, A. M. (1994). Strategic database marketing. Probus.
.. [2] Fader, P. S., Hardie, B. G. S., & Lee, K. L. (2005). RFM and CLV: Using iso-value curves for customer
   base analysis. Journal of Marketing Research, 42(4), 415-430. https://doi.org/10.1509/jmkr.2005.42.4.415
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from couponry.predictors.state import State

__all__ = ["PurchaseHabits"]

_MEASURES = ("recency", "frequency", "money")
_PARTS = 5
_DAY = 86_400.0


class PurchaseHabits:
    """Recency, frequency and money, and their scores from 1 to 5 [1]_.

    A score is the fifth of the training buyers that a user would stand in, 5 the best; who never bought has
    0. Returns (negative amounts) lower the money, not below 0, and count for nothing else.

    Attributes
    ----------
    limits : ndarray of float64, shape (3, 4)
        Between the fifths of recency, frequency and money.
    """

    def __init__(self) -> None:
        self.limits: npt.NDArray[np.float64] = np.zeros((len(_MEASURES), 0))

    def fit(self, purchases: pd.DataFrame, as_of: np.datetime64) -> Self:
        """Learn the limits between the fifths from training users' purchases before ``as_of``."""
        buyers = _measures(purchases, sorted(set(purchases["user_id"])), as_of).dropna(subset=["recency"])
        if len(buyers):
            cuts = np.arange(1, _PARTS) / _PARTS
            self.limits = np.stack([np.quantile(buyers[name], cuts) for name in _MEASURES])
        return self

    def columns(self, purchases: pd.DataFrame, users: Sequence[str], as_of: np.datetime64) -> pd.DataFrame:
        """Return the columns of users at a time.

        ``recency`` in days (a gap for who never bought), ``frequency`` in orders, ``money`` in all and
        ``money an order``, the three scores, and ``rfm``, the scores as one word such as ``"545"``.
        """
        found = _measures(purchases, users, as_of)
        scores = [self._score(found[name], i) for i, name in enumerate(_MEASURES)]
        for name, score in zip(_MEASURES, scores, strict=True):
            found[f"{name} score"] = score
        found["rfm"] = ["".join(map(str, three)) for three in zip(*scores, strict=True)]
        return found

    def _score(self, values: pd.Series, measure: int) -> npt.NDArray[np.int64]:
        number = values.to_numpy(np.float64)
        limits = self.limits[measure]
        if _MEASURES[measure] == "recency":  # few days are good
            score = _PARTS - np.searchsorted(limits, number, side="left")
        else:
            score = 1 + np.searchsorted(limits, number, side="right")
            score = np.minimum(score, _PARTS)
        never = np.isnan(number) if _MEASURES[measure] == "recency" else number <= 0
        return np.where(never, 0, score).astype(np.int64)

    def state(self) -> State:
        """Return what was learnt."""
        return State({}, {"limits": self.limits})

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Take back what :meth:`state` gave."""
        own = cls()
        own.limits = state.arrays["limits"]
        return own


def _measures(purchases: pd.DataFrame, users: Sequence[str], as_of: np.datetime64) -> pd.DataFrame:
    bought = purchases[purchases["amount"] >= 0]
    last = bought.groupby("user_id")["time"].max().reindex(list(users))
    by_user = bought.groupby("user_id")
    orders = by_user["order_id"].nunique() if "order_id" in bought else by_user.size()
    money = purchases.groupby("user_id")["amount"].sum().reindex(list(users)).fillna(0.0).clip(lower=0.0)
    frequency = orders.reindex(list(users)).fillna(0).astype(float)
    found = pd.DataFrame(
        {
            "recency": (pd.Timestamp(as_of) - last).dt.total_seconds() / _DAY,
            "frequency": frequency,
            "money": money,
            "money an order": (money / frequency).where(frequency > 0),
        }
    )
    return found.reset_index(drop=True)
