"""From rules to rows: one method a kind of rule."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from couponry.instances.choices import choices_of, max_coupons, with_frozen
from couponry.instances.coupons import Coupons
from couponry.instances.errors import InputError
from couponry.instances.exact_limits import row_limit
from couponry.instances.frozen import FrozenPairs
from couponry.instances.kept import changed_pairs, kept_pairs
from couponry.instances.program import Program
from couponry.instances.risk import cost_variance, most_of_one, quantile
from couponry.instances.row_names import describe_scope, unique_names
from couponry.instances.rows import (
    CHANGED,
    COST_VARIANCE,
    COUNT,
    KEPT,
    LIABILITY,
    Classes,
    Risk,
    Row,
    Term,
)
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
    naming,
)

if TYPE_CHECKING:
    from couponry.instances.instance import Instance

__all__ = ["Counted", "compile_program", "segments_mentioned"]


@dataclass(frozen=True)
class Counted:
    """What was counted of users who are read block by block, of whom an instance holds one a class.

    Attributes
    ----------
    sizes : ndarray of int64, shape (C,)
        Users of each class.
    most : int
        Most coupons that any of them may have.
    earlier : tuple of int, optional
        Of the keep rule's plan: distinct pairs, and users who had something.
    """

    sizes: np.ndarray
    most: int
    earlier: tuple[int, int] = (0, 0)


def compile_program(instance: Instance, counted: Counted | None = None) -> Program:
    """Compile an instance's rules.

    Parameters
    ----------
    instance : Instance
    counted : Counted, optional
        Where the instance's users stand for more than themselves; then nobody is frozen, and marks of earlier
        pairs are zeros.

    Raises
    ------
    InputError
        If a rule names a segment, value, coupon, column or measure that the instance does not have.
    """
    compiler = _Compiler(instance, counted)
    rows = unique_names(compiler.rows())
    measures = {"value", instance.campaign.objective} | {t.measure for row in rows for t in row.terms}
    if any(row.risk is not None for row in rows):
        measures.add(COST_VARIANCE)
    choices, frozen = choices_of(instance), FrozenPairs()
    if counted is None:
        choices, frozen = with_frozen(instance, choices)
    if np.isfinite(choices.money):
        measures.add("cost")
    columns = {m: compiler.column(m) for m in sorted(measures - {COUNT}, key=lambda m: (m != "value", m))}
    return Program(
        objective=instance.campaign.objective,
        sense=1.0 if instance.campaign.sense == "maximise" else -1.0,
        rows=rows,
        classes=compiler.classes,
        choices=choices,
        columns=columns,
        coupon=instance.response.coupon,
        n_coupons=len(instance.coupons),
        frozen=frozen,
    )


def segments_mentioned(rules: Sequence[Rule]) -> list[str]:
    """Return the segment columns that rules mention, in the order in which they do."""
    columns: dict[str, None] = {}
    for rule in rules:
        columns |= dict.fromkeys(getattr(rule, "users", None) or {})
        if isinstance(rule, Coverage | Parity):
            columns[rule.segment] = None
    return list(columns)


class _Compiler:
    """Turns each rule into rows; one method a kind."""

    def __init__(self, instance: Instance, counted: Counted | None = None) -> None:
        self.instance, self.counted = instance, counted
        self.coupons: Coupons = instance.coupons
        self.earlier: dict[str, np.ndarray] = {}
        self.random = np.zeros(len(self.coupons), dtype=bool)
        for position, rule in enumerate(instance.rules):
            self._check_measure(rule, position)
        self.classes = self._classes(segments_mentioned(instance.rules))
        if counted is not None:
            self.classes = replace(self.classes, sizes=counted.sizes)

    def _classes(self, columns: list[str]) -> Classes:
        for position, rule in enumerate(self.instance.rules):
            for name in [*(getattr(rule, "users", None) or {}), getattr(rule, "segment", None)]:
                if name is not None:
                    with naming(self.instance.rules, position):
                        self.instance.users.segment(name)
        return Classes.of(self.instance.users, columns)

    def _check_measure(self, rule: Rule, position: int) -> None:
        measure = "revenue" if isinstance(rule, ReturnFloor) else getattr(rule, "measure", COUNT)
        if measure != COUNT and not (isinstance(rule, Budget) and measure == LIABILITY):
            with naming(self.instance.rules, position):
                self.instance.response.measure(measure)

    def column(self, measure: str) -> np.ndarray:
        """Return a measure's array, ``(n, S)``."""
        if measure in (KEPT, CHANGED):
            return self.earlier[measure]
        if measure == COST_VARIANCE and self.random.any():
            return self._variance()
        return self.instance.response.measure(measure)

    # ------------------------------------------------------------------ rows

    def rows(self) -> list[Row]:
        """Return the rows of every rule, the menu's own stock first."""
        rows = self._menu_stock()
        for position, rule in enumerate(self.instance.rules):
            method = getattr(self, f"_{rule.kind}", None)
            if method is not None:
                with naming(self.instance.rules, position):
                    rows += [replace(row, rule=position) for row in method(rule)]
        return rows

    def _menu_stock(self) -> list[Row]:
        stock, minimum = self.coupons.stock, self.coupons.minimum
        limited = np.flatnonzero(np.isfinite(stock) | (minimum > 0))
        return [
            self._row(
                Stock(coupons=[self.coupons.ids[j]], at_most=0),
                name=f"stock {self.coupons.ids[j]}",
                coupons=[self.coupons.ids[j]],
                lower=minimum[j] if minimum[j] > 0 else -np.inf,
                upper=stock[j],
            )
            for j in limited
        ]

    def _row(
        self,
        rule: Rule,
        *,
        name: str,
        measure: str = COUNT,
        coupons: CouponSelector | None = None,
        users: Attributes | None = None,
        lower: float = -np.inf,
        upper: float = np.inf,
    ) -> Row:
        term = Term(
            measure,
            self.classes.select(users, self.instance.users).astype(np.float64),
            self.coupons.select(coupons).astype(np.float64),
        )
        scope = describe_scope(coupons, users)
        return Row(name, rule.kind, -1, measure, (term,), float(lower), float(upper), scope=scope)

    def _budget(self, rule: Budget) -> list[Row]:
        row = self._row(
            rule,
            name=rule.name or "budget",
            measure=COUNT if rule.measure == LIABILITY else rule.measure,
            coupons=rule.coupons,
            users=rule.users,
            upper=rule.amount,
        )
        (term,) = row.terms
        if rule.measure == LIABILITY:
            most = most_of_one(self.coupons, term.coupons > 0)
            row = replace(row, terms=(replace(term, coupons=most),), measure=LIABILITY)
        probability = rule.overspend_probability
        if probability is not None and quantile(probability) > 0:
            self.random |= term.coupons > 0
            variance = replace(term, measure=COST_VARIANCE)
            row = replace(row, risk=Risk(probability, quantile(probability), variance))
        return [row]

    def _variance(self) -> np.ndarray:
        """Return the variance of costs that a budget at risk speaks of; an error names the first such."""
        at_risk = (getattr(rule, "overspend_probability", None) for rule in self.instance.rules)
        first = next(i for i, probability in enumerate(at_risk) if probability is not None)
        with naming(self.instance.rules, first):
            return cost_variance(self.instance, self.random)

    def _target(self, rule: Target) -> list[Row]:
        return [
            self._row(
                rule,
                name=rule.name or f"target {rule.measure}",
                measure=rule.measure,
                coupons=rule.coupons,
                users=rule.users,
                lower=rule.at_least,
            )
        ]

    def _stock(self, rule: Stock) -> list[Row]:
        return [
            self._row(
                rule,
                name=rule.name or "stock",
                coupons=rule.coupons,
                lower=-np.inf if rule.at_least is None else rule.at_least,
                upper=np.inf if rule.at_most is None else rule.at_most,
            )
        ]

    def _groups(self, rule: Coverage | Parity) -> list[tuple[object, np.ndarray, int]]:
        """Return each group of the rule's segment: value, its classes, its number of users."""
        scope = self.classes.select(rule.users, self.instance.users)
        groups = []
        for label in self.instance.users.segment(rule.segment).labels:
            members = scope & np.array([value == label for value in self.classes.table[rule.segment]])
            size = int(self.classes.sizes[members].sum())
            if size:
                groups.append((label, members, size))
        return groups

    def _coverage(self, rule: Coverage) -> list[Row]:
        coupons = self.coupons.select(rule.coupons).astype(np.float64)
        return [
            Row(
                name=f"{rule.name or 'coverage'} {rule.segment}={label}",
                kind=rule.kind,
                rule=-1,
                measure=COUNT,
                terms=(Term(COUNT, members.astype(np.float64), coupons),),
                lower=-np.inf if rule.at_least is None else row_limit(rule.at_least, size, -1),
                upper=np.inf if rule.at_most is None else row_limit(rule.at_most, size, 1),
                scope=describe_scope(rule.coupons, {**(rule.users or {}), rule.segment: [label]}),
            )
            for label, members, size in self._groups(rule)
        ]

    def _parity(self, rule: Parity) -> list[Row]:
        """|rate_g − rate_all| ≤ ε, multiplied out so that the weights of a count are whole numbers."""
        coupons = self.coupons.select(rule.coupons).astype(np.float64)
        scope = self.classes.select(rule.users, self.instance.users)
        total = int(self.classes.sizes[scope].sum())
        rows = []
        for label, members, size in self._groups(rule):
            divisor = math.gcd(size, total)
            unit = size * total // divisor
            weights = np.where(members, (total - size) // divisor, np.where(scope, -(size // divisor), 0))
            limit = row_limit(rule.tolerance, unit, 1)
            rows.append(
                Row(
                    name=f"{rule.name or 'parity'} {rule.segment}={label}",
                    kind=rule.kind,
                    rule=-1,
                    measure=f"{rule.measure} per head, less the overall",
                    terms=(Term(rule.measure, weights.astype(np.float64), coupons),),
                    lower=-limit,
                    upper=limit,
                    unit=float(unit),
                    scope=describe_scope(rule.coupons, {**(rule.users or {}), rule.segment: [label]}),
                )
            )
        return rows

    def _return_floor(self, rule: ReturnFloor) -> list[Row]:
        row = self._row(
            rule,
            name=rule.name or "return floor",
            measure="revenue",
            coupons=rule.coupons,
            users=rule.users,
            lower=0.0,
        )
        revenue = row.terms[0]
        cost = replace(revenue, measure="cost", coupons=-rule.ratio * revenue.coupons)
        return [replace(row, terms=(revenue, cost), measure=f"revenue less {rule.ratio:g} × cost")]

    def _keep(self, rule: Keep) -> list[Row]:
        if self.earlier:
            raise InputError("there is more than one keep rule", mend="Keep one of them")
        name, rows = rule.name or "keep", []
        if rule.share is not None:
            self.earlier[KEPT], pairs = self._earlier(kept_pairs, rule)
            rows.append(self._row(rule, name=name, measure=KEPT, lower=row_limit(rule.share, pairs, -1)))
        if rule.changed_at_most is not None:
            rows.append(self._changed(rule, f"{name} changed", rule.changed_at_most))
        return rows

    def _changed(self, rule: Keep, name: str, share: float) -> Row:
        """Base + Σ measure ≤ share × users: what giving nothing changes, and what giving each pair does."""
        several = self._several()
        if several:
            raise InputError(
                f"users who get several coupons are changed by no sum over pairs, and {several} users "
                "may get more than one",
                column="changed_at_most",
                value=share,
                mend="Cap users at one coupon, or limit the pairs that change with share",
            )
        self.earlier[CHANGED], base = self._earlier(changed_pairs, rule)
        limit = math.floor(row_limit(share, int(self.classes.sizes.sum()), 1)) - base
        row = self._row(rule, name=name, measure=CHANGED, upper=limit)
        return replace(row, measure="users changed", base=float(base))

    def _several(self) -> str:
        """Say how many users may get more than one coupon; nothing where none may."""
        if self.counted is not None:
            return "some" if self.counted.most > 1 else ""
        several = np.count_nonzero(max_coupons(self.instance) > 1)
        return f"{several:,}" if several else ""

    def _earlier(
        self, read: Callable[[Instance, str | pa.Table], tuple[np.ndarray, int]], rule: Keep
    ) -> tuple[np.ndarray, int]:
        """Return marks of an earlier plan's pairs, and how many pairs or users it had."""
        if self.counted is None:
            return read(self.instance, rule.plan)
        count = self.counted.earlier[0 if read is kept_pairs else 1]
        return np.zeros(self.instance.response.shape, dtype=np.int8), count
