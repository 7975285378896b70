"""How well predicted probabilities tell buyers from the others, whatever the coupons did to them.

References
----------
.. [1] Pedregosa, F., et al. (2011). Scikit-learn: machine learning in Python. Journal of Machine Learning
   Research, 12, 2825-2830.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from couponry.instances.errors import InputError, require_extra
from couponry.predictors.evaluate.calibration import expected_calibration_error, response_calibration

__all__ = ["classification_scores"]

Floats = npt.NDArray[np.float64]


def classification_scores(
    outcome: npt.ArrayLike, probability: npt.ArrayLike, *, threshold: float = 0.5, bins: int = 10
) -> dict[str, float]:
    """Return scikit-learn's measures of a two-class prediction [1]_, and the expected calibration error.

    Parameters
    ----------
    outcome : array of 0 and 1, shape (n,)
    probability : array of float, shape (n,)
        Predicted probability of 1, in [0, 1].
    threshold : float
        A row is called a buyer where its probability is at least this. Where few buy, 1/2 calls nobody one;
        the observed rate is then a better threshold.
    bins : int
        Of the calibration error, equally many rows each.

    Returns
    -------
    dict
        ``rows, rate, threshold, accuracy, precision, recall, f1, auc, log_loss, brier, calibration_error``.
        NaN where a measure is not defined: AUC of one class alone, precision where nobody is called a buyer,
        recall where nobody is one, F1 where neither.

    Raises
    ------
    InputError
        If lengths differ, there are no rows, an outcome is not 0 or 1, or a probability is outside [0, 1].
    MissingExtraError
        If scikit-learn is not installed.
    """
    y, p = _checked(outcome, probability)
    require_extra("sklearn", "predict")
    from sklearn import metrics

    called = p >= threshold
    both = 0 < y.sum() < len(y)
    undefined = np.nan
    return {
        "rows": len(y),
        "rate": float(y.mean()),
        "threshold": float(threshold),
        "accuracy": float(metrics.accuracy_score(y, called)),
        "precision": float(metrics.precision_score(y, called, zero_division=undefined)),
        "recall": float(metrics.recall_score(y, called, zero_division=undefined)),
        "f1": float(metrics.f1_score(y, called, zero_division=undefined)),
        "auc": float(metrics.roc_auc_score(y, p)) if both else undefined,
        "log_loss": float(metrics.log_loss(y, p, labels=[0, 1])),
        "brier": float(metrics.brier_score_loss(y, p, pos_label=1)),
        "calibration_error": expected_calibration_error(response_calibration(p, y, bins)),
    }


def _checked(outcome: npt.ArrayLike, probability: npt.ArrayLike) -> tuple[npt.NDArray[np.int64], Floats]:
    y, p = np.asarray(outcome, np.float64), np.asarray(probability, np.float64)
    if len(y) != len(p) or len(y) == 0:
        raise InputError(
            f"outcome has {len(y)} rows and probability {len(p)}", mend="Give one prediction a row"
        )
    for name, array, allowed, what in (
        ("outcome", y, (y == 0) | (y == 1), "0 or 1"),
        ("probability", p, (p >= 0) & (p <= 1), "in [0, 1]"),
    ):
        wrong = np.flatnonzero(~allowed)
        if len(wrong):
            row = int(wrong[0])
            raise InputError(f"{name} must be {what}", row=row, column=name, value=float(array[row]))
    return y.astype(np.int64), p
