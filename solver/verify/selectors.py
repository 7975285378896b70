"""Which coupons a rule speaks of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from couponry.instances.errors import InputError
from couponry.instances.rules import CouponSelector, Scalar
from couponry.solver.verify.population import Judged

__all__ = ["selected_coupons"]


def selected_coupons(instance: Judged, wanted: CouponSelector | None) -> np.ndarray:
    """Return the coupons that a rule speaks of, bool ``(J,)``.

    Parameters
    ----------
    instance : Instance
    wanted : list of str, mapping from a menu column to values, or None
        None is every coupon.

    Raises
    ------
    InputError
        If an id or a column is not in the menu.
    """
    table = instance.coupons.table
    if wanted is None:
        return np.ones(len(table), dtype=bool)
    conditions: Mapping[str, Sequence[Scalar]]
    conditions = wanted if isinstance(wanted, Mapping) else {"coupon_id": wanted}
    chosen = np.ones(len(table), dtype=bool)
    for column, values in conditions.items():
        if column not in table:
            raise InputError("a rule mentions a column that the menu does not have", column=column)
        held = table[column].to_list()
        absent = [value for value in values if value not in held]
        if absent:
            raise InputError("a rule mentions what no coupon has", column=column, value=absent[0])
        chosen &= np.array([value in values for value in held], dtype=bool)
    return chosen
