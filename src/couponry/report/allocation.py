"""Who gets what: the plan seen by coupon and by segment."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from couponry.instances.coupons import KINDS
from couponry.instances.errors import InputError
from couponry.instances.instance import Instance
from couponry.report.formats import Formats

__all__ = ["Allocation", "CouponShare", "Frozen", "Group"]

Floats = npt.NDArray[np.float64]
Positions = npt.NDArray[np.int64]


@dataclass(frozen=True)
class CouponShare:
    """What one coupon does in the plan.

    Attributes
    ----------
    coupon_id, terms : str
    given : int
        Units given.
    stock : float
        Units there are; infinite without a limit.
    value, cost : float
        Σ over the users who get it.
    """

    coupon_id: str
    terms: str
    given: int
    stock: float
    value: float
    cost: float


@dataclass(frozen=True)
class Group:
    """What the users of one value of a segment get.

    Attributes
    ----------
    label : str
    users, reached, given : int
        Users, those of them with a coupon, and coupons given to them.
    value, cost : float
    mix : ndarray of int64, shape (J,)
        Units of every coupon.
    """

    label: str
    users: int
    reached: int
    given: int
    value: float
    cost: float
    mix: Positions


@dataclass(frozen=True)
class Frozen:
    """What users of an earlier plan keep.

    Attributes
    ----------
    users, given : int
        These users, and their coupons.
    value, cost : float
        Σ over the coupons.
    """

    users: int
    given: int
    value: float
    cost: float


class Allocation:
    """A plan, matched to the users and coupons of its instance.

    Parameters
    ----------
    instance : Instance
    plan : pyarrow.Table
        ``user_id, coupon_id``; one row a given coupon.

    Raises
    ------
    InputError
        If a row names a user or coupon that the instance does not have, or a pair that is not eligible.
    """

    def __init__(self, instance: Instance, plan: pa.Table) -> None:
        self.instance = instance
        self.user = _found(plan["user_id"], instance.users.ids, "user_id")
        self.coupon = _found(plan["coupon_id"], pa.array(instance.coupons.ids), "coupon_id")
        self._place = self._places()

    def _places(self) -> Positions:
        """Return where in the response each given pair stands."""
        listed = self.instance.response.coupon
        if listed is None:
            return self.coupon
        match = listed[self.user] == self.coupon[:, None]
        missing = np.flatnonzero(~match.any(axis=1))
        if len(missing):
            row = int(missing[0])
            raise InputError(
                "the plan gives a coupon that is not on the user's shortlist",
                row=row,
                column="coupon_id",
                value=self.instance.coupons.ids[int(self.coupon[row])],
                mend="Report on the instance that the plan was made for",
            )
        places: Positions = match.argmax(axis=1).astype(np.int64)
        return places

    def __len__(self) -> int:
        return len(self.user)

    @cached_property
    def measures(self) -> Mapping[str, Floats]:
        """Every measure of the response on the given pairs, in the plan's order."""
        return {
            name: array[self.user, self._place].astype(np.float64)
            for name, array in self.instance.response.measures.items()
        }

    @cached_property
    def per_user(self) -> Positions:
        """Coupons each user gets, ``(n,)``."""
        counts: Positions = np.bincount(self.user, minlength=len(self.instance.users))
        return counts

    @property
    def reached(self) -> int:
        """Users with at least one coupon."""
        return int((self.per_user > 0).sum())

    @cached_property
    def frozen(self) -> Frozen:
        """The part of the plan that was given before, and stays."""
        pairs, response = self.instance.program.frozen, self.instance.response
        value, cost = (
            math.fsum(response.measure(name)[pairs.user, pairs.place].tolist()) for name in ("value", "cost")
        )
        return Frozen(len(np.unique(pairs.user)), len(pairs), value, cost)

    def by_coupon(self) -> list[CouponShare]:
        """Return what every coupon of the menu does, in the menu's order."""
        menu, formats = self.instance.coupons, Formats(self.instance.campaign.currency)
        given = np.bincount(self.coupon, minlength=len(menu))
        value, cost = (
            np.bincount(self.coupon, weights=self.measures[name], minlength=len(menu))
            for name in ("value", "cost")
        )
        return [
            CouponShare(
                coupon_id,
                _terms(menu.table.iloc[j].to_dict(), formats),
                int(given[j]),
                float(menu.stock[j]),
                float(value[j]),
                float(cost[j]),
            )
            for j, coupon_id in enumerate(menu.ids)
        ]

    def by_segment(self, name: str) -> list[Group]:
        """Return what the users of every value of a segment get, in the values' order."""
        segment = self.instance.users.segment(name)
        groups, menu = len(segment.labels), len(self.instance.coupons)
        code = segment.codes[self.user].astype(np.int64)
        users = np.bincount(segment.codes, minlength=groups)
        reached = np.bincount(segment.codes[self.per_user > 0], minlength=groups)
        value, cost = (
            np.bincount(code, weights=self.measures[measure], minlength=groups)
            for measure in ("value", "cost")
        )
        mix = np.bincount(code * menu + self.coupon, minlength=groups * menu).reshape(groups, menu)
        return [
            Group(
                str(label),
                int(users[g]),
                int(reached[g]),
                int(mix[g].sum()),
                float(value[g]),
                float(cost[g]),
                mix[g],
            )
            for g, label in enumerate(segment.labels)
        ]


def _found(column: pa.ChunkedArray, known: pa.Array, name: str) -> Positions:
    """Return where each entry stands among the known ones."""
    positions = pc.index_in(column.cast(known.type), value_set=known)
    if positions.null_count:
        row = int(np.flatnonzero(np.asarray(pc.is_null(positions)))[0])
        raise InputError(
            "the plan names something that the instance does not have",
            row=row,
            column=name,
            value=column[row].as_py(),
            mend="Report on the instance that the plan was made for",
        )
    return np.asarray(positions).astype(np.int64)


def _terms(coupon: Mapping[Hashable, Any], formats: Formats) -> str:
    """Return a coupon's terms in words, from those of the known columns that are filled in."""
    kind, face = str(coupon.get("kind")), coupon.get("face_value")
    worth = "" if face is None or pd.isna(face) else formats.money(float(face))
    words = {
        "threshold_off": f"{worth} off",
        "percent_off": f"{formats.number(face)}\u00a0% off",
        "fixed_off": f"{worth} off",
        "gift": f"gift worth {worth}",
    }
    parts = [words[kind] if worth and kind in words else kind.replace("_", " ") if kind in KINDS else ""]
    threshold = coupon.get("threshold")
    if threshold is not None and pd.notna(threshold) and threshold > 0:
        parts[0] += f" from {formats.money(float(threshold))}"
    if isinstance(coupon.get("channel"), str):
        parts.append(coupon["channel"])
    return ", ".join(part for part in parts if part)
