"""How drawn users respond to drawn coupons."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from couponry.instances.coupons import KINDS

__all__ = ["Exponential", "Menu", "draw_measures", "draw_shortlists", "keep_share", "skewed"]

CHANNELS = ("app", "push", "sms", "email")

Exponential = Callable[[np.random.Generator, int], np.ndarray]
"""Draws ``(n, 1)`` float32 numbers of mean 1, skewed to the right."""


@dataclass(frozen=True)
class Menu:
    """The coupons of a drawn instance.

    Attributes
    ----------
    table : pandas.DataFrame
        Columns ``coupon_id, kind, face_value, channel``.
    face : ndarray of float32, shape (J,)
        Face values.
    strength : ndarray of float32, shape (J,)
        How strongly each coupon works: dearer ones more, with diminishing returns.
    """

    table: pd.DataFrame
    face: np.ndarray
    strength: np.ndarray

    @classmethod
    def draw(cls, coupons: int, rng: np.random.Generator) -> Menu:
        """Draw a menu of ``coupons`` coupons."""
        face = np.round(np.linspace(4.0, 30.0, coupons)).astype(np.float32)
        width = max(2, len(str(coupons - 1)))
        table = pd.DataFrame(
            {
                "coupon_id": [f"C{j:0{width}d}" for j in range(coupons)],
                "kind": [KINDS[j % len(KINDS)] for j in range(coupons)],
                "face_value": face.astype(np.float64),
                "channel": [CHANNELS[j % len(CHANNELS)] for j in range(coupons)],
            }
        )
        strength = np.sqrt(face / face.mean()) * rng.uniform(0.7, 1.3, coupons).astype(np.float32)
        return cls(table, face, strength)

    def __len__(self) -> int:
        return len(self.face)


def skewed(rng: np.random.Generator, users: int) -> np.ndarray:
    """Draw numbers of mean 1 and variance 9/7, skewed to the right as exponential ones are.

    They are made by products alone: a logarithm may differ in its last bit between machines.
    """
    uniform = rng.random((users, 1), dtype=np.float32)
    return np.float32(4) * uniform * uniform * uniform


def draw_measures(
    rng: np.random.Generator,
    menu: Menu,
    coupon: np.ndarray,
    group: np.ndarray | None,
    users: int,
    exponential: Exponential,
) -> dict[str, np.ndarray]:
    """Draw value, cost and revenue of some users.

    Value grows with how persuadable the user is, with the coupon's strength and with how the two fit; groups
    differ a little, and some values are negative. Cost counts redemptions that would have come anyway.

    Parameters
    ----------
    rng : numpy.random.Generator
    menu : Menu
    coupon : ndarray of int, shape (n, S) or (1, S)
        Menu position of each place.
    group : ndarray of int, shape (n,), or None
        A segment that matters for value.
    users : int
        How many, n.
    exponential : callable
        Draws what is skewed to the right.

    Returns
    -------
    dict of ndarray of float32, each of shape (n, S)
    """
    shape = (users, coupon.shape[1])
    keen = exponential(rng, users)
    if group is not None:
        keen *= (np.float32(0.5) + np.float32(0.2) * (group % 5))[:, None]
    fit = rng.random(shape, dtype=np.float32)
    basket = np.float32(60) + np.float32(40) * exponential(rng, users)
    buys = np.float32(0.02) + np.float32(0.10) * rng.random((users, 1), dtype=np.float32)
    value = np.float32(0.035) * keen * menu.strength[coupon] * fit - np.float32(0.004) * (1 - fit)
    cost = menu.face[coupon] * (buys + np.maximum(value, 0)) * (np.float32(0.5) + np.float32(0.5) * fit)
    return {"value": value, "cost": cost, "revenue": value * basket}


def draw_shortlists(rng: np.random.Generator, users: int, coupons: int, places: int) -> np.ndarray:
    """Draw a shortlist of different coupons for every user, int32 ``(n, S)``, each as likely as any other.

    Place p takes one of the coupons not on the list yet: a number below ``coupons − p``, moved past those
    that are. Memory stays that of the lists, where sorting random numbers would need the whole matrix.
    """
    lists = np.empty((users, places), dtype=np.int32)
    taken = np.empty((users, 0), dtype=np.int32)
    for place in range(places):
        pick = rng.integers(0, coupons - place, users, dtype=np.int32)
        for earlier in range(place):  # ascending, so that one sweep moves past all
            pick += pick >= taken[:, earlier]
        lists[:, place] = pick
        taken = np.sort(lists[:, : place + 1], axis=1)
    return lists


def keep_share(rng: np.random.Generator, value: np.ndarray, share: float) -> None:
    """Make all but a share of the pairs not eligible, in place."""
    if share < 1:
        value[rng.random(value.shape, dtype=np.float32) >= share] = np.nan
