"""Which pairs of an instance stand in an earlier plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from couponry.instances.errors import InputError
from couponry.instances.plan import read_plan

if TYPE_CHECKING:
    from couponry.instances.instance import Instance

__all__ = ["kept_pairs"]


def kept_pairs(instance: Instance, plan: str | pa.Table) -> tuple[np.ndarray, int]:
    """Return the earlier plan as a measure of this instance, and how many pairs it had.

    Parameters
    ----------
    instance : Instance
    plan : str or pyarrow.Table
        A plan file, or a table with ``user_id`` and ``coupon_id``.

    Returns
    -------
    ndarray of int8, shape (n, S)
        1 where the pair stands in the earlier plan.
    int
        Distinct pairs of the earlier plan, those whose user or coupon is gone included.

    Raises
    ------
    InputError
        If the plan cannot be read.
    """
    table = read_plan(plan) if isinstance(plan, str) else plan
    for name in ("user_id", "coupon_id"):
        if name not in table.column_names:
            raise InputError(
                "the earlier plan lacks a column", column=name, mend="Give user_id and coupon_id"
            )
    ids = instance.users.ids
    table = table.select(["user_id", "coupon_id"]).group_by(["user_id", "coupon_id"]).aggregate([])
    users = table["user_id"]
    if users.type != ids.type:  # a plan from a CSV file holds text
        users, ids = users.cast(pa.string()), ids.cast(pa.string())
    rows = pc.index_in(users, value_set=ids)
    coupons = pc.index_in(table["coupon_id"].cast(pa.string()), value_set=pa.array(instance.coupons.ids))
    known = np.asarray(pc.and_(pc.is_valid(rows), pc.is_valid(coupons)))
    user = np.asarray(pc.fill_null(rows, 0))[known]
    coupon = np.asarray(pc.fill_null(coupons, 0))[known]
    kept = np.zeros(instance.response.shape, dtype=np.int8)
    if instance.response.coupon is None:
        kept[user, coupon] = 1
    else:
        row, place = np.nonzero(instance.response.coupon[user] == coupon[:, None])
        kept[user[row], place] = 1
    return kept, table.num_rows
