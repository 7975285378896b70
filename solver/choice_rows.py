"""What one user may be given, as rows over single pairs."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from couponry.instances.choices import Choices

__all__ = ["PairRows", "choice_rows", "cover_by_cliques"]


@dataclass(frozen=True)
class PairRows:
    """Rows ``Σ value · x ≤ upper`` over pairs, as entries."""

    row: np.ndarray
    pair: np.ndarray
    value: np.ndarray
    upper: np.ndarray


def cover_by_cliques(conflicts: np.ndarray) -> list[np.ndarray]:
    """Return families of coupons, each in conflict with all others of it, that cover every conflict.

    Where the conflicts come from disjoint families these are the families.
    """
    open_edges = np.triu(conflicts)
    families = []
    while open_edges.any():
        first, second = (int(v) for v in np.argwhere(open_edges)[0])
        members = [first, second]
        for j in range(len(conflicts)):
            if j not in members and conflicts[j, members].all():
                members.append(j)
        family = np.zeros(len(conflicts), dtype=bool)
        family[members] = True
        open_edges = open_edges & ~np.outer(family, family)
        families.append(family)
    return families


def choice_rows(choices: Choices, user: np.ndarray, coupon: np.ndarray, cost: np.ndarray | None) -> PairRows:
    """Return the rows of X_i for every user that stands in the pairs.

    Parameters
    ----------
    choices : Choices
    user : ndarray of int, shape (P,)
        Each pair's user, ascending.
    coupon : ndarray of int, shape (P,)
        Each pair's coupon.
    cost : ndarray of float64, shape (P,), or None
        Each pair's cost; needed where there is a cap on money.
    """
    users, group = np.unique(user, return_inverse=True)
    pairs = np.arange(len(user))
    ones = np.ones(len(user))
    parts = [(group, pairs, ones, choices.max_coupons[users].astype(np.float64))]
    if choices.max_coupons[users].max(initial=0) > 1:
        for family in cover_by_cliques(choices.conflicts):
            inside = family[coupon]
            parts.append((group[inside], pairs[inside], ones[inside], np.ones(len(users))))
    if math.isfinite(choices.money):
        assert cost is not None
        parts.append((group, pairs, cost, np.full(len(users), choices.money)))
    offsets = np.arange(len(parts)) * len(users)
    return PairRows(
        np.concatenate([part[0] + offset for part, offset in zip(parts, offsets, strict=True)]),
        np.concatenate([part[1] for part in parts]),
        np.concatenate([part[2] for part in parts]),
        np.concatenate([part[3] for part in parts]),
    )
