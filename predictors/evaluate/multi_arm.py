"""The multi-arm Qini curve: what the best policy at every budget is worth on held-out rows.

The policy is made of predictions, and judged by scores of rows: unbiased estimates, from a log, of what a
row's outcome would be under each arm. Standard errors take the policy as given: they tell how sure the log is
of what this plan is worth, not what another draw of rows would have planned.

References
----------
.. [1] Sverdrup, E., Wu, H., Athey, S., & Wager, S. (2025). Qini curves for multi-armed treatment rules.
   Journal of Computational and Graphical Statistics. https://doi.org/10.48550/arXiv.2306.11979
.. [2] Robins, J. M., Rotnitzky, A., & Zhao, L. P. (1994). Estimation of regression coefficients when some
   regressors are not always observed. JASA, 89(427), 846-866. https://doi.org/10.1080/01621459.1994.10476818
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from couponry.instances.errors import InputError
from couponry.instances.log import Log
from couponry.predictors.evaluate.budget_path import BudgetPath
from couponry.predictors.evaluate.estimators import standard_error
from couponry.predictors.propensity import given_propensity

__all__ = ["MultiArmQini", "arm_scores", "integrated_difference", "multi_arm_qini"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class MultiArmQini:
    """A curve of value over budget, both a row of the log and over giving nothing.

    Attributes
    ----------
    path : BudgetPath
    spend : ndarray of float64, shape (m,)
        Planned cost, from 0.
    value : ndarray of float64, shape (m,)
        Estimated gain; straight between the points, level beyond the last.
    standard_error : ndarray of float64, shape (m,)
        Of ``value``; rows of one user are one observation.
    step_gain : ndarray of float64
        Score won by each step of the path.
    user : ndarray of int64, shape (n,)
    """

    path: BudgetPath
    spend: Floats
    value: Floats
    standard_error: Floats
    step_gain: Floats
    user: Ints

    def at(self, budget: float) -> tuple[float, float]:
        """Return value and standard error at a budget a row."""
        gains = self.gains(budget)
        return float(gains.mean()), standard_error(gains - gains.mean(), self.user)

    def gains(self, budget: float) -> Floats:
        """Return each row's estimated gain at a budget a row, shape (n,); their mean is the curve."""
        return self._by_row(self.path.taken(budget)[self.path.group])

    def average_gains(self, budget: float) -> Floats:
        """Return each row's gain averaged over all budgets from 0 to this one, shape (n,)."""
        if not budget > 0:
            raise InputError("an average needs a budget above 0", parameter="budget", value=budget)
        start, end = self.spend[:-1], self.spend[1:]
        inside = np.clip(np.minimum(end, budget) - start, 0.0, None)
        width = end - start
        # Rises from 0 to its part over the group, and stays.
        part = np.divide(inside, width, out=np.ones(len(width)), where=width > 0)
        held = part * (inside / 2 + np.clip(budget - end, 0.0, None))
        return self._by_row(np.where(start <= budget, held, 0.0)[self.path.group]) / budget

    def area(self, budget: float | None = None) -> tuple[float, float]:
        """Return the curve's mean value over all budgets from 0 to this one, and its standard error.

        Parameters
        ----------
        budget : float, optional
            By default the path's end.
        """
        gains = self.average_gains(float(self.spend[-1]) if budget is None else budget)
        return float(gains.mean()), standard_error(gains - gains.mean(), self.user)

    def _by_row(self, taken: Floats) -> Floats:
        gains = np.bincount(self.path.row, weights=taken * self.step_gain, minlength=self.path.rows)
        return gains.astype(np.float64)


def multi_arm_qini(
    path: BudgetPath, scores: npt.ArrayLike, user: npt.ArrayLike | None = None
) -> MultiArmQini:
    """Return the multi-arm Qini curve of a path [1]_.

    Parameters
    ----------
    path : BudgetPath
        Of :func:`~couponry.predictors.evaluate.budget_path.hull_path`, or of a baseline. Rows whose outcomes
        judge it must not have made the predictions.
    scores : array of float, shape (n, J + 1)
        Of :func:`arm_scores`, none first.
    user : array of int, shape (n,), optional
        Which rows belong to one user, from 0; by default each row is a user.

    Returns
    -------
    MultiArmQini

    Raises
    ------
    InputError
        If the scores' rows are not those of the path.
    """
    gamma = np.asarray(scores, np.float64)
    if gamma.ndim != 2 or len(gamma) != path.rows:
        raise InputError(f"scores have shape {gamma.shape}, and the path {path.rows} rows")
    who = np.arange(path.rows) if user is None else np.asarray(user, np.int64)
    gain = path.share * (gamma[path.row, path.after + 1] - gamma[path.row, path.before + 1])
    value = np.append(0.0, np.cumsum(path.by_group(gain))) / path.rows
    squares = np.append(0.0, np.cumsum(path.by_group(_added_squares(who[path.row], gain))))
    users = who.max() + 1 if len(who) else 0
    # Σ (s_u − n_u V)² over users u, which are counted with their rows.
    rows_of = np.bincount(who, minlength=users).astype(np.float64)
    crossed = np.append(0.0, np.cumsum(path.by_group(rows_of[who[path.row]] * gain)))
    spread = squares - 2 * value * crossed + value**2 * (rows_of**2).sum()
    error = np.sqrt(np.clip(spread, 0.0, None)) / path.rows
    return MultiArmQini(path, path.spend, value, error, gain, who)


def integrated_difference(
    first: MultiArmQini, second: MultiArmQini, budget: float | None = None
) -> tuple[float, float]:
    """Return how far one curve lies above another, averaged over budgets, with its standard error.

    Both must be judged by the same scores: the error is of the difference, paired by user.

    Parameters
    ----------
    first, second : MultiArmQini
    budget : float, optional
        By default the end of the first curve.
    """
    end = float(first.spend[-1]) if budget is None else budget
    gains = first.average_gains(end) - second.average_gains(end)
    return float(gains.mean()), standard_error(gains - gains.mean(), first.user)


def arm_scores(
    log: Log, outcome: npt.ArrayLike | None = None, outcome_model: npt.ArrayLike | None = None
) -> Floats:
    """Return unbiased estimates of every row's outcome under every arm, none first, float64 ``(n, J + 1)``.

    Parameters
    ----------
    log : Log
    outcome : array of float, shape (n,), optional
        By default the conversion.
    outcome_model : array of float, shape (n, J + 1), optional
        Expected outcomes by a model that has not seen these rows: scores are then augmented by it (doubly
        robust) [2]_ and far less noisy. Absent, they are weighted outcomes, 0 for arms not given.
    """
    y = np.asarray(log.conversion if outcome is None else outcome, np.float64)
    shape = (log.n, len(log.coupons) + 1)
    if outcome_model is None:
        scores = np.zeros(shape)
    else:
        scores = np.array(outcome_model, np.float64)
        if scores.shape != shape:
            raise InputError(
                f"outcome_model has shape {scores.shape}, not {shape}",
                mend="Give one column an arm, none first",
            )
    rows, given = np.arange(log.n), log.arm + 1
    scores[rows, given] += (y - scores[rows, given]) / given_propensity(log)
    return scores


def _added_squares(user: Ints, gain: Floats) -> Floats:
    """Return by how much each step changes the sum over users of their squared gains so far."""
    order = np.argsort(user, kind="stable")
    u, g = user[order], gain[order]
    total = np.append(0.0, np.cumsum(g))
    first = np.searchsorted(u, u)  # where each step's user begins
    before = total[:-1] - total[first]
    added = np.empty(len(gain))
    added[order] = 2 * before * g + g**2
    return added
