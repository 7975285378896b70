"""Users with all that their choices depend on, a few thousand at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["Block"]


@dataclass(frozen=True, slots=True)
class Block:
    """Some users of a program, one after the other.

    Attributes
    ----------
    first : int
        Position of the first user among all.
    classes : ndarray of int32, shape (b,)
    max_coupons : ndarray of int32, shape (b,)
    columns : dict from str to ndarray, each of shape (b, S)
        As in :class:`couponry.instances.program.Program`.
    coupon : ndarray of int32, shape (b, S), or None
        Shortlists, None where place ``j`` is coupon ``j``.
    """

    first: int
    classes: np.ndarray
    max_coupons: np.ndarray
    columns: dict[str, np.ndarray]
    coupon: np.ndarray | None

    def __len__(self) -> int:
        return len(self.classes)

    def take(self, users: np.ndarray | slice, first: int = 0) -> Block:
        """Return the users at the given positions of this block."""
        return Block(
            first,
            self.classes[users],
            self.max_coupons[users],
            {name: array[users] for name, array in self.columns.items()},
            None if self.coupon is None else self.coupon[users],
        )

    def split(self, size: int) -> Iterator[Block]:
        """Return the users ``size`` at a time, or one empty block where there are none."""
        for start in range(0, max(len(self), 1), size):
            yield self.take(slice(start, start + size), self.first + start)

    @classmethod
    def joined(cls, parts: Sequence[Block]) -> Block:
        """Return the users of several blocks, at least one, in their order.

        The parts give up their columns one by one, so that not all are held twice at a time.
        """
        return cls(
            parts[0].first,
            np.concatenate([p.classes for p in parts]),
            np.concatenate([p.max_coupons for p in parts]),
            {name: np.concatenate([p.columns.pop(name) for p in parts]) for name in list(parts[0].columns)},
            None
            if parts[0].coupon is None
            else np.concatenate([p.coupon for p in parts if p.coupon is not None]),
        )
