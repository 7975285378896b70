"""Users of an earlier plan who stay as they are."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from couponry.instances.errors import InputError
from couponry.instances.kept import earlier_pairs

if TYPE_CHECKING:
    from couponry.instances.choices import Choices
    from couponry.instances.instance import Instance

__all__ = ["FrozenPairs", "frozen_pairs"]


def _nobody() -> np.ndarray:
    return np.empty(0, dtype=np.int64)


@dataclass(frozen=True)
class FrozenPairs:
    """Pairs that every plan holds, and whose users get nothing else.

    Attributes
    ----------
    user : ndarray of int64, shape (F,)
        Rows of the users, ascending.
    place : ndarray of int64, shape (F,)
        Places in their lists.
    """

    user: np.ndarray = field(default_factory=_nobody)
    place: np.ndarray = field(default_factory=_nobody)

    def __len__(self) -> int:
        return len(self.user)


def frozen_pairs(instance: Instance, plan: str | pa.Table, choices: Choices) -> FrozenPairs:
    """Return where the pairs of an earlier plan stand in this instance.

    Parameters
    ----------
    instance : Instance
    plan : str or pyarrow.Table
        A plan file, or a table with ``user_id`` and ``coupon_id``.
    choices : Choices
        What one user may be given.

    Raises
    ------
    InputError
        If the plan cannot be read, a user or coupon of it is gone, a pair of it is no longer eligible, or a
        user was given more than the rules allow one user.
    """
    table, user, coupon = earlier_pairs(instance, plan)
    for name, position, known in (("user", user, "the users"), ("coupon", coupon, "the menu")):
        unknown = np.flatnonzero(position < 0)
        if len(unknown):
            raise InputError(
                f"a {name} of the frozen plan is not among {known}",
                column=f"{name}_id",
                value=table[f"{name}_id"][int(unknown[0])].as_py(),
                mend=f"Add the {name}, or leave the pair out of the frozen plan",
            )
    place = _places(instance, user, coupon)
    order = np.lexsort((place, user))
    user, place, coupon = user[order], place[order], coupon[order]
    _check_limits(instance, choices, user, place, coupon)
    return FrozenPairs(user, place)


def _places(instance: Instance, user: np.ndarray, coupon: np.ndarray) -> np.ndarray:
    """Return the place of each pair in its user's list."""
    shortlist, place = instance.response.coupon, coupon.astype(np.int64)
    if shortlist is not None:
        at = shortlist[user] == coupon[:, None]
        place = np.where(at.any(axis=1), at.argmax(axis=1), -1)
    usable = (place >= 0) & ~np.isnan(instance.response.measure("value")[user, place])
    if not usable.all():
        gone = int(np.flatnonzero(~usable)[0])
        raise InputError(
            "a pair of the frozen plan is not eligible: the response has no value for it",
            column="coupon_id",
            value=_pair(instance, user[gone], coupon[gone]),
            mend="Give the pair a value and a cost, or leave it out of the frozen plan",
        )
    return np.asarray(place)


def _check_limits(
    instance: Instance, choices: Choices, user: np.ndarray, place: np.ndarray, coupon: np.ndarray
) -> None:
    """Refuse a user who was given more than the rules allow one user; pairs are in the users' order."""
    users = len(instance.users)
    counts = np.bincount(user, minlength=users)
    many = np.flatnonzero(counts > choices.max_coupons)
    if len(many):
        held, most = counts[many[0]], choices.max_coupons[many[0]]
        problem, mend = f"has {held} coupons, at most {most} allowed", "the user's own max_coupons"
        raise _beyond(instance, many[0], problem, f"Raise the user cap, or {mend}")
    for apart in range(1, counts.max(initial=0)):
        clash = (user[apart:] == user[:-apart]) & choices.conflicts[coupon[apart:], coupon[:-apart]]
        if clash.any():
            at = int(np.argmax(clash))
            both = f"{instance.coupons.ids[coupon[at]]} and {instance.coupons.ids[coupon[at + apart]]}"
            problem = f"has {both}, which exclude each other"
            raise _beyond(instance, user[at], problem, "Mend the exclusion")
    cost = instance.response.measure("cost")[user, place].astype(np.float64)
    rounding = 1e-9 * np.bincount(user, weights=np.abs(cost), minlength=users)
    # Only sums that rounding could carry across the cap are worth an exact one.
    for one in np.flatnonzero(np.bincount(user, weights=cost, minlength=users) > choices.money - rounding):
        spent = math.fsum(cost[user == one])
        if spent > choices.money:
            problem = f"has coupons of cost {spent:g}, at most {choices.money:g} allowed"
            raise _beyond(instance, one, problem, "Raise the user cap's money")


def _beyond(instance: Instance, user: int | np.integer, problem: str, mend: str) -> InputError:
    return InputError(
        f"a user of the frozen plan {problem}",
        column="user_id",
        value=instance.users.ids[int(user)].as_py(),
        mend=f"{mend}, or leave the pairs out of the frozen plan",
    )


def _pair(instance: Instance, user: np.integer, coupon: np.integer) -> str:
    return f"{instance.users.ids[int(user)].as_py()}, {instance.coupons.ids[int(coupon)]}"
