"""Brings any model's answers to scale, by users that it did not learn from.

The probability without a coupon is mapped by Platt's line in logits [1]_ or by isotonic regression [2]_.
Uplifts are never seen, but the doubly robust score of a row and coupon has the uplift as its mean: predicted
uplifts are mapped to these scores, by a line, or by bins whose means must not fall.

References
----------
.. [1] Platt, J. (1999). Probabilistic outputs for support vector machines and comparisons to regularized
   likelihood methods. Advances in Large Margin Classifiers, 61-74.
.. [2] Zadrozny, B., & Elkan, C. (2002). Transforming classifier scores into accurate multiclass probability
   estimates. KDD, 694-699. https://doi.org/10.1145/775047.775151
.. [3] van der Laan, L., Ulloa-Pérez, E., Carone, M., & Luedtke, A. (2023). Causal isotonic calibration for
   heterogeneous treatment effects. ICML. https://proceedings.mlr.press/v202/van-der-laan23a.html
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import numpy.typing as npt

from couponry.instances.errors import InputError, did_you_mean, require_extra
from couponry.predictors.base_learners.linear import Linear
from couponry.predictors.learner import Learner, Outcomes, TrainingRows, folds_by_user
from couponry.predictors.state import State

__all__ = ["METHODS", "Calibration", "cross_fitted_outcomes"]

Floats = npt.NDArray[np.float64]

METHODS = ("platt", "isotonic")

_BINS = 20
_LEAST_PROPENSITY = 0.01
_LEAST = 1e-4
_SLOPE_SPREAD = 0.5  # standard deviation of the slope, around 1, before any row is seen


@dataclass(frozen=True)
class Calibration:
    """Maps of the probability without a coupon and of uplifts.

    Attributes
    ----------
    method : {"platt", "isotonic"}
    base : ndarray of float64
        Slope and intercept in logits; or knots and heights, ``(2, m)``.
    centre, level : ndarray of float64, shape (J,)
        Mean predicted uplift of each coupon, and what it is mapped to.
    uplift : ndarray of float64
        Slope around the mean; or knots and heights around it, ``(2, m)`` [3]_.
    cost, revenue : ndarray of float64, shape (J + 1,)
        Factors of the money under each arm: observed over predicted.
    """

    method: str
    base: Floats
    centre: Floats
    level: Floats
    uplift: Floats
    cost: Floats
    revenue: Floats

    @classmethod
    def fit(cls, method: str, rows: TrainingRows, found: Outcomes) -> Self:
        """Learn the maps.

        Parameters
        ----------
        method : {"platt", "isotonic"}
        rows : TrainingRows
        found : Outcomes
            Of these rows under every arm of the menu, from models that have not seen their users.

        Raises
        ------
        InputError
            If there is no such method.
        """
        if method not in METHODS:
            raise InputError(
                "unknown way to calibrate",
                parameter="calibrate",
                value=method,
                mend=did_you_mean(method, METHODS),
            )
        p = np.asarray(found.conversion, dtype=np.float64)
        control = rows.arm == -1
        base = _base_map(method, p[control, 0], rows.conversion[control])
        predicted = p[:, 1:] - p[:, :1]
        score = _scores(rows, p)
        kept = np.ones(predicted.shape, np.bool_) if rows.kept is None else rows.kept
        centre = np.array([predicted[kept[:, j], j].mean() for j in range(rows.arms)])
        level = _levels(centre, score, kept)
        around = (predicted - centre)[kept], (score - _score_means(score, kept))[kept]
        uplift = _slope(*around) if method == "platt" else _bins(*around)
        return cls(
            method,
            base,
            centre,
            level,
            uplift,
            _factors(rows, rows.cost, found.cost),
            _factors(rows, rows.revenue, found.revenue),
        )

    def apply(self, found: Outcomes, known: npt.NDArray[np.int64]) -> Outcomes:
        """Return outcomes brought to scale; coupons at −1 are moved as the menu is on average."""
        p = np.asarray(found.conversion, dtype=np.float64)
        without = self._map_base(p[:, 0])[:, None]
        shift = self.level - self.centre
        middle = np.where(known >= 0, self.centre[known], self.centre.mean())
        level = middle + np.where(known >= 0, shift[known], shift.mean())
        inner, slope = self._map_uplift(p[:, 1:] - p[:, :1] - middle)
        conversion = np.hstack([without, np.clip(without + level + inner, 0.0, 1.0)])
        error = found.conversion_error
        return replace(
            found,
            conversion=conversion,
            cost=found.cost * _of(self.cost, known),
            revenue=found.revenue * _of(self.revenue, known),
            conversion_error=None if error is None else error * slope,
        )

    def _map_base(self, p: Floats) -> Floats:
        if self.method == "isotonic":
            return np.asarray(np.interp(p, *self.base), dtype=np.float64)
        return np.asarray(1 / (1 + np.exp(-(self.base[0] * _logit(p) + self.base[1]))), np.float64)

    def _map_uplift(self, around: Floats) -> tuple[Floats, float]:
        if self.method == "isotonic":
            knots, heights = self.uplift
            mapped = np.interp(around, knots, heights)
            return np.asarray(mapped), float((heights[-1] - heights[0]) / max(knots[-1] - knots[0], 1e-12))
        return around * self.uplift[0], float(self.uplift[0])

    def state(self) -> State:
        """Return the maps."""
        names = ("base", "centre", "level", "uplift", "cost", "revenue")
        return State({"method": self.method}, {name: getattr(self, name) for name in names})

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Take back what :meth:`state` gave."""
        return cls(state.facts["method"], **state.arrays)


def cross_fitted_outcomes(learner: Learner, rows: TrainingRows, folds: int = 3, seed: int = 0) -> Outcomes:
    """Return every row's outcomes from a learner like this one that has not seen the row's user."""
    fold = folds_by_user(rows.user, folds, seed)
    parameters = learner.get_params()
    if "error_folds" in parameters:
        parameters["error_folds"] = 0
    shape = (rows.n, rows.arms + 1)
    conversion, cost, revenue = np.empty(shape), np.empty(shape), np.empty(shape)
    for k in range(folds):
        make = getattr(learner, "unfitted", None)  # one that keeps how it lays out rows
        alike = type(learner)(**parameters) if make is None else make()
        alike.fit(rows.take(fold != k))
        own = fold == k
        found = alike.predict(rows.x[own], np.arange(rows.arms), rows.coupons)
        conversion[own], cost[own], revenue[own] = found.conversion, found.cost, found.revenue
    return Outcomes(conversion, cost, revenue)


def _logit(p: Floats) -> Floats:
    bounded = np.clip(p, _LEAST, 1 - _LEAST)
    return np.asarray(np.log(bounded / (1 - bounded)), dtype=np.float64)


def _base_map(method: str, p: Floats, y: Floats) -> Floats:
    if method == "isotonic":
        isotonic = require_extra("sklearn.isotonic", "predict")
        found = isotonic.IsotonicRegression(y_min=0, y_max=1).fit(p, y)
        return np.vstack([found.X_thresholds_, found.y_thresholds_]).astype(np.float64)
    score = _logit(p)
    line = Linear(logistic=True, penalty=1e-3).fit(score[:, None], y)
    slope = float(max(line.coefficients[0], 0.0))
    return np.array([slope, line.intercept])


def _scores(rows: TrainingRows, p: Floats) -> Floats:
    """Return doubly robust scores of the uplifts, ``(n, J)``."""
    each, given = np.arange(rows.n), rows.arm + 1
    psi = p.copy()
    propensity = np.maximum(rows.propensity, _LEAST_PROPENSITY)
    psi[each, given] += (rows.conversion - psi[each, given]) / propensity
    return psi[:, 1:] - psi[:, :1]


def _score_means(score: Floats, kept: npt.NDArray[np.bool_]) -> Floats:
    """Return the mean score of each coupon over the rows that may tell it, ``(J,)``."""
    return np.array([score[kept[:, j], j].mean() for j in range(score.shape[1])])


def _levels(centre: Floats, score: Floats, kept: npt.NDArray[np.bool_]) -> Floats:
    """Return each coupon's mean uplift: predicted, moved to the scores' as far as chance does not explain."""
    off = _score_means(score, kept) - centre
    noise = np.array([score[kept[:, j], j].var() / kept[:, j].sum() for j in range(len(centre))])
    spread = max(0.0, float((off**2).mean() - noise.mean()))
    return np.asarray(centre + off * spread / np.maximum(spread + noise, 1e-300))


def _slope(predicted: Floats, score: Floats) -> Floats:
    """Return the slope of scores on predictions, drawn towards 1."""
    information = float(predicted @ predicted)
    noise = float(((score - predicted) ** 2).mean())
    prior = noise / _SLOPE_SPREAD**2
    slope = (float(predicted @ score) + prior) / (information + prior) if noise else 1.0
    return np.array([max(slope, 0.0)])


def _bins(predicted: Floats, score: Floats) -> Floats:
    """Return knots and heights: means of bins of equal size, which must not fall."""
    isotonic = require_extra("sklearn.isotonic", "predict")
    parts = np.array_split(np.argsort(predicted, kind="stable"), min(_BINS, len(predicted)))
    knots = np.array([predicted[part].mean() for part in parts])
    heights = np.array([score[part].mean() for part in parts])
    size = np.array([len(part) for part in parts])
    risen = isotonic.IsotonicRegression().fit_transform(knots, heights, sample_weight=size)
    return np.vstack([knots, risen]).astype(np.float64)


def _factors(rows: TrainingRows, amount: Floats, predicted: npt.NDArray[np.floating]) -> Floats:
    factors = np.ones(rows.arms + 1)
    for a in range(rows.arms + 1):
        own = rows.arm == a - 1
        expected = float(np.asarray(predicted)[own, a].sum())
        observed = float(amount[own].sum())
        # An amount that is known exactly, such as the price of a message, stays exactly so.
        if expected > 0 and observed > 0 and abs(observed / expected - 1) > 1e-9:
            factors[a] = np.clip(observed / expected, 0.5, 2.0)
    return factors


def _of(factors: Floats, known: npt.NDArray[np.int64]) -> Floats:
    return np.append(factors[0], np.where(known >= 0, factors[known + 1], factors[1:].mean()))
