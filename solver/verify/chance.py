"""Budgets at risk: what chance adds to a spend, read from the definition.

A redemption costs at most its coupon's face value F, or nothing, so the cost of a pair expected at μ has at
most the variance μ (F − μ); costs of different pairs are independent. A spend stays under the amount with
probability 1 − p where Σ μ + z √(Σ σ²) ≤ amount, z the standard normal quantile of 1 − p.
"""

from __future__ import annotations

import math
from fractions import Fraction
from statistics import NormalDist

import numpy as np

from couponry.instances.errors import InputError
from couponry.solver.verify.population import Judged, measure_names

__all__ = ["check_known", "derived_variance", "most_of_one", "square_root", "standard_quantile"]

_DIGITS = 200


def standard_quantile(probability: float) -> float:
    """Return z, such that a standard normal number exceeds it with this probability; at least 0."""
    return max(0.0, -NormalDist().inv_cdf(probability))


def square_root(number: Fraction) -> Fraction:
    """Return the square root, rounded down in the two hundredth binary digit beyond the number's own."""
    scaled = (number.numerator << (2 * _DIGITS)) // number.denominator
    return Fraction(math.isqrt(scaled), 1 << _DIGITS)


def most_of_one(instance: Judged) -> np.ndarray:
    """Return the most that a redemption of each coupon costs, float64 ``(J,)``; NaN where nobody says."""
    most = np.full(len(instance.coupons), np.nan)
    for j, row in enumerate(instance.coupons.table.to_dict("records")):
        held = row.get("max_discount" if row.get("kind") == "percent_off" else "face_value")
        most[j] = np.nan if held is None or held == "" else float(held)
    return most


def derived_variance(cost: np.ndarray, most: np.ndarray) -> np.ndarray:
    """Return the variance of costs that are ``most`` or nothing; 0 where the most is not known."""
    return np.asarray(np.where(np.isnan(most), 0.0, np.maximum(cost * (most - cost), 0.0)))


def check_known(instance: Judged, chosen: np.ndarray) -> None:
    """Refuse a budget whose coupons' costs may vary in a way that nothing tells.

    Raises
    ------
    InputError
    """
    if {"cost_variance", "cost_sd"} & set(measure_names(instance)):
        return
    unknown = np.flatnonzero(chosen & np.isnan(most_of_one(instance)))
    if len(unknown):
        raise InputError(
            "nothing tells how much the cost of a coupon varies", value=instance.coupons.ids[int(unknown[0])]
        )
