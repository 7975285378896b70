"""Whether the propensities of a log add up: by them, each arm's rows stand for all rows."""

from __future__ import annotations

import numpy as np

from couponry.instances.log import Log

__all__ = ["propensities_that_do_not_add_up"]

_ERRORS, _SHARE = 5.0, 0.1


def propensities_that_do_not_add_up(log: Log) -> list[str]:
    """Return what is doubtful about a log's propensities by their sums, of the arm that is furthest off.

    Rows of an arm, weighed by 1 / propensity, count all rows on average [1]_. What is a tenth off, and five
    standard errors (of users, as rows of one user may have been drawn together), is told.

    Parameters
    ----------
    log : Log

    References
    ----------
    .. [1] Horvitz, D. G., & Thompson, D. J. (1952). A generalization of sampling without replacement from a
       finite universe. JASA 47, 663-685. https://doi.org/10.1080/01621459.1952.10483446
    """
    if log.propensity is None:
        return []
    user = np.unique(log.user_id.astype(str), return_inverse=True)[1]
    worst, message = 0.0, ""
    for position, arm in enumerate([*log.coupons.ids, "none"]):
        own = log.arm == (position if position < len(log.coupons) else -1)
        if not own.any():
            continue
        apart = np.where(own, 1 / log.propensity, 0.0) - 1
        off, error = apart.sum(), np.sqrt(np.square(np.bincount(user, apart)).sum())
        if abs(off) > max(worst, _ERRORS * error, _SHARE * log.n):
            worst = abs(off)
            message = (
                f"the propensities of arm {arm!r} do not add up: weighed by 1 / propensity its {own.sum():,} "
                f"rows stand for {log.n + off:,.0f}, where the log has {log.n:,}. Give on every row the "
                "probability with which its own arm was drawn; if the arm could not be drawn on some rows, "
                "the log does not tell what it does there"
            )
    return [message] if message else []
