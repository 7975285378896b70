"""How far an ensemble's effects may be off, in the eyes of models that do not share its mistakes.

Members of an ensemble agree on more than they know: what draws all of them towards the mean, or makes all of
them add effects to the logit, shows in no spread. Two hierarchical models (:mod:`.stack.hierarchical`) know
by the evidence how much effects differ between users, and by how much they are unsure of each: one adds them
to the logit, the other to the probability. With their effects h_k(x), standard errors s_k(x) and V_k, the
variance of true effects over users, an answer v has the expected squared error

    mean over k of  (1 − b)² · (v − h_k(x))² + s_k(x)² + share · V_k.

b is the slope of outcomes on v − h among rows that the members behind v have not seen, the best linear
predictor of what the models miss [1]_: 0 where the models are right, 1 where the ensemble is, as where it
reads texts and they do not. It is drawn towards 0 by its standard error. The models count alike. They see
every feature by itself, as lines and bends; what features tell only together is taken for a tenth of all that
effects vary, as rows are too few to tell it.

References
----------
.. [1] Chernozhukov, V., Demirer, M., Duflo, E., & Fernandez-Val, I. (2018). Generic machine learning
   inference on heterogeneous treatment effects in randomized experiments. NBER working paper 24678.
   https://doi.org/10.3386/w24678
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from couponry.predictors.learner import TrainingRows
from couponry.predictors.stack.basis import BEND, LINE
from couponry.predictors.stack.hierarchical import HierarchicalLogit
from couponry.predictors.state import State

__all__ = ["SecondOpinion"]

Floats = npt.NDArray[np.float64]
Floats32 = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

_MOST_ROWS, _MOST_COLUMNS, _MOST_COEFFICIENTS = 300_000, 100, 400
_ASKED = 2_000  # users over whom effects vary
_SHARE_TOGETHER = 0.1
_NOUGHT = 1e-12
_SLOPE_SPREAD = 0.5  # of the slope, about 0, before any row is seen
# Evidence of few rows often finds no difference between users and no doubt: a quarter of a logit is expected.
_EXPECTED = {LINE: 0.06, BEND: 0.02}


@dataclass(frozen=True)
class SecondOpinion:
    """Hierarchical models to hold another model's effects against.

    Attributes
    ----------
    columns : ndarray of int64
        The features that they look at.
    models : tuple of HierarchicalLogit
    together : float
        Variance of what features tell only together.
    borne_out : float
        Share, between 0 and 1, of what the ensemble's effects differ from theirs that unseen rows bear out.
    """

    columns: Ints
    models: tuple[HierarchicalLogit, ...]
    together: float
    borne_out: float

    @classmethod
    def of(cls, rows: TrainingRows, told: npt.NDArray[np.floating], unseen: Ints, seed: int = 0) -> Self:
        """Learn from a log.

        Parameters
        ----------
        rows : TrainingRows
            With features that are numbers.
        told : ndarray, shape (m, J + 1)
            Probabilities of a conversion under none and every coupon, by members that have not seen the row.
        unseen : ndarray of int64, shape (m,)
            For which rows.
        seed : int
            Of which rows are learnt from, where there are more than 300,000.
        """
        generator = np.random.default_rng(seed)
        part = rows.take(generator.permutation(rows.n)[:_MOST_ROWS]) if rows.n > _MOST_ROWS else rows
        columns = _telling(part.x, part.arm, part.conversion)
        models = tuple(
            HierarchicalLogit(additive, _MOST_COEFFICIENTS, _EXPECTED).fit(
                np.ascontiguousarray(part.x[:, columns]), part.arm, part.conversion, part.coupons
            )
            for additive in (False, True)
        )
        some = generator.permutation(len(unseen))[:_MOST_ROWS]
        judged = rows.take(unseen[some])
        x, known, variance = np.ascontiguousarray(judged.x[:, columns]), np.arange(rows.arms), []
        for model in models:
            probability, error = model.predict(x[:_ASKED], known, rows.coupons)
            effect = probability[:, 1:] - probability[:, :1]
            variance.append(float((effect.var(axis=0) + np.square(error).mean(axis=0)).mean()))
        own = np.mean([model.probability(x, known, rows.coupons) for model in models], axis=0)
        return cls(
            columns,
            models,
            _SHARE_TOGETHER * float(np.mean(variance)),
            _borne_out(own, np.asarray(told[some], np.float64), judged.arm, judged.conversion),
        )

    def error(self, x: Floats32, known: Ints, coupons: Floats32, effect: npt.NDArray[np.floating]) -> Floats:
        """Return the root of the expected squared error of effects, ``(n, S)``.

        Parameters
        ----------
        x : ndarray of float32, shape (n, d)
        known : ndarray of int64, shape (S,)
            −1 for a new coupon.
        coupons : ndarray of float32, shape (S, c)
        effect : ndarray, shape (n, S)
        """
        x = np.ascontiguousarray(x[:, self.columns])
        square = np.full(effect.shape, self.together)
        for model in self.models:
            probability, error = model.predict(x, known, coupons)
            off = (1 - self.borne_out) * (effect - (probability[:, 1:] - probability[:, :1]))
            square += (np.square(off) + np.square(error)) / len(self.models)
        return np.asarray(np.sqrt(square), dtype=np.float64)

    def state(self) -> State:
        """Return what was learnt."""
        state = State({"together": self.together, "borne_out": self.borne_out}, {"columns": self.columns})
        state.put_all("models", [model.state() for model in self.models])
        return state

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Take back what :meth:`state` gave."""
        models = tuple(HierarchicalLogit.from_state(part) for part in state.parts("models"))
        facts = (float(state.facts[name]) for name in ("together", "borne_out"))
        return cls(state.arrays["columns"], models, *facts)


def _telling(x: Floats32, arm: npt.NDArray[np.int32], y: Floats) -> Ints:
    """Return the columns, at most a hundred, by which outcomes differ most within arms."""
    if x.shape[1] <= _MOST_COLUMNS:
        return np.arange(x.shape[1])
    told = np.zeros(x.shape[1])
    for a in np.unique(arm):
        part, rest = x[arm == a], y[arm == a] - y[arm == a].mean()
        told += np.square(rest @ part) / np.maximum(len(rest) * part.var(axis=0), 1e-9)
    return np.sort(np.argsort(-told, kind="stable")[:_MOST_COLUMNS])


def _borne_out(own: Floats, told: Floats, arm: npt.NDArray[np.int32], y: Floats) -> float:
    """Return the slope of outcomes on what effects differ, other than by base and by arms' means."""
    every, given = np.arange(len(arm)), arm + 1
    differ = told - own
    aside = np.column_stack([own[:, 0], differ[:, 0], np.eye(own.shape[1])[given]])
    column = differ[every, given] - differ[:, 0]
    column = column - aside @ np.linalg.lstsq(aside, column, rcond=None)[0]
    size = float(column @ column)
    if size <= _NOUGHT:
        return 0.0
    residual = y - own[every, given]
    noise = float(np.square(column * residual).sum()) / size**2
    slope = float(column @ residual) / size
    return float(np.clip(slope * _SLOPE_SPREAD**2 / (_SLOPE_SPREAD**2 + noise), 0.0, 1.0))
