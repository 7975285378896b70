"""Named changes of an instance: what a planner asks "and if …?" about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np

from couponry.instances.coupons import Coupons
from couponry.instances.errors import InputError, did_you_mean
from couponry.instances.response import Response
from couponry.instances.rules import Coverage, Parity, Rule, UserCap

if TYPE_CHECKING:
    from couponry.instances.instance import Instance

__all__ = [
    "AddRule",
    "Amount",
    "CapUsers",
    "ChangeRule",
    "ChangeStock",
    "Edit",
    "Remove",
    "find_rule",
    "label_key",
    "rule_labels",
]

_CHIEF: Mapping[str, tuple[str, ...]] = {
    "budget": ("amount",),
    "target": ("at_least",),
    "stock": ("at_most", "at_least"),
    "coverage": ("at_least", "at_most"),
    "parity": ("tolerance",),
    "return_floor": ("ratio",),
    "keep": ("share", "changed_at_most"),
}


class Edit(Protocol):
    """One change of an instance."""

    def apply(self, instance: Instance) -> Instance:
        """Return the changed instance; the given one stays as it is.

        Raises
        ------
        InputError
            If the instance has nothing of the kind that is changed.
        """
        ...


@dataclass(frozen=True)
class Amount:
    """A new number: given, or as a factor of the present one.

    Attributes
    ----------
    number : float
    relative : bool
        Whether ``number`` is a factor.
    """

    number: float
    relative: bool = False

    def of(self, present: float) -> float:
        """Return the new number."""
        return present * self.number if self.relative else self.number


@dataclass(frozen=True)
class ChangeRule:
    """Change the chief number of a rule: amount, at_least, tolerance, ratio or share.

    Attributes
    ----------
    rule : str
        Its name; or its kind, where there is one of that kind; or kind and name.
    amount : Amount
    """

    rule: str
    amount: Amount

    def apply(self, instance: Instance) -> Instance:
        """Return the instance with the rule's number changed."""
        position = find_rule(instance, self.rule)
        rule = instance.rules[position]
        names = [n for n in _CHIEF.get(rule.kind, ()) if getattr(rule, n) is not None]
        if not names:
            raise InputError(
                "this rule has no single number to change", value=self.rule, mend="Drop it and add another"
            )
        given = {name: getattr(rule, name) for name in type(rule).model_fields}
        changed = type(rule)(**{**given, names[0]: self.amount.of(given[names[0]])})
        return replace(instance, rules=_put(instance.rules, position, changed))


@dataclass(frozen=True)
class ChangeStock:
    """Change the menu's stock of a coupon; its minimum is lowered to it where need be."""

    coupon_id: str
    amount: Amount

    def apply(self, instance: Instance) -> Instance:
        """Return the instance with another stock."""
        position = instance.coupons.position(self.coupon_id)
        present = float(instance.coupons.stock[position])
        if self.amount.relative and np.isinf(present):
            raise InputError(
                "this coupon has no stock to multiply", value=self.coupon_id, mend="Give a number of units"
            )
        stock, minimum = instance.coupons.stock.copy(), instance.coupons.minimum.copy()
        stock[position] = np.floor(self.amount.of(present))
        minimum[position] = min(minimum[position], stock[position])
        return replace(instance, coupons=_menu(instance.coupons, stock, minimum))


@dataclass(frozen=True)
class CapUsers:
    """Set how many coupons, or how much cost, a user may get; a ``max_coupons`` column still overrides."""

    coupons: int | None = None
    money: float | None = None

    def apply(self, instance: Instance) -> Instance:
        """Return the instance with one user cap in the place of all."""
        caps = [rule for rule in instance.rules if isinstance(rule, UserCap)]
        coupons = min((cap.coupons for cap in caps), default=1) if self.coupons is None else self.coupons
        money = min((cap.money for cap in caps if cap.money is not None), default=None)
        cap = UserCap(coupons=coupons, money=money if self.money is None else self.money)
        return replace(instance, rules=(*(r for r in instance.rules if not isinstance(r, UserCap)), cap))


@dataclass(frozen=True)
class AddRule:
    """Add a rule."""

    rule: Rule

    def apply(self, instance: Instance) -> Instance:
        """Return the instance with one rule more."""
        return replace(instance, rules=(*instance.rules, self.rule))


@dataclass(frozen=True)
class Remove:
    """Give a coupon to nobody, or drop a rule.

    Attributes
    ----------
    name : str
        A coupon's id, or a rule's name or kind.
    """

    name: str

    def apply(self, instance: Instance) -> Instance:
        """Return the instance without it."""
        matching = _matching_rules(instance, self.name)
        if self.name in instance.coupons.positions:
            if matching:
                raise InputError(
                    "a coupon and a rule have this name", value=self.name, mend="Rename the rule"
                )
            return _without_coupon(instance, instance.coupons.position(self.name))
        if not matching:
            known = [*instance.coupons.ids, *rule_labels(instance)]
            raise InputError(
                "no coupon and no rule has this name", value=self.name, mend=did_you_mean(self.name, known)
            )
        position = find_rule(instance, self.name)
        return replace(instance, rules=tuple(r for i, r in enumerate(instance.rules) if i != position))


def rule_labels(instance: Instance) -> list[str]:
    """Return what each rule is called: its name, or its kind, numbered where several share it."""
    plain = [rule.name or rule.kind.replace("_", " ") for rule in instance.rules]
    several, seen, labels = Counter(plain), Counter[str](), []
    for label in plain:
        seen[label] += 1
        labels.append(f"{label} ({seen[label]})" if several[label] > 1 else label)
    return labels


def label_key(label: str) -> str:
    """Return a label in the form that labels are compared in."""
    return label.strip().lower().replace(" ", "_").replace("-", "_")


def _matching_rules(instance: Instance, wanted: str) -> list[int]:
    """Return the rules that a label speaks of: by full label, by kind, or by kind and name."""
    key = label_key(wanted)
    labels = rule_labels(instance)
    exact = [i for i, label in enumerate(labels) if label_key(label) == key]
    if exact:
        return exact
    kind = {"tolerance": "parity"}.get(key, key)
    return [
        i
        for i, rule in enumerate(instance.rules)
        if kind == rule.kind or key == f"{rule.kind}_{label_key(labels[i])}" or _named_by_segment(rule, key)
    ]


def _named_by_segment(rule: Rule, key: str) -> bool:
    """Return whether the label is a kind and the segment that an unnamed rule speaks of."""
    return isinstance(rule, Coverage | Parity) and key in (
        f"{rule.kind}_{label_key(rule.segment)}",
        f"tolerance_{label_key(rule.segment)}",
    )


def find_rule(instance: Instance, wanted: str) -> int:
    """Return the position of the one rule that a label means.

    Raises
    ------
    InputError
        If there is none, or several.
    """
    found = _matching_rules(instance, wanted)
    labels = rule_labels(instance)
    if not found:
        raise InputError("no rule has this name", value=wanted, mend=did_you_mean(wanted, labels))
    if len(found) > 1:
        choices = ", ".join(repr(labels[i]) for i in found)
        raise InputError("several rules are meant", value=wanted, mend=f"Name one of them: {choices}")
    return found[0]


def _put(rules: tuple[Rule, ...], position: int, rule: Rule) -> tuple[Rule, ...]:
    return (*rules[:position], rule, *rules[position + 1 :])


def _menu(coupons: Coupons, stock: np.ndarray, minimum: np.ndarray) -> Coupons:
    table = coupons.table.copy()
    table["stock"] = np.where(np.isfinite(stock), stock, np.nan)
    table["minimum"] = np.where(minimum > 0, minimum, np.nan)
    return Coupons(table)


def _without_coupon(instance: Instance, position: int) -> Instance:
    """Make a coupon eligible for nobody: rules that name it keep their meaning, its minimum goes."""
    response = instance.response
    value = response.measures["value"].copy()
    if response.coupon is None:
        value[:, position] = np.nan
    else:
        value[response.coupon == position] = np.nan
    minimum = instance.coupons.minimum.copy()
    minimum[position] = 0
    return replace(
        instance,
        coupons=_menu(instance.coupons, instance.coupons.stock, minimum),
        response=Response({**response.measures, "value": value}, response.coupon),
    )
