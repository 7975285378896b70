"""Open Bandit: which fashion item a page showed, with what true probability, and whether it was clicked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from couponry.instances.coupons import Coupons
from couponry.instances.errors import InputError
from couponry.instances.loaders.columns import Columns, read_columns
from couponry.instances.log import Log

__all__ = ["read_open_bandit"]

_USER_FEATURES = tuple(f"user_feature_{k}" for k in range(4))
_NEEDED = ("timestamp", "item_id", "position", "click", "propensity_score", *_USER_FEATURES)
_AFFINITY = "user-item_affinity_"


def read_open_bandit(path: str | Path, *, item_context: str | Path | None = None, cost: float = 0.0) -> Log:
    """Read an Open Bandit log: each item is an arm, and the probability of the item shown is known.

    **No arm is "no item".** The log compares items with each other, so it judges policies that always show
    one (:func:`~couponry.predictors.evaluate.policy.policy_value`); it cannot tell what showing anything at
    all adds, so that no model is trained on it. A user's id is the number of the row, from 0, as text.
    Segments are ``user_feature_0`` to ``user_feature_3``.

    Parameters
    ----------
    path : str or Path
        CSV (gzipped or not) or Parquet of one campaign and policy.
    item_context : str or Path, optional
        The campaign's ``item_context.csv``: its items are the menu, and its columns their attributes.
        Without, the menu is the items that were shown.
    cost : float
        Money a showing costs.

    Returns
    -------
    Log
        Conversion: clicked. Revenue is 0. Features: ``position`` on the page (1 to 3), ``hour`` of the day,
        the four hashed ``user_feature_*``, and the ``user-item_affinity_*`` that the file has.

    Raises
    ------
    InputError
        If a file cannot be read or lacks a column, a cell is outside its range, or an item is not in
        ``item_context``.

    References
    ----------
    Y. Saito, S. Aihara, M. Matsutani and Y. Narita, Open Bandit Dataset and Pipeline: Towards Realistic and
    Reproducible Off-Policy Evaluation, NeurIPS Datasets and Benchmarks, 2021, arXiv:2008.07146.
    """
    if not 0 <= cost < np.inf:
        raise InputError(
            "the cost of a showing must be a number of at least 0",
            column="cost",
            value=cost,
            mend="Give money a showing",
        )
    columns = read_columns(path, _NEEDED)
    items = columns.whole_numbers("item_id", 0)
    menu = _shown(items) if item_context is None else _described(item_context)
    return Log(
        features=_features(columns),
        user_id=np.arange(len(columns)).astype(str).astype(object),
        coupons=Coupons(menu),
        arm=_arms(columns, items, menu),
        conversion=columns.whole_numbers("click", 0, 1).astype(np.float64),
        cost=np.full(len(columns), float(cost)),
        revenue=np.zeros(len(columns)),
        propensity=columns.numbers("propensity_score", 0, 1),
        segments=_USER_FEATURES,
        source=columns.file,
    )


def _shown(items: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame({"coupon_id": np.unique(items).astype(str)})


def _described(path: str | Path) -> pd.DataFrame:
    columns = read_columns(path, ("item_id",))
    ids = columns.whole_numbers("item_id", 0)
    again = pd.Series(ids).duplicated().to_numpy()
    if again.any():
        raise columns.problem(
            "this item stands there twice", int(again.argmax()), "item_id", "Give each one row"
        )
    # The published file starts with a nameless column of row numbers.
    attributes = columns.frame[columns.named("item_feature_")]
    return pd.concat([pd.DataFrame({"coupon_id": ids.astype(str)}), attributes], axis=1)


def _arms(columns: Columns, items: np.ndarray, menu: pd.DataFrame) -> np.ndarray:
    arm: np.ndarray = pd.Index(menu["coupon_id"].astype(object)).get_indexer(items.astype(str).astype(object))
    if (arm < 0).any():
        raise columns.problem(
            "an item is not in the item context",
            int((arm < 0).argmax()),
            "item_id",
            "Give the item context of the same campaign",
        )
    return arm.astype(np.int32)


def _features(columns: Columns) -> pd.DataFrame:
    features: dict[str, np.ndarray | pd.Series] = {
        "position": columns.whole_numbers("position", 1),
        "hour": _hours(columns),
    }
    features |= {name: columns.categories(name) for name in _USER_FEATURES}
    features |= {name: columns.numbers(name) for name in columns.named(_AFFINITY)}
    return pd.DataFrame(features)


def _hours(columns: Columns) -> np.ndarray:
    times = pd.to_datetime(columns.frame["timestamp"], errors="coerce", utc=True, format="ISO8601")
    wrong = times.isna().to_numpy()
    if wrong.any():
        raise columns.problem(
            "not a time", int(wrong.argmax()), "timestamp", "Give such as 2019-11-24 00:03:13.442536+00:00"
        )
    hours: np.ndarray = times.dt.hour.to_numpy(np.int64)
    return hours
