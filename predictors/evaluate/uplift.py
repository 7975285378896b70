"""How well a predicted uplift ranks users: Qini curve, uplift curve, uplift among the first k.

All functions compare one coupon with none on a randomised log: ``outcome``, ``uplift`` and ``treated`` are
arrays of one length, ``treated`` true where the coupon was given. Rows of one predicted uplift count as one
step of a curve, so the order of tied rows does not matter.

References
----------
.. [1] Radcliffe, N. J. (2007). Using control groups to target on predicted lift: building and assessing
   uplift models. Direct Marketing Analytics Journal, 1(3), 14-21.
.. [2] Devriendt, F., Guns, T., & Verbeke, W. (2020). Learning to rank for uplift modeling. IEEE Transactions
   on Knowledge and Data Engineering, 34(10), 4888-4904. https://doi.org/10.1109/TKDE.2020.3048510
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from couponry.instances.errors import InputError
from couponry.predictors.evaluate.mean_gain import mean_qini, mean_uplift_gain
from couponry.predictors.evaluate.trial import Curve, Floats, Steps, checked_trial, ratio, share_of

__all__ = [
    "Definition",
    "auuc_score",
    "perfect_qini_curve",
    "qini_curve",
    "qini_score",
    "uplift_at_k",
    "uplift_by_quantile",
    "uplift_curve",
]

Definition = Literal["scikit-uplift", "causalml", "causalml-raw"]


def qini_curve(outcome: npt.ArrayLike, uplift: npt.ArrayLike, treated: npt.ArrayLike) -> Curve:
    """Return the Qini curve [1]_: extra outcomes won when the first ``count`` rows by uplift are treated.

    With ``t`` and ``c`` the treated and untreated among the first rows, the curve is
    ``Σ_t y − Σ_c y · |t| / |c|``.

    Parameters
    ----------
    outcome : array of float, shape (n,)
    uplift : array of float, shape (n,)
        Predicted uplift; larger is treated earlier.
    treated : array of bool, shape (n,)

    Returns
    -------
    count, gain : ndarray of float64, shape (m,)
        Points of the curve from (0, 0).

    Raises
    ------
    InputError
        If lengths differ, a number is not finite, or one of the two groups is empty.
    """
    steps = Steps(*checked_trial(outcome, uplift, treated))
    return _from_origin(
        steps.count, steps.won_treated - steps.won_control * ratio(steps.treated, steps.control)
    )


def perfect_qini_curve(outcome: npt.ArrayLike, treated: npt.ArrayLike) -> Curve:
    """Return the Qini curve of an order that knows the outcomes.

    Buyers with the coupon come first and buyers without it last, so that the curve first rises above its
    end: the perfect order also leaves out those whom the coupon puts off.

    Parameters
    ----------
    outcome : array of float, shape (n,)
    treated : array of bool, shape (n,)

    Returns
    -------
    count, gain : ndarray of float64, shape (m,)
    """
    y, _, t = checked_trial(outcome, np.zeros(np.shape(outcome)), treated)
    return qini_curve(y, np.where(t, y, -y), t)


def qini_score(
    outcome: npt.ArrayLike,
    uplift: npt.ArrayLike,
    treated: npt.ArrayLike,
    *,
    definition: Definition = "scikit-uplift",
) -> float:
    """Return how far the Qini curve lies above random order.

    Parameters
    ----------
    outcome, uplift, treated
        As in :func:`qini_curve`.
    definition : {"scikit-uplift", "causalml", "causalml-raw"}
        ``"scikit-uplift"``: the area between the curve and random order, as a share of the perfect curve's;
        0 is a random order, 1 the perfect one. For 0/1 outcomes it is that package's ``qini_auc_score``.
        ``"causalml"``: the mean height above random order, as a share of the curve's end, that package's
        ``qini_score(normalize=True)``; ``"causalml-raw"``: the same in outcomes, ``normalize=False``.

    Returns
    -------
    float
        NaN where there is nothing to divide by: even the perfect order wins nothing, or the curve ends at 0.

    Raises
    ------
    InputError
        As :func:`qini_curve`, or if the definition is unknown.
    """
    if _is_scikit_uplift(definition):
        return _normalised(qini_curve(outcome, uplift, treated), perfect_qini_curve(outcome, treated))
    return mean_qini(outcome, uplift, treated, normalised=definition == "causalml")


def uplift_curve(outcome: npt.ArrayLike, uplift: npt.ArrayLike, treated: npt.ArrayLike) -> Curve:
    """Return the uplift curve [2]_: difference of mean outcomes among the first rows, times their number.

    Parameters and returns are those of :func:`qini_curve`.
    """
    steps = Steps(*checked_trial(outcome, uplift, treated))
    difference = ratio(steps.won_treated, steps.treated) - ratio(steps.won_control, steps.control)
    return _from_origin(steps.count, difference * steps.count)


def auuc_score(
    outcome: npt.ArrayLike,
    uplift: npt.ArrayLike,
    treated: npt.ArrayLike,
    *,
    definition: Definition = "scikit-uplift",
) -> float:
    """Return the area under the uplift curve.

    Parameters
    ----------
    outcome, uplift, treated
        As in :func:`qini_curve`.
    definition : {"scikit-uplift", "causalml", "causalml-raw"}
        ``"scikit-uplift"``: the area above random order as a share of the perfect curve's (0 is random), for
        0/1 outcomes that package's ``uplift_auc_score``. ``"causalml"``: the mean height of the curve as a
        share of its end (1/2 is random), that package's ``auuc_score(normalize=True)``;
        ``"causalml-raw"``: the same in outcomes, ``normalize=False``.

    Returns
    -------
    float
        NaN where there is nothing to divide by.

    Raises
    ------
    InputError
        As :func:`qini_curve`, or if the definition is unknown.
    """
    if not _is_scikit_uplift(definition):
        return mean_uplift_gain(outcome, uplift, treated, normalised=definition == "causalml")
    y, _, t = checked_trial(outcome, uplift, treated)
    many_control_buyers = (y * ~t).sum() > ((1 - y) * t).sum()
    best_order = 2.0 * (y == t) + (y if many_control_buyers else t)
    return _normalised(uplift_curve(outcome, uplift, treated), uplift_curve(y, best_order, t))


def uplift_at_k(
    outcome: npt.ArrayLike,
    uplift: npt.ArrayLike,
    treated: npt.ArrayLike,
    share: float = 0.3,
    strategy: Literal["overall", "by_group"] = "overall",
) -> float:
    """Return the difference of mean outcomes, treated minus not, among the first rows by uplift.

    Parameters
    ----------
    outcome, uplift, treated
        As in :func:`qini_curve`.
    share : float
        How many of the rows are first, in (0, 1).
    strategy : {"overall", "by_group"}
        Take the first of all rows, or the first of each group.

    Returns
    -------
    float

    Raises
    ------
    InputError
        If ``share`` is outside (0, 1), ``strategy`` is unknown, or a group is empty among the first rows.
    """
    if not 0 < share < 1:
        raise InputError("this must lie strictly between 0 and 1", parameter="share", value=share)
    y, score, t = checked_trial(outcome, uplift, treated)
    order = np.argsort(score, kind="stable")[::-1]
    if strategy == "overall":
        first = order[: int(len(y) * share)]
        groups = first[t[first]], first[~t[first]]
    elif strategy == "by_group":
        groups = tuple(order[t[order] == g][: int((t == g).sum() * share)] for g in (True, False))
    else:
        raise InputError("unknown strategy", value=strategy, mend="Give 'overall' or 'by_group'")
    if not all(len(group) for group in groups):
        raise InputError(
            f"one group is empty among the first {share:.0%} of rows", mend="Give a larger share"
        )
    return float(y[groups[0]].mean() - y[groups[1]].mean())


def uplift_by_quantile(
    outcome: npt.ArrayLike, uplift: npt.ArrayLike, treated: npt.ArrayLike, bins: int = 10
) -> pd.DataFrame:
    """Return predicted and observed uplift in bins of equally many rows, highest prediction first.

    Parameters
    ----------
    outcome, uplift, treated
        As in :func:`qini_curve`.
    bins : int

    Returns
    -------
    DataFrame
        ``bin`` (1 is the highest), ``rows, treated, control, predicted, observed, standard_error``; observed
        is NaN where a bin lacks one of the groups.
    """
    y, score, t = checked_trial(outcome, uplift, treated)
    order = np.argsort(-score, kind="stable")
    rows = [
        _one_bin(b + 1, y[i], score[i], t[i]) for b, i in enumerate(np.array_split(order, min(bins, len(y))))
    ]
    return pd.DataFrame(rows)


def _one_bin(number: int, y: Floats, score: Floats, t: npt.NDArray[np.bool_]) -> dict[str, float]:
    a, b = y[t], y[~t]
    both = len(a) > 0 and len(b) > 0
    return {
        "bin": number,
        "rows": len(y),
        "treated": len(a),
        "control": len(b),
        "predicted": float(score.mean()),
        "observed": float(a.mean() - b.mean()) if both else np.nan,
        "standard_error": float(np.sqrt(a.var() / len(a) + b.var() / len(b))) if both else np.nan,
    }


def _from_origin(count: Floats, gain: Floats) -> Curve:
    return np.append(0.0, count), np.append(0.0, gain)


def _is_scikit_uplift(definition: str) -> bool:
    if definition not in get_args(Definition):
        raise InputError(
            "unknown definition", value=definition, mend=f"Give one of {', '.join(get_args(Definition))}"
        )
    return definition == "scikit-uplift"


def _normalised(curve: Curve, perfect: Curve) -> float:
    random_area = perfect[0][-1] * perfect[1][-1] / 2
    best = np.trapezoid(perfect[1], perfect[0]) - random_area
    return share_of(np.trapezoid(curve[1], curve[0]) - random_area, best)
