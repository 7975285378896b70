"""How alike coupons are, before any row is seen: the prior of coefficients that differ between coupons.

With coupons' coefficients b = (b_1 … b_J) of one user feature,

    b ~ N(0, τ² K),   K = shared · 1 1ᵀ + by attribute · C Cᵀ / c + own · I,

that is a sum of a coefficient for all coupons, one for each attribute, and one for each coupon alone: an own
one is drawn towards what the attributes say, and these towards what all coupons share.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from couponry.predictors.state import State

__all__ = ["MIXES", "CouponKernel"]

Floats = npt.NDArray[np.float64]

MIXES = ((0.9, 0.07, 0.03), (0.6, 0.25, 0.15), (0.3, 0.35, 0.35))
"""Shares of what is shared, by attribute and own that a search tries."""


@dataclass(frozen=True)
class CouponKernel:
    """K over a menu, and towards new coupons.

    Attributes
    ----------
    menu : ndarray of float64, shape (J, c)
        Attributes, centred, of mean square length 1.
    middle : ndarray of float64, shape (c,)
    scale : float
    mix : (float, float, float)
        Weights of the three parts.
    """

    menu: Floats
    middle: Floats
    scale: float
    mix: tuple[float, float, float]

    @classmethod
    def of(cls, coupons: npt.NDArray[np.floating], mix: tuple[float, float, float]) -> Self:
        """Make the kernel of a menu, attributes float32 ``(J, c)``."""
        middle = coupons.astype(np.float64).mean(axis=0)
        centred = coupons - middle
        length = np.sqrt((centred**2).sum(axis=1).mean()) if centred.size else 0.0
        scale = 1 / length if length > 0 else 0.0
        return cls(centred * scale, middle, float(scale), mix)

    def root(self) -> Floats:
        """Return A with A Aᵀ = K, ``(J, J)``."""
        return np.asarray(np.linalg.cholesky(self._known() + 1e-9 * np.eye(len(self.menu))), np.float64)

    def _known(self) -> Floats:
        shared, attribute, own = self.mix
        return shared + attribute * (self.menu @ self.menu.T) + own * np.eye(len(self.menu))

    def weights(
        self, known: npt.NDArray[np.int64], coupons: npt.NDArray[np.floating]
    ) -> npt.NDArray[np.float64]:
        """Return how the menu's coefficients make those of S coupons, float64 ``(S, J)``.

        A known coupon's are its own; a new one's are their expectation given the menu's.
        """
        shared, attribute, _ = self.mix
        weights = np.zeros((len(known), len(self.menu)))
        old, new = known >= 0, known < 0
        weights[np.flatnonzero(old), known[old]] = 1.0
        if new.any():
            towards = shared + attribute * ((coupons[new] - self.middle) * self.scale) @ self.menu.T
            weights[new] = np.linalg.solve(self._known(), towards.T).T
        return weights

    def state(self) -> State:
        """Return the kernel."""
        facts = {"scale": self.scale, "mix": list(self.mix)}
        return State(facts, {"menu": self.menu, "middle": self.middle})

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Take back what :meth:`state` gave."""
        shared, attribute, own = state.facts["mix"]
        return cls(
            state.arrays["menu"], state.arrays["middle"], state.facts["scale"], (shared, attribute, own)
        )
