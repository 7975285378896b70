"""Logistic response with effects in three layers, each as large as the data show.

    logit P(conversion | x, none) = φ(x)·b,    logit P(conversion | x, coupon j) = φ(x)·b + φ(x)·s + ψ(x)·u_j

φ are lines and bends (:mod:`.basis`), ψ all of φ where coupons are few, else what they differ in most. s is
what coupons have in common, u_j what is one coupon's own; those of coupons with alike attributes are expected
to be alike, so a new coupon has an effect, too. How large b, s and u are, lines and bends apart, and which
coupons truly appeal to the same people, is found by the evidence (:mod:`.evidence`): few rows shrink effects
to one average, many free them. Whether few of the u_j are large, unseen rows tell (:mod:`.belief`).

As all of it is linear in φ, only the sums φ'Wφ by arm meet the rows: 1,000,000 rows take a few passes, and a
model without a fold of the rows is the same sums less the fold's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from couponry.predictors.stack.basis import BEND, CONSTANT, LINE, Basis
from couponry.predictors.stack.belief import Believed
from couponry.predictors.stack.evidence import Group, penalty, posterior, tune
from couponry.predictors.stack.places import Places
from couponry.predictors.stack.sums import sigmoid, sums
from couponry.predictors.state import State

__all__ = ["FEW", "HierarchicalLogit"]

Floats = npt.NDArray[np.float64]

_CHUNK = 20_000
_ANSWERED = 2_000
_PASSES = 3
_FIRST_ROWS = 150_000  # the first passes only find where to linearise
_BY_ATTRIBUTE = 0.5  # share of the coupons' own effects that goes by attributes, before the data speak
_START = {"base": 0.03, "shared": 0.003, "own": 0.001}
_MOST_COEFFICIENTS = 2500
FEW = 3  # so few coupons cannot show what they share: each is by itself, with variances of its own
# Number and variance of coefficients as if seen before: coupons' averages differ by a tenth of a logit unless
# they do not, and effects are the same for everybody unless more than a few coefficients say otherwise.
_LEVELS_SEEN, _EFFECTS_SEEN = (2.0, 0.01), (2.0, 0.0)
_EXPECTED_SEEN = 2.0  # coefficients, where a variance is expected
# A coupon alone has nobody to be mistaken for, and evidence of one trial often finds no difference between
# users where there is a small one: lines and bends as if so many of them had been seen.
_ALONE_SEEN = {LINE: (20.0, 0.01), BEND: (20.0, 0.0025)}


class HierarchicalLogit:
    """Base, shared and own effects under penalties of most evidence.

    Parameters
    ----------
    additive : bool
        Effects add to the probability, P(conversion | x, coupon j) = σ(φ(x)·b) + unit · (φ(x)·s + ψ(x)·u_j),
        not to its logit. ``unit`` is what a logit is worth in probability, so penalties are as before.
    most : int
        Coefficients in all; coupons' own are left out where there would be more.
    expected : mapping from kind of function to float, optional
        Variance of effects, in squared logits, that all lines and all bends are expected to make, as if two
        of each group had been seen; by default the evidence is taken at its word, or drawn to nought.

    Attributes
    ----------
    table : ndarray of float64, shape (J + 1, q)
        Coefficients of φ: the base, then every coupon's effect.
    variance : ndarray of float64
        What the evidence found, in the order of ``names``.
    belief : dict of str to float
        How far it is taken what coupons were found to have in common, and that few of their own slopes are
        large: 0 not, 1 as found, above 1 further (:mod:`.belief`).
    """

    table: Floats
    variance: Floats
    belief: dict[str, float]

    def __init__(
        self,
        additive: bool = False,
        most: int = _MOST_COEFFICIENTS,
        expected: Mapping[int, float] | None = None,
    ) -> None:
        self.additive = additive
        self.most = most
        self.expected = expected
        self.unit: float | None = None

    def fit(
        self,
        x: npt.NDArray[np.float32],
        arm: npt.NDArray[np.int32],
        y: Floats,
        attributes: npt.NDArray[np.float32],
        fold: npt.NDArray[np.int64] | None = None,
    ) -> Self:
        """Learn from all rows; with ``fold``, also without each fold, for :meth:`unseen`.

        Parameters
        ----------
        x : ndarray of float32, shape (n, d)
            No gaps.
        arm : ndarray of int32, shape (n,)
            −1 for none.
        y : ndarray of float64, shape (n,)
        attributes : ndarray of float32, shape (J, c)
        fold : ndarray of int64, shape (n,), optional
        """
        arms = len(attributes)
        given = arm.astype(np.int64) + 1
        self.attributes = attributes.astype(np.float64)
        self.basis = Basis.of(x)
        self._start(given, y, arms)
        groups = self._lay_out(np.zeros(1, np.int64), arms)
        folds = np.zeros(len(y), np.int64) if fold is None else fold
        first = slice(None, None, max(1, len(y) // _FIRST_ROWS))
        for turn in range(_PASSES):
            last = turn == _PASSES - 1
            rows = slice(None) if last else first
            gram, right = sums(self.basis, self.table, self.unit, x[rows], given[rows], y[rows], folds[rows])
            whole = self.places.spread(gram.sum(axis=0), right.sum(axis=0))
            if last and first.step > 1:
                mean, covariance = posterior(*whole, penalty(groups, self.variance, self.places.size))
            else:
                groups, self.variance, mean, covariance = tune(*whole, groups, self.variance)
            if not last:
                self.table = self.places.theta(mean)
            if turn == 0:
                groups = self._widen(gram.sum(axis=0), right.sum(axis=0))
        believed = Believed.of(self.places, gram, right, groups, self.variance, mean)
        self.belief = {"correlation": believed.correlation, "heavy_tails": believed.tails}
        self.table = self.places.theta(believed.mean)
        self._without = [self.places.theta(found) for found in believed.without]
        self._keep_errors(gram[:, :, 0].sum(axis=(0, 1)), covariance)
        return self

    # ------------------------------------------------------------- what effects are made of

    def _start(self, given: npt.NDArray[np.int64], y: Floats, arms: int) -> None:
        """Linearise at the arms' averages first."""
        levels = np.array([_logit(y[given == a]) for a in range(arms + 1)])
        self.table = np.zeros((arms + 1, len(self.basis.kinds)))
        self.table[:, 0] = levels - np.append(0.0, np.repeat(levels[0], arms))
        if self.additive:
            p = sigmoid(levels)
            self.unit = float(np.mean(p * (1 - p)))
            self.table[1:, 0] = (p[1:] - p[0]) / self.unit

    def _lay_out(self, own: npt.NDArray[np.int64], arms: int, told: Floats | None = None) -> list[Group]:
        """Say where coefficients stand and which share a variance; ``told``: slopes, and their sizes."""
        self.places = Places(own, len(self.basis.kinds), arms)
        groups = self._groups(self.basis.kinds, told)
        self.variance = np.array([_START[name.split()[0]] for name in self.names])
        return groups

    def _widen(self, gram: Floats, right: Floats) -> list[Group]:
        """Let coupons differ in what tells most of them.

        That is read off a first fit, in which they differ in their levels alone: the slopes of every coupon's
        residuals, squared, in units of their errors.
        """
        arms, kinds = len(gram) - 1, self.basis.kinds
        slope = right[1:, 1] - np.einsum("jqr,q->jr", gram[1:, 1], self.table[0])
        slope -= np.einsum("jqr,jr->jq", gram[1:, 2], self.table[1:])
        size = np.maximum(np.einsum("jqq->jq", gram[1:, 2]), 1e-9)
        differs = np.maximum(slope**2 / size - 1, 0).sum(axis=0)
        each = max(0, (self.most - 2 * len(kinds)) // arms - 1)
        top = 1 + np.argsort(-differs[1:], kind="stable")[:each]
        return self._lay_out(np.append(0, np.sort(top)), arms, np.array([slope, size]))

    def _groups(self, kinds: npt.NDArray[np.int64], told: Floats | None) -> list[Group]:
        places, arms = self.places, self.places.arms
        q, apart = places.width, 1 < arms <= FEW
        self.names: list[str] = []
        groups = []
        none: Floats = np.zeros((2, 0))

        def add(
            name: str,
            at: npt.NDArray[np.int64],
            inverse: Floats,
            seen: tuple[float, float],
            absent: bool = False,
            rest: Floats = none,
            expected: Floats | None = None,
        ) -> None:
            if at.size:
                self.names.append(name)
                groups.append(Group(at, inverse, *seen, absent, rest, expected))

        def seen_of(kind: int, functions: int, usual: tuple[float, float]) -> tuple[float, float]:
            if self.expected is None:
                return usual
            parts = 1 if apart or arms == 1 else 2  # what coupons share, and what is a coupon's own
            return _EXPECTED_SEEN, self.expected[kind] / (parts * max(functions, 1))

        alone: Floats = np.ones((1, 1))
        for kind, word in ((LINE, "lines"), (BEND, "bends")):
            at = np.flatnonzero(kinds == kind)[:, None]
            add(f"base {word}", at, alone, (0.0, 0.0))
            seen = seen_of(kind, len(at), _ALONE_SEEN[kind] if arms == 1 else (0.0, 0.0))
            add(f"shared {word}", q + at, alone, seen, apart)
        if arms > 1:
            self.alike = _alike(self.attributes)
            inverse: Floats = np.asarray(np.linalg.inv(self.alike), dtype=np.float64)
            own = 2 * q + np.arange(arms) * len(places.own)
            for kind, word in ((CONSTANT, "level"), (LINE, "lines"), (BEND, "bends")):
                at = np.flatnonzero(kinds[places.own] == kind)[:, None] + own
                seen = _LEVELS_SEEN if kind == CONSTANT else seen_of(kind, len(at), _EFFECTS_SEEN)
                if kind == CONSTANT or not apart:
                    out = np.equal(kinds, kind)
                    out[places.own] = False
                    rest = none if told is None else told[:, :, out].reshape(2, -1)
                    # One level a coupon says nothing of who is like whom; many slopes do.
                    expected = None if kind == CONSTANT else self.alike
                    add(f"own {word}", at, inverse, seen, rest=rest, expected=expected)
                    continue
                for j in range(arms):
                    add(f"own {word} {j + 1}", at[:, [j]], alone, seen)
        return groups

    # ------------------------------------------------------------- passes over rows

    def _keep_errors(self, gram: Floats, covariance: Floats) -> None:
        """Keep the directions in which effects are least sure, as seen by customers like those of the log."""
        places = self.places
        q, no = places.width, len(places.own)
        metric = gram / gram[0, 0]
        half = np.linalg.cholesky(metric + 1e-6 * np.eye(q))
        self.error_factor = []
        for j in range(places.arms):
            at = [*range(q, 2 * q)]
            to = np.eye(q)
            if places.arms > 1:
                at += range(2 * q + j * no, 2 * q + (j + 1) * no)
                to = np.vstack([to, np.eye(q)[places.own]])
            own = to.T @ covariance[np.ix_(at, at)] @ to
            values, vectors = np.linalg.eigh(half.T @ own @ half)
            top = values.argsort()[::-1][:_ERROR_RANK]
            factor = np.linalg.solve(half.T, vectors[:, top] * np.sqrt(np.maximum(values[top], 0)))
            rest = max(0.0, float(values.sum() - values[top].sum()))
            self.error_factor.append((factor, rest))

    # ------------------------------------------------------------- answers

    def probability(
        self, x: npt.NDArray[np.float32], known: npt.NDArray[np.int64], attributes: npt.NDArray[np.float32]
    ) -> Floats:
        """Return probabilities under none and S coupons, ``(n, S + 1)``."""
        return np.asarray(self._answer(self.basis(x) @ self._arms(known, attributes)), dtype=np.float64)

    def _arms(
        self, known: npt.NDArray[np.int64], attributes: npt.NDArray[np.float32]
    ) -> npt.NDArray[np.float32]:
        return np.vstack([self.table[:1], self._effects(known, attributes)]).astype(np.float32).T

    def predict(
        self, x: npt.NDArray[np.float32], known: npt.NDArray[np.int64], attributes: npt.NDArray[np.float32]
    ) -> tuple[Floats, Floats]:
        """Return probabilities under none and S coupons, ``(n, S + 1)``, and errors of effects ``(n, S)``."""
        f = self.basis(x)
        p = self._answer(f @ self._arms(known, attributes))
        # One product for all coupons, which a cache holds for a few rows.
        factors = np.hstack([self.error_factor[max(int(j), 0)][0] for j in known]).astype(np.float32)
        rest = np.array([self.error_factor[max(int(j), 0)][1] for j in known])
        rest += np.where(known < 0, self.new_variance, 0.0)
        error = np.empty((len(x), len(known)))
        for first in range(0, len(x), _ANSWERED):
            rows = slice(first, first + _ANSWERED)
            deviation = np.square(f[rows] @ factors).reshape(-1, len(known), factors.shape[1] // len(known))
            error[rows] = np.sqrt(deviation.sum(axis=2) + rest)
        rise = p[:, 1:] * (1 - p[:, 1:]) if self.unit is None else self.unit
        return p.astype(np.float64), error * rise

    def _answer(self, score: Any) -> Any:
        if self.unit is None:
            score[:, 1:] += score[:, :1]
            return sigmoid(score)
        score[:, 0] = sigmoid(score[:, 0])
        score[:, 1:] = np.clip(score[:, :1] + self.unit * score[:, 1:], 0, 1)
        return score

    def unseen(self, x: npt.NDArray[np.float32], fold: npt.NDArray[np.int64]) -> Floats:
        """Return the training rows' probabilities by the model without their fold, ``(n, J + 1)``."""
        out = np.empty((len(x), len(self.table)))
        for k, table in enumerate(self._without):
            rows = np.flatnonzero(fold == k)
            for first in range(0, len(rows), _CHUNK):
                some = rows[first : first + _CHUNK]
                out[some] = self._answer(self.basis(x[some]) @ table.T)
        return out

    def _effects(self, known: npt.NDArray[np.int64], attributes: npt.NDArray[np.float32]) -> Floats:
        """Return the coupons' coefficients; a new one's own are those of coupons with attributes alike."""
        effects = self.table[1:][np.maximum(known, 0)].copy()
        new = known < 0
        if new.any():
            effects[new] = self.made_of(known, attributes)[new] @ self.table[1:]
        return effects

    def made_of(self, known: npt.NDArray[np.int64], attributes: npt.NDArray[np.float32]) -> Floats:
        """Return which of the menu's effects each coupon's is made of, ``(S, J)``; a new one's is of many."""
        arms = len(self.table) - 1
        made = np.eye(arms)[np.maximum(known, 0)]
        new = np.flatnonzero(known < 0)
        if len(new):
            weights = _alike(self.attributes, attributes[new].astype(np.float64)) @ np.linalg.inv(self.alike)
            made[new] = weights + (1 - weights.sum(axis=1, keepdims=True)) / arms
        return made

    @property
    def new_variance(self) -> float:
        """Variance of what a new coupon's effect has beyond its attributes, in squared logits."""
        v = dict(zip(self.names, self.variance, strict=True))
        return (1 - _BY_ATTRIBUTE) * float(v.get("own level", 0.0))

    def state(self) -> State:
        """Return what was learnt."""
        b = self.basis
        arrays = {
            "table": self.table,
            "variance": self.variance,
            "attributes": self.attributes,
            "factor": np.array([f for f, _ in self.error_factor]),
            "rest": np.array([r for _, r in self.error_factor]),
            "columns": b.columns,
            "bend_of": b.bend_of,
            "knots": b.knots,
            "slope": b.slope,
            "mean": b.mean,
            "scale": b.scale,
        }
        facts = {"names": self.names, "additive": self.additive, "unit": self.unit, "belief": self.belief}
        return State(facts, arrays)

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Take back what :meth:`state` gave."""
        a, model = state.arrays, cls(bool(state.facts["additive"]))
        model.unit = float(state.facts["unit"]) if model.additive else None
        model.table, model.variance = a["table"], a["variance"]
        model.belief = state.facts["belief"]
        model.attributes, model.names = a["attributes"], list(state.facts["names"])
        model.alike = _alike(model.attributes)
        model.error_factor = [(f, float(r)) for f, r in zip(a["factor"], a["rest"], strict=True)]
        model.basis = Basis(a["columns"], a["bend_of"], a["knots"], a["slope"], a["mean"], a["scale"])
        return model


_ERROR_RANK = 12


def _alike(menu: Floats, others: Floats | None = None) -> Floats:
    """Return the prior's correlation of coupons' own effects, ``(S, J)``, by attributes about the mean."""
    middle = menu.mean(axis=0)
    own = menu - middle
    size = float(np.square(own).sum(axis=1).mean()) if menu.shape[1] else 0.0
    if size <= 1e-9 or len(menu) < 4:
        return np.eye(len(menu)) if others is None else np.zeros((len(others), len(menu)))
    by_attribute: Floats = _BY_ATTRIBUTE * ((own if others is None else others - middle) @ own.T) / size
    return by_attribute + (1 - _BY_ATTRIBUTE) * np.eye(len(menu)) if others is None else by_attribute


def _logit(y: Floats) -> float:
    share = (y.sum() + 0.5) / (len(y) + 1)
    return float(np.log(share / (1 - share)))
