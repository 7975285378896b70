"""Qini and AUUC as means over the curve's heights, the definition of the package causalml.

A curve's height is taken at every number of rows from 0 to n, and the n + 1 heights are averaged. Where the
first rows are of one group alone, the curve is not defined; it is drawn straight from 0 to where it is: the
Qini curve in outcomes, the uplift curve in outcomes a row. Rows of one score are one step, drawn straight as
well (causalml leaves their order to chance, and with distinct scores the two agree).

References
----------
.. [1] Gutierrez, P., & Gérardy, J.-Y. (2017). Causal inference and uplift modelling: a review of the
   literature. Proceedings of Machine Learning Research, 67, 1-13.
.. [2] Chen, H., Harinen, T., Lee, J.-Y., Yung, M., & Zhao, Z. (2020). CausalML: Python package for causal
   machine learning. https://doi.org/10.48550/arXiv.2002.11631
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from couponry.predictors.evaluate.trial import Floats, Steps, checked_trial, share_of

__all__ = ["mean_qini", "mean_uplift_gain"]


def mean_qini(
    outcome: npt.ArrayLike, uplift: npt.ArrayLike, treated: npt.ArrayLike, *, normalised: bool = True
) -> float:
    """Return the Qini curve's mean height above the straight line to its end.

    Parameters
    ----------
    outcome, uplift : array of float, shape (n,)
    treated : array of bool, shape (n,)
    normalised : bool
        Divide by the height of the end (its absolute value), else leave it in outcomes.

    Returns
    -------
    float
        NaN where the curve ends at 0 and is to be normalised.

    Raises
    ------
    InputError
        If lengths differ, a number is not finite, or one of the two groups is empty.
    """
    steps = Steps(*checked_trial(outcome, uplift, treated))
    with np.errstate(divide="ignore", invalid="ignore"):
        gain = steps.won_treated - steps.won_control * steps.treated / steps.control
    gain = _drawn_from_origin(steps.count, gain)
    above = gain - gain[-1] * steps.count / steps.count[-1]
    return _scaled(_mean_height(steps.count, above), gain[-1], normalised)


def mean_uplift_gain(
    outcome: npt.ArrayLike, uplift: npt.ArrayLike, treated: npt.ArrayLike, *, normalised: bool = True
) -> float:
    """Return the mean height of the uplift curve: difference of mean outcomes times rows.

    Parameters, returns and errors are those of :func:`mean_qini`.
    """
    steps = Steps(*checked_trial(outcome, uplift, treated))
    with np.errstate(divide="ignore", invalid="ignore"):
        lift = steps.won_treated / steps.treated - steps.won_control / steps.control
    first = int(np.flatnonzero(np.isfinite(lift))[0])
    # A straight lift is a parabola of gains, so every row is a point where the lift is not defined.
    rows = np.arange(1.0, steps.count[first - 1] + 1) if first else np.empty(0)
    count = np.append(rows, steps.count[first:])
    gain = np.append(rows**2 * lift[first] / steps.count[first], lift[first:] * steps.count[first:])
    return _scaled(_mean_height(count, gain), gain[-1], normalised)


def _drawn_from_origin(count: Floats, height: Floats) -> Floats:
    """Fill heights that are not defined by the straight line from 0 to the first that is."""
    defined = np.isfinite(height)
    drawn = np.interp(count, np.append(0.0, count[defined]), np.append(0.0, height[defined]))
    return np.asarray(drawn, np.float64)


def _mean_height(count: Floats, height: Floats) -> float:
    """Return the mean over 0, 1, …, n of a curve that is straight between its points and starts at 0."""
    area = np.trapezoid(np.append(0.0, height), np.append(0.0, count))
    return float((area + height[-1] / 2) / (count[-1] + 1))


def _scaled(mean: float, end: float, normalised: bool) -> float:
    return share_of(mean, abs(end) if normalised else 1.0)
