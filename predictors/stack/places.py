"""Where the coefficients of base, shared and own effects stand, and their sums out of sums by arm."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Places"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Places:
    """Where coefficients stand: base and shared effect on all of φ, own effects on some."""

    own: npt.NDArray[np.int64]
    width: int
    arms: int

    @property
    def size(self) -> int:
        """Number of coefficients."""
        return 2 * self.width + self.arms * len(self.own) * (self.arms > 1)

    def spread(self, gram: Floats, right: Floats) -> tuple[Floats, Floats]:
        """Return gram and right side of all coefficients from those of φ by arm, none first.

        Parameters
        ----------
        gram : ndarray of float64, shape (J + 1, 3, q, q)
            Of base with base, base with effect and effect with effect.
        right : ndarray of float64, shape (J + 1, 2, q)
            Of base and effect.
        """
        o, q = self.own, self.width
        mixed, given = gram[1:, 1].sum(axis=0), gram[1:, 2].sum(axis=0)
        out, side = np.zeros((self.size, self.size)), np.zeros(self.size)
        out[:q, :q], side[:q] = gram[:, 0].sum(axis=0), right[:, 0].sum(axis=0)
        out[:q, q : 2 * q] = mixed
        out[q : 2 * q, q : 2 * q], side[q : 2 * q] = given, right[1:, 1].sum(axis=0)
        for j in range(self.arms if self.arms > 1 else 0):
            at = slice(2 * q + j * len(o), 2 * q + (j + 1) * len(o))
            one = gram[j + 1, 2]
            out[:q, at], out[q : 2 * q, at] = gram[j + 1, 1][:, o], one[:, o]
            out[at, at], side[at] = one[np.ix_(o, o)], right[j + 1, 1][o]
        return np.triu(out) + np.triu(out, 1).T, side

    def theta(self, coefficients: Floats) -> Floats:
        """Return base and effects as coefficients of φ, ``(J + 1, q)``."""
        q = self.width
        table = np.zeros((self.arms + 1, q))
        table[0] = coefficients[:q]
        table[1:] = coefficients[q : 2 * q]
        if self.arms > 1:
            table[1:, self.own] += coefficients[2 * q :].reshape(self.arms, len(self.own))
        return table
