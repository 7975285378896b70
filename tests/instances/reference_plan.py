"""The reference plan as a plan table, for the judge."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from couponry.instances import Instance
from couponry.instances.reference import Reference

__all__ = ["plan_table"]


def plan_table(instance: Instance, reference: Reference) -> pa.Table:
    """Return user_id, coupon_id, value, cost of each given coupon."""
    rows = np.flatnonzero(reference.place >= 0)
    place = reference.place[rows]
    return pa.table(
        {
            "user_id": instance.users.ids.take(pa.array(rows)),
            "coupon_id": pa.array([instance.coupons.ids[j] for j in reference.coupon[rows]], pa.string()),
            "value": pa.array(instance.response.measures["value"][rows, place].astype(np.float64)),
            "cost": pa.array(instance.response.measures["cost"][rows, place].astype(np.float64)),
        }
    )
