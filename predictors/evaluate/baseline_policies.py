"""The policies that all others stand beside: random, ranking by response, one coupon for all, nothing."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from couponry.instances.log import Log
from couponry.predictors.evaluate.baselines import best_single_coupon, coupons_seen
from couponry.predictors.evaluate.policies import everyone, random_share, single_coupon_first, top_share

__all__ = ["baseline_policies", "judgeable", "percent"]

Floats = npt.NDArray[np.float64]


def baseline_policies(
    held: Log, response: npt.ArrayLike, uplift: Floats, share: float, *, of: str = "conversion"
) -> dict[str, npt.ArrayLike]:
    """Return, by name, the policies that need no model of uplift, without those that the log cannot judge.

    Parameters
    ----------
    held : Log
    response : array of float, shape (n, J + 1)
        Predicted outcome under every arm, none first.
    uplift : ndarray of float64, shape (n, J)
        Predicted outcome with each coupon over none; it says which coupon is the best single one.
    share : float
        Of rows that are given a coupon, in [0, 1].
    of : str
        What the outcome is called.
    """
    part, best, seen = percent(share), best_single_coupon(held, uplift), coupons_seen(held)
    policies: dict[str, npt.ArrayLike] = {}
    if best is not None and share > 0:
        chance = np.zeros((held.n, len(held.coupons) + 1))
        chance[:, np.append(0, seen + 1)] = random_share(held.n, len(seen), share)
        with_coupon = np.full(uplift.shape, np.nan)
        with_coupon[:, seen] = np.asarray(response)[:, seen + 1]
        policies[f"top {part} by predicted {of}"] = top_share(with_coupon, share, only_positive=False)
        policies[f"random {part}, random coupon"] = chance
        if share < 1:
            first = single_coupon_first(held.n, best, share)
            policies[f"{held.coupons.ids[best]!r} to the first {part}"] = first
    if best is not None:
        policies[f"{held.coupons.ids[best]!r} to everyone"] = everyone(held.n, best)
    return judgeable(held, policies | {"nothing": everyone(held.n, -1)})


def judgeable(held: Log, policies: Mapping[str, npt.ArrayLike]) -> dict[str, npt.ArrayLike]:
    """Return the policies that give only arms which the log gave."""
    seen = np.bincount(held.arm + 1, minlength=len(held.coupons) + 1) > 0
    return {name: policy for name, policy in policies.items() if _gives_only(policy, seen)}


def percent(share: float) -> str:
    """Return a share as names of policies have it: three digits, no more than needed."""
    return f"{100 * share:.3g}%"


def _gives_only(policy: npt.ArrayLike, seen: npt.NDArray[np.bool_]) -> bool:
    given = np.asarray(policy)
    return bool(seen[np.unique(given) + 1].all() if given.ndim == 1 else (given[:, ~seen] == 0).all())
