"""The order in which a growing budget is spent: who gets a coupon first, and who is moved to a dearer one.

With at most one coupon a row and one budget, the linear program's answers for all budgets are one path. Each
row offers the corners of the upper convex hull of its (cost, value) points, and the steps between corners
are taken over all rows in falling order of value a unit of money. At a budget inside a step its row, or rows,
are given that part of it.

References
----------
.. [1] Sinha, P., & Zoltners, A. A. (1979). The multiple-choice knapsack problem. Operations Research, 27(3),
   503-515. https://doi.org/10.1287/opre.27.3.503
.. [2] Sverdrup, E., Wu, H., Athey, S., & Wager, S. (2025). Qini curves for multi-armed treatment rules.
   Journal of Computational and Graphical Statistics. https://doi.org/10.48550/arXiv.2306.11979
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from couponry.instances.errors import InputError

__all__ = ["BudgetPath", "hull_path", "random_path", "single_coupon_path"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Arms = npt.NDArray[np.int32]


@dataclass(frozen=True)
class BudgetPath:
    """Steps in the order in which they are taken; arms are menu positions, −1 for none.

    Attributes
    ----------
    rows : int
        Number n of rows of the log.
    row, before, after : ndarray, shape (m,)
        Whose arm changes, from which, to which.
    cost : ndarray of float64, shape (m,)
        What the step adds to the planned cost of its row, at least 0.
    group : ndarray of int64, shape (m,)
        Steps of one group are taken together, each in the same part; it never falls.
    share : ndarray of float64, shape (m,)
        With what probability the row takes the step; 1 but for a coupon drawn by lot.
    """

    rows: int
    row: Ints
    before: Arms
    after: Arms
    cost: Floats
    group: Ints
    share: Floats

    @property
    def spend(self) -> Floats:
        """Planned cost a row of the log after each group, from 0 before the first; shape (groups + 1,)."""
        return np.append(0.0, np.cumsum(self.by_group(self.share * self.cost))) / self.rows

    def by_group(self, amounts: Floats) -> Floats:
        """Return the sums of one amount a step over the groups."""
        return np.bincount(self.group, weights=amounts).astype(np.float64)

    def probabilities(self, budget: float, coupons: int) -> Floats:
        """Return the policy that spends ``budget`` a row, none first, float64 ``(n, J + 1)``.

        Parameters
        ----------
        budget : float
            Planned cost a row; beyond the path's end nothing more is spent.
        coupons : int
            Coupons J in the menu.

        Raises
        ------
        InputError
            If the budget is negative or NaN.
        """
        taken = self.share * self.taken(budget)[self.group]
        first, pairs = self.row * (coupons + 1) + 1, self.rows * (coupons + 1)
        chances = np.zeros((self.rows, coupons + 1))
        for arms, change in ((self.after, taken), (self.before, -taken)):
            chances += np.bincount(first + arms, change, pairs).reshape(chances.shape)
        chances[:, 0] += 1.0
        return np.clip(chances, 0.0, 1.0)

    def taken(self, budget: float) -> Floats:
        """Return the part, 0 to 1, that is taken of each group within a budget a row."""
        if not budget >= 0:
            raise InputError("a budget must be at least 0", parameter="budget", value=budget)
        spend = self.spend
        width = np.diff(spend)
        part = np.divide(budget - spend[:-1], width, out=np.ones(len(width)), where=width > 0)
        return np.clip(np.where(spend[:-1] <= budget, part, 0.0), 0.0, 1.0)


def hull_path(value: npt.ArrayLike, cost: npt.ArrayLike) -> BudgetPath:
    """Return the path of the best policy at every budget, by predicted value and cost [1]_ [2]_.

    Parameters
    ----------
    value, cost : array of float, shape (n, J)
        Of each coupon, over none; NaN value is not eligible, and costs must not be negative.

    Returns
    -------
    BudgetPath
        It ends where every row has its most valuable arm. Steps of one value a unit of money are one group.

    Raises
    ------
    InputError
        If shapes differ, or an eligible pair's cost is negative or not finite.
    """
    v, c = _checked(value, cost)
    n = len(v)
    rows = np.arange(n)
    before = np.full(n, -1, dtype=np.int32)
    at_value, at_cost, last_slope = np.zeros(n), np.zeros(n), np.full(n, np.inf)
    parts: list[tuple[Ints, Arms, Arms, Floats, Floats]] = []
    while len(rows):
        after, slope = _next_corners(v[rows], c[rows], at_value[rows], at_cost[rows])
        moved = slope > 0
        rows, after = rows[moved], after[moved]
        slope = np.minimum(slope[moved], last_slope[rows])  # rounding must not turn a row's steps round
        parts.append((rows, before[rows], after, c[rows, after] - at_cost[rows], slope))
        before[rows], at_value[rows], at_cost[rows] = after, v[rows, after], c[rows, after]
        last_slope[rows] = slope
    row, old, new, added, slope = (np.concatenate(part) for part in zip(*parts, strict=True))
    order = np.argsort(-slope, kind="stable")
    slope = slope[order]
    group = np.cumsum(np.append(0, slope[1:] < slope[:-1]))[: len(slope)]
    return BudgetPath(n, row[order], old[order], new[order], added[order], group, np.ones(len(order)))


def single_coupon_path(cost: npt.ArrayLike, coupon: int) -> BudgetPath:
    """Return the path that gives one coupon to ever more rows, drawn at random: one step from none to all."""
    c = _checked(np.zeros(np.shape(cost)), cost)[1]
    n = len(c)
    after = np.full(n, coupon, dtype=np.int32)
    return BudgetPath(n, np.arange(n), _none(n), after, c[:, coupon], np.zeros(n, np.int64), np.ones(n))


def random_path(cost: npt.ArrayLike, coupons: npt.ArrayLike | None = None) -> BudgetPath:
    """Return the path that gives ever more rows, drawn at random, a coupon drawn at random.

    Parameters
    ----------
    cost : array of float, shape (n, J)
    coupons : array of int, optional
        Menu positions to draw from; by default all.
    """
    c = _checked(np.zeros(np.shape(cost)), cost)[1]
    drawn = np.arange(c.shape[1]) if coupons is None else np.asarray(coupons, np.int64)
    n, m = len(c), len(c) * len(drawn)
    after = np.tile(drawn.astype(np.int32), n)
    return BudgetPath(
        n,
        np.repeat(np.arange(n), len(drawn)),
        _none(m),
        after,
        c[:, drawn].ravel(),
        np.zeros(m, np.int64),
        np.full(m, 1 / len(drawn)),
    )


def _next_corners(value: Floats, cost: Floats, at_value: Floats, at_cost: Floats) -> tuple[Arms, Floats]:
    """Return each row's next corner and the slope to it; the slope is 0 where there is none."""
    gain, extra = value - at_value[:, None], cost - at_cost[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = np.where(gain > 0, gain / np.where(extra > 0, extra, 0.0), 0.0)
    slope[(gain > 0) & (extra < 0)] = 0.0  # dearer corners only
    best = slope.max(axis=1)
    # Of points on one line the farthest is the corner; of free ones that of most value.
    reach = np.where(slope == best[:, None], gain, -np.inf)
    return reach.argmax(axis=1).astype(np.int32), best


def _checked(value: npt.ArrayLike, cost: npt.ArrayLike) -> tuple[Floats, Floats]:
    v, c = np.asarray(value, np.float64), np.asarray(cost, np.float64)
    if v.ndim != 2 or v.shape != c.shape:
        raise InputError(f"value has shape {v.shape} and cost {c.shape}", mend="Give both as (rows, coupons)")
    wrong = np.argwhere(~np.isnan(v) & ~(np.isfinite(c) & (c >= 0)))
    if len(wrong):
        row, coupon = (int(i) for i in wrong[0])
        raise InputError(
            "a cost must be a number of at least 0",
            row=row,
            column=f"cost of coupon {coupon}",
            value=float(c[row, coupon]),
            mend="Give the expected cost, or NaN value where the pair is not eligible",
        )
    return np.where(np.isnan(v), -np.inf, v), np.where(np.isnan(v), 0.0, c)


def _none(steps: int) -> Arms:
    return np.full(steps, -1, dtype=np.int32)
