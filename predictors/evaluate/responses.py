"""How well predicted conversions of the given arm tell buyers from the others, beside baselines."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from couponry.instances.log import Log
from couponry.predictors.evaluate.baselines import (
    BEST_SINGLE,
    BY_RESPONSE,
    RANDOM,
    best_single_coupon,
    uplift_of,
)
from couponry.predictors.evaluate.classification import classification_scores
from couponry.predictors.learner import Outcomes

__all__ = ["response_table"]

Floats = npt.NDArray[np.float64]


def response_table(held: Log, outcomes: Outcomes, bins: int = 10, seed: int = 0) -> pd.DataFrame:
    """Return the scores of two-class predictions over all rows, and the model's over each arm's.

    Parameters
    ----------
    held : Log
    outcomes : Outcomes
        What the model expects of the rows.
    bins : int
        Of the calibration error.
    seed : int
        Of the random predictions.

    Returns
    -------
    DataFrame
        ``predicted_by, arm`` (``all``, ``none`` or a coupon) and the measures of
        :func:`~couponry.predictors.evaluate.classification.classification_scores`; a row is called a buyer
        where it is more likely one than rows of these arms are on average. ``rank by response`` is the
        model's P(conversion | given arm); ``random`` a uniform draw; ``best single coupon`` the model's word
        as if everybody had been given that one. Empty where a conversion is neither 0 nor 1.
    """
    if not np.isin(held.conversion, (0.0, 1.0)).all():
        return pd.DataFrame()
    given = np.take_along_axis(outcomes.conversion, held.arm[:, None] + 1, axis=1)[:, 0]
    predictions: dict[str, Floats] = {
        BY_RESPONSE: np.asarray(given, np.float64),
        RANDOM: np.random.default_rng(seed).random(held.n),
    }
    best = best_single_coupon(held, uplift_of(outcomes))
    if best is not None:
        predictions[BEST_SINGLE] = np.asarray(outcomes.conversion[:, best + 1], np.float64)
    everybody = np.ones(held.n, dtype=bool)
    rows = [_row(name, "all", held, p, everybody, bins) for name, p in predictions.items()]
    for arm, name in enumerate(("none", *held.coupons.ids), start=-1):
        of_arm = held.arm == arm
        if of_arm.any():
            rows.append(_row(BY_RESPONSE, name, held, predictions[BY_RESPONSE], of_arm, bins))
    return pd.DataFrame(rows)


def _row(
    name: str, arm: str, held: Log, probability: Floats, rows: npt.NDArray[np.bool_], bins: int
) -> dict[str, object]:
    y, p = held.conversion[rows], np.clip(probability[rows], 0.0, 1.0)
    return {
        "predicted_by": name,
        "arm": arm,
        **classification_scores(y, p, threshold=float(y.mean()), bins=bins),
    }
