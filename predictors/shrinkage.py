"""Draws predicted values towards what a coupon does on average, the less certain the more.

A solver picks pairs whose value is over-estimated. With v̂ ~ N(v, se²) of a pair and v ~ N(m_j, τ_j²) over the
users of coupon j, the best guess is not v̂ but

    m_j + k (v̂ − m_j),   k = τ_j² / (τ_j² + se²),

of which the highest are no longer too high [1]_. m_j is the mean of the predictions, τ_j² their variance less
what errors explain of it [2]_. se is the model's own standard error: what other models doubt besides may be
that an answer is too near to its mean already.

References
----------
.. [1] Smith, J. E., & Winkler, R. L. (2006). The optimizer's curse: skepticism and postdecision surprise in
   decision analysis. Management Science, 52(3), 311-322. https://doi.org/10.1287/mnsc.1050.0451
.. [2] Morris, C. N. (1983). Parametric empirical Bayes inference: theory and applications. Journal of the
   American Statistical Association, 78(381), 47-55. https://doi.org/10.1080/01621459.1983.10477920
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from couponry.predictors.learner import Outcomes

__all__ = ["Shrinkage"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Shrinkage:
    """What is known of a coupon's values before a user is looked at.

    Attributes
    ----------
    mean : ndarray of float64, shape (J,)
    variance : ndarray of float64, shape (J,)
        Of true values between users.
    """

    mean: Floats
    variance: Floats

    @classmethod
    def of(cls, outcomes: Outcomes) -> Self | None:
        """Read it off predictions for users such as those to come; None where they have no errors."""
        if outcomes.conversion_error is None:
            return None
        conversion = np.asarray(outcomes.conversion, np.float64)
        value = conversion[:, 1:] - conversion[:, :1]
        noise = np.square(np.asarray(outcomes.conversion_error, np.float64)).mean(axis=0)
        return cls(value.mean(axis=0), np.maximum(value.var(axis=0) - noise, 0.0))

    def apply(self, outcomes: Outcomes, known: npt.NDArray[np.int64]) -> Outcomes:
        """Return outcomes with shrunk uplifts and their errors.

        Parameters
        ----------
        outcomes : Outcomes
            With errors.
        known : ndarray of int64, shape (S,)
            Position of each coupon in the training menu; a new one (−1) is taken for an average one.
        """
        assert outcomes.conversion_error is not None
        mean, variance = (np.where(known >= 0, one[known], one.mean()) for one in (self.mean, self.variance))
        conversion = np.asarray(outcomes.conversion, np.float64)
        error = np.asarray(outcomes.conversion_error, np.float64)
        total = variance + error**2
        kept = np.divide(variance, total, out=np.ones_like(total), where=total > 0)
        value = mean + kept * (conversion[:, 1:] - conversion[:, :1] - mean)
        shrunk = np.hstack([conversion[:, :1], np.clip(conversion[:, :1] + value, 0.0, 1.0)])
        return replace(outcomes, conversion=shrunk, conversion_error=error * np.sqrt(kept))

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return {"mean": self.mean.tolist(), "variance": self.variance.tolist()}

    @classmethod
    def from_json(cls, facts: dict[str, Any]) -> Self:
        """Take back what :meth:`to_json` gave."""
        return cls(np.array(facts["mean"], np.float64), np.array(facts["variance"], np.float64))
