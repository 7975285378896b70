"""Users who stay as an earlier plan has them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from couponry.instances.errors import InputError
from couponry.instances.instance import Instance
from couponry.instances.rules import Freeze
from couponry.solver.verify.findings import Violation, listed
from couponry.solver.verify.measures import earlier_plan, menu_positions, positions
from couponry.solver.verify.plan import Pairs, places_of

__all__ = ["Frozen", "broken_freeze", "read_frozen"]


@dataclass(frozen=True)
class Frozen:
    """The frozen pairs, each once, in the users' order.

    Attributes
    ----------
    name : str
        Of the rule.
    user, place, coupon : ndarray of int64, shape (f,)
    """

    name: str
    user: np.ndarray
    place: np.ndarray
    coupon: np.ndarray

    def within(self, first: int, last: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the pairs of the users ``first`` to ``last − 1``: users counted from ``first``, places."""
        some = slice(*np.searchsorted(self.user, (first, last)))
        return self.user[some] - first, self.place[some]


def read_frozen(instance: Instance) -> Frozen:
    """Return the pairs that the freeze rule names; none where there is no such rule.

    Raises
    ------
    InputError
        If there are several, or the plan names a user, coupon or pair that the instance does not have.
    """
    rules = [rule for rule in instance.rules if isinstance(rule, Freeze)]
    if not rules:
        nothing = np.empty(0, dtype=np.int64)
        return Frozen("freeze", nothing, nothing, nothing)
    if len(rules) > 1:
        raise InputError("there is more than one freeze rule")
    table = earlier_plan(rules[0])
    user = positions(table["user_id"], instance.users.ids)
    coupon = menu_positions(instance, table["coupon_id"])
    for column, found in (("user_id", user), ("coupon_id", coupon)):
        if (found < 0).any():
            value = table[column][int(np.argmin(found))].as_py()
            raise InputError("a frozen plan names what the instance lacks", column=column, value=value)
    menu = len(instance.coupons)
    user, coupon = np.divmod(np.unique(user * menu + coupon), menu)
    place = places_of(instance, user, coupon)
    if (place < 0).any():
        gone = instance.users.ids[int(user[np.argmin(place)])].as_py()
        raise InputError("a frozen pair is not eligible", column="user_id", value=gone)
    return Frozen(rules[0].name or "freeze", user, place, coupon)


def broken_freeze(instance: Instance, frozen: Frozen, pairs: Pairs) -> list[Violation]:
    """Return the frozen users who lack a coupon or got another."""
    menu = len(instance.coupons)
    due = frozen.user * menu + frozen.coupon
    given = (pairs.user * menu + pairs.coupon)[np.isin(pairs.user, frozen.user)]
    missing, further = np.setdiff1d(due, given), np.setdiff1d(given, due)
    changed = np.unique(np.concatenate([missing, further]) // menu)

    def coupons(keys: np.ndarray, user: int) -> str:
        held = keys[keys // menu == user] % menu
        return ", ".join(instance.coupons.ids[int(j)] for j in np.sort(held)) or "nothing"

    def one(i: int) -> Violation:
        user = int(changed[i])
        who, was, now = f"user {instance.users.ids[user].as_py()}", coupons(due, user), coupons(given, user)
        words = f"{frozen.name}: {who} is frozen with {was} and gets {now}."
        differing = float((missing // menu == user).sum() + (further // menu == user).sum())
        return Violation(frozen.name, who, differing, 0.0, differing, words)

    return listed(frozen.name, len(changed), one)
