"""An earlier plan as measures of an instance: which pairs stand in it, and which change their user."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from couponry.instances.errors import InputError
from couponry.instances.plan import read_plan

if TYPE_CHECKING:
    from couponry.instances.instance import Instance

__all__ = ["changed_marks", "changed_pairs", "earlier_pairs", "kept_marks", "kept_pairs"]


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
    table, user, coupon = earlier_pairs(instance, plan)
    known = user >= 0
    return kept_marks(*_places(instance), user[known], coupon[known]), table.num_rows


def changed_pairs(instance: Instance, plan: str | pa.Table) -> tuple[np.ndarray, int]:
    """Return what giving a pair does to the number of changed users, and how many giving nothing changes.

    A user of whom an earlier plan gave one coupon is unchanged by that coupon alone, one who had nothing by
    nothing, and one who had several is changed by whatever one coupon. So, of users who get one coupon at
    most, the number changed is ``base + Σ measure`` over the pairs given.

    Parameters
    ----------
    instance : Instance
    plan : str or pyarrow.Table
        As for :func:`kept_pairs`.

    Returns
    -------
    ndarray of int8, shape (n, S)
        −1 for the one pair that a user had, 1 for every pair of a user who had none, else 0.
    int
        The users who had something: ``base``.
    """
    _, user, coupon = earlier_pairs(instance, plan)
    known = user >= 0
    changed = changed_marks(*_places(instance), user[known], coupon[known])
    return changed, len(np.unique(user[known]))


def _places(instance: Instance) -> tuple[tuple[int, int], np.ndarray | None]:
    return instance.response.shape, instance.response.coupon


def kept_marks(
    shape: tuple[int, int], shortlist: np.ndarray | None, user: np.ndarray, coupon: np.ndarray
) -> np.ndarray:
    """Return 1 where one of the pairs stands, int8 ``(n, S)``.

    Parameters
    ----------
    shape : tuple of int
    shortlist : ndarray of int32, shape (n, S), or None
    user, coupon : ndarray of int64, each of shape (p,)
        Rows of the users, and positions in the menu, −1 where the coupon is gone.
    """
    marked = np.zeros(shape, dtype=np.int8)
    user, coupon = user[coupon >= 0], coupon[coupon >= 0]
    if shortlist is None:
        marked[user, coupon] = 1
    else:
        row, place = np.nonzero(shortlist[user] == coupon[:, None])
        marked[user[row], place] = 1
    return marked


def changed_marks(
    shape: tuple[int, int], shortlist: np.ndarray | None, user: np.ndarray, coupon: np.ndarray
) -> np.ndarray:
    """Return what giving a pair does to the number of changed users, int8 ``(n, S)``; pairs are distinct.

    Parameters are those of :func:`kept_marks`.
    """
    had = np.bincount(user, minlength=shape[0])
    single = had[user] == 1
    changed = -kept_marks(shape, shortlist, user[single], coupon[single])
    changed[had == 0] = 1
    return changed


def earlier_pairs(instance: Instance, plan: str | pa.Table) -> tuple[pa.Table, np.ndarray, np.ndarray]:
    """Return the distinct pairs of an earlier plan, and where their users and coupons stand.

    Returns
    -------
    pyarrow.Table
        ``user_id, coupon_id``, one row a pair.
    ndarray of int64, shape (rows,)
        The user's row in the instance, −1 where the user is gone.
    ndarray of int64, shape (rows,)
        The coupon's position in the menu, −1 where the coupon is gone.

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
    row, position = (np.asarray(pc.fill_null(at, -1), dtype=np.int64) for at in (rows, coupons))
    return table, row, position
