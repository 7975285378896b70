"""Four users and three coupons: small enough to check every number by hand.

======  ======  ====      =====  ===========  =======  =====  =======
user    region  tier      coupon kind         channel  stock  minimum
======  ======  ====      =====  ===========  =======  =====  =======
u1      north   1         A      fixed_off    sms      2      –
u2      north   2         B      percent_off  app      –      1
u3      south   1         C      gift         app      –      –
u4      east    1
======  ======  ====      =====  ===========  =======  =====  =======

=======  ====  ====  ====      ====  ====  ====
value    A     B     C         cost  A, B and C
=======  ====  ====  ====      ====  ==========
u1       0.1   0.2   0.3       u1    1, 2, 3
u2       0.2   0.1   –         u2    1, 2, 3
u3       0.4   0.1   0.2       u3    1, 2, 3
u4       0.1   0.5   0.1       u4    1, 2, 3
=======  ====  ====  ====      ====  ==========

Revenue is ten times value. u2 cannot be given C.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa

from couponry.instances import Campaign, Coupons, Instance, Response, Rule, Users

__all__ = ["four_users", "menu", "people", "responses"]

NAN = float("nan")


def menu() -> Coupons:
    """Return the three coupons."""
    return Coupons(
        pd.DataFrame(
            {
                "coupon_id": ["A", "B", "C"],
                "kind": ["fixed_off", "percent_off", "gift"],
                "channel": ["sms", "app", "app"],
                "stock": [2, NAN, NAN],
                "minimum": [NAN, 1, NAN],
            }
        )
    )


def people(**columns: object) -> Users:
    """Return the four users, with further columns."""
    table = {
        "user_id": ["u1", "u2", "u3", "u4"],
        "region": ["north", "north", "south", "east"],
        "tier": [1, 2, 1, 1],
    }
    return Users(pa.table({**table, **columns}))


def responses() -> Response:
    """Return the dense response."""
    value = np.array([[0.1, 0.2, 0.3], [0.2, 0.1, NAN], [0.4, 0.1, 0.2], [0.1, 0.5, 0.1]])
    return Response({"value": value, "cost": np.tile([1.0, 2.0, 3.0], (4, 1)), "revenue": 10 * value})


def four_users(*rules: Rule, campaign: Campaign | None = None) -> Instance:
    """Return the instance with these rules."""
    return Instance(menu(), people(), responses(), rules, campaign or Campaign())
