"""Fairness between groups as one number: the power mean of what each head gets.

With z_g = V_g / n_g per head in group g of n_g, α-fairness (Mo and Walrand 2000, 10.1109/90.879343) maximises
Σ_g n_g U_α(z_g), where U_α(z) = z^(1−α) / (1−α), log z for α = 1, and in the limit α → ∞ the least z. The
*equal-share equivalent* (Atkinson 1970, 10.1016/0022-0531(70)90039-6)

    F(V) = n · (Σ_g (n_g / n) z_g^p)^(1/p),   p = 1 − α,

is what a plan that gives every head the same would need in total to be as good. It orders plans as the sum of
utilities does, is in the measure's own units, concave, and of degree one, so that

    F(V) = min { Σ_g w_g V_g : w ≥ 0, M_q(w) = 1 },   1/p + 1/q = 1

with M_q the power mean of the weights (the reverse Hölder inequality). Every such w turns fairness into a
weighted sum, and any bound on that sum is a bound on F.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

__all__ = ["Fairness"]


@dataclass(frozen=True)
class Fairness:
    """The equal-share equivalent of totals by group.

    Attributes
    ----------
    alpha : float
        0 adds up, 1 is proportional fairness, infinity the least per head.
    sizes : ndarray of float64, shape (G,)
        Users of each group, each at least 1.
    """

    alpha: float
    sizes: np.ndarray

    @property
    def n(self) -> float:
        """Users in all."""
        return float(self.sizes.sum())

    def value(self, totals: np.ndarray) -> float:
        """Return F(V); −∞ where a group's total is negative and α is neither 0 nor infinite."""
        per_head = totals / self.sizes
        if self.alpha == 0:
            return math.fsum(totals)
        if math.isinf(self.alpha):
            return self.n * float(per_head.min())
        if (per_head < 0).any():
            return -math.inf
        return self.n * self._mean(per_head, 1 - self.alpha)

    def utility(self, value: float) -> float:
        """Return the sum of utilities Σ_g n_g U_α(z_g) that belongs to F(V); the least per head for α = ∞."""
        level = value / self.n
        if math.isinf(self.alpha):
            return level
        if self.alpha == 1:
            return self.n * math.log(level) if level > 0 else -math.inf
        if level <= 0 and self.alpha > 1:
            return -math.inf
        return float(self.n * level ** (1 - self.alpha) / (1 - self.alpha)) if self.alpha else value

    def gradient(self, totals: np.ndarray) -> np.ndarray:
        """Return the weights ∂F/∂V_g at totals above 0, ``(G,)``: (z_g / M)^−α, with M_q(w) = 1.

        For α = ∞ the weight lies on the groups with the least per head.
        """
        per_head = totals / self.sizes
        if math.isinf(self.alpha):
            least = per_head <= per_head.min()
            return np.where(least, self.n / float(self.sizes[least].sum()), 0.0)
        return self.normalised((per_head / per_head.max()) ** -self.alpha)

    def normalised(self, weights: np.ndarray) -> np.ndarray:
        """Return weights divided by their M_q, so that they bound F."""
        if self.alpha == 0:
            return np.asarray(weights / weights.min())
        if math.isinf(self.alpha):
            return np.asarray(weights * (self.n / float(self.sizes @ weights)))
        return np.asarray(weights / self._mean(weights, (self.alpha - 1) / self.alpha))

    def _mean(self, numbers: np.ndarray, power: float) -> float:
        """Return the power mean of numbers of at least 0, each counted as often as its group has users."""
        share = self.sizes / self.n
        if power <= 0 and (numbers == 0).any():
            return 0.0
        largest = float(numbers.max())
        if largest == 0:
            return 0.0
        if abs(power) < 1e-12:
            return math.exp(float(share @ np.log(numbers)))
        # Powers of ratios to one of the numbers neither overflow nor vanish together.
        base = largest if power > 0 else float(numbers.min())
        return float(base * float(share @ (numbers / base) ** power) ** (1 / power))
