"""How far what a prior adds to coupons' own slopes is believed: as far as unseen rows bear it out.

The slopes are found three times. First under the correlation that coupons' attributes let expect; then under
the one that was learnt, in which coupons learn from one another; then with heavy tails, in which few slopes
are large and most are nought. What each adds to the one before is taken some times, 0 not at all and 1 as it
is: the slopes of outcomes on what models without a fold say of it, the best linear predictor [1]_, drawn
towards what is expected. The sums of a fold tell them, no row is met again.

References
----------
.. [1] Chernozhukov, V., Demirer, M., Duflo, E., & Fernandez-Val, I. (2018). Generic machine learning
   inference on heterogeneous treatment effects in randomized experiments. NBER working paper 24678.
   https://doi.org/10.3386/w24678
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import numpy.typing as npt
from scipy.optimize import lsq_linear

from couponry.predictors.stack.evidence import Group, heavy_tailed, penalty, solved, tune
from couponry.predictors.stack.places import Places

__all__ = ["Believed"]

Floats = npt.NDArray[np.float64]

_EXPECTED, _SPREAD = (1.0, 0.5), 0.5  # before unseen rows speak, of correlation and of tails
_MOST = 2.5
_ROUNDS_OF_PART = 4
_HARDLY_ANY = 1e-5  # variance of slopes, of which no tail is worth the time


@dataclass(frozen=True)
class Believed:
    """Coefficients, additions weighed.

    Attributes
    ----------
    mean : ndarray of float64, shape (size,)
    without : list of ndarray
        The same of models without each fold; empty where there are no folds.
    correlation, tails : float
        How many times each addition was taken. Where no unseen row or no slope can tell, the correlation
        once and tails not.
    """

    mean: Floats
    without: list[Floats]
    correlation: float = 1.0
    tails: float = 0.0

    @classmethod
    def of(
        cls, places: Places, gram: Floats, right: Floats, groups: list[Group], variance: Floats, mean: Floats
    ) -> Self:
        """Weigh what was found.

        Parameters
        ----------
        places : Places
        gram : ndarray of float64, shape (folds, J + 1, 3, q, q)
        right : ndarray of float64, shape (folds, J + 1, 2, q)
        groups, variance
            As found on all rows.
        mean : ndarray of float64, shape (size,)
            Likewise, under the learnt correlation.
        """
        parts = [places.spread(*part) for part in _leave_one_out(gram, right)]
        slopes = _Slopes(groups, places.size)
        if not parts or not slopes.some:
            prior = penalty(groups, variance, places.size)
            return cls(mean, [solved(*part, prior) for part in parts])
        whole = places.spread(gram.sum(axis=0), right.sum(axis=0))
        usual = [replace(group.unlearnt(), expected=None) for group in groups]
        _, its_variance, other, _ = tune(*whole, usual, variance, _ROUNDS_OF_PART)
        prior = penalty(usual, its_variance, places.size)
        size = np.eye(2) / _SPREAD**2
        gained = size @ np.array(_EXPECTED)
        found = []
        for k, part in enumerate(parts):
            # Its prior knows no other rows but for a few variances.
            its, its_variance, told, _ = tune(
                *part, [g.unlearnt() for g in groups], variance, _ROUNDS_OF_PART
            )
            start = np.where(slopes.own, solved(*part, prior), told)
            more = slopes.additions(*part, its, its_variance, told, start)
            unseen, side = places.spread(gram[k], right[k])
            gained += more @ (side - unseen @ start)
            size += more @ unseen @ more.T
            found.append((start, more))
        belief = _bounded(size, gained)
        start = np.where(slopes.own, other, mean)
        more = slopes.additions(*whole, groups, variance, mean, start)
        without = [start + belief @ added for start, added in found]
        return cls(start + belief @ more, without, *belief.tolist())


class _Slopes:
    """Coupons' own slopes among all coefficients."""

    def __init__(self, groups: list[Group], size: int) -> None:
        self.some = [g for g, group in enumerate(groups) if group.expected is not None]
        self.own = np.zeros(size, np.bool_)
        for g in self.some:
            self.own[groups[g].at.ravel()] = True

    def additions(
        self, gram: Floats, right: Floats, groups: list[Group], variance: Floats, told: Floats, start: Floats
    ) -> Floats:
        """Return what the learnt correlation adds to ``start``, and heavy tails to that, ``(2, size)``."""
        some = [g for g in self.some if variance[g] > _HARDLY_ANY]
        tails = heavy_tailed(gram, right, groups, variance, some) if some else told
        return np.where(self.own, np.array([told - start, tails - told]), 0.0)


def _leave_one_out(gram: Floats, right: Floats) -> list[tuple[Floats, Floats]]:
    if len(gram) == 1:
        return []
    return [(gram.sum(axis=0) - gram[k], right.sum(axis=0) - right[k]) for k in range(len(gram))]


def _bounded(size: Floats, gained: Floats) -> Floats:
    """Return b between 0 and the most that makes ½b'·size·b − gained'b least."""
    root = np.linalg.cholesky(size)
    return np.asarray(lsq_linear(root.T, np.linalg.solve(root, gained), bounds=(0.0, _MOST)).x)
