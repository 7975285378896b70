"""Factorisation machine: every cross of two columns, its weight the product of two short vectors.

References
----------
.. [1] Rendle, S. (2010). Factorization machines. IEEE International Conference on Data Mining, 995-1000.
   https://doi.org/10.1109/ICDM.2010.127
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from couponry.instances.errors import require_extra
from couponry.instances.progress import Progress, Report
from couponry.predictors.conversion import ConversionLearner
from couponry.predictors.learner import TrainingRows, folds_by_user
from couponry.predictors.parameter_kinds import Number
from couponry.predictors.state import State

__all__ = ["FactorisationMachine"]

Floats = npt.NDArray[np.float64]
Inputs = npt.NDArray[np.float32]

_WEIGHTS = ("constant", "user", "coupon", "user_vectors", "coupon_vectors")
_HELD_FOLDS = 5
_RATE = 0.01
_UNNAMED = 0.3  # share of a coupon's rows on which its name is hidden, so that attributes can stand alone


class FactorisationMachine(ConversionLearner):
    """logit P = w₀ + Σ w_l z_l + Σ_{l<m} ⟨v_l, v_m⟩ z_l z_m, z being user, any coupon, attributes, name [1]_.

    Without a coupon the last three are 0. A new coupon has no name, which leaves what its attributes say.

    Parameters
    ----------
    seed, error_folds : int
        See :class:`~couponry.predictors.conversion.ConversionLearner`.
    rank : int
        Length of the vectors v.
    penalty : float
        Weight of ½(‖w‖² + ‖v‖²) against the sum of the rows' losses.
    epochs, patience : int
        Most passes over the rows; and after how many that do not lower the loss of a fifth of the users,
        which is kept apart, training ends.
    """

    name = "fm"
    from_attributes = True
    parameter_kinds: ClassVar = {"penalty": Number(0.0)}

    def __init__(
        self,
        *,
        seed: int = 0,
        rank: int = 4,
        penalty: float = 30.0,
        epochs: int = 30,
        patience: int = 3,
        error_folds: int = 0,
    ) -> None:
        super().__init__(seed=seed, error_folds=error_folds)
        self.rank = rank
        self.penalty = penalty
        self.epochs = epochs
        self.patience = patience

    def learn(self, rows: TrainingRows, progress: Report | None = None) -> None:
        """Train by Adam, and keep what did best on the users kept apart."""
        torch = require_extra("torch", "predict")
        former = torch.get_num_threads()
        torch.set_num_threads(1)  # batches this small only lose by threads
        try:
            self._train(torch, rows, progress)
        finally:
            torch.set_num_threads(former)

    def _train(self, torch: Any, rows: TrainingRows, progress: Report | None) -> None:
        held = folds_by_user(rows.user, _HELD_FOLDS, self.seed) == 0
        share = float(np.clip(rows.conversion.mean(), 1e-4, 1 - 1e-4))
        draw = np.random.default_rng(self.seed)
        menu = _described(np.arange(rows.arms), rows.coupons, rows.arms)
        start = {
            "constant": np.array([np.log(share / (1 - share))]),
            "user": np.zeros(rows.x.shape[1]),
            "coupon": np.zeros(menu.shape[1]),
            "user_vectors": draw.normal(0, 0.05, (rows.x.shape[1], self.rank)),
            "coupon_vectors": draw.normal(0, 0.05, (menu.shape[1], self.rank)),
        }
        weights = {name: torch.tensor(start[name], requires_grad=True) for name in _WEIGHTS}
        nameless = np.where(np.arange(menu.shape[1]) < menu.shape[1] - rows.arms, menu, 0.0)
        described = torch.tensor(np.vstack([np.zeros(menu.shape[1]), menu, nameless]))
        x, arm, y = (torch.tensor(a) for a in (rows.x.astype(np.float64), rows.arm + 1, rows.conversion))
        seen, judge = np.flatnonzero(~held), torch.tensor(np.flatnonzero(held))
        optimiser = torch.optim.Adam(list(weights.values()), lr=_RATE)
        cross_entropy = torch.nn.functional.binary_cross_entropy_with_logits
        batch = int(np.clip(len(seen) // 40, 64, 2048))
        best, since = np.inf, 0
        self.weights, self.losses = start, []
        for epoch in range(self.epochs):
            order = torch.tensor(draw.permutation(seen))
            for own in order.split(batch):
                optimiser.zero_grad()
                unnamed = (arm[own] > 0) & torch.tensor(draw.random(len(own)) < _UNNAMED)
                shown = arm[own] + rows.arms * unnamed
                loss = cross_entropy(_score(torch, weights, x[own], described, shown), y[own])
                ridge = sum((weights[name] ** 2).sum() for name in _WEIGHTS[1:])
                (loss + 0.5 * self.penalty / len(seen) * ridge).backward()
                optimiser.step()
            with torch.no_grad():
                loss = float(cross_entropy(_score(torch, weights, x[judge], described, arm[judge]), y[judge]))
            self.losses.append(loss)
            since += 1
            if loss < best:
                best, since = loss, 0
                self.weights = {name: w.detach().numpy().copy() for name, w in weights.items()}
            if progress:
                progress(Progress("training", epoch + 1, self.epochs, f"loss {loss:.4f}"))
            if since >= self.patience:
                break

    def probability(self, x: Inputs, known: npt.NDArray[np.int64], coupons: Inputs) -> Floats:
        """Return the probability under none and S coupons; new ones from their attributes."""
        w = self.weights
        names = len(w["coupon"]) - coupons.shape[1] - 1
        described = np.vstack([np.zeros(len(w["coupon"])), _described(known, coupons, names)])
        user, vector = x.astype(np.float64) @ w["user_vectors"], described @ w["coupon_vectors"]
        within_user = _pairs(user, (x.astype(np.float64) ** 2) @ (w["user_vectors"] ** 2).sum(axis=1))
        within_coupon = _pairs(vector, described**2 @ (w["coupon_vectors"] ** 2).sum(axis=1))
        score = w["constant"] + (x @ w["user"] + within_user)[:, None]
        score = score + described @ w["coupon"] + within_coupon + user @ vector.T
        return np.asarray(1 / (1 + np.exp(-score)), dtype=np.float64)

    def report(self) -> dict[str, Any]:
        """Return the losses on the users kept apart."""
        return {"learner": self.name, "losses": self.losses}

    def learnt(self) -> State:
        """Return weights and vectors."""
        return State({"losses": self.losses}, dict(self.weights))

    def relearn(self, state: State) -> None:
        """Take back what :meth:`learnt` gave."""
        self.losses = state.facts["losses"]
        self.weights = {name: state.arrays[name] for name in _WEIGHTS}


def _described(known: npt.NDArray[np.int64], coupons: npt.NDArray[np.floating], names: int) -> Floats:
    """Return a one, the attributes and the name of every coupon, float64 ``(S, 1 + c + J)``."""
    name = np.zeros((len(known), names))
    old = known >= 0
    name[np.flatnonzero(old), known[old]] = 1.0
    return np.hstack([np.ones((len(known), 1)), coupons.astype(np.float64), name])


def _pairs(total: Any, squares: Any) -> Any:
    """Return Σ_{l<m} ⟨v_l, v_m⟩ z_l z_m of Σ v z and Σ ‖v‖² z², in one pass [1]_."""
    return 0.5 * ((total**2).sum(1) - squares)


def _score(torch: Any, w: dict[str, Any], x: Any, described: Any, arm: Any) -> Any:
    user, vector = x @ w["user_vectors"], described @ w["coupon_vectors"]
    within_user = _pairs(user, (x**2) @ (w["user_vectors"] ** 2).sum(1))
    within_coupon = _pairs(vector, (described**2) @ (w["coupon_vectors"] ** 2).sum(1))
    coupon = (described @ w["coupon"] + within_coupon)[arm]
    return w["constant"] + x @ w["user"] + within_user + coupon + (user * vector[arm]).sum(1)
