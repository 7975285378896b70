"""What a predicted effect is worth on held-out rows."""

from __future__ import annotations

import numpy as np

from couponry.predictors.evaluate.uplift import auuc_score, qini_score, uplift_at_k


def two_arm_measures(effect: np.ndarray, outcome: np.ndarray, treated: np.ndarray) -> dict[str, float]:
    """Return ``qini`` and ``auuc`` (scikit-uplift's definitions) and ``uplift@30``; ties by lot."""
    effect = effect + 1e-12 * np.random.default_rng(0).random(len(effect))
    return {
        "qini": qini_score(outcome, effect, treated),
        "auuc": auuc_score(outcome, effect, treated),
        "uplift@30": uplift_at_k(outcome, effect, treated, 0.3),
    }


def policy_measures(
    effect: np.ndarray,
    outcome: np.ndarray,
    arm: np.ndarray,
    shares: np.ndarray,
    spend: np.ndarray | None,
    caps: tuple[float, ...],
) -> dict[str, float]:
    """Return self-normalised IPW values a head of "best arm, at most so many treated", and without a cap.

    Parameters
    ----------
    effect : ndarray, shape (n, J)
    outcome, spend : ndarray, shape (n,)
    arm : ndarray of int, shape (n,)
        0 for none.
    shares : ndarray, shape (J + 1,)
        Of the arms among the training rows.
    caps : tuple of float
    """
    best, gain = effect.argmax(axis=1) + 1, effect.max(axis=1)
    wanted = np.where(gain > 0, best, 0)
    first = np.argsort(-gain, kind="stable")
    out = {"vfree": _value(outcome, arm, wanted, shares)}
    for cap in caps:
        policy = np.zeros(len(arm), int)
        rows = first[: int(cap * len(arm))]
        policy[rows] = wanted[rows]
        out[f"v{100 * cap:.0f}"] = _value(outcome, arm, policy, shares)
        if spend is not None:
            out[f"spend{100 * cap:.0f}"] = _value(spend, arm, policy, shares)
    return out


def _value(y: np.ndarray, arm: np.ndarray, policy: np.ndarray, shares: np.ndarray) -> float:
    weight = (arm == policy) / shares[arm]
    return float((y * weight).sum() / weight.sum())
