"""An instance small enough to check by hand, plans and certificates for it, and what the judge finds."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from couponry.instances import (
    Campaign,
    Coupons,
    Instance,
    Response,
    Rule,
    Users,
)
from couponry.solver.verify import verify

# Four users, three coupons:
#
#             region  tier    value A  B  C      cost A  B  C      revenue A  B  C
#     ann     north   1          1.0 0.5 0.25         2   1  0.5             6  3  1
#     bob     north   2          0.5 0.75 –           1   2  –               2  4  –
#     cid     south   1          0.25 0.5 1.0         1   1  2               1  2  5
#     dee     south   1          –   0.25 0.5         –   0.5 1              –  1  2
#
# A and B are gifts, C is a fixed_off; A goes by sms, B and C in the app.
NAN = math.nan
VALUE = np.array([[1.0, 0.5, 0.25], [0.5, 0.75, NAN], [0.25, 0.5, 1.0], [NAN, 0.25, 0.5]])
COST = np.array([[2.0, 1.0, 0.5], [1.0, 2.0, NAN], [1.0, 1.0, 2.0], [NAN, 0.5, 1.0]])
REVENUE = np.array([[6.0, 3.0, 1.0], [2.0, 4.0, NAN], [1.0, 2.0, 5.0], [NAN, 1.0, 2.0]])
USERS = {
    "user_id": ["ann", "bob", "cid", "dee"],
    "region": ["north", "north", "south", "south"],
    "tier": [1, 2, 1, 1],
}
MENU = {"coupon_id": ["A", "B", "C"], "kind": ["gift", "gift", "fixed_off"], "channel": ["sms", "app", "app"]}
BEST = [("ann", "A"), ("bob", "B"), ("cid", "C"), ("dee", "C")]  # value 3.25, cost 7, revenue 17


def example(
    *rules: Rule, users: dict[str, Any] | None = None, menu: dict[str, Any] | None = None, **campaign: Any
):  # type: ignore[no-untyped-def]
    """Return the instance above with these rules, and further columns."""
    return Instance(
        Coupons(pd.DataFrame(MENU | (menu or {}))),
        Users(pa.table(USERS | (users or {}))),
        Response({"value": VALUE, "cost": COST, "revenue": REVENUE}),
        rules,
        Campaign(**campaign),
    )


def table(pairs: list[tuple[Any, Any]], **columns: Any) -> pa.Table:
    """Return a plan."""
    ids = {"user_id": [user for user, _ in pairs], "coupon_id": [coupon for _, coupon in pairs]}
    return pa.table(ids | columns)


def findings(instance: Instance, pairs: list[tuple[Any, Any]], **columns: Any) -> list[str]:
    """Return what the judge says of a plan, in words."""
    return [violation.words for violation in verify(instance, table(pairs, **columns)).violations]


def certificate(bound: float, **multipliers: float) -> SimpleNamespace:
    """Return a certificate with these multipliers."""
    return SimpleNamespace(
        names=tuple(multipliers), multipliers=np.array([*multipliers.values()]), bound=bound
    )
