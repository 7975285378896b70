"""With what probability a log's arms were drawn."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from couponry.instances.log import Log

__all__ = ["arm_shares", "arm_table", "given_propensity"]


def arm_shares(log: Log) -> npt.NDArray[np.float64]:
    """Return each arm's share of the log's rows, none first, float64 ``(J + 1,)``."""
    counts = np.bincount(log.arm + 1, minlength=len(log.coupons) + 1)
    return np.asarray(counts / log.n, dtype=np.float64)


def given_propensity(log: Log) -> npt.NDArray[np.float64]:
    """Return the probability of the arm that was given, float64 ``(n,)``.

    Where the log does not say, arms are taken to have been drawn at random by their shares.
    """
    if log.propensity is not None:
        return np.asarray(log.propensity, dtype=np.float64)
    return np.asarray(arm_shares(log)[log.arm + 1])


def arm_table(log: Log) -> npt.NDArray[np.float64] | None:
    """Return the probability of every arm, none first, float64 ``(n, J + 1)``, where all were drawn alike.

    None where the log's propensities differ within an arm: what the other arms had is then not said.
    """
    if log.propensity is None:
        shares = arm_shares(log)
    else:
        shares = np.empty(len(log.coupons) + 1)
        for a in range(len(shares)):
            own = log.propensity[log.arm == a - 1]
            if not len(own) or np.ptp(own) > 1e-9:
                return None
            shares[a] = own[0]
    return np.broadcast_to(shares, (log.n, len(shares)))
