"""Users who are harder on a solver than most."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from couponry.instances.drawn.attained import Attained
from couponry.instances.drawn.behaviour import Menu
from couponry.instances.drawn.recipe import usual
from couponry.instances.rules import Budget, Rule

__all__ = ["alike", "coins", "earning", "no_money", "odd_budget", "tiny_stock", "unwanted"]

Codes = Mapping[str, np.ndarray]
Measures = dict[str, np.ndarray]

COIN = 7
SIZES = (7, 14, 21, 35)
MOST_UNITS = 9


def alike(rng: np.random.Generator, menu: Menu, coupon: np.ndarray, codes: Codes, users: int) -> Measures:
    """Make all users of the same groups respond exactly alike.

    A type's response is that of one usual user, drawn from a stream that depends on the menu alone, so it is
    the same in every block.
    """
    kind = np.zeros(users, dtype=np.int64)
    for code in codes.values():
        kind = kind * 64 + code  # no segment here has as many groups
    types, position = np.unique(kind, return_inverse=True)
    measures: dict[str, list[np.ndarray]] = {}
    for one in types:
        stream = np.random.default_rng([int(one), len(menu)])
        drawn = usual(stream, menu, coupon, {"type": np.array([one % 5])}, 1)
        for name, row in drawn.items():
            measures.setdefault(name, []).append(row[0])
    return {name: np.array(rows, dtype=np.float32)[position] for name, rows in measures.items()}


def coins(rng: np.random.Generator, menu: Menu, coupon: np.ndarray, codes: Codes, users: int) -> Measures:
    """Make every pair cost 7, 14, 21 or 35: a budget of another remainder fits no sum exactly."""
    measures = usual(rng, menu, coupon, codes, users)
    sizes = np.array(SIZES, dtype=np.float32)
    measures["cost"] = sizes[rng.integers(0, len(sizes), measures["cost"].shape)]
    return measures


def earning(rng: np.random.Generator, menu: Menu, coupon: np.ndarray, codes: Codes, users: int) -> Measures:
    """Let a good third of the pairs earn money: what they bring in exceeds what they cost."""
    measures = usual(rng, menu, coupon, codes, users)
    uniform = rng.random(measures["cost"].shape, dtype=np.float32)
    measures["cost"] = measures["cost"] - np.float32(2.5) * uniform * uniform
    return measures


def unwanted(rng: np.random.Generator, menu: Menu, coupon: np.ndarray, codes: Codes, users: int) -> Measures:
    """Make every coupon cost conversions: all values are negative."""
    measures = usual(rng, menu, coupon, codes, users)
    measures["value"] = -np.float32(0.001) - np.abs(measures["value"])
    measures["revenue"] = -np.abs(measures["revenue"])
    return measures


def odd_budget(plan: Attained, menu: pd.DataFrame) -> Rule:
    """Give a quarter of the money that all would take, less one: no sum of coins is that much."""
    wanted = max(0.25 * plan.total_at_best("cost"), plan.total("cost"))
    return Budget(amount=float(COIN * (wanted // COIN + 1) + COIN - 1))


def no_money(plan: Attained, menu: pd.DataFrame) -> Rule:
    """Give no money: what is spent must be earned."""
    return Budget(amount=0.0)


def tiny_stock(coupons: int) -> np.ndarray:
    """Return a stock of one to nine of every coupon, float64 ``(J,)``."""
    return 1.0 + (5 * np.arange(coupons)) % MOST_UNITS
