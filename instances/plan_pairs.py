"""The pairs of a plan, found in the response of its instance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from couponry.instances.errors import InputError

if TYPE_CHECKING:
    from couponry.instances.instance import Instance

__all__ = ["plan_pairs"]


def plan_pairs(instance: Instance, plan: pa.Table) -> tuple[np.ndarray, np.ndarray]:
    """Return where in the response each given pair stands.

    Parameters
    ----------
    instance : Instance
    plan : pyarrow.Table
        ``user_id, coupon_id``; one row a given coupon.

    Returns
    -------
    user, place : ndarray of int64, each of shape (p,)
        Rows and columns of the response, in the plan's order.

    Raises
    ------
    InputError
        If a row names a user or coupon that the instance does not have, or one not on the user's list.
    """
    ids = instance.users.ids
    users = plan["user_id"] if plan["user_id"].type == ids.type else plan["user_id"].cast(ids.type)
    user = _found(users, ids, "user_id")
    coupon = _found(
        plan["coupon_id"].cast(pa.string()), pa.array(instance.coupons.ids, pa.string()), "coupon_id"
    )
    if instance.response.coupon is None:
        return user, coupon
    match = instance.response.coupon[user] == coupon[:, None]
    missing = np.flatnonzero(~match.any(axis=1))
    if len(missing):
        raise _not_there(plan["coupon_id"], int(missing[0]), "coupon_id")
    return user, match.argmax(axis=1).astype(np.int64)


def _found(ids: pa.ChunkedArray, known: pa.Array, column: str) -> np.ndarray:
    places = np.asarray(pc.fill_null(pc.index_in(ids, value_set=known), -1), dtype=np.int64)
    missing = np.flatnonzero(places < 0)
    if len(missing):
        raise _not_there(ids, int(missing[0]), column)
    return places


def _not_there(ids: pa.ChunkedArray, row: int, column: str) -> InputError:
    return InputError(
        "the plan names what the instance does not have",
        row=row,
        column=column,
        value=ids[row].as_py(),
        mend="Give the instance that the plan was made for",
    )
