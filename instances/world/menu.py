"""The menu of a world: coupons of all five kinds, drawn; and the same as arrays, for the behaviour."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from couponry.instances.coupons import KINDS, Coupons
from couponry.instances.world.words import ALL_GOODS, CATEGORIES, CHANNELS, SLOTS

__all__ = ["FREE_DELIVERY_FROM", "SMS_PRICE", "Offers", "draw_menu"]

FREE_DELIVERY_FROM = 88.0
"""Baskets from here on are delivered free anyway, CNY."""

SMS_PRICE = 0.05
"""What one text message costs, CNY."""

_DELIVERY_FEE, _DELIVERY_COST = 10.0, 8.0
_THRESHOLDS_OFF = ((59, 6), (79, 10), (99, 15), (129, 20), (169, 30), (199, 40))
_PERCENTS = (5, 8, 10, 12, 15)
_FIXED = (3, 5, 8, 10)
_GIFTS = (15, 20, 30)
_GIFT_COST_SHARE = 0.55
_VALID_DAYS = (1, 3, 7, 14)


def draw_menu(rng: np.random.Generator, coupons: int, users: int) -> Coupons:
    """Return a menu of coupons.

    With five coupons or more, every kind is among them. ``face_value`` is in CNY, for ``percent_off`` in
    percent, for ``gift`` the price in the shop. ``unit_cost`` is what one redemption costs, empty for
    ``percent_off``, where it depends on the basket. ``category`` is the goods the coupon is good for. Gifts,
    and rich coupons with a threshold, have a stock; the first gift has a minimum promised to its brand.

    Parameters
    ----------
    rng : numpy.random.Generator
    coupons : int
        Length of the menu, J.
    users : int
        How many customers the stock is for.
    """
    channels = rng.permutation(len(CHANNELS))
    rows = []
    for j in range(coupons):
        row: dict[str, object] = {"kind": KINDS[j % len(KINDS)]}
        row |= _TERMS[KINDS[j % len(KINDS)]](rng)
        row |= {
            "channel": CHANNELS[channels[j % len(CHANNELS)]],
            "slot": SLOTS[rng.integers(len(SLOTS))],
            "valid_days": _VALID_DAYS[rng.integers(len(_VALID_DAYS))],
        }
        rows.append(row)
    table = pd.DataFrame(rows)
    table.insert(0, "coupon_id", list(_ids(rows)))
    table["stock"] = [_stock(row, users) for row in rows]
    table["minimum"] = np.nan
    gifts = np.flatnonzero(table["kind"] == "gift")
    if len(gifts):
        table.loc[gifts[0], "minimum"] = float(users // 500)
    return Coupons(table)


def _goods(rng: np.random.Generator, share_all: float) -> str:
    return ALL_GOODS if rng.random() < share_all else CATEGORIES[rng.integers(len(CATEGORIES))]


def _threshold_off(rng: np.random.Generator) -> dict[str, object]:
    threshold, face = _THRESHOLDS_OFF[rng.integers(len(_THRESHOLDS_OFF))]
    return {
        "face_value": float(face),
        "threshold": float(threshold),
        "unit_cost": float(face),
        "category": _goods(rng, 0.6),
    }


def _percent_off(rng: np.random.Generator) -> dict[str, object]:
    percent = _PERCENTS[rng.integers(len(_PERCENTS))]
    return {"face_value": float(percent), "threshold": 0.0, "unit_cost": np.nan, "category": _goods(rng, 0.3)}


def _fixed_off(rng: np.random.Generator) -> dict[str, object]:
    face = float(_FIXED[rng.integers(len(_FIXED))])
    return {"face_value": face, "threshold": 0.0, "unit_cost": face, "category": _goods(rng, 0.5)}


def _gift(rng: np.random.Generator) -> dict[str, object]:
    face = float(_GIFTS[rng.integers(len(_GIFTS))])
    cost = round(face * _GIFT_COST_SHARE, 2)
    return {"face_value": face, "threshold": 69.0, "unit_cost": cost, "category": _goods(rng, 0.0)}


def _free_shipping(rng: np.random.Generator) -> dict[str, object]:
    threshold = (0.0, 29.0)[rng.integers(2)]
    return {
        "face_value": _DELIVERY_FEE,
        "threshold": threshold,
        "unit_cost": _DELIVERY_COST,
        "category": ALL_GOODS,
    }


_TERMS = {
    "threshold_off": _threshold_off,
    "percent_off": _percent_off,
    "fixed_off": _fixed_off,
    "gift": _gift,
    "free_shipping": _free_shipping,
}


def _stock(row: dict[str, object], users: int) -> float:
    if row["kind"] == "gift":
        return float(-(-users // 40))
    if row["kind"] == "threshold_off" and float(str(row["face_value"])) >= 20:
        return float(-(-users // 12))
    return np.nan


def _ids(rows: list[dict[str, object]]) -> Iterator[str]:
    """Name each coupon by its terms, such as ``off15-over99-beauty-sms``."""
    seen: Counter[str] = Counter()
    for row in rows:
        face, threshold = f"{row['face_value']:g}", f"{row['threshold']:g}"
        words = {
            "threshold_off": f"off{face}-over{threshold}",
            "percent_off": f"percent{face}",
            "fixed_off": f"off{face}",
            "gift": f"gift{face}",
            "free_shipping": "freeship" + (f"-over{threshold}" if row["threshold"] else ""),
        }
        goods = "" if row["category"] == ALL_GOODS else f"-{row['category']}"
        name = f"{words[str(row['kind'])]}{goods}-{row['channel']}"
        seen[name] += 1
        yield name if seen[name] == 1 else f"{name}-{seen[name]}"


@dataclass(frozen=True)
class Offers:
    """A menu as arrays, each of length J.

    A coupon is redeemed on baskets in ``[opens, closes)`` and costs ``unit_cost + share × basket`` there;
    sending it costs ``sending`` whether or not it is redeemed.

    Attributes
    ----------
    worth : ndarray
        What one redemption is worth to the user, beside ``share`` of the basket, CNY.
    threshold, opens, closes, unit_cost, share, sending, valid_days : ndarray
    category : ndarray of int
        Position in ``CATEGORIES``; one past the end where the coupon is good for all goods.
    channel, slot : ndarray of int
    """

    worth: np.ndarray
    threshold: np.ndarray
    opens: np.ndarray
    closes: np.ndarray
    unit_cost: np.ndarray
    share: np.ndarray
    sending: np.ndarray
    valid_days: np.ndarray
    category: np.ndarray
    channel: np.ndarray
    slot: np.ndarray

    @classmethod
    def of(cls, coupons: Coupons) -> Offers:
        """Read a menu drawn by :func:`draw_menu`."""
        table = coupons.table
        kind = table["kind"].to_numpy(object)
        face = table["face_value"].to_numpy(np.float32)
        threshold = table["threshold"].to_numpy(np.float32)
        percent = kind == "percent_off"
        fixed = kind == "fixed_off"
        channel = _codes(table["channel"], CHANNELS)
        return cls(
            worth=np.where(percent, np.float32(0), np.where(kind == "gift", np.float32(0.8) * face, face)),
            threshold=threshold,
            # Money off without a threshold still needs a basket that is worth it.
            opens=np.where(fixed, np.maximum(face, threshold), threshold),
            closes=np.where(kind == "free_shipping", np.float32(FREE_DELIVERY_FROM), np.float32(np.inf)),
            unit_cost=np.where(percent, np.float32(0), table["unit_cost"].to_numpy(np.float32)),
            share=np.where(percent, face / np.float32(100), np.float32(0)),
            sending=np.where(channel == CHANNELS.index("sms"), np.float32(SMS_PRICE), np.float32(0)),
            valid_days=table["valid_days"].to_numpy(np.float32),
            category=_codes(table["category"], (*CATEGORIES, ALL_GOODS)),
            channel=channel,
            slot=_codes(table["slot"], SLOTS),
        )


def _codes(column: pd.Series, names: tuple[str, ...]) -> np.ndarray:
    return np.array([names.index(str(value)) for value in column], dtype=np.int32)
