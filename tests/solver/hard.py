"""Instances that are hard where most are easy, small enough for HiGHS to search to the end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from couponry.instances import (
    Budget,
    Campaign,
    Coupons,
    Coverage,
    Exclusion,
    Instance,
    Parity,
    Rule,
    UserCap,
)
from couponry.instances.generators import draw_instance

__all__ = ["CROWDED", "HARD"]


def _drawn(
    users: int, coupons: int, *rules: Rule, seed: int, stock: np.ndarray | None = None, **measures: np.ndarray
) -> Instance:
    """Return a drawn response with other rules, and with other measures where given."""
    drawn = draw_instance(users, coupons, seed=seed, rules=(), segments={"region": 3, "age_band": 2})
    response = replace(drawn.response, measures={**drawn.response.measures, **measures})
    menu = drawn.coupons.table if stock is None else drawn.coupons.table.assign(stock=stock)
    return Instance(Coupons(menu), drawn.users, response, rules, Campaign())


def tiny_stock(seed: int, users: int = 200) -> Instance:
    """Return users who want six coupons, of which there are one to nine each."""
    stock = 1.0 + (7 * np.arange(6) + seed) % 9
    rules = (Budget(amount=20.0), Coverage(segment="region", at_least=round(4 / users, 4)))
    return _drawn(users, 6, *rules, seed=seed, stock=stock)


def odd_budget(seed: int, users: int = 150) -> Instance:
    """Return users all of whose costs are multiples of seven, and a budget that is none."""
    cost = np.random.default_rng(seed).choice([7.0, 14.0, 21.0, 35.0], (users, 4))
    return _drawn(users, 4, Budget(amount=7.0 * (2 * users // 3) + 1 + seed % 6), seed=seed, cost=cost)


def families(seed: int, users: int = 120) -> Instance:
    """Return users with up to three coupons, at most one of each kind."""
    rules = (
        UserCap(coupons=3),
        Exclusion(by="kind"),
        Budget(amount=users / 3),
        Coverage(segment="region", at_least=0.3),
    )
    return _drawn(users, 8, *rules, seed=seed)


def met_sides(seed: int, users: int = 150) -> Instance:
    """Return users of whom a fifth gets something in every region, to within a user or two, and by age."""
    rules = (
        Budget(amount=0.1 * users),
        Coverage(segment="region", at_least=0.2, at_most=0.2 + round(3.5 / users, 4)),
        Parity(segment="age_band", tolerance=round(0.8 / users, 4)),
    )
    return _drawn(users, 5, *rules, seed=seed)


def zero_budget(seed: int, users: int = 150) -> Instance:
    """Return users without money: what costs must be earned by pairs of negative cost."""
    random = np.random.default_rng(seed)
    cost = random.uniform(0.0, 1.0, (users, 5)) - 0.8 * (random.random((users, 5)) < 0.3)
    return _drawn(users, 5, Budget(amount=0.0), UserCap(coupons=2), seed=seed, cost=cost)


def all_negative(seed: int, users: int = 150) -> Instance:
    """Return users whom every coupon drives away, where every region must be served."""
    value = -np.random.default_rng(seed).uniform(0.01, 1.0, (users, 5))
    rules = (Budget(amount=0.1 * users), Coverage(segment="region", at_least=0.2))
    return _drawn(users, 5, *rules, seed=seed, value=value)


def all_negative_and_free(seed: int, users: int = 150) -> Instance:
    """Return users whom every coupon drives away, and nobody must be served."""
    value = -np.random.default_rng(seed).uniform(0.01, 1.0, (users, 5))
    return _drawn(users, 5, Budget(amount=0.1 * users), seed=seed, value=value)


def one_coupon(seed: int, users: int = 300) -> Instance:
    """Return users of one coupon."""
    rules = (Budget(amount=0.03 * users), Coverage(segment="region", at_least=0.1))
    return _drawn(users, 1, *rules, seed=seed)


def one_user(seed: int) -> Instance:
    """Return one user with up to three of twelve coupons."""
    return _drawn(1, 12, UserCap(coupons=3), Exclusion(by="kind"), Budget(amount=1.5), seed=seed)


def one_of_each(seed: int) -> Instance:
    """Return one user and one coupon that may be too dear."""
    return _drawn(1, 1, Budget(amount=[0.0, 0.1, 10.0][seed % 3]), seed=seed)


CROWDED: dict[str, Callable[..., Instance]] = {
    make.__name__: make
    for make in (
        tiny_stock,
        odd_budget,
        families,
        met_sides,
        zero_budget,
        all_negative,
        all_negative_and_free,
        one_coupon,
    )
}
"""Those that can have any number of users."""
HARD: dict[str, Callable[..., Instance]] = {
    **CROWDED,
    one_user.__name__: one_user,
    one_of_each.__name__: one_of_each,
}
