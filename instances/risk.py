"""What redemptions that happen by chance can cost: the most of one, and how much a spend varies.

A pair costs μ on average: at most the coupon's face value F if it is redeemed, and nothing if it is not.
The variance of such a cost is at most μ (F − μ), and is just that where a redemption costs exactly F (Bhatia
and Davis 2000, 10.2307/2589180). Redemptions are taken as independent, so that variances add up, and the
spend of many users is close to normal:

    P(spend > amount) ≤ p    where    Σ μ x + z √(Σ σ² x) ≤ amount,    z the normal quantile of 1 − p.

A shock that all users share, such as a holiday, is no part of this.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from couponry.instances.errors import InputError
from couponry.instances.rows import COST_VARIANCE

if TYPE_CHECKING:
    from couponry.instances.coupons import Coupons
    from couponry.instances.instance import Instance

__all__ = ["cost_variance", "most_at_risk", "most_of_one", "quantile", "variance_of", "variance_source"]

_BLOCK = 1_000_000
# Expected costs in single precision may be a hair above the face value that they are a share of.
_HAIR = 1e-6
_GIVEN = (COST_VARIANCE, "cost_sd")


def quantile(overspend_probability: float) -> float:
    """Return z, the standard normal quantile of 1 − p; at least 0 for p of at most a half."""
    return max(0.0, -NormalDist().inv_cdf(overspend_probability))


def most_of_one(coupons: Coupons, chosen: np.ndarray) -> np.ndarray:
    """Return what one redemption of each coupon can cost at most, float64 ``(J,)``; 0 for those not chosen.

    It is the face value; of a ``percent_off``, whose face value is a percentage, ``max_discount``.

    Parameters
    ----------
    coupons : Coupons
    chosen : ndarray of bool, shape (J,)

    Raises
    ------
    InputError
        If the menu does not say it of a chosen coupon.
    """
    table, most = coupons.table, np.zeros(len(coupons))
    for j in np.flatnonzero(chosen):
        percent = "kind" in table and table["kind"].iloc[j] == "percent_off"
        column = "max_discount" if percent else "face_value"
        number = np.nan
        if column in table:
            number = _number(table[column].iloc[j])
        if not (np.isfinite(number) and number >= 0):
            why = "the face value of percent_off is a percentage, not money" if percent else "it has none"
            raise InputError(
                f"the menu does not say what a redemption of {coupons.ids[j]!r} costs at most: {why}",
                column=column,
                value=None if np.isnan(number) else number,
                mend=f"Fill in {column}, or leave the coupon out with coupons = …",
            )
        most[j] = number
    return most


def _number(value: object) -> float:
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return float("nan")


def cost_variance(instance: Instance, chosen: np.ndarray) -> np.ndarray:
    """Return the variance of what each pair costs, float64 ``(n, S)``; 0 where not eligible.

    It is the response's ``cost_variance``, or the square of its ``cost_sd``, or without either μ (F − μ), F
    being the most that a redemption costs; then it is 0 for coupons that are not chosen, too.

    Parameters
    ----------
    instance : Instance
    chosen : ndarray of bool, shape (J,)
        Coupons whose costs are random.

    Raises
    ------
    InputError
        If it is negative, the menu does not say F, or an expected cost is not between 0 and F.
    """
    response, variance = instance.response, np.zeros(instance.response.shape)
    most = most_at_risk(instance.coupons, chosen, response.measures)
    step = max(1, _BLOCK // max(1, response.shape[1]))

    for first in range(0, response.shape[0], step):
        rows = slice(first, first + step)
        measures = {name: array[rows] for name, array in response.measures.items()}
        coupon = None if response.coupon is None else response.coupon[rows]
        variance[rows] = variance_of(measures, coupon, chosen, most, _named(instance, first))
    return variance


def _named(instance: Instance, first: int) -> Callable[[int], str]:
    """Return what names the users from a row on."""
    return lambda row: f"user {instance.users.ids[first + row].as_py()!r}"


def variance_source(measures: Collection[str]) -> str:
    """Return the measure that tells how much a pair's cost varies, whatever is at hand."""
    return next((name for name in _GIVEN if name in measures), "cost")


def most_at_risk(coupons: Coupons, chosen: np.ndarray, measures: Collection[str]) -> np.ndarray:
    """Return what :func:`most_of_one` does where the variance hangs on it, else zeros, float64 ``(J,)``."""
    return most_of_one(coupons, chosen) if variance_source(measures) == "cost" else np.zeros(len(coupons))


def variance_of(
    measures: Mapping[str, np.ndarray],
    coupon: np.ndarray | None,
    chosen: np.ndarray,
    most: np.ndarray,
    who: Callable[[int], str],
) -> np.ndarray:
    """Return the variance of what each pair of some users costs, float64 ``(b, S)``.

    Parameters
    ----------
    measures : mapping from str to ndarray, each of shape (b, S)
        With ``value`` and what :func:`variance_source` names.
    coupon : ndarray of int32, shape (b, S), or None
    chosen : ndarray of bool, shape (J,)
    most : ndarray of float64, shape (J,)
        As :func:`most_at_risk` gives it.
    who : callable
        What a row's user is called in an error.

    Raises
    ------
    InputError
        As :func:`cost_variance` does of the numbers.
    """
    given = variance_source(measures)
    eligible = ~np.isnan(measures["value"])
    if coupon is None:
        coupon = np.arange(len(chosen))[None, :]
    else:
        eligible &= coupon >= 0
    random = eligible & chosen[np.maximum(coupon, 0)]
    if given != "cost":
        numbers = np.where(eligible, measures[given].astype(np.float64), 0.0)
        _refuse(random & (numbers < 0), numbers, given, who, "must be at least 0", f"Correct {given}")
        return numbers if given == COST_VARIANCE else numbers**2
    cost = np.where(random, measures["cost"].astype(np.float64), 0.0)
    limit = np.broadcast_to(most[np.maximum(coupon, 0)], cost.shape)
    _refuse(
        (cost < 0) | (cost > limit * (1 + _HAIR)),
        cost,
        "cost",
        who,
        "of a coupon whose spend is at risk must lie between 0 and what a redemption costs at most",
        "Correct it or the menu's face_value, or give the response cost_variance or cost_sd",
    )
    return np.asarray(np.maximum(cost * (limit - cost), 0.0))


def _refuse(
    wrong: np.ndarray, numbers: np.ndarray, measure: str, who: Callable[[int], str], problem: str, mend: str
) -> None:
    if wrong.any():
        row, place = (int(i) for i in np.argwhere(wrong)[0])
        raise InputError(
            f"{measure} of {who(row)} {problem}",
            column=measure,
            value=float(numbers[row, place]),
            mend=mend,
        )
