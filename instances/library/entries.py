"""The twelve instances: what each is for, and its recipe."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from couponry.instances.drawn import makers
from couponry.instances.drawn.attained import Attained
from couponry.instances.drawn.makers import Maker
from couponry.instances.drawn.recipe import Recipe
from couponry.instances.errors import InputError, did_you_mean
from couponry.instances.library import behaviours
from couponry.instances.rules import Campaign

__all__ = ["ENTRIES", "Entry", "entry"]


@dataclass(frozen=True)
class Entry:
    """A named instance.

    Attributes
    ----------
    name : str
    purpose : str
        What makes it worth solving.
    recipe : Recipe
    """

    name: str
    purpose: str
    recipe: Recipe


def entry(name: str) -> Entry:
    """Return the entry of a name.

    Raises
    ------
    InputError
        If there is none.
    """
    if name not in ENTRIES:
        raise InputError(
            "there is no benchmark instance of this name", value=name, mend=did_you_mean(name, ENTRIES)
        )
    return ENTRIES[name]


def _entry(
    name: str,
    purpose: str,
    users: int,
    coupons: int,
    seed: int,
    segments: dict[str, int],
    rules: tuple[Maker, ...],
    **further: Any,
) -> Entry:
    recipe = Recipe(
        campaign=Campaign(name=name, currency="CNY"),
        users=users,
        coupons=coupons,
        seed=seed,
        segments=segments,
        makers=rules,
        **{"covered": 0.3, **further},
    )
    return Entry(name, purpose, recipe)


def _held_stock(plan: Attained, menu: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Return the menu with the stock that the plan kept to, and a minimum on every fourth coupon."""
    minimum = np.where(np.arange(len(menu)) % 4 == 1, plan.counts // 2, np.nan)
    return menu.assign(stock=behaviours.tiny_stock(len(menu)), minimum=minimum)


def _stock_alone(plan: Attained, menu: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Return the menu with a stock on every third coupon and no minimum: the empty plan stays a plan."""
    return makers.stock(plan, menu, rng).drop(columns="minimum")


_ALL_KINDS = (
    makers.budget(0.25),
    makers.budget(0.125, channel="sms"),
    makers.target,
    makers.user_cap(2),
    makers.exclusion,
    makers.coverage("region", 0.25),
    makers.parity("age_band", 0.01),
    makers.return_floor,
)
_MANY_GROUPS = {"region": 30, "age_band": 25}

ENTRIES = {
    each.name: each
    for each in (
        _entry(
            "easy-500",
            "small and easy: a first test that a method works at all",
            500,
            6,
            101,
            {"region": 4, "age_band": 3},
            (makers.budget(0.25), makers.coverage("region", 0.25), makers.parity("age_band", 0.02)),
            stocked=makers.stock,
        ),
        _entry(
            "odd-budget-2k",
            "every pair costs 7, 14, 21 or 35, and the budget is one short of the next sum",
            2_000,
            5,
            102,
            {"region": 4},
            (behaviours.odd_budget, makers.coverage("region", 0.2)),
            behaviour=behaviours.coins,
        ),
        _entry(
            "zero-budget-3k",
            "no money: what coupons cost must be earned by others, whose cost is negative",
            3_000,
            8,
            103,
            {"region": 4},
            (behaviours.no_money, makers.user_cap(2, money=False), makers.exclusion),
            behaviour=behaviours.earning,
            stocked=_stock_alone,
        ),
        _entry(
            "alike-5k",
            "twelve kinds of users, all of a kind exactly alike: thousands of ties",
            5_000,
            3,
            104,
            {"region": 4, "tier": 3},
            (makers.budget(0.25), makers.coverage("region", 0.25), makers.parity("tier", 0.01)),
            behaviour=behaviours.alike,
            stocked=makers.stock,
        ),
        _entry(
            "negative-5k",
            "every value is negative, and every region must be served: the least loss",
            5_000,
            10,
            105,
            {"region": 6, "age_band": 4},
            (makers.budget(0.25), makers.coverage("region", 0.2), makers.parity("age_band", 0.01)),
            covered=0.2,
            behaviour=behaviours.unwanted,
        ),
        _entry(
            "tiny-stock-10k",
            "forty coupons of which there are one to nine each, wanted by ten thousand",
            10_000,
            40,
            106,
            {"region": 6},
            (makers.budget(0.01), makers.coverage("region", 0.01)),
            covered=0.015,
            held=behaviours.tiny_stock(40),
            stocked=_held_stock,
        ),
        _entry(
            "tight-20k",
            "twenty bands of parity and coverage whose two sides nearly meet",
            20_000,
            8,
            107,
            {"region": 12, "age_band": 8},
            (
                makers.budget(0.25),
                makers.coverage("region", 0.3, ceiling=0.3),
                makers.parity("age_band", 0.0, digits=6),
            ),
        ),
        _entry(
            "nine-20k",
            "all nine kinds of rules at once, two coupons a user, more than sixty rows",
            20_000,
            10,
            108,
            _MANY_GROUPS,
            _ALL_KINDS,
            stocked=makers.stock,
            keep=0.5,
        ),
        _entry(
            "shortlist-100k",
            "two hundred coupons, of which each user is offered five",
            100_000,
            200,
            109,
            {"region": 6, "age_band": 5},
            (makers.budget(0.25), makers.coverage("region", 0.25), makers.parity("age_band", 0.01)),
            shortlist=5,
            stocked=makers.stock,
        ),
        _entry(
            "cities-100k",
            "five hundred rows: coverage and parity in every one of 243 cities",
            100_000,
            20,
            110,
            {"city": 243},
            (
                makers.budget(0.25),
                makers.budget(0.125, channel="sms"),
                makers.target,
                makers.coverage("city", 0.25),
                makers.parity("city", 0.01),
            ),
            stocked=makers.stock,
        ),
        _entry(
            "nine-1m",
            "all nine kinds of rules at once for a million users",
            1_000_000,
            20,
            111,
            _MANY_GROUPS,
            _ALL_KINDS,
            stocked=makers.stock,
            keep=0.5,
        ),
        _entry(
            "easy-10m",
            "ten million users, rules that are easy to meet: how far memory and passes go",
            10_000_000,
            20,
            112,
            {"region": 6, "age_band": 5},
            (makers.budget(0.25), makers.coverage("region", 0.25), makers.parity("age_band", 0.01)),
            stocked=makers.stock,
        ),
    )
}
