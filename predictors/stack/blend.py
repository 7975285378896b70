"""What the members' answers are taken together as, told by rows that none of them saw.

Shares of the effect are slopes of the logistic model's residuals on the differences from it (:mod:`.shares`),
the R-loss [1]_ of a convex combination. They are drawn towards a tenth for trees and a quarter for the
additive model, towards nought where there are at most three coupons, which are mostly small trials: with few
rows that prior decides, with many the rows do, and no setting depends on the data.

A plan compares value with cost, so both must know the same: where users redeem coupons differently
(:mod:`.spending`), effects may grow with what a conversion costs, by a slope that unseen rows tell. What is
left is calibrated as a line [2]_: penalties and averaging shrink effects about their coupon's mean, and
unseen rows tell by how much, believed as far as they are sure (:mod:`.stretch`).

References
----------
.. [1] Nie, X., & Wager, S. (2021). Quasi-oracle estimation of heterogeneous treatment effects. Biometrika,
   108(2), 299-319. https://doi.org/10.1093/biomet/asaa076
.. [2] Chernozhukov, V., Demirer, M., Duflo, E., & Fernandez-Val, I. (2018). Generic machine learning
   inference on heterogeneous treatment effects in randomized experiments. NBER working paper 24678.
   https://doi.org/10.3386/w24678
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import numpy.typing as npt

from couponry.predictors.learner import TrainingRows
from couponry.predictors.stack.hierarchical import FEW
from couponry.predictors.stack.members import OTHERS, Members
from couponry.predictors.stack.shares import of_arm, shares, whatever_the_arm
from couponry.predictors.stack.spending import Spending
from couponry.predictors.stack.stretch import Stretch
from couponry.predictors.state import State

__all__ = ["Blend", "total_error"]

Floats = npt.NDArray[np.float64]
Floats32 = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

_MOST_WEIGHT = 10.0
_LEAST_VARIANCE = 0.003
_JUDGED, _ANSWERED = 200_000, 20_000
# Before unseen rows speak, in the order of ``OTHERS``.
_PRIOR_SHARES = dict(zip(OTHERS, (0.25, 0.1, 0.1), strict=True))


class Blend:
    """Probabilities and costs by members, weighed.

    Parameters
    ----------
    members : Members
    cost : Spending
    menu : ndarray of float32, shape (J, c)
        Attributes of the training menu.

    Attributes
    ----------
    shares : dict of str to float
        Of the effect, by member; what is left of 1 is the logistic model's.
    ahead : ndarray of float64, shape (J,)
        How much larger coupons' mean effects are than boosted trees say, who draw them together more than
        chance asks for: they are brought to the logistic model's.
    together : float
        How effects grow with what a conversion costs.
    stretch : Stretch
    """

    shares: dict[str, float]
    ahead: Floats
    together: float
    stretch: Stretch

    def __init__(self, members: Members, cost: Spending, menu: Floats32) -> None:
        self.members = members
        self.cost = cost
        self.menu = menu

    def weigh(self, rows: TrainingRows, fold: Ints, seed: int) -> tuple[Ints, Floats]:
        """Find everything on at most 200,000 rows.

        Returns
        -------
        some : ndarray of int64, shape (m,)
            On which rows.
        told : ndarray of float64, shape (m, J + 1)
            Their probabilities before the stretch, by members that have not seen them.
        """
        some = np.arange(rows.n)
        if len(some) > _JUDGED:
            some = np.sort(np.random.default_rng(seed).permutation(some)[:_JUDGED])
        x, arm, y = rows.x[some], rows.arm[some], rows.conversion[some]
        told, others = self.members.unseen(x, rows.coupons, fold[some])
        self.ahead = np.zeros(rows.arms)
        if "trees" in others:
            by_trees, by_logit = ((p[:, 1:] - p[:, :1]).mean(axis=0) for p in (others["trees"], told))
            self.ahead = by_logit - by_trees
            others["trees"][:, 1:] += self.ahead
        every, few = np.arange(len(some)), rows.arms <= FEW
        arms = np.bincount(arm + 1, minlength=rows.arms + 1) / len(some)
        weight = drawn = np.minimum(arms[arm + 1] / rows.propensity[some], _MOST_WEIGHT)
        chosen = told[every, arm + 1]
        if not few:
            # Rare outcomes tell more, and a plan weighs an effect by a cost that grows with the risk.
            weight = weight / np.maximum(chosen * (1 - chosen), _LEAST_VARIANCE)
            weight /= weight.mean()
        differences = [(more - more[:, :1]) - (told - told[:, :1]) for more in others.values()]
        own = [of_arm(d, arm, whatever_the_arm(told, d, arms)) for d in differences]
        priors = [0.0 if few else _PRIOR_SHARES[name] for name in others]
        self.shares = dict(zip(others, shares(y - chosen, own, weight, priors), strict=True))
        told = self._mixed(told, others)
        self.together = 0.0
        if self.cost.is_own:
            more = self._grown(told, x, np.arange(rows.arms), rows.coupons)
            more = np.hstack([np.zeros((len(some), 1)), more])
            grows = of_arm(more, arm, whatever_the_arm(told, more, arms))
            (self.together,) = shares(y - told[every, arm + 1], [grows], weight, [0.0])
            told += self.together * more
        seen = every[:: max(1, len(some) // _ANSWERED)]
        answers, _ = self._before_stretch(x[seen], np.arange(rows.arms), rows.coupons)
        self.stretch = Stretch.of(told, arm, y, drawn, answers, seen, apart=not few)
        return some, told

    def predict(self, x: Floats32, known: Ints, coupons: Floats32) -> tuple[Floats, Floats]:
        """Return probabilities under none and S coupons, ``(n, S + 1)``, and effects' errors, ``(n, S)``."""
        asked = len(known)
        if self.stretch.looks_at_all:
            more = np.setdiff1d(np.arange(len(self.menu)), known)
            known, coupons = np.append(known, more), np.vstack([coupons, self.menu[more]])
        probability, error = self._before_stretch(x, known, coupons)
        probability, error = self.stretch.apply(probability, error, known)
        return probability[:, : asked + 1], error[:, :asked]

    def _before_stretch(self, x: Floats32, known: Ints, coupons: Floats32) -> tuple[Floats, Floats]:
        told, others, error = self.members.predict(x, known, coupons, self.shares)
        if "trees" in others:
            others["trees"][:, 1:] += np.where(known >= 0, self.ahead[known], self.ahead.mean())
        probability = self._mixed(told, others)
        if self.together:
            probability[:, 1:] += self.together * self._grown(probability, x, known, coupons)
        members = [(1 - sum(self.shares.values()), told)]
        members += [(self.shares[name], answers) for name, answers in others.items()]
        return probability, total_error(probability, error, members)

    def _mixed(self, told: Floats, others: dict[str, Floats]) -> Floats:
        """Return the weighted effects of all members on the base of all but boosted outcomes."""
        linear = 1 - sum(self.shares.values())
        effect, base = linear * (told[:, 1:] - told[:, :1]), linear * told[:, :1]
        for name, share in self.shares.items():
            if share:
                more = others[name]
                effect += share * (more[:, 1:] - more[:, :1])
                base += 0.0 if name == "trees" else share * more[:, :1]
        of_base = 1 - self.shares.get("trees", 0.0)
        base = base / of_base if of_base > 0 else told[:, :1]
        return np.hstack([base, base + effect])

    def _grown(self, probability: Floats, x: Floats32, known: Ints, coupons: Floats32) -> Floats:
        """Return what effects would gain if they grew with what a conversion costs, ``(n, S)``."""
        ratio = self.cost.ratio(x, known, coupons)
        return np.asarray((probability[:, 1:] - probability[:, :1]) * (ratio - 1))

    def report(self) -> dict[str, Any]:
        """Return shares and slopes."""
        found: dict[str, Any] = {f"share_of_{name}": self.shares.get(name, 0.0) for name in OTHERS}
        stretch = [self.stretch.shared, self.stretch.own]
        return found | {"effect_with_cost": self.together, "stretch": stretch}

    def state(self) -> State:
        """Return what was found."""
        facts = {"shares": self.shares, "together": self.together}
        facts["stretch"] = [self.stretch.shared, self.stretch.own]
        return State(facts, {"ahead": self.ahead, "middle": self.stretch.middle})

    @classmethod
    def from_state(cls, state: State, members: Members, cost: Spending, menu: Floats32) -> Self:
        """Take back what :meth:`state` gave, for members and costs that were saved beside it."""
        blend = cls(members, cost, menu)
        blend.shares = {name: float(share) for name, share in state.facts["shares"].items()}
        blend.ahead, blend.together = state.arrays["ahead"], float(state.facts["together"])
        shared, own = (float(factor) for factor in state.facts["stretch"])
        blend.stretch = Stretch(shared, own, state.arrays["middle"])
        return blend


def total_error(probability: Floats, error: Floats, members: list[tuple[float, Floats]]) -> Floats:
    """Return effects' standard errors by the law of total variance: within a member, and between them.

    Parameters
    ----------
    probability : ndarray of float64, shape (n, S + 1)
        Under none and every coupon, by all members together.
    error : ndarray of float64, shape (n, S)
        Of effects, by a member that knows its own.
    members : list of (float, ndarray)
        Each member's share of the effect, and its probabilities.
    """
    effect, square = probability[:, 1:] - probability[:, :1], np.square(error)
    for share, told in members:
        if share > 0:
            square += share * np.square(effect - (told[:, 1:] - told[:, :1]))
    return np.asarray(np.sqrt(square))
