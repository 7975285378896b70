"""Reading a plan against an instance: which pairs it gives, and which of them cannot be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from couponry.instances.instance import Instance
from couponry.solver.verify.findings import Violation, listed, number
from couponry.solver.verify.measures import menu_positions, positions

__all__ = ["Pairs", "places_of", "read_pairs"]

_STEP = 200_000


@dataclass(frozen=True)
class Pairs:
    """The eligible pairs that a plan gives, in the plan's order; one given twice stands here twice.

    Attributes
    ----------
    user, place, coupon : ndarray of int64, shape (p,)
        Row of the user, place in the response, position in the menu.
    row : ndarray of int64, shape (p,)
        Row of the plan.
    """

    user: np.ndarray
    place: np.ndarray
    coupon: np.ndarray
    row: np.ndarray

    def take(self, chosen: np.ndarray) -> Pairs:
        """Return the pairs at ``chosen``, positions or a mask."""
        return Pairs(self.user[chosen], self.place[chosen], self.coupon[chosen], self.row[chosen])


def read_pairs(instance: Instance, plan: pa.Table, first: int = 0) -> tuple[Pairs, list[Violation]]:
    """Return the plan's pairs that the instance knows, and what is wrong with the plan itself.

    ``first`` is the row of the plan with which the table begins.
    """
    nothing = np.empty(0, dtype=np.int64)
    wrong = _unreadable(plan)
    if wrong:
        return Pairs(nothing, nothing, nothing, nothing), wrong
    user = positions(plan["user_id"], instance.users.ids)
    coupon = menu_positions(instance, plan["coupon_id"])
    violations = _unknown("user", plan, user, first) + _unknown("coupon", plan, coupon, first)
    row = np.flatnonzero((user >= 0) & (coupon >= 0))
    pairs = Pairs(user[row], places_of(instance, user[row], coupon[row]), coupon[row], row)
    violations += _twice(instance, pairs) + _not_eligible(instance, pairs)
    pairs = pairs.take(pairs.place >= 0)
    for column in ("value", "cost"):
        if column in plan.column_names:
            violations += _stated(instance, plan, pairs, column)
    return pairs, violations


def _unreadable(plan: pa.Table) -> list[Violation]:
    found = []
    for column in ("user_id", "coupon_id"):
        kind = plan.schema.field(column).type if column in plan.column_names else None
        if kind is not None and _holds_ids(kind):
            continue
        problem = f"the plan's column '{column}' holds {kind}, not text or whole numbers"
        if kind is None:
            problem = f"the plan has no column '{column}'"
        found.append(Violation("plan", f"column {column}", 0.0, 0.0, 0.0, f"plan: {problem}."))
    return found


def _holds_ids(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    texts = pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    return bool(texts or pa.types.is_integer(kind) or pa.types.is_null(kind))


def _unknown(kind: str, plan: pa.Table, found: np.ndarray, first: int) -> list[Violation]:
    rows = np.flatnonzero(found < 0)
    column = plan[f"{kind}_id"]

    def one(i: int) -> Violation:
        row = int(rows[i])
        name = column[row].as_py()
        words = (
            f"unknown {kind}: row {first + row} of the plan names {kind} {name!r}, which the instance lacks."
        )
        return Violation(f"unknown {kind}", f"{kind} {name}", 1.0, 0.0, 1.0, words)

    return listed(f"unknown {kind}", len(rows), one)


def places_of(instance: Instance, user: np.ndarray, coupon: np.ndarray) -> np.ndarray:
    """Return where each pair stands in the response, −1 where it is not eligible."""
    value = instance.response.measure("value")
    shortlist = instance.response.coupon
    if shortlist is None:
        place = coupon.copy()
    else:
        place = np.full(len(user), -1, dtype=np.int64)
        for first in range(0, len(user), _STEP):
            some = slice(first, first + _STEP)
            pair, where = np.nonzero(shortlist[user[some]] == coupon[some, None])
            place[first + pair] = where
    place[np.isnan(value[user, place])] = -1
    return place


def _twice(instance: Instance, pairs: Pairs) -> list[Violation]:
    keys, counts = np.unique(pairs.user * len(instance.coupons) + pairs.coupon, return_counts=True)
    repeated = np.flatnonzero(counts > 1)

    def one(i: int) -> Violation:
        user, coupon = divmod(int(keys[repeated[i]]), len(instance.coupons))
        pair, times = _pair(instance, user, coupon), int(counts[repeated[i]])
        words = f"pair twice: {pair} is given {times} times, at most once is allowed."
        return Violation("pair twice", pair, float(times), 1.0, float(times - 1), words)

    return listed("pair twice", len(repeated), one)


def _not_eligible(instance: Instance, pairs: Pairs) -> list[Violation]:
    absent = np.flatnonzero(pairs.place < 0)

    def one(i: int) -> Violation:
        pair = _pair(instance, int(pairs.user[absent[i]]), int(pairs.coupon[absent[i]]))
        words = f"not eligible: {pair} is given, but the response has no value for it."
        return Violation("not eligible", pair, 1.0, 0.0, 1.0, words)

    return listed("not eligible", len(absent), one)


def _stated(instance: Instance, plan: pa.Table, pairs: Pairs, column: str) -> list[Violation]:
    """Compare what the plan says of its pairs with the instance, in the precision of the plan's column."""
    kind = plan.schema.field(column).type
    if not (pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_null(kind)):
        words = f"stated {column}: the plan's column '{column}' holds {kind}, not numbers."
        return [Violation(f"stated {column}", f"column {column}", 0.0, 0.0, 0.0, words)]
    stated = pc.fill_null(plan[column].cast(pa.float64(), safe=False), float("nan")).to_numpy()[pairs.row]
    own = instance.response.measure(column)[pairs.user, pairs.place].astype(np.float64)
    if pa.types.is_float16(kind) or pa.types.is_float32(kind):
        own = own.astype(kind.to_pandas_dtype()).astype(np.float64)
    differing = np.flatnonzero(stated != own)

    def one(i: int) -> Violation:
        at = differing[i]
        pair = _pair(instance, int(pairs.user[at]), int(pairs.coupon[at]))
        said, known = float(stated[at]), float(own[at])
        words = f"stated {column}: the plan says {number(said)} of {pair}, the instance says {number(known)}."
        return Violation(f"stated {column}", pair, said, known, said - known, words)

    return listed(f"stated {column}", len(differing), one)


def _pair(instance: Instance, user: int, coupon: int) -> str:
    return f"user {instance.users.ids[user].as_py()}, coupon {instance.coupons.ids[coupon]}"
