"""Cells that name arms, as menu positions."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from couponry.instances.coupons import Coupons
from couponry.instances.errors import InputError, did_you_mean

__all__ = ["NO_COUPON", "arms_of"]

NO_COUPON = -1


def arms_of(column: pd.Series, coupons: Coupons, whose: str, mend: str) -> npt.NDArray[np.int32]:
    """Return the menu position of each cell's coupon; −1 where it is empty or says ``none``.

    Parameters
    ----------
    column : pandas.Series
    coupons : Coupons
    whose : str
        What the column is of, for errors, such as ``"the log"``.
    mend : str
        What to do about an arm outside the menu, other than to write it as the menu does.

    Raises
    ------
    InputError
        About the first arm that is not in the menu.
    """
    codes, names = pd.factorize(column)
    positions = np.empty(len(names) + 1, dtype=np.int32)
    positions[-1] = NO_COUPON
    for code, name in enumerate(names):
        position = _position(name, coupons)
        if position is None:
            own = np.flatnonzero(codes == code)
            raise InputError(
                f"an arm of {whose} is not in the menu; {len(own):,} of {len(codes):,} rows have it",
                row=int(own[0]),
                column=str(column.name),
                value=str(name),
                mend=f"{did_you_mean(name, coupons.ids)}. {mend}",
            )
        positions[code] = position
    return positions[codes]


def _position(name: object, coupons: Coupons) -> int | None:
    if str(name) in coupons.positions:
        return coupons.positions[str(name)]
    if str(name).strip().lower() in ("", "none"):
        return NO_COUPON
    if isinstance(name, float) and name.is_integer():  # whole numbers with gaps for none
        return coupons.positions.get(f"{name:.0f}")
    return None
