"""Trees boosted on what coupons add to the probability, each leaf with a number for every arm.

Ordinary boosting over users and coupons splits by whatever explains outcomes, which is who buys anyway;
what one coupon does where two features meet is found late. Here a round grows a tree for everybody's base,
then either one whose leaves hold an effect of every coupon, for coupons that respond to the same features,
or one a coupon, for those that do not: whichever explains more. Leaves are drawn towards nought
(:mod:`.growth`), so that a coupon without rows in a leaf says nothing there.

Everything starts from a base and mean effects; residuals are weighed by 1 / p(1 − p), the inverse
of their variance. Each fold has trees that did not learn from it; it ends them once it gains no more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from couponry.predictors.stack.growth import MOST_BINS, add_values, grow, walk
from couponry.predictors.state import State

__all__ = ["EffectTrees"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_CHUNK, _SAMPLE = 20_000, 50_000
_ROUNDS, _PATIENCE, _RATE = 80, 5, 0.2
_LEAVES, _LEAST_GAIN, _LEAST_ROWS = 10, 3.0, 50
_EVERYBODY = (0.05, 0.0, 0.0)  # variances in squared logits: of the base alone,
_TOGETHER = (0.05, 0.02, 0.02)  # of base, shared and own effects,
_ALONE = (0.03, 0.0, 0.0)  # and of one coupon's effect
_LEAST_VARIANCE = 0.003
_FIELDS = ("feature", "threshold", "left", "right", "value", "root", "first", "last", "fold")


@dataclass
class _Forest:
    """Trees one after another; positions of children count over all trees.

    Attributes
    ----------
    feature, left, right : ndarray of int64, shape (nodes,)
        ``feature`` is −1 at leaves.
    threshold : ndarray of float32, shape (nodes,)
    value : ndarray of float64, shape (nodes, J + 1)
    root, first, last, fold : ndarray of int64, shape (trees,)
        Which arms a tree speaks of, and which fold it did not learn from.
    """

    feature: Ints
    threshold: npt.NDArray[np.float32]
    left: Ints
    right: Ints
    value: Floats
    root: Ints
    first: Ints
    last: Ints
    fold: Ints

    def add(self, x: npt.NDArray[np.float32], trees: npt.NDArray[Any], out: Floats) -> None:
        """Add what some trees say to ``out``, ``(n, J + 1)``."""
        x = np.ascontiguousarray(x, dtype=np.float32)
        parts = (self.root[trees], self.first[trees], self.last[trees])
        walk(x, self.feature, self.threshold, self.left, self.right, self.value, *parts, out)


class EffectTrees:
    """P(conversion | user, arm) by a start and trees that add to it.

    Attributes
    ----------
    middle : ndarray of float64, shape (J,)
        Mean effects at the start.
    """

    middle: Floats
    forest: _Forest

    def fit(
        self,
        x: npt.NDArray[np.float32],
        arm: npt.NDArray[np.int32],
        y: Floats,
        start: Floats,
        fold: Ints,
    ) -> Self:
        """Boost without each fold.

        Parameters
        ----------
        x : ndarray of float32, shape (n, d)
        arm : ndarray of int32, shape (n,)
            −1 for none.
        y : ndarray of float64, shape (n,)
        start : ndarray of float64, shape (n, J + 1)
            Probabilities under none and every coupon, from models that did not see the row.
        fold : ndarray of int64, shape (n,)
        """
        given = arm.astype(np.int64) + 1
        self.middle = (start[:, 1:] - start[:, :1]).mean(axis=0)
        self.folds = int(fold.max()) + 1
        told = start[:, 0] + np.append(0.0, self.middle)[given]
        edges = _edges(x)
        binned = np.column_stack([np.searchsorted(e, x[:, j]) for j, e in enumerate(edges)]).astype(np.uint8)
        grown = [
            (k, tree)
            for k in range(self.folds)
            for tree in _boost(binned, edges, given, y, told.copy(), fold == k, len(self.middle) + 1)
        ]
        self.forest = _joined(grown, edges, len(self.middle) + 1)
        return self

    def unseen(self, x: npt.NDArray[np.float32], start: Floats, fold: Ints) -> Floats:
        """Return rows' probabilities by the trees without their fold, ``(n, J + 1)``."""
        out = self._begin(start[:, 0])
        for k in range(self.folds):
            rows = np.flatnonzero(fold == k)
            added = np.zeros((len(rows), out.shape[1]))
            self.forest.add(x[rows], self.forest.fold == k, added)
            out[rows] += added
        return np.clip(out, 0.0, 1.0)

    def predict(self, x: npt.NDArray[np.float32], base: Floats, menu: Floats) -> Floats:
        """Return probabilities under none and S coupons, ``(n, S + 1)``.

        Parameters
        ----------
        x : ndarray of float32, shape (n, d)
        base : ndarray of float64, shape (n,)
            Probability at the start under none.
        menu : ndarray of float64, shape (S, J)
            Of which coupons' effects each coupon's is made.
        """
        added = np.zeros((len(x), len(self.middle) + 1))
        self.forest.add(x, np.ones(len(self.forest.root), np.bool_), added)
        out = self._begin(base) + added / self.folds
        effect = out[:, 1:] - out[:, :1]
        if menu.shape[0] != menu.shape[1] or (menu != np.eye(len(menu))).any():
            effect = effect @ menu.T
        return np.clip(np.hstack([out[:, :1], out[:, :1] + effect]), 0.0, 1.0)

    def _begin(self, base: Floats) -> Floats:
        return np.asarray(base[:, None] + np.append(0.0, self.middle))

    def state(self) -> State:
        """Return the trees."""
        arrays = {name: getattr(self.forest, name) for name in _FIELDS}
        return State({"folds": self.folds}, arrays | {"middle": self.middle})

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Take back what :meth:`state` gave."""
        model = cls()
        model.folds, model.middle = int(state.facts["folds"]), state.arrays["middle"]
        model.forest = _Forest(*(state.arrays[name] for name in _FIELDS))
        return model


@dataclass
class _Tree:
    """A tree as it was grown, and which arms it speaks of."""

    feature: Ints
    bound: Ints
    left: Ints
    right: Ints
    value: Floats
    gain: float
    first: int
    last: int


def _boost(
    binned: npt.NDArray[np.uint8],
    edges: list[npt.NDArray[np.float32]],
    given: Ints,
    y: Floats,
    told: Floats,
    judges: npt.NDArray[np.bool_],
    arms: int,
) -> list[_Tree]:
    """Return the trees up to the round after which the judges' rows gained no more."""
    bins = np.array([len(e) + 1 for e in edges], dtype=np.int64)
    p = np.clip(told, 1e-4, 1 - 1e-4)
    weight = 1 / np.maximum(p * (1 - p), _LEAST_VARIANCE)
    unit = float(np.mean(p * (1 - p))) ** 2  # a squared logit in squared probability
    rows, nought = np.flatnonzero(~judges), np.zeros(len(y), np.int64)
    every, own = np.arange(len(y)), [np.flatnonzero(given == a) for a in range(arms)]
    learnt = [part[~judges[part]] for part in own]

    def tree(use: Ints, variances: tuple[float, float, float], first: int, last: int, width: int) -> _Tree:
        at = given if width > 1 else nought
        prior = tuple(v * unit for v in variances)
        limits = (_LEAVES, _LEAST_GAIN, _LEAST_ROWS)
        feature, bound, left, right, value, gain = grow(
            binned, bins, at, weight * (y - told), weight, use, width, prior, *limits
        )
        return _Tree(feature, bound, left, right, value, gain, first, last)

    def take(new: _Tree) -> _Tree:
        new.value = _RATE * np.broadcast_to(new.value, (len(new.feature), arms))
        use = every if new.last - new.first > 1 else own[new.first]
        add_values(binned, given, use, new.feature, new.bound, new.left, new.right, new.value, told)
        return new

    kept: list[_Tree] = []
    best, ends, last = _loss(y, told, weight, judges), 0, 0
    for turn in range(1, _ROUNDS + 1):
        base = tree(rows, _EVERYBODY, 0, arms, 1)
        kept += [take(base)] if base.gain > 0 else []
        together = tree(rows, _TOGETHER, 0, arms, arms)
        alone = [tree(learnt[a], _ALONE, a, a + 1, 1) for a in range(1, arms)]
        chosen = [together] if together.gain >= sum(one.gain for one in alone) else alone
        found = [take(new) for new in chosen if new.gain > 0]
        kept += found
        loss = _loss(y, told, weight, judges)
        if loss < best:
            best, ends, last = loss, len(kept), turn
        if turn - last >= _PATIENCE or not found:
            break
    return kept[:ends]


def _loss(y: Floats, told: Floats, weight: Floats, judges: npt.NDArray[np.bool_]) -> float:
    return float((weight[judges] * np.square(y[judges] - told[judges])).sum())


def _edges(x: npt.NDArray[np.float32]) -> list[npt.NDArray[np.float32]]:
    """Return where each feature is cut into at most ``MOST_BINS`` parts."""
    some = x[:: max(1, len(x) // _SAMPLE)]
    edges = []
    for column in some.T:
        values = np.unique(column)
        if len(values) > MOST_BINS:
            cuts = np.unique(np.quantile(column, np.arange(1, MOST_BINS) / MOST_BINS))
        else:
            cuts = (values[1:] + values[:-1]) / 2
        edges.append(np.unique(cuts.astype(np.float32)))
    return edges


def _joined(grown: list[tuple[int, _Tree]], edges: list[npt.NDArray[np.float32]], arms: int) -> _Forest:
    """Put trees one after another, bins turned back into thresholds."""
    sizes = [len(tree.feature) for _, tree in grown]
    root = np.concatenate([[0], np.cumsum(sizes)])[:-1].astype(np.int64)
    none = np.zeros(0, np.int64)
    feature = np.concatenate([none, *(tree.feature for _, tree in grown)])
    bound = np.concatenate([none, *(tree.bound for _, tree in grown)])
    cut = [edges[f][b] if f >= 0 else 0.0 for f, b in zip(feature, bound, strict=True)]
    left, right = (
        np.concatenate([none, *(getattr(tree, side) + at for at, (_, tree) in zip(root, grown, strict=True))])
        for side in ("left", "right")
    )
    first, last = (np.array([getattr(t, end) for _, t in grown], dtype=np.int64) for end in ("first", "last"))
    value = np.concatenate([np.zeros((0, arms)), *(tree.value for _, tree in grown)])
    fold = np.array([k for k, _ in grown], dtype=np.int64)
    return _Forest(feature, np.array(cut, dtype=np.float32), left, right, value, root, first, last, fold)
