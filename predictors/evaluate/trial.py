"""Rows of a trial, one coupon against none, in the order that a predictor gives them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from couponry.instances.errors import InputError

__all__ = ["Curve", "Floats", "Steps", "checked_trial", "ratio", "share_of"]

_ROUNDING = 1e-12

Floats = npt.NDArray[np.float64]
Curve = tuple[Floats, Floats]


class Steps:
    """Running sums over rows in falling order of score, taken where the score changes.

    Rows of one score are one step, so that their order does not matter.

    Parameters
    ----------
    outcome, score : ndarray of float64, shape (n,)
    treated : ndarray of bool, shape (n,)

    Attributes
    ----------
    count, treated, control : ndarray of float64, shape (m,)
        Rows so far, in all and by group.
    won_treated, won_control : ndarray of float64, shape (m,)
        Their outcomes.
    """

    def __init__(self, outcome: Floats, score: Floats, treated: npt.NDArray[np.bool_]) -> None:
        order = np.argsort(-score, kind="stable")
        y, t, sorted_score = outcome[order], treated[order], score[order]
        last = np.append(np.flatnonzero(np.diff(sorted_score)), len(score) - 1)
        self.count = (last + 1).astype(np.float64)
        self.treated = np.cumsum(t)[last].astype(np.float64)
        self.control = self.count - self.treated
        self.won_treated = np.cumsum(np.where(t, y, 0.0))[last]
        self.won_control = np.cumsum(np.where(t, 0.0, y))[last]


def checked_trial(
    outcome: npt.ArrayLike, score: npt.ArrayLike, treated: npt.ArrayLike, *, name: str = "uplift"
) -> tuple[Floats, Floats, npt.NDArray[np.bool_]]:
    """Return the three as arrays.

    Parameters
    ----------
    outcome, score : array of float, shape (n,)
    treated : array of bool, shape (n,)
    name : str
        What the score is called in errors.

    Raises
    ------
    InputError
        If lengths differ, a number is not finite, or one of the two groups is empty.
    """
    y, s, t = (
        np.asarray(outcome, np.float64),
        np.asarray(score, np.float64),
        np.asarray(treated, np.bool_),
    )
    if not len(y) == len(s) == len(t):
        raise InputError(f"outcome, {name} and treated differ in length: {len(y)}, {len(s)}, {len(t)}")
    for column, array in (("outcome", y), (name, s)):
        wrong = np.flatnonzero(~np.isfinite(array))
        if len(wrong):
            row = int(wrong[0])
            raise InputError(f"{column} must be finite", row=row, column=column, value=float(array[row]))
    if t.all() or not t.any():
        raise InputError(
            f"uplift needs rows with the coupon and rows without; all {len(t)} are "
            + ("treated" if len(t) and t.all() else "untreated"),
            column="treated",
            mend="Take rows of both groups",
        )
    return y, s, t


def share_of(part: float, whole: float) -> float:
    """Return ``part / whole``: 0 where that is nought but for rounding errors, NaN where ``whole`` is 0."""
    if not whole:
        return float("nan")
    share = float(part / whole)
    return 0.0 if abs(share) <= _ROUNDING else share


def ratio(above: Floats, below: Floats) -> Floats:
    """Return ``above / below``, 0 where ``below`` is."""
    return np.divide(above, below, out=np.zeros_like(above), where=below != 0)
