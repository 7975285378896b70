"""Whether predicted probabilities and uplifts are as large as what is observed.

References
----------
.. [1] Naeini, M. P., Cooper, G. F., & Hauskrecht, M. (2015). Obtaining well calibrated probabilities using
   Bayesian binning. AAAI, 29(1). https://doi.org/10.1609/aaai.v29i1.9602
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from couponry.instances.errors import InputError
from couponry.predictors.evaluate.uplift import uplift_by_quantile

__all__ = ["expected_calibration_error", "response_calibration", "uplift_calibration"]


def response_calibration(predicted: npt.ArrayLike, outcome: npt.ArrayLike, bins: int = 10) -> pd.DataFrame:
    """Return predicted and observed outcome in bins of equally many rows, lowest prediction first.

    Parameters
    ----------
    predicted : array of float, shape (n,)
        Predicted outcome of the arm that was given.
    outcome : array of float, shape (n,)
    bins : int

    Returns
    -------
    DataFrame
        ``bin, rows, predicted, observed, standard_error``.

    Raises
    ------
    InputError
        If the lengths differ or there are no rows.
    """
    guess, y = np.asarray(predicted, np.float64), np.asarray(outcome, np.float64)
    if len(guess) != len(y) or len(y) == 0:
        raise InputError(
            f"predicted has {len(guess)} rows and outcome {len(y)}", mend="Give one prediction a row"
        )
    parts = np.array_split(np.argsort(guess, kind="stable"), min(bins, len(y)))
    return pd.DataFrame(
        {
            "bin": np.arange(1, len(parts) + 1),
            "rows": [len(i) for i in parts],
            "predicted": [guess[i].mean() for i in parts],
            "observed": [y[i].mean() for i in parts],
            "standard_error": [y[i].std() / np.sqrt(len(i)) for i in parts],
        }
    )


def uplift_calibration(
    outcome: npt.ArrayLike, uplift: npt.ArrayLike, treated: npt.ArrayLike, bins: int = 10
) -> pd.DataFrame:
    """Return predicted and observed uplift in bins, lowest prediction first.

    The observed uplift of a bin is a difference of two means and carries its standard error: bins that are
    off by less than about two of them say nothing against the predictor.

    Returns
    -------
    DataFrame
        ``bin, rows, treated, control, predicted, observed, standard_error``.
    """
    table = uplift_by_quantile(outcome, uplift, treated, bins).iloc[::-1].reset_index(drop=True)
    return table.assign(bin=np.arange(1, len(table) + 1))


def expected_calibration_error(table: pd.DataFrame) -> float:
    """Return the mean distance between predicted and observed over bins, weighted by rows [1]_.

    Parameters
    ----------
    table : DataFrame
        What :func:`response_calibration` or :func:`uplift_calibration` returned.

    Returns
    -------
    float
        In the outcome's unit; bins without an observation are left out.
    """
    seen = table[table["observed"].notna()]
    if seen.empty:
        return float("nan")
    return float(np.average((seen["predicted"] - seen["observed"]).abs(), weights=seen["rows"]))
