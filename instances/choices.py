"""What each user may be given: caps, exclusion families, and who keeps what was given before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from couponry.instances.coupons import Coupons
from couponry.instances.errors import InputError
from couponry.instances.frozen import FrozenPairs, frozen_pairs
from couponry.instances.rules import Exclusion, Freeze, Rule, UserCap, naming

if TYPE_CHECKING:
    from couponry.instances.instance import Instance

__all__ = ["Choices", "choices_of", "freeze_rule", "max_coupons", "with_frozen"]


@dataclass(frozen=True)
class Choices:
    """What one user may be given: the set X_i.

    Attributes
    ----------
    max_coupons : ndarray of int32, shape (n,)
    money : float
        Most expected cost a user; infinite where there is no cap.
    conflicts : ndarray of bool, shape (J, J)
        Symmetric, False on the diagonal: pairs of coupons that one user cannot have together.
    """

    max_coupons: np.ndarray
    money: float
    conflicts: np.ndarray


def max_coupons(instance: Instance) -> np.ndarray:
    """Return how many coupons each user may get, int32 ``(n,)``."""
    caps = [rule.coupons for rule in instance.rules if isinstance(rule, UserCap)]
    most = np.full(len(instance.users), min(caps, default=1), dtype=np.int32)
    own = instance.users.max_coupons
    if own is not None:
        most = np.where(own >= 0, own, most)
    return np.minimum(most, len(instance.coupons))


def choices_of(instance: Instance) -> Choices:
    """Return what each user may choose, from the user caps and the exclusions.

    Raises
    ------
    InputError
        If an exclusion names a coupon or column that the menu does not have.
    """
    caps = [rule.money for rule in instance.rules if isinstance(rule, UserCap)]
    money = min((most for most in caps if most is not None), default=np.inf)
    return Choices(max_coupons(instance), float(money), _conflicts(instance))


def with_frozen(instance: Instance, choices: Choices) -> tuple[Choices, FrozenPairs]:
    """Return choices that leave users nothing more whose pairs stay, and these pairs.

    Raises
    ------
    InputError
        As :func:`couponry.instances.frozen.frozen_pairs` does, or if there is more than one freeze rule.
    """
    frozen, found = FrozenPairs(), freeze_rule(instance.rules)
    if found is not None:
        position, rule = found
        with naming(instance.rules, position):
            frozen = frozen_pairs(instance, rule.plan, choices)
    most = choices.max_coupons.copy()
    most[frozen.user] = 0
    return replace(choices, max_coupons=most), frozen


def freeze_rule(rules: Sequence[Rule]) -> tuple[int, Freeze] | None:
    """Return the freeze rule and its position, or None.

    Raises
    ------
    InputError
        If there is more than one.
    """
    found = [(position, rule) for position, rule in enumerate(rules) if isinstance(rule, Freeze)]
    if len(found) > 1:
        with naming(rules, found[1][0]):
            raise InputError("there is more than one freeze rule", mend="Join their plans in one")
    return found[0] if found else None


def _conflicts(instance: Instance) -> np.ndarray:
    coupons = instance.coupons
    conflicts = np.zeros((len(coupons), len(coupons)), dtype=bool)
    for position, rule in enumerate(instance.rules):
        if isinstance(rule, Exclusion):
            with naming(instance.rules, position):
                for family in _families(rule, coupons):
                    conflicts |= np.outer(family, family)
    np.fill_diagonal(conflicts, False)
    return conflicts


def _families(rule: Exclusion, coupons: Coupons) -> list[np.ndarray]:
    """Return the coupons of each family, bool ``(J,)``."""
    if rule.coupons is not None:
        return [coupons.select(rule.coupons)]
    assert rule.by is not None
    if rule.by not in coupons.table:
        coupons.select({rule.by: []})
    values = coupons.table[rule.by]
    return [(values == value).to_numpy() for value in values.dropna().unique()]
