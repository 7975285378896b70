"""The in-vehicle coupon survey: 12,684 answers of drivers shown a scene and one of five kinds of coupon."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from couponry.instances.coupons import Coupons
from couponry.instances.loaders.columns import Columns, arm_costs, read_columns
from couponry.instances.log import Log

__all__ = ["read_in_vehicle"]

_PLACES = {
    "Bar": "bar",
    "Carry out & Take away": "carry_out",
    "Coffee House": "coffee_house",
    "Restaurant(<20)": "restaurant_under_20",
    "Restaurant(20-50)": "restaurant_20_to_50",
}
_VALID_DAYS = {"2h": 2 / 24, "1d": 1.0}
_SCENE = (
    *("destination", "passanger", "weather", "temperature", "time"),
    *("toCoupon_GEQ5min", "toCoupon_GEQ15min", "toCoupon_GEQ25min", "direction_same", "direction_opp"),
)
_PERSON = (
    *("gender", "age", "maritalStatus", "has_children", "education", "occupation", "income", "car"),
    *("Bar", "CoffeeHouse", "CarryAway", "RestaurantLessThan20", "Restaurant20To50"),
)
_NUMBERS = frozenset({"temperature", "has_children", *_SCENE[5:]})


def read_in_vehicle(
    path: str | Path, *, by_expiration: bool = False, costs: Mapping[str, float] | None = None
) -> Log:
    """Read the in-vehicle coupon survey as a log.

    **No arm is "no coupon", and coupons were not drawn at random.** The log tells how likely a kind of coupon
    is to be taken in which scene; it cannot tell what a coupon adds, so that no model is trained on it. Its
    propensities are not known either, and the scenes tell who got what, so that a policy's value, which takes
    arms to have been drawn by their shares, comes with a warning.

    The coupons are ``bar``, ``carry_out``, ``coffee_house``, ``restaurant_under_20`` and
    ``restaurant_20_to_50``. The survey does not name its drivers: rows that agree in all columns about the
    person are taken to be one user. Segments are ``gender``, ``age``, ``income`` and ``destination``.

    Parameters
    ----------
    path : str or Path
        CSV (gzipped or not) or Parquet, with the columns of the UCI archive.
    by_expiration : bool
        Whether a coupon of two hours and one of a day are two coupons (``bar_2h``, ``bar_1d``, …). Without,
        the expiration is a feature of the scene.
    costs : mapping from str to float, optional
        Money that each coupon costs when it is taken; 0 if not given.

    Returns
    -------
    Log
        Conversion: would take the coupon (``Y``). Revenue is 0.

    Raises
    ------
    InputError
        If the file cannot be read, lacks a column, or a cell is outside its range.

    References
    ----------
    T. Wang, C. Rudin, F. Doshi-Velez, Y. Liu, E. Klampfl and P. MacNeille, A Bayesian Framework for Learning
    Rule Sets for Interpretable Classification, JMLR 18(70), 2017. Data: doi:10.24432/C5GS4P.
    """
    columns = read_columns(path, (*_SCENE, *_PERSON, "coupon", "expiration", "Y"))
    place = columns.codes("coupon", tuple(_PLACES))
    expiration = columns.codes("expiration", tuple(_VALID_DAYS))
    menu = _menu(by_expiration)
    arm = place * len(_VALID_DAYS) + expiration if by_expiration else place
    unit_cost = arm_costs(costs, list(menu["coupon_id"]))
    taken = columns.whole_numbers("Y", 0, 1).astype(np.float64)
    kept = (*_SCENE, *(() if by_expiration else ("expiration",)), *_PERSON)
    return Log(
        features=pd.DataFrame({name: _feature(columns, name) for name in kept}),
        user_id=_drivers(columns),
        coupons=Coupons(menu.assign(unit_cost=unit_cost)),
        arm=arm.astype(np.int32),
        conversion=taken,
        cost=taken * unit_cost[arm],
        revenue=np.zeros(len(columns)),
        segments=("gender", "age", "income", "destination"),
        source=columns.file,
    )


def _menu(by_expiration: bool) -> pd.DataFrame:
    if not by_expiration:
        return pd.DataFrame({"coupon_id": list(_PLACES.values()), "place": list(_PLACES)})
    pairs = [(place, expiration) for place in _PLACES for expiration in _VALID_DAYS]
    return pd.DataFrame(
        {
            "coupon_id": [f"{_PLACES[place]}_{expiration}" for place, expiration in pairs],
            "place": [place for place, _ in pairs],
            "valid_days": [_VALID_DAYS[expiration] for _, expiration in pairs],
        }
    )


def _feature(columns: Columns, name: str) -> np.ndarray | pd.Series:
    return columns.whole_numbers(name, 0) if name in _NUMBERS else columns.categories(name)


def _drivers(columns: Columns) -> np.ndarray:
    """Number the drivers in the order in which they appear."""
    person = columns.frame.groupby(list(_PERSON), sort=False, dropna=False).ngroup()
    drivers: np.ndarray = ("driver-" + person.astype(str)).to_numpy(object)
    return drivers
