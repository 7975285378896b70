"""A policy as probabilities of arms, and whether a log says anything about it.

A policy says for every row of the log which arm it would give: an integer array with −1 for none, or a
matrix of probabilities ``(n, J + 1)`` whose first column is none.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from couponry.instances.errors import InputError
from couponry.instances.log import Log

__all__ = ["check_support", "policy_probabilities", "share_given"]

Floats = npt.NDArray[np.float64]

_ROUNDED = 1e-6
"""What the probabilities of a row may differ from one by in sum: float32 holds seven digits."""


def policy_probabilities(policy: npt.ArrayLike, rows: int, coupons: int) -> Floats:
    """Return a policy as a matrix of probabilities, none first, shape ``(n, J + 1)``.

    Raises
    ------
    InputError
        If the shape is wrong, an arm is outside the menu, or a row's probabilities are below 0 or do not sum
        to one.
    """
    given = np.asarray(policy)
    if given.shape == (rows,):
        outside = np.flatnonzero(~((given >= -1) & (given < coupons) & (given == np.floor(given))))
        if len(outside):
            raise InputError(
                f"the policy gives an arm outside the menu of {coupons} coupons",
                row=int(outside[0]),
                value=given[outside[0]].item(),
                mend="Use menu positions from 0, and -1 for none",
            )
        chances = np.zeros((rows, coupons + 1))
        chances[np.arange(rows), given.astype(np.int64) + 1] = 1.0
        return chances
    if given.shape != (rows, coupons + 1):
        raise InputError(
            f"the policy has shape {given.shape}",
            mend=f"Give one arm a row, ({rows},), or one probability an arm, ({rows}, {coupons + 1})",
        )
    chances = given.astype(np.float64)
    total = chances.sum(axis=1)
    negative = np.flatnonzero((chances < 0).any(axis=1))
    if len(negative):
        row = int(negative[0])
        raise InputError("a probability must be at least 0", row=row, value=float(chances[row].min()))
    wrong = np.flatnonzero(~(np.abs(total - 1) <= _ROUNDED))
    if len(wrong):
        row = int(wrong[0])
        raise InputError("a row's probabilities must sum to 1", row=row, value=float(total[row]))
    return chances


def share_given(policy: npt.ArrayLike) -> float:
    """Return the share of rows to which a policy gives a coupon."""
    given = np.asarray(policy)
    return float((given >= 0).mean() if given.ndim == 1 else 1 - given[:, 0].mean())


def check_support(log: Log, chances: Floats) -> None:
    """Refuse a policy that gives an arm which the log never gave.

    Raises
    ------
    InputError
        About the first such arm.
    """
    seen = np.bincount(log.arm + 1, minlength=chances.shape[1]) > 0
    unseen = np.flatnonzero(~seen & (chances > 0).any(axis=0))
    if len(unseen):
        name = "none" if unseen[0] == 0 else log.coupons.ids[unseen[0] - 1]
        raise InputError(
            "the policy gives an arm that the log never gave, so the log says nothing about it; "
            f"{(chances[:, unseen[0]] > 0).sum():,} of {log.n:,} rows get it",
            column="arm",
            value=name,
            mend="Judge it on a log that gave this arm",
        )
