"""A causal forest for many arms: it finds where coupons do something else than elsewhere.

Trees are grown on residuals r = y − m(x, arm) of an outcome model, so that what the model explains, and
with it confounding by the features, is taken out first [1]_. A split is good if the arms' mean residuals
differ in other ways on its two sides: coupons against none, and, with equal weight, coupons against one
another. Half of a tree's rows choose the splits, the other half says what the leaves hold [2]_; so the
spread between leaves can be held against chance, and leaves are drawn towards the mean by as much as
chance explains. Rows outside a tree judge it.

References
----------
.. [1] Athey, S., Tibshirani, J., & Wager, S. (2019). Generalized random forests. Annals of Statistics,
   47(2), 1148-1178. https://doi.org/10.1214/18-AOS1709
.. [2] Athey, S., & Imbens, G. (2016). Recursive partitioning for heterogeneous causal effects. PNAS, 113(27),
   7353-7360. https://doi.org/10.1073/pnas.1510489113
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from couponry.predictors.cores import spare_cores
from couponry.predictors.stack.bins import Bins
from couponry.predictors.stack.grow import add_values, apply_tree, grow_tree, leaf_sums, mean_of_trees
from couponry.predictors.state import State

__all__ = ["Forest", "ForestSettings"]

Floats = npt.NDArray[np.float64]
Tree = tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]


@dataclass(frozen=True)
class ForestSettings:
    """How a forest grows.

    Attributes
    ----------
    trees : int
    depth : int
        Most splits on a way down.
    leaf_share : float
        Least share of a tree's rows on either side of a split, in arms with and without coupon each.
    least_leaf : int
        Least rows on either side, likewise.
    row_share : float
        Rows that a tree is given, as a share of all; half of them choose splits.
    most_rows : int
        Most rows that a tree is given.
    feature_share : float
        Share of the features that a split may choose from.
    """

    trees: int = 100
    depth: int = 6
    leaf_share: float = 0.01
    least_leaf: int = 50
    row_share: float = 0.6
    most_rows: int = 200_000
    feature_share: float = 0.4


class Forest:
    """Multi-arm causal forest on residuals.

    Parameters
    ----------
    seed : int
    settings : ForestSettings
    """

    def __init__(self, seed: int = 0, settings: ForestSettings | None = None) -> None:
        self.seed = seed
        self.settings = settings or ForestSettings()

    def fit(
        self,
        x: npt.NDArray[np.float32],
        arm: npt.NDArray[np.int32],
        residual: Floats,
        weight: Floats,
        arms: int,
    ) -> Floats:
        """Grow the trees; return every row's effects by the trees that have not seen it, ``(n, J)``.

        Parameters
        ----------
        x : ndarray of float32, shape (n, d)
        arm : ndarray of int32, shape (n,)
            −1 for none.
        residual, weight : ndarray of float64, shape (n,)
            Weights undo unequal propensities.
        arms : int
            J.
        """
        s = self.settings
        self.bins = Bins.of(x)
        codes = self.bins.codes(x)
        given = arm.astype(np.int64) + 1
        n = len(given)
        used = min(int(n * s.row_share), s.most_rows)
        least = max(s.least_leaf, int(s.leaf_share * used / 2))
        features = max(1, round(s.feature_share * x.shape[1]))
        total, seen = np.zeros((n, arms)), np.zeros(n)

        def one(number: int) -> tuple[Tree, npt.NDArray[np.int64]]:
            rng = np.random.default_rng([self.seed, number])
            rows = rng.permutation(n)[:used]
            grown, told = rows[: used // 2], rows[used // 2 :]
            seed = int(rng.integers(2**31))
            nodes = grow_tree(
                codes,
                given,
                residual,
                weight,
                grown,
                self.bins.count,
                features,
                least,
                s.depth,
                arms + 1,
                seed,
            )
            leaf = apply_tree(codes, nodes)
            sums = leaf_sums(leaf[told], given[told], residual[told], weight[told], len(nodes), arms + 1)
            value = _leaf_values(sums, nodes[:, 0] < 0).astype(np.float32)
            leaf[rows] = -1
            return (nodes, value), leaf

        self.trees: list[Tree] = []
        with ThreadPoolExecutor(spare_cores()) as pool:
            for tree, unseen in pool.map(one, range(s.trees)):
                self.trees.append(tree)
                add_values(total, seen, unseen, tree[1])
        self._lay_out()
        return total / np.maximum(seen, 1)[:, None]

    def _lay_out(self) -> None:
        """Put all trees into one table, for one walk over the rows."""
        starts = np.cumsum([0, *(len(nodes) for nodes, _ in self.trees[:-1])])
        self._nodes = np.concatenate([nodes for nodes, _ in self.trees])
        self._values = np.concatenate([value for _, value in self.trees])
        self._starts = starts.astype(np.int64)

    def predict(self, x: npt.NDArray[np.float32]) -> Floats:
        """Return effects beyond the outcome model's, float64 ``(n, J)``."""
        return np.asarray(mean_of_trees(self.bins.codes(x), self._nodes, self._values, self._starts))

    def state(self) -> State:
        """Return edges and trees."""
        arrays: dict[str, npt.NDArray[Any]] = {"edges": self.bins.edges, "count": self.bins.count}
        arrays["sizes"] = np.array([len(nodes) for nodes, _ in self.trees], dtype=np.int64)
        arrays["nodes"] = np.concatenate([nodes for nodes, _ in self.trees])
        arrays["values"] = np.concatenate([value for _, value in self.trees])
        return State({"seed": self.seed}, arrays)

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Take back what :meth:`state` gave."""
        forest = cls(int(state.facts["seed"]))
        a = state.arrays
        forest.bins = Bins(a["edges"], a["count"])
        cuts = np.cumsum(a["sizes"])[:-1]
        forest.trees = list(zip(np.split(a["nodes"], cuts), np.split(a["values"], cuts), strict=True))
        forest._lay_out()
        return forest


def _leaf_values(sums: Floats, is_leaf: npt.NDArray[np.bool_]) -> Floats:
    """Return effects by node, ``(m, J)``, drawn towards their mean as far as chance explains their spread."""
    w, r, rr, ww = sums
    mean = np.divide(r, w, out=np.zeros_like(r), where=w > 0)
    whole = float(rr.sum() / max(w.sum(), 1e-12))
    noise = np.divide(ww * whole, w * w, out=np.full_like(w, np.inf), where=w > 0)
    given, none = w[:, 1:], w[:, :1]
    any_w = given.sum(axis=1)
    any_mean = np.divide(r[:, 1:].sum(axis=1), any_w, out=np.zeros(len(w)), where=any_w > 0)
    any_noise = np.divide(
        ww[:, 1:].sum(axis=1) * whole, any_w**2, out=np.full(len(w), np.inf), where=any_w > 0
    )
    shared = _drawn(any_mean - mean[:, 0], any_noise + noise[:, 0], any_w + none[:, 0], is_leaf)
    if given.shape[1] == 1:
        return shared[:, None]
    own = np.column_stack(
        [_drawn(mean[:, j] - any_mean, noise[:, j], w[:, j], is_leaf) for j in range(1, w.shape[1])]
    )
    return shared[:, None] + own


def _drawn(estimate: Floats, noise: Floats, weight: Floats, is_leaf: npt.NDArray[np.bool_]) -> Floats:
    use = is_leaf & np.isfinite(noise) & (weight > 0)
    if use.sum() < 2:
        return np.zeros(len(estimate))
    share = weight * use / weight[use].sum()
    centre = float((share * np.where(use, estimate, 0.0)).sum())
    spread = float((share * np.where(use, (estimate - centre) ** 2 - noise, 0.0)).sum())
    kept = np.zeros(len(estimate)) if spread <= 0 else spread / (spread + noise)
    return np.where(use, centre + kept * (estimate - centre), centre)
