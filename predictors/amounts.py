"""Expected money on a row: what a coupon costs, what a row earns.

A redemption costs whether or not the user would have bought anyway, so the cost of a coupon is learnt
from all rows that were given it, never from a difference to rows that were not. Money mostly hangs on the
conversion; by the law of total expectation

    E[amount | x, arm] = P(y=1 | x, arm) · E[amount | x, arm, y=1]
                       + P(y=0 | x, arm) · E[amount | x, arm, y=0],

and each of the two conditional means is a *stratum* here: often a constant (0 without a conversion, the
face value with one), else a regression. An arm whose amount is the same on all rows, such as the price of
a message, is answered with exactly that number.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import numpy.typing as npt

from couponry.predictors.base_learners.base import BaseLearner, base_learner
from couponry.predictors.state import State

__all__ = ["AmountModel", "Strata"]

Floats = npt.NDArray[np.float64]

_LEAST_ROWS = 50
_PENALTY_A_COLUMN = 0.1  # of new coupons' amounts on attributes: the more columns, the less each says
_OPTIONS: dict[str, dict[str, Any]] = {
    "lightgbm": {"trees": 50, "leaves": 4},
    "forest": {"trees": 50},
    "sklearn": {"penalty": 30.0},
}


class Strata:
    """Mean and constancy of an amount by arm (none first) and conversion.

    Fractional conversions y count as y of a converted row and 1 − y of one that is not, which keeps the
    decomposition exact.

    Attributes
    ----------
    mean : ndarray of float64, shape (J + 1, 2)
        Column 1: converted. A stratum without rows takes the mean over the other arms.
    constant : ndarray of bool, shape (J + 1, 2)
        Whether all rows of the stratum hold one amount (or there are none).
    fixed : ndarray of float64, shape (J + 1,)
        The amount of an arm whose rows all hold the same, else NaN.
    """

    mean: Floats
    constant: npt.NDArray[np.bool_]
    fixed: Floats

    def __init__(self, mean: Floats, constant: npt.NDArray[np.bool_], fixed: Floats) -> None:
        self.mean, self.constant, self.fixed = mean, constant, fixed

    @classmethod
    def of(cls, amount: Floats, arm: npt.NDArray[np.int32], conversion: Floats, arms: int) -> Self:
        """Read the strata off a log's rows."""
        mean = np.full((arms + 1, 2), np.nan)
        constant = np.ones((arms + 1, 2), dtype=np.bool_)
        fixed = np.full(arms + 1, np.nan)
        for a in range(arms + 1):
            own = arm == a - 1
            fixed[a] = _only(amount[own])
            for side, share in enumerate((1 - conversion[own], conversion[own])):
                there = amount[own][share > 0]
                if len(there):
                    mean[a, side] = np.average(there, weights=share[share > 0])
                    constant[a, side] = not np.isnan(_only(there))
                    if constant[a, side]:
                        mean[a, side] = there[0]
        for side in range(2):
            seen = ~np.isnan(mean[:, side])
            mean[~seen, side] = mean[seen, side].mean() if seen.any() else 0.0
        return cls(mean, constant, fixed)

    def combine(self, conversion: npt.NDArray[np.floating], sides: list[Floats]) -> Floats:
        """Return E[amount], float64 ``(n, J + 1)``, of the conditional means on both sides."""
        p = conversion.astype(np.float64)
        expected = p * sides[1] + (1 - p) * sides[0]
        return np.where(np.isnan(self.fixed), expected, self.fixed)

    def select(self, known: npt.NDArray[np.int64]) -> Strata:
        """Return the strata of none and of some coupons of the menu."""
        arms = np.append(0, known + 1)
        return Strata(self.mean[arms], self.constant[arms], self.fixed[arms])

    def select_or_guess(
        self,
        known: npt.NDArray[np.int64],
        attributes: npt.NDArray[np.floating],
        menu: npt.NDArray[np.floating],
    ) -> Strata:
        """Return the strata of none and of coupons, new ones (−1) by ridge regression on attributes.

        Parameters
        ----------
        known : ndarray of int64, shape (S,)
        attributes : ndarray, shape (S, c)
        menu : ndarray, shape (J, c)
            Attributes of the training menu.
        """
        chosen = self.select(known)
        new = np.flatnonzero(known < 0)
        if len(new):
            guess = _line_over_menu(menu, np.column_stack([self.mean[1:], self.fixed[1:]]), attributes[new])
            chosen.mean[new + 1], chosen.fixed[new + 1] = guess[:, :2], guess[:, 2]
            chosen.constant[new + 1] = self.constant[1:].all(axis=0)
        return chosen

    def state(self) -> State:
        """Return the three tables."""
        return State(
            arrays={"mean": self.mean, "constant": self.constant.astype(np.uint8), "fixed": self.fixed}
        )

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Take back what :meth:`state` gave."""
        a = state.arrays
        return cls(a["mean"], a["constant"].astype(np.bool_), a["fixed"])


class AmountModel:
    """Conditional means of an amount, over a base learner.

    Where strata vary within, one regression a side is fitted for all arms together on the amount relative to
    its stratum's mean: arms share what they know of who spends much, and keep their own level.

    Parameters
    ----------
    base : {"lightgbm", "forest", "sklearn"}
    seed : int
    not_negative : bool
        Predictions are at least 0.
    """

    def __init__(self, base: str, *, seed: int = 0, not_negative: bool = True) -> None:
        self.base = base
        self.seed = seed
        self.not_negative = not_negative

    def fit(
        self,
        x: npt.NDArray[np.float32],
        arm: npt.NDArray[np.int32],
        conversion: Floats,
        amount: Floats,
        arms: int,
        categorical: tuple[int, ...] = (),
    ) -> Self:
        """Learn from all rows of every arm."""
        self.strata = Strata.of(amount, arm, conversion, arms)
        self.sides: list[BaseLearner | None] = [None, None]
        for side, share in enumerate((1 - conversion, conversion)):
            mean = self.strata.mean[arm + 1, side]
            use = (share > 0) & ~self.strata.constant[arm + 1, side] & (mean != 0)
            if use.sum() >= _LEAST_ROWS:
                # Squared error of the ratio, weighted by level, is squared error of the amount.
                weight = share[use] * np.abs(mean[use])
                ratio = amount[use] / mean[use]
                learner = base_learner(self.base)(logistic=False, seed=self.seed, **self._options())
                self.sides[side] = learner.fit(x[use], ratio, weight / weight.mean(), categorical)
        return self

    def _options(self) -> dict[str, Any]:
        return _OPTIONS[self.base]

    def predict(
        self,
        x: npt.NDArray[np.float32],
        conversion: npt.NDArray[np.floating],
        known: npt.NDArray[np.int64],
        attributes: npt.NDArray[np.floating] | None = None,
        menu: npt.NDArray[np.floating] | None = None,
    ) -> Floats:
        """Return E[amount] under none and S coupons, float64 ``(n, S + 1)``.

        Parameters
        ----------
        x : ndarray of float32, shape (n, d)
        conversion : ndarray, shape (n, S + 1)
            Predicted probability of a conversion, none first.
        known : ndarray of int64, shape (S,)
            Position in the training menu; −1 for a new coupon, whose amounts are read off its attributes.
        attributes : ndarray, shape (S, c), optional
        menu : ndarray, shape (J, c), optional
            Attributes of the training menu.
        """
        if attributes is None or menu is None:
            strata = self.strata.select(known)
        else:
            strata = self.strata.select_or_guess(known, attributes, menu)
        sides = []
        for side, learner in enumerate(self.sides):
            ratio = np.ones(len(x)) if learner is None else learner.predict(x)
            if self.not_negative:
                ratio = np.maximum(ratio, 0.0)
            level = strata.mean[:, side]
            sides.append(np.where(strata.constant[:, side], level, level * ratio[:, None]))
        return strata.combine(conversion, sides)

    def given_conversion(self, x: npt.NDArray[np.float32], known: npt.NDArray[np.int64]) -> Floats:
        """Return E[amount | conversion] under S coupons of the menu, float64 ``(n, S)``."""
        learner, level = self.sides[1], self.strata.mean[known + 1, 1]
        ratio = np.ones(len(x)) if learner is None else learner.predict(x)
        if self.not_negative:
            ratio = np.maximum(ratio, 0.0)
        constant = self.strata.constant[known + 1, 1]
        return np.asarray(np.where(constant, level, level * ratio[:, None]), dtype=np.float64)

    def state(self) -> State:
        """Return what was learnt."""
        state = State({"base": self.base, "not_negative": self.not_negative, "sides": []})
        state.put("strata", self.strata.state())
        fitted = [learner for learner in self.sides if learner is not None]
        state.facts["sides"] = [learner is not None for learner in self.sides]
        state.put_all("learners", [learner.state() for learner in fitted])
        return state

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Take back what :meth:`state` gave."""
        model = cls(state.facts["base"], not_negative=state.facts["not_negative"])
        model.strata = Strata.from_state(state.part("strata"))
        fitted = iter([base_learner(model.base).from_state(part) for part in state.parts("learners")])
        model.sides = [next(fitted) if there else None for there in state.facts["sides"]]
        return model


def _line_over_menu(
    menu: npt.NDArray[np.floating], amounts: Floats, attributes: npt.NDArray[np.floating]
) -> Floats:
    """Return amounts of new coupons, ``(S, m)``: the menu's mean and a ridge line in attributes around it."""
    middle = menu.mean(axis=0)
    centred = (menu - middle).astype(np.float64)
    gram = centred.T @ centred + _PENALTY_A_COLUMN * menu.shape[1] * np.eye(menu.shape[1])
    slopes = np.linalg.solve(gram, centred.T @ (amounts - amounts.mean(axis=0)))
    guess = amounts.mean(axis=0) + (attributes - middle) @ slopes
    never_negative = (amounts >= 0).all(axis=0)
    return np.asarray(np.where(never_negative, np.maximum(guess, 0.0), guess), dtype=np.float64)


def _only(amounts: Floats) -> float:
    """Return the one number that all rows hold, NaN where they differ or there are none."""
    return float(amounts[0]) if len(amounts) and (amounts == amounts[0]).all() else float("nan")
