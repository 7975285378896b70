"""The rules that bind all users together, each read from its definition.

A requirement is a sum of parts, ``Σ coefficient · Σ measure over some users' given coupons``, that must lie
between two limits, in the rule's own unit: money, units, units a head. Coefficients are fractions: a ratio of
0.1 is one tenth.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from math import gcd
from typing import Any

import numpy as np
import pyarrow as pa

from couponry.instances.errors import InputError
from couponry.instances.instance import Instance
from couponry.instances.rules import (
    Attributes,
    Budget,
    CouponSelector,
    Coverage,
    Keep,
    Parity,
    ReturnFloor,
    Rule,
    Stock,
    Target,
)
from couponry.instances.streamed import StreamedInstance
from couponry.instances.users import Users
from couponry.solver.verify.chance import check_known, most_of_one, standard_quantile
from couponry.solver.verify.measures import earlier_pairs, users_with_earlier
from couponry.solver.verify.population import Judged, Piece, pieces, segment_tables
from couponry.solver.verify.selectors import selected_coupons
from couponry.solver.verify.user_limits import most_of_all

__all__ = ["Groups", "Part", "Requirement", "read_requirements", "written"]


def written(value: float) -> Fraction:
    """Return a number as the shortest decimal that names it: 0.1 is one tenth."""
    return Fraction(repr(float(value)))


@dataclass(frozen=True)
class Part:
    """``coefficient · Σ measure`` over the given coupons of some groups of users.

    Attributes
    ----------
    coefficient : Fraction
    measure : str
        ``"count"``, a measure of the response, or ``"kept"`` or ``"changed"`` with the rule's position.
    groups : ndarray of bool, shape (G,)
    coupons : ndarray of bool, shape (J,)
    """

    coefficient: Fraction
    measure: str
    groups: np.ndarray
    coupons: np.ndarray


@dataclass(frozen=True)
class Requirement:
    """``lower ≤ base + Σ parts ≤ upper``.

    Attributes
    ----------
    name : str
        As the program's row is named.
    parts : tuple of Part
    lower, upper : float or None
        As they were written; None where there is no such side.
    of : str
        What is summed and over what, in words.
    scale : int
        Of the program's row, whose multiplier speaks of ``scale`` × this sum.
    chance : Part or None
        The variance of a sum that is random: ``quantile · √chance`` is added to the parts, and may not take
        them over ``upper``.
    quantile : float
        At least 0.
    base : Fraction
        What an empty plan has of it.
    """

    name: str
    parts: tuple[Part, ...]
    lower: float | None
    upper: float | None
    of: str
    scale: int = 1
    chance: Part | None = None
    quantile: float = 0.0
    base: Fraction = Fraction(0)


class Groups:
    """Users who are alike in every segment that some rule mentions.

    Attributes
    ----------
    sizes : ndarray of int64, shape (G,)
    """

    def __init__(self, instance: Judged) -> None:
        self._instance = instance
        self._everybody: np.ndarray | None = None
        names: dict[str, None] = {}
        for rule in instance.rules:
            names |= dict.fromkeys(getattr(rule, "users", None) or {})
            if isinstance(rule, Coverage | Parity):
                names[rule.segment] = None
        self._names = list(names)
        counts: Counter[tuple[object, ...]] = Counter()
        for table in segment_tables(instance, self._known(self._names)):
            members, of_user = _combinations(table, self._names)
            for member, count in zip(members, np.bincount(of_user).tolist(), strict=True):
                counts[member] += count
        known = sorted(counts)
        self._number = {member: number for number, member in enumerate(known)}
        self.sizes = np.array([counts[member] for member in known], dtype=np.int64)
        self._columns = {name: _coded([member[i] for member in known]) for i, name in enumerate(self._names)}

    def _known(self, names: list[str]) -> list[str]:
        held = self._instance.users.segment_names if isinstance(self._instance, Instance) else None
        schema = self._instance.source.schema.names if isinstance(self._instance, StreamedInstance) else held
        for name in names:
            if name not in (schema or ()):
                raise InputError("a rule mentions a segment that the users do not have", column=name)
        return names

    def of(self, users: Users) -> np.ndarray:
        """Return the group of each of some users, int64 ``(b,)``."""
        members, of_user = _combinations(users.table, self._names)
        numbers: np.ndarray = np.array([self._number[member] for member in members], dtype=np.int64)
        return np.asarray(numbers[of_user])

    def pieces(self) -> Iterator[Piece]:
        """Return all users with their groups, a piece at a time."""
        for instance in pieces(self._instance):
            yield Piece(instance, self._of_piece(instance))

    def _of_piece(self, instance: Instance) -> np.ndarray:
        if instance is not self._instance:
            return self.of(instance.users)
        if self._everybody is None:
            self._everybody = self.of(instance.users)
        return self._everybody

    def values(self, segment: str) -> list[object]:
        """Return the values that a segment takes, sorted."""
        return self._columns[segment][1]

    def having(self, segment: str, value: object) -> np.ndarray:
        """Return the groups with this value in a segment, bool ``(G,)``.

        Raises
        ------
        InputError
            If no user has it.
        """
        codes, values = self._columns[segment]
        for code, known in enumerate(values):
            if known == value and isinstance(known, bool) == isinstance(value, bool):
                return np.asarray(codes == code)
        raise InputError("no user has this value of a segment", column=segment, value=value)

    def selected(self, wanted: Attributes | None) -> np.ndarray:
        """Return the groups that have one of the values in each column of ``wanted``, bool ``(G,)``."""
        chosen = np.ones(len(self.sizes), dtype=bool)
        for segment, values in (wanted or {}).items():
            chosen &= np.logical_or.reduce([self.having(segment, value) for value in values], axis=0)
        return chosen


def _combinations(table: pa.Table, names: list[str]) -> tuple[list[tuple[object, ...]], np.ndarray]:
    """Return the distinct combinations of some columns' values, and which of them each row has."""
    combined = np.zeros(table.num_rows, dtype=np.int64)
    columns = [_encoded(table, name) for name in names]
    for codes, values in columns:
        # Renumbered after every column, so that many columns cannot overflow.
        combined = np.unique(combined * len(values) + codes, return_inverse=True)[1]
    _, first, of_row = np.unique(combined, return_index=True, return_inverse=True)
    found = [[values[code] for code in codes[first].tolist()] for codes, values in columns]
    return (list(zip(*found, strict=True)) if columns else [()]), of_row


def _encoded(table: pa.Table, name: str) -> tuple[np.ndarray, list[object]]:
    """Return a segment column as codes and the values that they stand for."""
    column = table[name].combine_chunks()
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if column.null_count:
        raise InputError("a user has no value in a segment that a rule mentions", column=name)
    coded = column.dictionary_encode()
    return coded.indices.to_numpy(zero_copy_only=False).astype(np.int64), coded.dictionary.to_pylist()


def _coded(values: list[Any]) -> tuple[np.ndarray, list[object]]:
    """Return each value's position among the distinct ones, and those sorted."""
    known = sorted(set(values))
    at = {value: position for position, value in enumerate(known)}
    return np.array([at[value] for value in values], dtype=np.int64), known


def read_requirements(instance: Judged, groups: Groups) -> list[Requirement]:
    """Return every requirement: the menu's own stock first, then each rule's in the order written.

    Raises
    ------
    InputError
        If a rule names a segment, value, coupon or column that the instance does not have.
    """
    reader = _Reader(instance, groups)
    found = [*reader.menu(), *(r for i, rule in enumerate(instance.rules) for r in reader.read(i, rule))]
    seen: Counter[str] = Counter()
    for i, requirement in enumerate(found):
        seen[requirement.name] += 1
        if seen[requirement.name] > 1:
            found[i] = replace(requirement, name=f"{requirement.name} ({seen[requirement.name]})")
    return found


class _Reader:
    """Reads rules one by one; a method a kind."""

    def __init__(self, instance: Judged, groups: Groups) -> None:
        self.instance = instance
        self.groups = groups

    def menu(self) -> Iterator[Requirement]:
        """Yield what the menu itself says of units: ``minimum ≤ count ≤ stock``."""
        for j, coupon in enumerate(self.instance.coupons.ids):
            stock, minimum = self.instance.coupons.stock[j], self.instance.coupons.minimum[j]
            lower = float(minimum) if minimum > 0 else None
            upper = float(stock) if np.isfinite(stock) else None
            if lower is not None or upper is not None:
                parts = (self.part(1, "count", [coupon], None),)
                yield Requirement(f"stock {coupon}", parts, lower, upper, f"units of coupon {coupon}")

    def read(self, position: int, rule: Rule) -> Iterator[Requirement]:
        """Yield the requirements of one rule; none of a user cap or an exclusion."""
        match rule:
            case Budget():
                yield self._budget(rule)
            case Target():
                parts = (self.part(1, rule.measure, rule.coupons, rule.users),)
                of = f"{rule.measure} of {_scope(rule.coupons, rule.users)}"
                name = rule.name or f"target {rule.measure}"
                yield Requirement(name, parts, rule.at_least, None, of)
            case Stock():
                parts = (self.part(1, "count", rule.coupons, None),)
                of = f"units of {_scope(rule.coupons, None)}"
                yield Requirement(rule.name or "stock", parts, rule.at_least, rule.at_most, of)
            case Coverage():
                yield from self._coverage(rule)
            case Parity():
                yield from self._parity(rule)
            case ReturnFloor():
                yield self._return_floor(rule)
            case Keep():
                yield from self._keep(position, rule)

    def _budget(self, rule: Budget) -> Requirement:
        name, of = rule.name or "budget", f"{rule.measure} of {_scope(rule.coupons, rule.users)}"
        if rule.measure == "liability":
            return Requirement(name, self._liability(rule), None, rule.amount, of)
        parts = (self.part(1, rule.measure, rule.coupons, rule.users),)
        probability = rule.overspend_probability
        if probability is None or probability == 0.5:
            return Requirement(name, parts, None, rule.amount, of)
        chance = self.part(1, "cost_variance", rule.coupons, rule.users)
        check_known(self.instance, chance.coupons)
        of += f" that is exceeded with probability {probability:g}"
        z = standard_quantile(probability)
        return Requirement(name, parts, None, rule.amount, of, chance=chance, quantile=z)

    def _liability(self, rule: Budget) -> tuple[Part, ...]:
        """Return the face value of all that is given, a part a coupon."""
        most, whole = most_of_one(self.instance), self.part(1, "count", rule.coupons, rule.users)
        parts = []
        for j in np.flatnonzero(whole.coupons):
            if np.isnan(most[j]):
                coupon = self.instance.coupons.ids[int(j)]
                raise InputError("the menu does not say what a redemption costs at most", value=coupon)
            own = whole.coupons & (np.arange(len(most)) == j)
            parts.append(replace(whole, coefficient=written(most[j]), coupons=own))
        return tuple(parts)

    def part(
        self,
        coefficient: Fraction | int,
        measure: str,
        coupons: CouponSelector | None,
        users: Attributes | np.ndarray | None,
    ) -> Part:
        """Return a part over the coupons and users that a rule names."""
        groups = users if isinstance(users, np.ndarray) else self.groups.selected(users)
        return Part(Fraction(coefficient), measure, groups, selected_coupons(self.instance, coupons))

    def _split(self, rule: Coverage | Parity) -> Iterator[tuple[str, np.ndarray, int]]:
        """Yield each value of the rule's segment among the rule's users: label, groups, number of users."""
        population = self.groups.selected(rule.users)
        for value in self.groups.values(rule.segment):
            members = population & self.groups.having(rule.segment, value)
            size = int(self.groups.sizes[members].sum())
            if size:
                yield f"{rule.segment}={value}", members, size

    def _coverage(self, rule: Coverage) -> Iterator[Requirement]:
        """Yield ``at_least ≤ units / users ≤ at_most`` for each value of the segment."""
        for label, members, size in self._split(rule):
            yield Requirement(
                f"{rule.name or 'coverage'} {label}",
                (self.part(Fraction(1, size), "count", rule.coupons, members),),
                rule.at_least,
                rule.at_most,
                f"units per head of {_scope(rule.coupons, rule.users)} among the {size:,} with {label}",
                scale=size,
            )

    def _parity(self, rule: Parity) -> Iterator[Requirement]:
        """Yield ``|per head there − per head overall| ≤ tolerance`` for each value of the segment."""
        population = self.groups.selected(rule.users)
        total = int(self.groups.sizes[population].sum())
        for label, members, size in self._split(rule):
            there = self.part(Fraction(1, size), rule.measure, rule.coupons, members)
            overall = self.part(Fraction(-1, total), rule.measure, rule.coupons, population)
            yield Requirement(
                f"{rule.name or 'parity'} {label}",
                (there, overall),
                -rule.tolerance,
                rule.tolerance,
                f"{rule.measure} per head with {label} less the overall, {_scope(rule.coupons, rule.users)}",
                scale=size * total // gcd(size, total),
            )

    def _return_floor(self, rule: ReturnFloor) -> Requirement:
        revenue = self.part(1, "revenue", rule.coupons, rule.users)
        cost = replace(revenue, measure="cost", coefficient=-written(rule.ratio))
        of = f"revenue less {rule.ratio:g} × cost of {_scope(rule.coupons, rule.users)}"
        return Requirement(rule.name or "return floor", (revenue, cost), 0.0, None, of)

    def _keep(self, position: int, rule: Keep) -> Iterator[Requirement]:
        """Yield the share of earlier pairs that stays, and the share of users that is changed."""
        name = rule.name or "keep"
        if rule.share is not None:
            pairs = earlier_pairs(self.instance, rule)
            # Of no pairs every share is kept.
            share = rule.share if pairs else 0.0
            parts = (self.part(Fraction(1, pairs or 1), f"kept {position}", None, None),)
            of = f"share kept of the {pairs:,} pairs of the earlier plan"
            yield Requirement(name, parts, share, None, of, scale=pairs or 1)
        if rule.changed_at_most is not None:
            if min(most_of_all(self.instance), len(self.instance.coupons)) > 1:
                raise InputError(
                    "changed users can be counted where each gets one coupon at most",
                    row=name,
                    column="changed_at_most",
                    mend="Cap users at one coupon, or give share",
                )
            users = int(self.groups.sizes.sum())
            base = Fraction(users_with_earlier(self.instance, position), users)
            parts = (self.part(Fraction(1, users), f"changed {position}", None, None),)
            of = f"share of the {users:,} users who get anything else than in the earlier plan"
            yield Requirement(
                f"{name} changed", parts, None, rule.changed_at_most, of, scale=users, base=base
            )


def _scope(coupons: CouponSelector | None, users: Attributes | None) -> str:
    """Return in words which coupons and users are meant."""

    def conditions(wanted: Attributes) -> str:
        return ", ".join(f"{column} {' or '.join(map(str, values))}" for column, values in wanted.items())

    if coupons is None:
        what = "all coupons"
    elif isinstance(coupons, Mapping):
        what = f"coupons with {conditions(coupons)}"
    else:
        what = f"coupon{'s' if len(coupons) > 1 else ''} {', '.join(coupons)}"
    return what + (f" to users with {conditions(users)}" if users else "")
