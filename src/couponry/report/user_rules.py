"""Rules about one user at a time: they have no row, yet a reader wants to see that they hold."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from couponry.instances.choices import max_coupons
from couponry.instances.rules import Exclusion, Freeze, UserCap
from couponry.report.allocation import Allocation
from couponry.report.formats import Formats, plural

__all__ = ["UserRule", "user_rules"]


@dataclass(frozen=True)
class UserRule:
    """A rule about one user at a time, which has no row: what it says and what the plan does."""

    name: str
    limit: str
    activity: str


def user_rules(allocation: Allocation, formats: Formats) -> list[UserRule]:
    """Return the rules about one user at a time; the cap of one coupon holds where no rule says otherwise."""
    instance = allocation.instance
    lines = [_count_cap(allocation, formats)]
    money = instance.program.choices.money
    if math.isfinite(money):
        spent = np.bincount(allocation.user, weights=allocation.measures["cost"], minlength=1)
        lines.append(
            UserRule(
                "Money a user",
                f"at most {formats.money(money)} of expected cost",
                f"the most any user gets is {formats.money(float(spent.max()))}",
            )
        )
    lines += [_freeze(rule, allocation, formats) for rule in instance.rules if isinstance(rule, Freeze)]
    lines += [_exclusion(rule, allocation) for rule in instance.rules if isinstance(rule, Exclusion)]
    return lines


def _count_cap(allocation: Allocation, formats: Formats) -> UserRule:
    instance = allocation.instance
    caps = [rule.coupons for rule in instance.rules if isinstance(rule, UserCap)]
    most = min(caps, default=1)
    limit = f"at most {most} {plural(most, 'coupon')} a user"
    if instance.users.max_coupons is not None:
        limit += ", or what the user's own max_coupons says"
    full = (allocation.per_user >= max_coupons(instance)) & (allocation.per_user > 0)
    at_cap = int(full.sum())
    return UserRule(
        "Coupons a user",
        limit,
        f"the most any user gets is {int(allocation.per_user.max(initial=0))}; "
        f"{formats.count(at_cap)} {plural(at_cap, 'user is', 'users are')} at the cap",
    )


def _freeze(rule: Freeze, allocation: Allocation, formats: Formats) -> UserRule:
    frozen = allocation.frozen
    return UserRule(
        rule.name or "Freeze",
        "users of the earlier plan stay as they are, and get nothing more",
        f"{formats.count(frozen.given)} {plural(frozen.given, 'coupon stays', 'coupons stay')} with "
        f"{formats.count(frozen.users)} {plural(frozen.users, 'user')}, at {formats.money(frozen.cost)} of "
        f"expected cost and {formats.number(frozen.value)} conversions",
    )


def _exclusion(rule: Exclusion, allocation: Allocation) -> UserRule:
    menu = allocation.instance.coupons
    if rule.by is not None:
        family = pd.factorize(menu.table[rule.by])[0]
        one = f"one {rule.by}"
        limit = f"at most one of each {rule.by} a user"
    else:
        family = np.where(menu.select(rule.coupons), 0, -1)
        one = "these"
        limit = f"at most one of {', '.join(rule.coupons or [])} a user"
    given = family[allocation.coupon]
    pairs = allocation.user[given >= 0] * (family.max(initial=0) + 1) + given[given >= 0]
    most = int(np.unique(pairs, return_counts=True)[1].max(initial=0))
    return UserRule(rule.name or "Exclusion", limit, f"the most any user gets of {one} is {most}")
