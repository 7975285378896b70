"""Columns that are not spread alike over the arms, as whatever was known before a lottery is.

References
----------
.. [1] Kruskal, W. H., & Wallis, W. A. (1952). Use of ranks in one-criterion variance analysis. Journal of the
   American Statistical Association, 47(260), 583-621. https://doi.org/10.1080/01621459.1952.10483441
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["unbalanced"]

_CHANCE, _NOUGHT = 1e-9, 1e-9
_LEAST_SIZE = 0.1  # standard deviations of ranks: millions of rows show what no lottery could mend
_LEAST_EXPECTED = 20.0  # rows of the smallest arm beside a column's commonest value; chi-square needs some


def unbalanced(x: npt.ArrayLike, arm: npt.NDArray[np.integer]) -> npt.NDArray[np.bool_]:
    """Return which columns, or their gaps, differ between arms by more than a lottery leaves.

    By the test of Kruskal and Wallis [1]_, which of a column of two values is Pearson's; p < 1e-9. They must
    differ by a tenth of a standard deviation of ranks as well, or be all alike in one arm and not in others.

    Parameters
    ----------
    x : array of float, shape (n, d)
        NaN for gaps.
    arm : ndarray of int, shape (n,)
        One row a user, or rows whose arms were drawn one by one.

    Returns
    -------
    ndarray of bool, shape (d,)
    """
    columns = np.asarray(x, dtype=np.float64).T
    codes, rows = np.unique(arm, return_inverse=True, return_counts=True)[1:]
    found = [_differs(column, codes, rows) or _differs(np.isnan(column), codes, rows) for column in columns]
    return np.array(found, dtype=np.bool_)


def _differs(
    column: npt.NDArray[np.float64] | npt.NDArray[np.bool_],
    codes: npt.NDArray[np.intp],
    rows: npt.NDArray[np.intp],
) -> bool:
    from scipy.stats import chi2, rankdata

    there = ~np.isnan(column)
    codes, rows = codes[there], np.bincount(codes[there], minlength=len(rows))
    n, least = len(codes), rows.min()
    if least == 0:
        return False
    ranks = rankdata(column[there]) / n
    ranks -= ranks.mean()
    spread = float(np.mean(ranks**2))
    if 4 * spread * least < _LEAST_EXPECTED:  # four variances are p(1 − p) of a column that is p times 1
        return False
    means = np.bincount(codes, ranks, minlength=len(rows)) / rows
    chance = chi2.sf(float((means**2 * rows).sum()) / spread, len(rows) - 1)
    within = np.bincount(codes, ranks**2, minlength=len(rows)) / rows - means**2
    size = np.ptp(means) / np.sqrt(spread)
    return bool(chance < _CHANCE and (size > _LEAST_SIZE or within.min() < _NOUGHT * spread))
