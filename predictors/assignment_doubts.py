"""What to say of a log whose features tell who got which coupon, and whose propensities do not."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import numpy.typing as npt

from couponry.instances.errors import InputError, MissingExtraError, require_extra
from couponry.instances.log import Log
from couponry.predictors.balance import unbalanced
from couponry.predictors.features import FeatureEncoder
from couponry.predictors.overlap import explained_share, learnt_propensity
from couponry.predictors.propensity import arm_shares
from couponry.predictors.propensity_sums import propensities_that_do_not_add_up

__all__ = ["assignment_doubts"]

_ROWS, _ROUNDS = 8_000, 20
_LEAST_USERS = 50  # by fewer, chance alone seems to choose
_USERS = 100_000  # to compare the columns of, where all together explain nothing
_LEAST_SHARE, _NAMED = 0.25, 3  # of all that features explain, for a column to be named
_LEAVES, _LEAF_ROWS = 16, 20
_LEAST_BEYOND = 0.01  # of the arms' entropy: propensities may be estimates, too
_SURE = 0.99  # of a leaf's word; the rest is the arms' shares, so that no arm is impossible


def assignment_doubts(
    log: Log,
    features: FeatureEncoder | None = None,
    *,
    by_choice: str | None,
    afterwards: Callable[[list[str]], str],
    seed: int = 0,
) -> list[str]:
    """Return what is doubtful about how arms were chosen, if features tell more of it than propensities do.

    It is what :func:`~couponry.predictors.overlap.overlap` looks at, on a sample of the rows and with two
    folds; and, where that tells nothing, which columns differ between arms, since what is rare, such as an
    unsubscription, explains little of all arms. Propensities that are given must add up
    (:mod:`~couponry.predictors.propensity_sums`), and foretell arms as well as features do. Nothing more is
    said of fewer than 50 users or a single arm, where the features cannot be read, or where LightGBM is not
    installed.

    Parameters
    ----------
    log : Log
    features : FeatureEncoder, optional
        Fitted on the log's features; by default one is fitted on the sample.
    by_choice : str, optional
        What to do where coupons were not drawn by lot, if not giving the propensities.
    afterwards : callable
        Says what to do about columns that were recorded after the coupon was given.
    seed : int
    """
    found = propensities_that_do_not_add_up(log)
    if found or log.features.columns.empty:
        return found
    rows = np.sort(np.random.default_rng(seed).permutation(log.n)[:_ROWS])
    some = log.take(rows) if len(rows) < log.n else log
    if len(np.unique(some.arm)) < 2 or len(np.unique(some.user_id.astype(str))) < _LEAST_USERS:
        return []
    try:
        encoder = features or FeatureEncoder().fit(some.features)
        propensity = learnt_propensity(some, encoder, "lightgbm", folds=2, rounds=_ROUNDS, seed=seed)
    except (InputError, MissingExtraError):
        return []
    shares, base = arm_shares(some), some.propensity
    explained, error = explained_share(_of_given(propensity, some), shares, some.arm, base)
    if base is None:
        mend = "give the propensities" + ("" if by_choice is None else f", or {by_choice}")
        reason = (
            "the log has no column 'propensity'. If coupons were not drawn by lot alike for everyone, what "
            f"is told of their effects as if they had been may be wrong: {mend}"
        )
    elif explained >= _LEAST_BEYOND:
        mend = "give the true ones" + ("" if by_choice is None else f", or {by_choice}")
        reason = f"its column 'propensity' does not. Arms were not drawn with these probabilities: {mend}"
    else:
        return []
    if explained < 3 * error:
        names = [] if base is not None else _unbalanced(log, encoder)
        if not names:
            return []
        message = (
            f"between arms {_named(names)} differ{'s' * (len(names) == 1)} by more than chance, and {reason}"
        )
    else:
        alone = _explained_alone(some, encoder, shares, explained * _LEAST_SHARE)
        names, told = list(alone), "".join(f", {name!r} alone {share:.1%}" for name, share in alone.items())
        message = f"features explain {explained:.1%} of who got which coupon{told}, and {reason}"
    if names:
        message += (
            f". If {_named(names)} {'were' if len(names) > 1 else 'was'} recorded after the "
            f"coupon was given, or describe{'s' * (len(names) == 1)} it, {afterwards(names)}"
        )
    return [message]


def _of_given(propensity: npt.NDArray[np.float64], log: Log) -> npt.NDArray[np.float64]:
    return np.asarray(propensity[np.arange(log.n), log.arm + 1])


def _named(names: Iterable[str]) -> str:
    return " and ".join(map(repr, names))


def _unbalanced(log: Log, encoder: FeatureEncoder) -> list[str]:
    """Return the columns that differ between the arms of users' first rows."""
    first = np.unique(log.user_id.astype(str), return_index=True)[1]
    rows = np.sort(np.random.default_rng(0).permutation(first)[:_USERS])
    some = log.take(rows)
    try:
        found = unbalanced(encoder.encode(some.features, "raw"), some.arm)
    except InputError:  # a cell that the sample's encoder cannot read
        return []
    return [name for name, place in encoder.raw_places.items() if found[place].any()][:_NAMED]


def _explained_alone(
    log: Log, encoder: FeatureEncoder, shares: npt.NDArray[np.float64], least: float
) -> dict[str, float]:
    """Return the columns that by themselves explain at least so much of who got which arm, the most first."""
    x = encoder.encode(log.features, "raw")
    found = {
        name: explained_share(_alone(x[:, place], log.arm, shares), shares, log.arm, log.propensity)[0]
        for name, place in encoder.raw_places.items()
    }
    names = sorted(found, key=lambda name: -found[name])[:_NAMED]
    return {name: found[name] for name in names if found[name] >= least}


def _alone(
    x: npt.NDArray[np.float32], arm: npt.NDArray[np.int32], shares: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Return the propensity of each row's arm by a small tree grown on the other half of the rows."""
    trees = require_extra("sklearn.tree", "predict")
    half = np.arange(len(arm)) % 2
    given = np.zeros(len(arm))
    for side in (0, 1):
        tree = trees.DecisionTreeClassifier(
            max_leaf_nodes=_LEAVES, min_samples_leaf=_LEAF_ROWS, random_state=0
        ).fit(x[half != side], arm[half != side])
        own = np.flatnonzero(half == side)
        chance = np.zeros((len(own), len(shares)))
        chance[:, tree.classes_ + 1] = tree.predict_proba(x[own])
        given[own] = chance[np.arange(len(own)), arm[own] + 1]
    return np.asarray(_SURE * given + (1 - _SURE) * shares[arm + 1], dtype=np.float64)
