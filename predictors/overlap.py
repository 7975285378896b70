"""Whether alike users got different arms, without which no log tells an effect.

References
----------
.. [1] Crump, R. K., Hotz, V. J., Imbens, G. W., & Mitnik, O. A. (2009). Dealing with limited overlap in
   estimation of average treatment effects. Biometrika, 96(1), 187-199. https://doi.org/10.1093/biomet/asn055
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from couponry.instances.coupons import Coupons
from couponry.instances.errors import InputError
from couponry.instances.log import Log
from couponry.predictors.assignment import ASSIGNMENT_BASES, cross_fitted_assignment
from couponry.predictors.features import FeatureEncoder
from couponry.predictors.log_checks import check_arms
from couponry.predictors.propensity import arm_shares

__all__ = ["Overlap", "explained_share", "learnt_propensity", "overlap"]

Floats = npt.NDArray[np.float64]

_FLOOR = 0.005  # below it a pair's propensity is none that a log can tell
_LEAST_KEPT, _LEAST_ROWS, _GOOD = 0.2, 100.0, 0.3
_MENDS = {
    "good": "",
    "poor": "Few rows are comparable: give this coupon by lot to some users of every kind",
    "fails": "Leave this coupon off the menu, or give it and none by lot to some users of every kind",
}


@dataclass(frozen=True)
class Overlap:
    """What a log can tell of each coupon's effect.

    Attributes
    ----------
    arms : DataFrame, one row a coupon
        ``coupon_id, rows, control, alpha`` (rows of the pair whose propensity is outside [α, 1 − α] are
        trimmed), ``outside`` (their share), ``effective`` (rows of a balanced experiment that would tell as
        much as those kept), ``efficiency`` (the same against a log that had given both by lot), ``status``
        (good, poor or fails), ``mend``.
    propensity : ndarray of float64, shape (n, J + 1)
        Of every row and arm, none first; from a model that has not seen the row's user.
    kept : ndarray of bool, shape (n, J)
        Rows that may tell a coupon's effect.
    explained : float
        Share of the entropy of the arms that the features explain on unseen rows; about 0 or below it in a
        randomised log.
    explained_error : float
        Its standard error.
    """

    arms: pd.DataFrame
    propensity: Floats
    kept: npt.NDArray[np.bool_]
    explained: float
    explained_error: float

    @property
    def by_lot(self) -> bool:
        """Whether the features tell nothing of who got which arm."""
        return self.explained < 3 * self.explained_error

    @property
    def failing(self) -> tuple[str, ...]:
        """Coupons whose effect the log does not tell."""
        return tuple(self.arms.loc[self.arms["status"] == "fails", "coupon_id"])

    def check(self, source: str | None = None) -> None:
        """Refuse a log that does not tell some coupon's effect.

        Raises
        ------
        InputError
            Naming the coupons, how few rows overlap, and what to do.
        """
        if not self.failing:
            return
        first = self.arms[self.arms["status"] == "fails"].iloc[0]
        names = ", ".join(repr(name) for name in self.failing)
        raise InputError(
            f"the log does not tell the effect of {names}: {first['coupon_id']!r} and none were hardly ever "
            f"given to alike users ({first['outside']:.0%} of {first['rows'] + first['control']:,} rows lie "
            f"outside the overlap; the others tell as much as {first['effective']:.0f} rows of a balanced "
            f"experiment, and at least {_LEAST_ROWS:.0f}, and {_LEAST_KEPT:.0%} inside, are needed)",
            file=source,
            column="arm",
            value=first["coupon_id"],
            mend=f"{_MENDS['fails']}. To leave it off, take it off the menu and its rows out of the log, as "
            "Overlap.usable(log) does in Python",
        )

    def usable(self, log: Log) -> Log:
        """Return the log without the coupons that fail, and without their rows.

        Raises
        ------
        InputError
            If every coupon fails.
        """
        good = np.flatnonzero((self.arms["status"] != "fails").to_numpy())
        if not len(good):
            raise InputError("no coupon's effect can be told from this log", mend=_MENDS["fails"])
        position = np.full(len(self.arms) + 1, -2, dtype=np.int32)
        position[good], position[-1] = np.arange(len(good)), -1
        kept = log.take(position[log.arm] >= -1)
        menu = Coupons(log.coupons.table.iloc[good].reset_index(drop=True))
        return replace(kept, coupons=menu, arm=position[kept.arm])

    def with_propensity(self, log: Log) -> Log:
        """Return the log with the estimated propensity of the arm given, where it does not tell its own."""
        if log.propensity is not None:
            return log
        return replace(log, propensity=self.propensity[np.arange(log.n), log.arm + 1])

    def summary(self) -> dict[str, Any]:
        """Return the figures as JSON can hold them."""
        return {
            "explained": self.explained,
            "explained_error": self.explained_error,
            "by_lot": bool(self.by_lot),
            "coupons": self.arms.to_dict("records"),
        }


def overlap(
    log: Log, *, base: str = "lightgbm", alpha: float | None = None, folds: int = 5, seed: int = 0
) -> Overlap:
    """Return how far a log's arms were given to alike users.

    Parameters
    ----------
    log : Log
        What decided must be among the features.
    base : {"lightgbm", "forest", "sklearn"}
        What the propensities are learnt by. ``train(…, assignment="features")`` asks by LightGBM, whatever
        the model is built of: its refusal tells the figures of that table.
    alpha : float, optional
        Rows whose propensity, of a coupon among it and none, is outside [α, 1 − α] are trimmed; by default
        the α after which the average effect is told best [1]_, at least 0.005.
    folds, seed : int
        Of cross-fitting.

    Raises
    ------
    InputError
        If an arm has no rows, a feature cannot be used, or ``alpha`` is not in [0, 0.5).
    """
    if alpha is not None and not 0 <= alpha < 0.5:
        raise InputError("a share to trim at lies in [0, 0.5)", parameter="alpha", value=alpha)
    check_arms(log)
    shares = arm_shares(log)
    try:
        features = FeatureEncoder().fit(log.features)
    except InputError as error:
        raise log.placed(error) from None
    propensity = learnt_propensity(log, features, base, folds=folds, seed=seed)
    arms, kept = _by_coupon(log, propensity, alpha)
    return Overlap(
        arms, propensity, kept, *explained_share(propensity[np.arange(log.n), log.arm + 1], shares, log.arm)
    )


def learnt_propensity(log: Log, features: FeatureEncoder, base: str, **how: int) -> Floats:
    """Return the probability of every arm by :func:`cross_fitted_assignment`, to which ``how`` goes."""
    layout: Any = ASSIGNMENT_BASES.get(base, "standard")
    return cross_fitted_assignment(
        features.encode(log.features, layout),
        np.asarray(log.arm, dtype=np.int32),
        len(log.coupons),
        np.unique(log.user_id.astype(str), return_inverse=True)[1].astype(np.int64),
        base=base,
        categorical=tuple(features.categorical) if layout == "raw" else (),
        **how,
    )


def _by_coupon(
    log: Log, propensity: Floats, alpha: float | None
) -> tuple[pd.DataFrame, npt.NDArray[np.bool_]]:
    kept = np.empty((log.n, len(log.coupons)), dtype=np.bool_)
    lines = []
    control = log.arm == -1
    for j, name in enumerate(log.coupons.ids):
        share = propensity[:, j + 1] / (propensity[:, j + 1] + propensity[:, 0])
        pair = control | (log.arm == j)
        least = max(best_alpha(share[pair]), _FLOOR) if alpha is None else alpha
        kept[:, j] = (share >= least) & (share <= 1 - least)
        used = share[pair & kept[:, j]]
        effective = 4 * len(used) / float(np.mean(1 / (used * (1 - used)))) if len(used) else 0.0
        treated = float((log.arm[pair] == j).mean())
        efficiency = effective / (4 * float(pair.sum()) * treated * (1 - treated))
        outside = 1 - len(used) / float(pair.sum())
        status = _status(1 - outside, effective, efficiency)
        lines.append(
            {
                "coupon_id": name,
                "rows": int((log.arm == j).sum()),
                "control": int(control.sum()),
                "alpha": float(least),
                "outside": outside,
                "effective": effective,
                "efficiency": efficiency,
                "status": status,
                "mend": _MENDS[status],
            }
        )
    return pd.DataFrame(lines), kept


def _status(kept: float, effective: float, efficiency: float) -> str:
    if kept < _LEAST_KEPT or effective < _LEAST_ROWS:
        return "fails"
    return "poor" if efficiency < _GOOD else "good"


def best_alpha(share: Floats) -> float:
    """Return the α that Crump et al. trim at [1]_: the variance of the average effect is then least.

    It is 0 where max 1/(e(1 − e)) ≤ 2 E[1/(e(1 − e))], else the solution of
    1/(α(1 − α)) = 2 E[1/(e(1 − e)) | 1/(e(1 − e)) ≤ 1/(α(1 − α))].

    Parameters
    ----------
    share : ndarray of float64, shape (n,)
        Propensities e in (0, 1).
    """
    bound = np.sort(1 / np.maximum(share * (1 - share), 1e-12))
    mean = np.cumsum(bound) / np.arange(1, len(bound) + 1)
    if bound[-1] <= 2 * mean[-1]:
        return 0.0
    # The largest set of rows none of which weighs more than twice their mean.
    last = int(np.flatnonzero(bound <= 2 * mean)[-1])
    return float(0.5 - np.sqrt(max(0.0, 0.25 - 1 / max(4.0, 2 * mean[last]))))


def explained_share(
    given: Floats, shares: Floats, arm: npt.NDArray[np.int32], base: Floats | None = None
) -> tuple[float, float]:
    """Return the share of the arms' entropy that their propensities explain, and its standard error.

    Parameters
    ----------
    given : ndarray of float64, shape (n,)
        Propensity of the arm given.
    shares : ndarray of float64, shape (J + 1,)
        Of the arms, none first.
    arm : ndarray of int32, shape (n,)
    base : ndarray of float64, shape (n,), optional
        Propensities beyond which it is to be explained; by default the shares.
    """
    entropy = -float((shares[shares > 0] * np.log(shares[shares > 0])).sum())
    won = np.log(np.maximum(given, 1e-12)) - np.log(shares[arm + 1] if base is None else base)
    return float(won.mean()) / entropy, float(won.std() / np.sqrt(len(won))) / entropy
