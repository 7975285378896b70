"""What rows are called, and whom they speak of, in words."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace

from couponry.instances.rows import Row
from couponry.instances.rules import CouponSelector

__all__ = ["describe_scope", "unique_names"]


def describe_scope(coupons: CouponSelector | None, users: Mapping[str, Sequence[object]] | None) -> str:
    """Return in words which coupons and users a rule speaks of."""

    def listed(wanted: Mapping[str, object]) -> str:
        return ", ".join(
            f"{k} {' or '.join(map(str, v)) if isinstance(v, list | tuple) else v}" for k, v in wanted.items()
        )

    if coupons is None:
        what = "all coupons"
    elif isinstance(coupons, Mapping):
        what = f"coupons with {listed(coupons)}"
    else:
        what = "coupon " + ", ".join(coupons) if len(coupons) == 1 else "coupons " + ", ".join(coupons)
    return what + (f", users with {listed(users)}" if users else "")


def unique_names(rows: list[Row]) -> tuple[Row, ...]:
    """Number the rows that would have the name of an earlier one."""
    seen: set[str] = set()
    named = []
    for row in rows:
        numbered = (f"{row.name} ({count})" for count in itertools.count(2))
        name = row.name if row.name not in seen else next(n for n in numbered if n not in seen)
        seen.add(name)
        named.append(replace(row, name=name))
    return tuple(named)
