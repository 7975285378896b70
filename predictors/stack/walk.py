"""Boosted trees under all arms at once.

Most splits ask of the user alone. Arms that a tree treats alike, whatever the user, walk it together, so a
tree costs little more under twenty coupons than under one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numba import njit

__all__ = ["Walk", "read_trees"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class _Trees:
    """Trees one after another: nodes ask whether ``x[feature] <= threshold``; children below 0 are leaves.

    Attributes
    ----------
    feature, left, right : ndarray of int64, shape (nodes,)
        Positions of children count over all trees; a leaf ``l`` is written −1 − l.
    threshold : ndarray of float64, shape (nodes,)
    value : ndarray of float64, shape (leaves,)
    root, start, stop : ndarray of int64, shape (trees,)
        Root (or single leaf) of every tree, and between which nodes it stands.
    """

    feature: Ints
    threshold: Floats
    left: Ints
    right: Ints
    value: Floats
    root: Ints
    start: Ints
    stop: Ints


def read_trees(texts: Sequence[str]) -> _Trees:
    """Read LightGBM's own text format: splits of numbers without gaps, one output; several models in one."""
    parts: dict[str, list[npt.NDArray[np.float64]]] = {
        key: [] for key in ("split_feature", "threshold", "left_child", "right_child", "leaf_value")
    }
    roots, starts = [], []
    nodes = leaves = 0
    for text in texts:
        for tree in text.split("\nTree=")[1:]:
            lines = dict(line.split("=", 1) for line in tree.splitlines() if "=" in line)
            values = np.array(lines["leaf_value"].split(), dtype=np.float64)
            starts.append(nodes)
            roots.append(nodes if len(values) > 1 else -1 - leaves)
            if len(values) > 1:
                for key in ("split_feature", "threshold"):
                    parts[key].append(np.array(lines[key].split(), dtype=np.float64))
                for key in ("left_child", "right_child"):
                    child = np.array(lines[key].split(), dtype=np.float64)
                    parts[key].append(np.where(child >= 0, child + nodes, child - leaves))
                nodes += len(values) - 1
            parts["leaf_value"].append(values)
            leaves += len(values)
    empty = [np.zeros(0)]
    feature, threshold, left, right, value = (np.concatenate(empty + part) for part in parts.values())
    whole = [column.astype(np.int64) for column in (feature, left, right)]
    start = np.array(starts, dtype=np.int64)
    root, stop = np.array(roots, dtype=np.int64), np.append(start[1:], nodes).astype(np.int64)
    return _Trees(whole[0], threshold, whole[1], whole[2], value, root, start, stop)


class Walk:
    """Trees made ready for a table of arms.

    Parameters
    ----------
    trees : _Trees
        Of features of users, then of arms.
    arms : ndarray of float32, shape (A, f)
        What the trees see of every arm.
    width : int
        Number of users' features.
    """

    def __init__(self, trees: _Trees, arms: npt.NDArray[np.float32], width: int) -> None:
        self.trees = trees
        self.width = width
        of_arm = trees.feature >= width
        right = np.zeros((len(arms), len(trees.feature)), dtype=np.bool_)
        right[:, of_arm] = arms[:, trees.feature[of_arm] - width] > trees.threshold[of_arm]
        self.right = right
        self.group = np.zeros((len(trees.root), len(arms)), dtype=np.int64)
        speakers = []
        for t, start in enumerate(trees.start):
            asked = start + np.flatnonzero(of_arm[start : trees.stop[t]])
            _, speaker, self.group[t] = np.unique(
                right[:, asked], axis=0, return_index=True, return_inverse=True
            )
            speakers.append(speaker)
        self.groups = np.cumsum([0, *(len(speaker) for speaker in speakers)])
        self.speaker = np.concatenate(speakers)

    def __call__(self, x: npt.NDArray[np.float32]) -> Floats:
        """Return the sums over trees, float64 ``(n, A)``."""
        t = self.trees
        return np.asarray(
            _walk(
                np.ascontiguousarray(x, dtype=np.float32),
                self.width,
                t.feature,
                t.threshold,
                t.left,
                t.right,
                t.value,
                t.root,
                self.groups,
                self.speaker,
                self.group,
                self.right,
            )
        )


@njit(cache=True, nogil=True)
def _walk(x, width, feature, threshold, left, right, value, root, groups, speaker, group, goes_right):  # type: ignore[no-untyped-def]
    n, arms = len(x), group.shape[1]
    out = np.zeros((n, arms))
    told = np.empty(arms)
    for i in range(n):
        for t in range(len(root)):
            count = groups[t + 1] - groups[t]
            for g in range(count):
                arm = speaker[groups[t] + g]
                at = root[t]
                while at >= 0:
                    f = feature[at]
                    if f < width:
                        at = left[at] if x[i, f] <= threshold[at] else right[at]
                    else:
                        at = right[at] if goes_right[arm, at] else left[at]
                told[g] = value[-1 - at]
            if count == 1:
                for a in range(arms):
                    out[i, a] += told[0]
            else:
                for a in range(arms):
                    out[i, a] += told[group[t, a]]
    return out
