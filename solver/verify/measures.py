"""The measures that requirements sum: of chosen pairs, and of whole blocks of users."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from couponry.instances.errors import InputError
from couponry.instances.instance import Instance
from couponry.instances.plan import read_plan
from couponry.instances.rules import Freeze, Keep
from couponry.instances.streamed import StreamedInstance
from couponry.solver.verify.chance import derived_variance, most_of_one
from couponry.solver.verify.population import Judged

__all__ = [
    "Measures",
    "as_text",
    "earlier_pairs",
    "earlier_plan",
    "menu_positions",
    "positions",
    "users_with_earlier",
]


def as_text(column: pa.ChunkedArray | pa.Array) -> pa.ChunkedArray | pa.Array:
    """Return ids as text, whatever whole number or text type they were stored in."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    return column.cast(pa.string())


def positions(ids: pa.ChunkedArray | pa.Array, known: pa.ChunkedArray | pa.Array) -> np.ndarray:
    """Return where each id stands among the known ones, int64; −1 for an unknown or empty id."""
    if ids.type != known.type:
        ids, known = as_text(ids), as_text(known)
    found = pc.index_in(ids, value_set=known, skip_nulls=True)
    return np.asarray(pc.fill_null(found, -1), dtype=np.int64)


def menu_positions(instance: Instance, ids: pa.ChunkedArray | pa.Array) -> np.ndarray:
    """Return where each coupon id stands in the menu, int64; −1 for an unknown or empty id."""
    return positions(as_text(ids), pa.array(instance.coupons.ids, pa.string()))


def earlier_plan(rule: Keep | Freeze) -> pa.Table:
    """Return the plan that a rule speaks of.

    Raises
    ------
    InputError
        If it cannot be read, or lacks a column.
    """
    table = read_plan(rule.plan) if isinstance(rule.plan, str) else rule.plan
    for column in ("user_id", "coupon_id"):
        if column not in table.column_names:
            raise InputError("the earlier plan lacks a column", column=column)
    return table


def earlier_pairs(instance: Judged, rule: Keep) -> int:
    """Return how many distinct pairs the plan of a rule has, those of users and coupons who are gone too."""
    if isinstance(instance, StreamedInstance):
        plan = instance.earlier(Keep)
        return 0 if plan is None else plan.pairs
    columns = ["user_id", "coupon_id"]
    distinct = earlier_plan(rule).select(columns).group_by(columns).aggregate([])
    return int(distinct.num_rows)


def users_with_earlier(instance: Judged, position: int) -> int:
    """Return how many users had something in the earlier plan of a rule: nothing changes them all."""
    if isinstance(instance, StreamedInstance):
        plan = instance.earlier(Keep)
        return 0 if plan is None else plan.users
    return Measures(instance).users_with_earlier(position)


@dataclass(frozen=True)
class _Earlier:
    """An earlier plan: sorted keys ``user · J + coupon`` of its known pairs, and how many each user had."""

    keys: np.ndarray
    had: np.ndarray

    def number(self, kind: str, kept: np.ndarray, had: np.ndarray) -> np.ndarray:
        """Return the measure of pairs: which of them stand in the plan, and how many their users had."""
        if kind == "kept":
            return kept.astype(np.float64)
        return np.where(had == 0, 1.0, np.where(kept & (had == 1), -1.0, 0.0))


class Measures:
    """Numbers of pairs by name: ``"count"``, a measure of the response, ``"kept i"`` or ``"changed i"``.

    The last two are of the earlier plan of rule ``i``: 1 for its pairs; and how many users more a pair
    changes than nothing does, where a user gets one coupon at most. ``"cost_variance"`` is worked out where
    the response does not have it. float32 responses are widened, never rounded.
    """

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self._menu = len(instance.coupons)
        self._most = most_of_one(instance)
        # No functools.cache: it would hold on to the users after their piece has been judged.
        self._plans: dict[int, _Earlier] = {}

    def _earlier(self, position: int) -> _Earlier:
        if position not in self._plans:
            self._plans[position] = self._read_earlier(position)
        return self._plans[position]

    def _read_earlier(self, position: int) -> _Earlier:
        rule = self.instance.rules[position]
        assert isinstance(rule, Keep)
        table = earlier_plan(rule)
        user = positions(table["user_id"], self.instance.users.ids)
        coupon = menu_positions(self.instance, table["coupon_id"])
        known = (user >= 0) & (coupon >= 0)
        # Coupons that are gone are told apart by their names: who had two of them had two.
        names = as_text(table["coupon_id"]).combine_chunks().dictionary_encode().indices.to_numpy()
        distinct = np.unique(np.stack([user, names])[:, user >= 0], axis=1)
        return _Earlier(
            np.unique(user[known] * self._menu + coupon[known]),
            np.bincount(distinct[0], minlength=len(self.instance.users)),
        )

    def users_with_earlier(self, position: int) -> int:
        """Return how many users had something in the earlier plan of a rule: nothing changes them all."""
        return int(np.count_nonzero(self._earlier(position).had))

    def of_pairs(self, name: str, user: np.ndarray, place: np.ndarray, coupon: np.ndarray) -> np.ndarray:
        """Return a measure of chosen pairs, float64 ``(p,)``."""
        if name == "count":
            return np.ones(len(user))
        if name == "cost_variance" and name not in self.instance.response.measures:
            return self._variance(self._costs(user, place), coupon)
        kind, _, position = name.partition(" ")
        if kind in ("kept", "changed") and position:
            earlier = self._earlier(int(position))
            kept = np.isin(user * self._menu + coupon, earlier.keys)
            return earlier.number(kind, kept, earlier.had[user])
        return np.asarray(self.instance.response.measure(name)[user, place], dtype=np.float64)

    def of_block(self, name: str, first: int, last: int) -> np.ndarray:
        """Return a measure of every pair of the users ``first`` to ``last − 1``, float64 ``(b, S)``."""
        if name == "cost_variance" and name not in self.instance.response.measures:
            rows = slice(first, last)
            return self._variance(self._costs(rows, slice(None)), self.coupons_of_block(first, last))
        kind, _, position = name.partition(" ")
        if kind not in ("kept", "changed") or not position:
            return self.instance.response.measure(name)[first:last].astype(np.float64)
        earlier = self._earlier(int(position))
        keys = earlier.keys
        keys = keys[np.searchsorted(keys, first * self._menu) : np.searchsorted(keys, last * self._menu)]
        places = self.coupons_of_block(first, last)
        own = np.arange(first, last)[:, None] * self._menu + places
        kept = np.isin(own, keys) & (places >= 0)
        return earlier.number(kind, kept, earlier.had[first:last, None])

    def _costs(self, user: np.ndarray | slice, place: np.ndarray | slice) -> np.ndarray:
        """Return the costs' standard deviations where the response has them, and else the expected costs."""
        measures = self.instance.response.measures
        return np.asarray(measures["cost_sd" if "cost_sd" in measures else "cost"][user, place], np.float64)

    def _variance(self, costs: np.ndarray, coupon: np.ndarray) -> np.ndarray:
        if "cost_sd" in self.instance.response.measures:
            return np.asarray(costs * costs)
        return derived_variance(costs, self._most[np.maximum(coupon, 0)])

    def coupons_of_block(self, first: int, last: int) -> np.ndarray:
        """Return the coupon of every place, int64 ``(b, S)``, −1 where a place is empty."""
        coupon = self.instance.response.coupon
        if coupon is None:
            return np.broadcast_to(np.arange(self._menu), (last - first, self._menu))
        return np.asarray(coupon[first:last], dtype=np.int64)
